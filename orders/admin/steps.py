"""Pages of the admin that ask for what a step needs, and take it by one service call."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin import SUPPLIER, OwnedAdmin, actor_of
from accounts.dialogs import tell
from accounts.refusals import Refusal


class ReasonForm(forms.Form):
    """Why it is done, for those whom it concerns and for the audit trail."""

    reason = forms.CharField(
        label=_("Reason"), max_length=500, widget=UnfoldAdminTextareaWidget({"rows": 3})
    )


def found(model_admin: OwnedAdmin, request: HttpRequest, object_id: str) -> Any:
    """Return the row that the caller may see; raise Http404 for any other."""
    row = model_admin.get_object(request, object_id)
    if row is None:
        raise Http404
    return row


def only_suppliers(request: HttpRequest) -> None:
    """Raise PermissionDenied unless the caller works for a supplier."""
    if actor_of(request) != SUPPLIER:
        raise PermissionDenied


def taken(request: HttpRequest, step: Callable[[], object], *, done: str | Promise) -> bool:
    """Take a step, and say `done` or why it is refused; return whether it was taken."""
    try:
        step()
    except Refusal as refusal:
        tell(request, refusal)
        return False
    messages.success(request, str(done))
    return True


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
