"""The selection centre's queue and its review page."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from accounts.admin import BY_OWN_PEOPLE, SUPPLIER, VIEW, OwnedAdmin, actor_of
from accounts.api.authentication import actor
from accounts.dialogs import tell
from accounts.models import User
from accounts.refusals import Refusal
from shop.models import ListingVersion
from shop.services.content import content_of, differences
from shop.services.documents import check_documents
from shop.services.hints import price_hints, twins_of
from shop.services.reviewing import (
    approve_version,
    return_version,
    take_version,
    withdraw_version,
)

COLOURS = {
    ListingVersion.Status.SUBMITTED: "warning",
    ListingVersion.Status.IN_REVIEW: "info",
    ListingVersion.Status.APPROVED: "success",
    ListingVersion.Status.RETURNED: "danger",
    ListingVersion.Status.WITHDRAWN: "default",
}


class Step(NamedTuple):
    """What can be done with a version, and which fields of the form that takes."""

    take: Callable[..., ListingVersion]
    takes: tuple[str, ...] = ()


STEPS = {
    "take": Step(take_version),
    "approve": Step(approve_version, ("note",)),
    "return": Step(return_version, ("reason", "note")),
    "withdraw": Step(withdraw_version),
}


class WaitingFilter(admin.SimpleListFilter):
    """The queue unless something else is asked for."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("waiting", _("Waiting")),
            ("mine", _("Mine")),
            ("first", _("First listings")),
            ("changes", _("Changes")),
            ("returned", _("Returned, not submitted again")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "waiting":
                return queryset.waiting()
            case "mine":
                return queryset.waiting().filter(reviewer=request.user)
            case "first":
                return queryset.waiting().filter(is_first=True)
            case "changes":
                return queryset.waiting().filter(is_first=False)
            case "returned":
                return queryset.returned()
        return queryset


class DecisionForm(forms.Form):
    reason = forms.ChoiceField(
        choices=[("", "—"), *ListingVersion.Reason.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    note = forms.CharField(
        max_length=500, required=False, widget=UnfoldAdminTextareaWidget({"rows": 3})
    )


@admin.register(ListingVersion)
class ListingVersionAdmin(OwnedAdmin):
    """What waits for the selection centre, the oldest first, and what became of it."""

    rights = {**BY_OWN_PEOPLE, SUPPLIER: VIEW}
    list_display = ["product", "supplier", "number", "what", "stage", "waits", "reviewer",
                    "submitted_at"]  # fmt: skip
    list_filter = [WaitingFilter, "status", "is_first"]
    list_select_related = ["product__supplier", "reviewer"]
    search_fields = ["product__code", "product__name", "product__supplier__name"]
    ordering = ["-decided_at", "submitted_at"]
    change_form_template = "admin/shop/listingversion/review.html"

    @display(description=_("supplier"), ordering="product__supplier__name")
    def supplier(self, version: ListingVersion) -> Any:
        return version.product.supplier

    @display(description=_("kind"), ordering="is_first")
    def what(self, version: ListingVersion) -> Any:
        return _("first listing") if version.is_first else _("change")

    @display(description=_("status"), label=COLOURS, ordering="status")
    def stage(self, version: ListingVersion) -> tuple[str, str]:
        return version.status, version.get_status_display()

    @display(description=_("waits"), ordering="submitted_at")
    def waits(self, version: ListingVersion) -> str:
        waiting = version.status in ListingVersion.WAITING
        return timesince(version.submitted_at, depth=1) if waiting else ""

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        name = "shop_listingversion_decide"
        return [path("<int:pk>/decide/<str:step>/", decide, name=name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        context = self._context(request, version) if version else {}
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )

    def _context(self, request: HttpRequest, version: ListingVersion) -> dict[str, Any]:
        """Return what the page shows of a version to whoever may see it."""
        product, today = version.product, timezone.localdate()
        waiting = version.status in ListingVersion.WAITING
        before = version.before
        if waiting and not version.is_first:
            before = content_of(product, day=today)
        reviews = actor_of(request) in (User.Role.REVIEWER, User.Role.ADMIN)
        return {
            "title": _("Review") if reviews and waiting else _("Version"),
            "version": version,
            "differences": differences(before, version.content),
            "is_waiting": waiting,
            "earlier": product.versions.exclude(pk=version.pk).select_related("decided_by")[:10],
            "may_decide": reviews and waiting and version.seconded_by_id != actor(request).pk,
            "may_withdraw": waiting and actor_of(request) == SUPPLIER,
            "decision_form": DecisionForm(),
            "prices": price_hints(version, day=today) if reviews else [],
            "twins": twins_of(version) if reviews else [],
            "documents": check_documents(product, version.content, day=today) if reviews else [],
            "reviews": reviews,
        }

    def decide(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """Do one step with a version, and show it again."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        version, form = self.get_object(request, str(pk)), DecisionForm(request.POST)
        if version is None or step not in STEPS:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))
        if not form.is_valid():
            messages.error(request, _("Please check the note and the reason."))
            return redirect("admin:shop_listingversion_change", pk)
        given = {name: form.cleaned_data[name] for name in STEPS[step].takes}
        try:
            version = STEPS[step].take(version, **given, by=actor(request), now=timezone.now())
        except Refusal as refusal:
            tell(request, refusal)
        else:
            messages.success(request, _("Done: %(status)s.") % {"status": self._said(version)})
        return redirect("admin:shop_listingversion_change", pk)

    def _said(self, version: ListingVersion) -> Any:
        if version.status == ListingVersion.Status.IN_REVIEW and version.seconded_by_id:
            return _("approved once, a second reviewer follows")
        return version.get_status_display()
