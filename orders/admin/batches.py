"""Pages of batches: what suppliers made, what proves it, and where it went."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.decorators import display

from accounts.admin import (
    BY_OWN_PEOPLE,
    EDIT,
    SUPPLIER,
    OwnedAdmin,
    OwnedStackedInline,
    Rights,
    actor_of,
)
from accounts.api.authentication import actor
from accounts.api.downloads import csv_download
from accounts.api.serializers import plain
from accounts.dialogs import WhyForm, taken
from accounts.forms import UploadField
from accounts.models import User
from orders.services.contact import contact_of
from orders.services.recalling import export_lines, knows_contacts, lines_of_batch
from shop.models import SKU, Batch, BatchDocument
from shop.services.batches import problems_of, recall_batch, save_batch, save_document

from .steps import step_page, to_page_of

KEPT_BY_SUPPLIER: Rights = {**BY_OWN_PEOPLE, SUPPLIER: EDIT}
#: Who may call a batch back.
RECALLING = (SUPPLIER, User.Role.REVIEWER, User.Role.OFFICE, User.Role.ADMIN)
#: How many of the lines a page shows; the CSV has all.
SHOWN = 200


class BatchForm(forms.ModelForm):  # type: ignore[type-arg]
    """A batch, checked as it will be when it is saved, so that the form shows all that is wrong."""

    by: User

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        batch = self.instance
        stored = Batch.objects.get(pk=batch.pk) if batch.pk else None
        day = timezone.localdate()
        for error in problems_of(batch, stored=stored, by=self.by, day=day):
            self.add_error(error.pointer.removeprefix("/"), str(error.detail))


class BatchDocumentInline(OwnedStackedInline):
    model = BatchDocument
    rights = KEPT_BY_SUPPLIER
    formfield_overrides = {models.FileField: {"form_class": UploadField}}
    fields = [("kind", "number"), "issuer", ("issued_on", "valid_until"), "file", "is_public"]


class StateFilter(admin.SimpleListFilter):
    """What may still leave, and what may not."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("here", _("can be shipped")),
            ("expired", _("expired")),
            ("gone", _("used up")),
            ("recalled", _("recalled")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        today = timezone.localdate()
        match self.value():
            case "here":
                return queryset.shippable(today)
            case "expired":
                return queryset.filter(expires_on__lt=today, left__gt=0)
            case "gone":
                return queryset.filter(left=0)
            case "recalled":
                return queryset.exclude(recalled_at=None)
        return queryset


@admin.register(Batch)
class BatchAdmin(OwnedAdmin):
    rights = KEPT_BY_SUPPLIER
    form = BatchForm
    list_display = ["code", "product", "produced_on", "expires_on", "rest", "state", "trace_code"]
    list_filter = [StateFilter]
    list_select_related = ["product", "sku"]
    search_fields = ["code", "product__name", "trace_code"]
    autocomplete_fields = ["product", "sku", "base"]
    fields = [
        ("code", "product"), ("quantity", "sku"), ("produced_on", "expires_on"), "base",
    ]  # fmt: skip
    inlines = [BatchDocumentInline]
    change_form_outer_before_template = "admin/shop/batch/before.html"
    change_form_outer_after_template = "admin/shop/batch/lines.html"

    @display(description=_("left"), ordering="left")
    def rest(self, batch: Batch) -> str:
        return with_measure(batch, batch.left)

    @display(
        description=_("state"),
        label={"recalled": "danger", "expired": "warning", "gone": "info", "here": "success"},
    )
    def state(self, batch: Batch) -> tuple[str, Any]:
        return state_of(batch)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was called back stays as it is."""
        stays = isinstance(obj, Batch) and obj.is_recalled
        return not stays and super().has_change_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("product", "sku", "recalled_by")

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, *args, **kwargs)
        form.by = request.user
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_batch(obj, by=actor(request), now=timezone.now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for document in [*formset.new_objects, *(row for row, _f in formset.changed_objects)]:
            save_document(document, by=actor(request), now=timezone.now())

    def get_urls(self) -> list[URLPattern]:
        def named(step: str, view: Any) -> URLPattern:
            address, name = f"<path:object_id>/{step}/", f"shop_batch_{step}"
            return path(address, self.admin_site.admin_view(view), name=name)

        return [named("recall", self.recall), named("export", self.export), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        batch = self.get_object(request, object_id)
        context = self._context(request, batch) if isinstance(batch, Batch) else {}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def _context(self, request: HttpRequest, batch: Batch) -> dict[str, Any]:
        by, links = actor(request), lines_of_batch(batch)
        told = knows_contacts(by)
        lines = [
            (link, told and contact_of(link.line.consignment, link.line.order.address, by=by))
            for link in links[:SHOWN]
        ]
        may_recall = actor_of(request) in RECALLING and not batch.is_recalled
        return {
            "batch": batch,
            "state": state_of(batch),
            "rest": with_measure(batch, batch.left),
            "lines": lines,
            "more_lines": len(lines) == SHOWN and links.count() - SHOWN,
            "knows_contacts": told,
            "may_recall": may_recall,
        }

    def recall(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Call the batch back for the reason that is given."""
        batch = self.found(request, object_id)
        if actor_of(request) not in RECALLING:
            raise PermissionDenied
        form = WhyForm(request.POST or None)
        if form.is_valid() and taken(
            request,
            lambda: recall_batch(
                batch, reason=form.cleaned_data["reason"], by=actor(request), now=timezone.now()
            ),
            done=_("The batch is recalled; its public page says so from now on."),
        ):
            return to_page_of(batch)
        return step_page(
            self,
            request,
            batch,
            title=_("Recall batch %(batch)s") % {"batch": batch.code},
            description=_(
                "Nothing of it leaves any more, and whoever scans its code reads the reason. "
                "This cannot be taken back."
            ),
            form=form,
            is_dangerous=True,
        )

    @method_decorator(require_safe)
    def export(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Return where the batch went, as CSV."""
        batch, now = self.found(request, object_id), timezone.now()
        name = f"批次去向-{batch.code}-{timezone.localdate(now)}.csv"
        return csv_download(export_lines(batch, by=actor(request), now=now), name)


def with_measure(batch: Batch, quantity: Decimal) -> str:
    """Return a quantity of a batch, which comes with its SKU, as it is read."""
    unit = batch.sku.get_unit_display() if batch.sku else SKU.Unit.KG.label
    return f"{plain(quantity)} {unit}"


def state_of(batch: Batch) -> tuple[str, Any]:
    """Return the state of a batch today, and how it is called."""
    if batch.is_recalled:
        return "recalled", _("recalled")
    if batch.left == 0:
        return "gone", _("used up")
    if batch.has_expired(timezone.localdate()):
        return "expired", _("expired")
    return "here", _("can be shipped")
