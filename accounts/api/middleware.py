"""The request's id, its door in the audit trail, and addresses that no database could hold."""

import re
import uuid
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import structlog
from django.http import HttpRequest, HttpResponse

from accounts.models import AuditEntry
from accounts.services.audit import came_in_by

from .problems import bad_request

SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware:
    """
    Give every request an id that its answer, its log lines and its audit entries carry.

    Requests whose address holds NUL or is not UTF-8 end here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if SANE_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        via = AuditEntry.Via.ADMIN if request.path.startswith("/admin/") else AuditEntry.Via.API
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            came_in_by(via, request_id=request_id),
        ):
            response = self.get_response(request) if _sane(request) else bad_request(request)
        response["X-Request-ID"] = request_id
        return response


def _sane(request: HttpRequest) -> bool:
    for part in (request.META.get("PATH_INFO", ""), request.META.get("QUERY_STRING", "")):
        if "%00" in part or "\0" in part:
            return False
        try:
            unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            return False
    return True
