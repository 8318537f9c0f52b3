"""What every request passes besides Django's own middleware."""

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import structlog
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from prometheus_client import Histogram

log = structlog.get_logger(__name__)
SECONDS = Histogram(
    "haowu_request_seconds", "How long answers took.", ["method", "route", "status"]
)


class ObserveMiddleware:
    """Log and count every answer, by route: an address itself may hold what nobody should read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        took = time.perf_counter() - began
        route = request.resolver_match.route if request.resolver_match else "none"
        # Methods are the caller's free text; counters must not grow with them.
        method = request.method if request.method in {"GET", "POST", "HEAD"} else "other"
        SECONDS.labels(method, route, response.status_code).observe(took)
        log.info(
            "answered",
            method=method,
            route=route,
            status=response.status_code,
            milliseconds=round(took * 1000, 1),
        )
        return response


class PolicyMiddleware(CSPMiddleware):
    """The strict Content-Security-Policy everywhere but in the admin, whose theme needs more."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if request.path.startswith("/admin/"):
            response._csp_replace = settings.LOOSER_CSP  # type: ignore[attr-defined]
        elif request.path.startswith("/api/") and not hasattr(response, "_csp_update"):
            # Nothing in an answer of the API can ask for more.
            response.headers["Content-Security-Policy"] = self.strict
            return response
        return super().process_response(request, response)

    @cached_property
    def strict(self) -> str:
        """Return the policy without what pages may add to it."""
        return super().process_response(HttpRequest(), HttpResponse())["Content-Security-Policy"]


class PagesOnly:
    """Middleware that the API does without: whoever calls it brings a key, and no cookies."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path.startswith("/api/"):
            return self.get_response(request)  # type: ignore[attr-defined]
        return super().__call__(request)  # type: ignore[misc]


class SessionMiddleware(PagesOnly, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(PagesOnly, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(PagesOnly, messages.MessageMiddleware):
    pass
