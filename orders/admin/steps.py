"""Pages of the admin that ask for what a step needs, and take it by one service call."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise

from accounts.admin import SUPPLIER, OwnedAdmin, actor_of


def only_suppliers(request: HttpRequest) -> None:
    """Raise PermissionDenied unless the caller works for a supplier."""
    if actor_of(request) != SUPPLIER:
        raise PermissionDenied


def to_page_of(row: Model) -> HttpResponse:
    """Go to the row's page."""
    return redirect(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", row.pk)


def step_page(
    model_admin: OwnedAdmin,
    request: HttpRequest,
    row: Model,
    *,
    title: str | Promise,
    template: str = "admin/orders/step.html",
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """Return the page that asks for what a step about a row needs."""
    return render(
        request,
        template,
        {
            **model_admin.admin_site.each_context(request),
            "opts": model_admin.opts,
            "original": row,
            "title": title,
            **context,
        },
        status=status,
    )
