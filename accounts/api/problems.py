"""Every refusal as RFC 9457 problem+json, in the reader's language."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg.errors
import structlog
from django.core import exceptions as django_exceptions
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from rest_framework import exceptions as drf

from accounts.refusals import ErrorItem, Refusal

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"

TITLES = {
    "malformed": _("The request cannot be read"),
    "invalid": _("The request is not valid"),
    "unknown_field": _("The request has an unknown field"),
    "idempotency_key_missing": _("The Idempotency-Key header is missing"),
    "not_authenticated": _("No valid key was given"),
    "forbidden": _("Not allowed"),
    "not_found": _("Not found"),
    "method_not_allowed": _("This method is not allowed here"),
    "not_acceptable": _("This format is not offered"),
    "unsupported_media_type": _("This content type is not read here"),
    "out_of_stock": _("Not enough stock"),
    "price_changed": _("A price has changed"),
    "not_for_sale": _("Not for sale"),
    "out_of_season": _("Out of season"),
    "credit_exceeded": _("The credit limit is exceeded"),
    "month_closed": _("The month is closed"),
    "wrong_state": _("Not possible in this state"),
    "in_flight": _("The same is being done right now"),
    "too_large": _("The request is too large"),
    "idempotency_key_reused": _("The Idempotency-Key was used for something else"),
    "throttled": _("Too many requests"),
    "unavailable": _("Not available right now"),
    "server_error": _("Something went wrong on our side"),
}

DRF_CODES: list[tuple[type[drf.APIException], str]] = [
    (drf.ParseError, "malformed"),
    (drf.NotAuthenticated, "not_authenticated"),
    (drf.AuthenticationFailed, "not_authenticated"),
    (drf.PermissionDenied, "forbidden"),
    (drf.NotFound, "not_found"),
    (drf.MethodNotAllowed, "method_not_allowed"),
    (drf.NotAcceptable, "not_acceptable"),
    (drf.UnsupportedMediaType, "unsupported_media_type"),
    (drf.Throttled, "throttled"),
]

#: What PostgreSQL says when somebody else holds what we need.
BUSY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


def problem(
    request: Any,
    *,
    status: int,
    code: str,
    detail: object = None,
    errors: Sequence[ErrorItem] = (),
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    """Return the problem document; without `detail` the title says it."""
    title = TITLES.get(code, _("Not possible"))
    response = JsonResponse(
        {
            "type": f"/problems/{code}",
            "title": str(title),
            "status": status,
            "detail": str(detail or title),
            "code": code,
            "request_id": getattr(request, "request_id", ""),
            "errors": [
                {"pointer": e.pointer, "code": e.code, "detail": str(e.detail), **e.extra}
                for e in errors
            ],
        },
        status=status,
        content_type=CONTENT_TYPE,
        headers=headers,
        json_dumps_params={"ensure_ascii": False},
    )
    # DRF would finish its own responses with the negotiated renderer; this one is done.
    response.exception = True  # type: ignore[attr-defined]
    return response


def problem_response(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Turn what a view raised into a problem; anything unknown is left to be raised."""
    # The view module reads its settings when it is imported, and they name this function.
    from rest_framework.views import set_rollback

    set_rollback()
    request = context["request"]
    if isinstance(exc, Refusal):
        return problem(
            request,
            status=exc.status,
            code=exc.code,
            detail=exc.detail,
            errors=exc.errors,
            headers=exc.headers,
        )
    if isinstance(exc, drf.ValidationError):
        return _invalid(request, list(_items(exc.detail, "")))
    if isinstance(exc, drf.APIException):
        return _from_drf(request, exc)
    if isinstance(exc, Http404):
        return problem(request, status=404, code="not_found", detail=_("Not found."))
    if isinstance(exc, django_exceptions.PermissionDenied):
        return problem(request, status=403, code="forbidden")
    if isinstance(exc, django_exceptions.RequestDataTooBig):
        return problem(request, status=413, code="too_large")
    if isinstance(exc, django_exceptions.ValidationError):
        messages = [ErrorItem("", "invalid", message) for message in exc.messages]
        return _invalid(request, messages)
    if isinstance(exc, django_exceptions.SuspiciousOperation):
        return problem(request, status=400, code="malformed")
    if isinstance(exc, (OperationalError, InterfaceError)):
        return _from_database(request, exc)
    if isinstance(exc, IntegrityError):
        return _from_constraint(request, exc)
    return None


def _invalid(request: Any, errors: list[ErrorItem]) -> JsonResponse:
    unknown = any(error.code == "unknown_field" for error in errors)
    code = "unknown_field" if unknown else "invalid"
    detail = errors[0].detail if len(errors) == 1 else _("Some of the content is not valid.")
    return problem(request, status=400, code=code, detail=detail, errors=errors)


def _items(detail: Any, pointer: str) -> Iterable[ErrorItem]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            # Errors of the object as a whole belong to the object's own pointer.
            step = "" if name == "non_field_errors" else f"/{_escaped(str(name))}"
            yield from _items(inner, pointer + step)
    elif isinstance(detail, (list, tuple)):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, (Mapping, list))
            if nested and not inner:
                continue
            yield from _items(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        code = getattr(detail, "code", "invalid")
        yield ErrorItem(pointer, code, str(detail))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _from_drf(request: Any, exc: drf.APIException) -> JsonResponse:
    code = next((code for kind, code in DRF_CODES if isinstance(exc, kind)), None)
    if code is None:
        code = "too_large" if exc.status_code == 413 else str(exc.default_code)
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(exc, drf.Throttled):
        headers["Retry-After"] = str(max(1, round(getattr(exc, "wait", None) or 1)))
    return problem(request, status=exc.status_code, code=code, detail=exc.detail, headers=headers)


def _from_database(request: Any, exc: Exception) -> JsonResponse:
    if isinstance(exc.__cause__, BUSY):
        return problem(request, status=409, code="in_flight", headers={"Retry-After": "1"})
    log.error("database_unavailable", error=type(exc.__cause__ or exc).__name__)
    return problem(request, status=503, code="unavailable", headers={"Retry-After": "2"})


def _from_constraint(request: Any, exc: IntegrityError) -> JsonResponse | None:
    # The last wall held. A rule that callers meet in practice has its own refusal before it.
    name = getattr(getattr(exc.__cause__, "diag", None), "constraint_name", None)
    if not name:
        return None
    log.warning("constraint_refused", constraint=name)
    code = "month_closed" if name == "ledger_month_is_open" else "wrong_state"
    return problem(request, status=409, code=code)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's own 400s, such as an unknown host."""
    if isinstance(exception, django_exceptions.RequestDataTooBig):
        return problem(request, status=413, code="too_large")
    if _is_api(request) or exception is None:
        return problem(request, status=400, code="malformed")
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _is_api(request):
        return problem(request, status=403, code="forbidden")
    return defaults.permission_denied(request, exception or Exception())


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _is_api(request):
        return problem(request, status=404, code="not_found", detail=_("Not found."))
    return defaults.page_not_found(request, exception or Http404())


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return problem(request, status=500, code="server_error")
    return defaults.server_error(request)
