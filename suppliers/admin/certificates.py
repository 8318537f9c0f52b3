"""Certificates: entered by suppliers, checked by the selection centre."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.admin import (
    SUPPLIER,
    OwnedAdmin,
    actor_of,
)
from accounts.api.authentication import actor
from accounts.dialogs import ReasonForm, dialog, do_and_return
from accounts.forms import UploadField
from suppliers.models import (
    Certificate,
    Supplier,
)
from suppliers.services.certificates import (
    check_certificate,
    enter_certificate,
    uncheck_certificate,
)

from .suppliers import KEPT_BY_SUPPLIER


@admin.register(Certificate)
class CertificateAdmin(OwnedAdmin):
    rights = KEPT_BY_SUPPLIER
    formfield_overrides = {models.FileField: {"form_class": UploadField}}
    list_display = [
        "kind", "number", "supplier", "issuer", "valid_from", "valid_until", "is_checked",
    ]  # fmt: skip
    list_filter = ["kind", ("checked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["supplier"]
    search_fields = ["number", "issuer", "supplier__name"]
    autocomplete_fields = ["supplier"]
    fields = [
        "supplier", "kind", "number", "issuer", "valid_from", "valid_until", "file",
        "entered_by", "checked_by", "checked_at",
    ]  # fmt: skip
    readonly_fields = ["entered_by", "checked_by", "checked_at"]
    actions_detail = ["mark_checked", "take_check_back"]

    @display(description=_("checked"), boolean=True, ordering="checked_at")
    def is_checked(self, certificate: Certificate) -> bool:
        return certificate.is_checked

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A supplier's person enters what is the supplier's own."""
        own = Supplier.objects.for_actor(request.user)
        mine = {"supplier": own.first()} if actor_of(request) == SUPPLIER else {}
        return {**mine, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was checked stays as it is, whoever asks."""
        stays = isinstance(obj, Certificate) and obj.is_checked
        return not stays and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        enter_certificate(obj, by=actor(request), now=timezone.now())

    def has_mark_checked_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Reviewers check what waits for it."""
        return self._stands(request, object_id, is_checked=False)

    def has_take_check_back_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Reviewers take a check back."""
        return self._stands(request, object_id, is_checked=True)

    def _stands(self, request: HttpRequest, object_id: Any, *, is_checked: bool) -> bool:
        certificate = self.get_object(request, str(object_id))
        return (
            actor(request).is_reviewer
            and certificate is not None
            and certificate.is_checked is is_checked
        )

    @action(
        description=_("Mark as checked"),
        permissions=["mark_checked"],
        dialog=dialog(
            _("Mark as checked"),
            _("The file shows what is entered here; the supplier can change neither from now on."),
        ),
    )
    def mark_checked(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        certificate = self.get_object(request, object_id)
        return do_and_return(
            request,
            lambda: check_certificate(certificate, by=actor(request), now=timezone.now()),
            done=_("The certificate is marked as checked."),
        )

    @action(
        description=_("Take the check back"),
        permissions=["take_check_back"],
        dialog=dialog(_("Take the check back"), form=ReasonForm),
    )
    def take_check_back(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        certificate = self.get_object(request, object_id)
        return do_and_return(
            request,
            lambda: uncheck_certificate(
                certificate,
                reason=form.cleaned_data["reason"],
                by=actor(request),
                now=timezone.now(),
            ),
            done=_("The check is taken back."),
        )
