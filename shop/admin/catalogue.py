"""Pages of what products stand among: categories, documents asked for, what delivery costs."""

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.admin import ALL, BY_OWN_PEOPLE, EDIT, SUPPLIER, VIEW, OwnedAdmin
from accounts.models import User
from shop.models import Category, FreightRate, Reminder, RequiredDocument


@admin.register(Category)
class CategoryAdmin(OwnedAdmin):
    rights = {**BY_OWN_PEOPLE, SUPPLIER: VIEW, User.Role.ADMIN: EDIT}
    list_display = ["code", "name", "name_hant", "name_en", "sector", "position"]


@admin.register(FreightRate)
class FreightRateAdmin(OwnedAdmin):
    rights = {**BY_OWN_PEOPLE, SUPPLIER: ALL}
    list_display = ["supplier", "destination", "per_kg", "minimum", "free_from"]
    list_select_related = ["supplier", "destination"]
    search_fields = ["supplier__code", "supplier__name", "destination__name"]
    autocomplete_fields = ["destination"]


@admin.register(RequiredDocument)
class RequiredDocumentAdmin(OwnedAdmin):
    rights = {
        **BY_OWN_PEOPLE,
        SUPPLIER: VIEW,
        User.Role.REVIEWER: ALL,
        User.Role.ADMIN: ALL,
    }
    list_display = [
        "kind", "held_by", "category", "form", "destination", "bases", "basis",
    ]  # fmt: skip
    list_filter = ["held_by", "kind", "category"]
    list_select_related = ["category"]

    @display(description=_("base"), ordering="from_basket_base")
    def bases(self, row: RequiredDocument) -> str:
        return gettext("vegetable-basket base") if row.from_basket_base else "–"


@admin.register(Reminder)
class ReminderAdmin(OwnedAdmin):
    rights = {**BY_OWN_PEOPLE, SUPPLIER: VIEW}
    list_display = ["supplier", "document", "ends_on", "days", "made_at", "told_at"]
    list_filter = ["days"]
    list_select_related = ["supplier", "certificate", "recognition"]
