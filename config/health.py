"""Whether the process is up, whether its parts are reachable, and what it has counted."""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django_prometheus.exports import ExportToDjangoView
from kombu.exceptions import OperationalError as BrokerFailed
from redis import Redis, RedisError

from .celery import app

HEARTBEAT = "worker-heartbeat"
LOOPBACK = {"127.0.0.1", "::1", ""}


def process_is_up(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def parts_are_reachable(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database, broker and a worker answer, else 503 naming who does not."""
    parts = {
        name: "ok" if reachable() else "unreachable"
        for name, reachable in {
            "database": _database,
            "broker": _broker,
            "worker": _worker,
        }.items()
    }
    ready = set(parts.values()) == {"ok"}
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", **parts}, status=200 if ready else 503
    )


def metrics(request: HttpRequest) -> HttpResponse:
    """Export Prometheus metrics to the own machine, or to who knows METRICS_TOKEN."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    expected = settings.METRICS_TOKEN
    if expected:
        allowed = secrets.compare_digest(given.encode(), expected.encode())
    else:
        allowed = not settings.PRODUCTION and request.META.get("REMOTE_ADDR", "") in LOOPBACK
    if not allowed:
        return HttpResponseNotFound()
    return ExportToDjangoView(request)


def _answers(question: Callable[[], object], *failures: type[Exception]) -> bool:
    try:
        return bool(question())
    except failures:
        return False


def _database() -> bool:
    def ask() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())

    return _answers(ask, OperationalError)


def _broker() -> bool:
    return _answers(
        lambda: Redis.from_url(settings.BROKER_URL, socket_timeout=2).ping(), RedisError
    )


def _worker() -> bool:
    # Worker nodes publish heartbeats of their own; asking them costs one round trip.
    return _answers(lambda: app.control.ping(timeout=1, limit=1), BrokerFailed, RedisError, OSError)
