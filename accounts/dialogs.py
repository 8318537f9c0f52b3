"""Buttons of the admin that ask back before something is done, and what they tell."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import ActionDialog
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from .refusals import Refusal


class NoteForm(BaseDialogForm):
    """A remark, if there is one."""

    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )


class WhyForm(forms.Form):
    """Why it is done, for the audit trail and for those whom it concerns."""

    reason = forms.CharField(
        label=_("Reason"), max_length=500, widget=UnfoldAdminTextareaWidget({"rows": 3})
    )


class ReasonForm(WhyForm, BaseDialogForm):
    """The same, asked in a dialog."""


def dialog(
    title: str | Promise,
    description: str | Promise = "",
    *,
    form: type[BaseDialogForm] = BaseDialogForm,
) -> ActionDialog:
    """Return what a button asks: its own words again, what follows, and a form."""
    return {
        "title": title,  # type: ignore[typeddict-item]
        "description": description,  # type: ignore[typeddict-item]
        "form_class": form,
        "form_submit_text": title,  # type: ignore[typeddict-item]
    }


def tell(request: HttpRequest, refusal: Refusal) -> None:
    """Show a refusal with everything that is wrong."""
    for detail in [item.detail for item in refusal.errors] or [refusal.detail]:
        messages.error(request, str(detail))


def taken(request: HttpRequest, step: Callable[[], object], *, done: str | Promise) -> bool:
    """Take a step, and say `done`, if anything, or why it is refused; return whether it was."""
    try:
        step()
    except Refusal as refusal:
        tell(request, refusal)
        return False
    if done:
        messages.success(request, str(done))
    return True


def do_and_return(
    request: HttpRequest, do: Callable[[], object], *, done: str | Promise
) -> HttpResponse:
    """Do what a button of a row stands for, and return to the row with `done` or the refusal."""
    taken(request, do, done=done)
    address = request.path.rstrip("/").rpartition("/")[0] + "/change/"
    # The dialog lives in the page, which goes on only when told so.
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)
