"""Suppliers, their people, producers and bases."""

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import (
    ALL,
    BY_OWN_PEOPLE,
    EDIT,
    SUPPLIER,
    OwnedAdmin,
    OwnedTabularInline,
    Rights,
)
from accounts.api.authentication import actor
from accounts.models import User
from suppliers.models import (
    AssistanceProfile,
    Base,
    Producer,
    Supplier,
    SupplierMember,
)
from suppliers.services.applying import enter_applicant

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
            # Approving and suspending take locks and are recorded, so they are services.
            return ["status"]
        return ["code", "name", "kind", "uscc", "county", "status"]

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """A new one is an applicant, and waits for the county and the selection centre."""
        if change:
            super().save_model(request, obj, form, change)
        else:
            enter_applicant(obj, by=actor(request), now=timezone.now())


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
