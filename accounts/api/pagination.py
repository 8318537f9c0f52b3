"""Keyset pages: each page starts right after a row, so no page costs more than the first."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.refusals import ErrorItem, Invalid

DEFAULT_SIZE = 20
MAX_SIZE = 100


class KeysetPagination(BasePagination):
    """
    Pages over an ordering whose last column is unique and whose columns are never null.

    A view names `ordering`, or `orderings` by the value of `?ordering=`; the first
    of those is the default. The cursor holds the columns of the row at the page's
    edge, so rows that come or go never shift a page.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.ordering = ordering_of(request, view)
        size = page_size(request)
        cursor = request.query_params.get("cursor", "")
        backwards, position = _read_cursor(cursor, len(self.ordering))
        ordering = _reversed(self.ordering) if backwards else self.ordering
        found = self.fetch(queryset, ordering, position, size + 1)
        more, found = len(found) > size, found[:size]
        if backwards:
            found.reverse()
        self.has_next = bool(found) and (backwards or more)
        self.has_previous = bool(found) and (more if backwards else position is not None)
        self.rows = found
        return found

    def fetch(
        self, queryset: Any, ordering: Sequence[str], position: Sequence[Any] | None, limit: int
    ) -> list[Any]:
        """Return the first `limit` rows after `position`."""
        rows = queryset.order_by(*ordering)
        if position is not None:
            rows = _after(rows, ordering, position)
        return list(rows[:limit])

    def get_next_link(self) -> str | None:
        return self._link(self.rows[-1], backwards=False) if self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(self.rows[0], backwards=True) if self.has_previous else None

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data}
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Where the page starts; take it from `next` or `previous`.",
                "schema": {"type": "string"},
            },
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_SIZE,
                    "default": DEFAULT_SIZE,
                },
            },
        ]

    def _link(self, row: Any, *, backwards: bool) -> str:
        position = [_value(row, column.lstrip("-")) for column in self.ordering]
        cursor = write_cursor(position, backwards=backwards)
        # Written anew: a client may have sent the query as raw UTF-8.
        parameters = self.request.query_params.copy()
        parameters["cursor"] = cursor
        return f"{self.request.build_absolute_uri(self.request.path)}?{parameters.urlencode()}"


def page_size(request: Request) -> int:
    """Return the asked page size; raise Invalid when it is not within 1 to 100."""
    text = request.query_params.get("page_size", str(DEFAULT_SIZE))
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MAX_SIZE):
        detail = _("The page size lies between 1 and %(max)d.") % {"max": MAX_SIZE}
        raise Invalid(errors=[ErrorItem("/page_size", "invalid", detail)])
    return int(text)


def ordering_of(request: Request, view: Any) -> Sequence[str]:
    """Return the columns to order by; raise Invalid when the view does not offer the asked one."""
    orderings: Mapping[str, Sequence[str]] = getattr(view, "orderings", {})
    if not orderings:
        return list(view.ordering)
    asked = request.query_params.get("ordering", next(iter(orderings)))
    if asked not in orderings:
        detail = _("Order by one of: %(names)s.") % {"names": ", ".join(orderings)}
        raise Invalid(errors=[ErrorItem("/ordering", "invalid", detail)])
    return list(orderings[asked])


def write_cursor(position: Sequence[Any], *, backwards: bool = False) -> str:
    """Return the opaque text for the row whose ordering columns are `position`."""
    content = json.dumps(
        ["b" if backwards else "f", *map(_packed, position)], separators=(",", ":")
    )
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _read_cursor(text: str, columns: int) -> tuple[bool, list[Any] | None]:
    if not text:
        return False, None
    try:
        padded = text + "=" * (-len(text) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        direction, *position = content
        if direction not in ("f", "b") or len(position) != columns:
            raise ValueError(direction)
        return direction == "b", [_unpacked(value) for value in position]
    except (binascii.Error, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise _bad_cursor() from error


def _bad_cursor() -> Invalid:
    return Invalid(errors=[ErrorItem("/cursor", "invalid", _("This cursor is not valid."))])


# Values keep their type, so that the database compares like with like.
def _packed(value: Any) -> Any:
    match value:
        case bool() | int() | str():
            return value
        case Decimal():
            return {"d": str(value)}
        case datetime():
            return {"t": value.isoformat()}
        case date():
            return {"o": value.isoformat()}
        case UUID():
            return str(value)
    raise TypeError(f"{type(value).__name__} cannot be part of an ordering")


def _unpacked(value: Any) -> Any:
    match value:
        case bool() | int():
            if abs(value) < 2**63:
                return value
        case str():
            value.encode()  # raises ValueError for lone surrogates
            if "\0" not in value:
                return value
        case {"d": str(text)}:
            number = Decimal(text)
            if number.is_finite():
                return number
        case {"t": str(text)}:
            return datetime.fromisoformat(text)
        case {"o": str(text)}:
            return date.fromisoformat(text)
    raise ValueError("not a value of an ordering")


def _reversed(ordering: Sequence[str]) -> list[str]:
    return [c[1:] if c.startswith("-") else f"-{c}" for c in ordering]


def _after(
    rows: models.QuerySet[Any], ordering: Sequence[str], position: Sequence[Any]
) -> models.QuerySet[Any]:
    # (a, b) > (x, y) as a > x or (a = x and b > y), since directions may differ; the
    # first comparison alone lets an index on a start at the right place.
    beyond, equal = Q(), Q()
    for column, value in zip(ordering, position, strict=True):
        name = column.lstrip("-")
        beyond |= equal & Q(**{f"{name}__{'lt' if column.startswith('-') else 'gt'}": value})
        equal &= Q(**{name: value})
    first = ordering[0]
    bound = Q(**{f"{first.lstrip('-')}__{'lte' if first.startswith('-') else 'gte'}": position[0]})
    try:
        return rows.filter(bound & beyond)
    except (TypeError, ValueError) as error:
        raise _bad_cursor() from error


def _value(row: Any, column: str) -> Any:
    if isinstance(row, Mapping):
        return row[column]
    for name in column.split("__"):
        row = getattr(row, name)
    return row
