"""Suppliers in the admin with what is done to all they sell: suspended and reinstated."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from accounts.api.authentication import actor
from accounts.dialogs import ReasonForm, dialog, do_and_return
from shop.services.listing import reinstate_supplier, suspend_supplier
from suppliers.admin import SupplierAdmin
from suppliers.models import Supplier

# Below, where suppliers are kept, nobody knows of stock and listings.
admin.site.unregister(Supplier)


@admin.register(Supplier)
class SellingSupplierAdmin(SupplierAdmin):
    actions_detail = ["suspend", "reinstate"]

    def has_suspend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Reviewers suspend who sells."""
        return self._stands(request, object_id, Supplier.Status.APPROVED)

    def has_reinstate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Reviewers reinstate who is suspended."""
        return self._stands(request, object_id, Supplier.Status.SUSPENDED)

    def _stands(self, request: HttpRequest, object_id: Any, status: str) -> bool:
        supplier = self.get_object(request, str(object_id))
        return actor(request).is_reviewer and supplier is not None and supplier.status == status

    @action(
        description=_("Suspend"),
        permissions=["suspend"],
        dialog=dialog(
            _("Suspend"),
            _("Everything it sells goes off sale at once; orders already placed go on."),
            form=ReasonForm,
        ),
    )
    def suspend(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        supplier, reason = self.found(request, object_id), form.cleaned_data["reason"]
        return do_and_return(
            request,
            lambda: suspend_supplier(
                supplier, reason=reason, by=actor(request), now=timezone.now()
            ),
            done=_("The supplier is suspended."),
        )

    @action(
        description=_("Reinstate"),
        permissions=["reinstate"],
        dialog=dialog(
            _("Reinstate"), _("Its listed products are on sale again at once."), form=ReasonForm
        ),
    )
    def reinstate(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        supplier, reason = self.found(request, object_id), form.cleaned_data["reason"]
        return do_and_return(
            request,
            lambda: reinstate_supplier(
                supplier, reason=reason, by=actor(request), now=timezone.now()
            ),
            done=_("The supplier sells again."),
        )
