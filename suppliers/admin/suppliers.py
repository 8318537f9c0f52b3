"""Suppliers, their people, producers and bases."""

from django.contrib import admin

from accounts.admin import (
    ALL,
    BY_OWN_PEOPLE,
    EDIT,
    SUPPLIER,
    OwnedAdmin,
    OwnedTabularInline,
    Rights,
)
from accounts.models import User
from suppliers.models import (
    AssistanceProfile,
    Base,
    Producer,
    Supplier,
    SupplierMember,
)

SEEN_BY_ALL: Rights = {**BY_OWN_PEOPLE, User.Role.ADMIN: ALL}
KEPT_BY_SUPPLIER: Rights = {**SEEN_BY_ALL, SUPPLIER: EDIT}


class SupplierMemberInline(OwnedTabularInline):
    model = SupplierMember
    rights = SEEN_BY_ALL
    autocomplete_fields = ["user"]


class AssistanceProfileInline(OwnedTabularInline):
    model = AssistanceProfile
    rights = KEPT_BY_SUPPLIER


@admin.register(Supplier)
class SupplierAdmin(OwnedAdmin):
    rights = {**SEEN_BY_ALL, SUPPLIER: frozenset({"view", "change"}), User.Role.REVIEWER: EDIT}
    list_display = ["code", "name", "kind", "county", "status"]
    list_filter = ["status", "kind", "county"]
    list_select_related = ["county"]
    search_fields = ["code", "name", "uscc"]
    inlines = [AssistanceProfileInline, SupplierMemberInline]

    def get_readonly_fields(self, request, obj=None):  # type: ignore[no-untyped-def]
        """A supplier keeps its contact and introduction; who it is was approved."""
        if request.user.role in (User.Role.ADMIN, User.Role.REVIEWER):
            # Suspending takes locks and is recorded, so it is a service, not a field.
            return ["status"] if obj else []
        return ["code", "name", "kind", "uscc", "county", "status"]


@admin.register(Producer)
class ProducerAdmin(OwnedAdmin):
    rights = KEPT_BY_SUPPLIER
    list_display = ["name", "supplier", "county", "mandate"]
    list_select_related = ["supplier", "county"]
    search_fields = ["name", "uscc"]


@admin.register(Base)
class BaseAdmin(OwnedAdmin):
    rights = KEPT_BY_SUPPLIER
    list_display = ["code", "name", "supplier", "county", "area_mu", "is_vegetable_basket"]
    list_filter = ["is_vegetable_basket"]
    list_select_related = ["supplier", "county"]
    search_fields = ["code", "name"]
