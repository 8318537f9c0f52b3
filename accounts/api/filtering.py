"""Filters by query parameters, of which a misspelt one is refused instead of ignored."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request

from accounts.refusals import ErrorItem, Invalid

ALWAYS_KNOWN = {"cursor", "page_size", "ordering", "format"}


def refuse_unknown_parameters(request: Request, known: set[str]) -> None:
    """Raise Invalid when the address has a parameter that is not in `known`."""
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise Invalid(
            errors=[
                ErrorItem(f"/{name}", "unknown_parameter", _("There is no such parameter."))
                for name in unknown
            ]
        )


class StrictFilterBackend(DjangoFilterBackend):
    """The view's declared filters, and no others."""

    def filter_queryset(
        self, request: Request, queryset: models.QuerySet[Any], view: Any
    ) -> models.QuerySet[Any]:
        filterset = self.get_filterset_class(view, queryset)
        known = set(filterset.base_filters) if filterset else set()
        refuse_unknown_parameters(request, known | ALWAYS_KNOWN)
        return super().filter_queryset(request, queryset, view)
