"""How many requests a key or an address may send in a minute."""

import time
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from redis import Redis, RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

log = structlog.get_logger(__name__)

WINDOW = 60
# Whoever waits longer for a counter than for the answer is not protected by it.
PATIENCE = 0.5
READS = {"GET", "HEAD", "OPTIONS"}


@cache
def _counters() -> Redis:
    # Django's cache would ask three times: whether there is a counter, for more, for an end.
    return Redis.from_url(
        settings.CACHES["default"]["LOCATION"],
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
    )


class WindowThrottle(BaseThrottle):
    """
    Count requests in fixed windows, mostly of a minute, in one atomic step and one round trip.

    Without the cache everything passes: this protects from haste, not from
    attackers, whose password guesses are counted in the database.
    """

    window = WINDOW

    def bucket(self, request: Request) -> str | None:
        """Return `kind:who`, or None when this throttle does not count the request."""
        raise NotImplementedError

    def allowed(self, bucket: str) -> int:
        """Return how many requests of a bucket pass in a window."""
        return settings.THROTTLE_PER_MINUTE[bucket.partition(":")[0]]

    def allow_request(self, request: Request, view: Any) -> bool:
        bucket = self.bucket(request) if settings.THROTTLE_ENABLED else None
        return bucket is None or self.allows(bucket)

    def allows(self, bucket: str) -> bool:
        """Count one more of the bucket; return whether it is still within its limit."""
        window = int(time.time() // self.window)
        key = f"throttle:{bucket}:{window}"
        try:
            steps = _counters().pipeline(transaction=False)
            steps.incr(key)
            steps.expire(key, self.window + 5)
            count: int = steps.execute()[0]
        except (RedisError, OSError):
            log.warning("throttle_without_cache")
            return True
        return count <= self.allowed(bucket)

    def wait(self) -> float:
        return self.window - time.time() % self.window


class KeyThrottle(WindowThrottle):
    """Requests with a key, reads and writes apart."""

    def bucket(self, request: Request) -> str | None:
        if request.auth is None:
            return None
        kind = "key_read" if request.method in READS else "key_write"
        return f"{kind}:{request.auth.pk}"


class AddressThrottle(WindowThrottle):
    """Requests without a key, by address."""

    def bucket(self, request: Request) -> str | None:
        if request.auth is not None:
            return None
        return f"address_read:{address_of(request)}"


class FormThrottle(WindowThrottle):
    """Lets a public form be sent so often in an hour from an address."""

    window = 3_600

    def __init__(self, form: str, *, per_hour: int) -> None:
        self.form, self.per_hour = form, per_hour

    def allowed(self, bucket: str) -> int:
        return self.per_hour

    def takes(self, request: HttpRequest) -> bool:
        """Count one more sending of the form; return whether it is still within its limit."""
        return not settings.THROTTLE_ENABLED or self.allows(f"{self.form}:{address_of(request)}")


def throttled_page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let a public page be read as often from an address as the API without a key."""
    throttle = AddressThrottle()

    @wraps(view)
    def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        bucket = f"address_read:{address_of(request)}"
        if not settings.THROTTLE_ENABLED or throttle.allows(bucket):
            return view(request, *args, **kwargs)
        return HttpResponse(
            str(_("Too many requests; try again in a minute.")),
            status=429,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": str(int(throttle.wait()) + 1)},
        )

    return counted


def address_of(request: Request | HttpRequest) -> str:
    """Return the caller's address; X-Forwarded-For counts only as far as there are proxies."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if settings.NUM_PROXIES and len(forwarded) >= settings.NUM_PROXIES and forwarded[0]:
        return forwarded[-settings.NUM_PROXIES].strip()
    return request.META.get("REMOTE_ADDR", "")
