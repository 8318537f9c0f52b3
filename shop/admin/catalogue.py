"""Pages of what products stand among: categories, and what delivery costs."""

from django.contrib import admin

from accounts.admin import ALL, BY_OWN_PEOPLE, EDIT, SUPPLIER, VIEW, OwnedAdmin
from accounts.models import User
from shop.models import Category, FreightRate


@admin.register(Category)
class CategoryAdmin(OwnedAdmin):
    rights = {**BY_OWN_PEOPLE, SUPPLIER: VIEW, User.Role.ADMIN: EDIT}
    list_display = ["code", "name", "name_en", "sector", "position"]


@admin.register(FreightRate)
class FreightRateAdmin(OwnedAdmin):
    rights = {**BY_OWN_PEOPLE, SUPPLIER: ALL}
    list_display = ["supplier", "destination", "per_kg", "minimum", "free_from"]
    list_select_related = ["supplier", "destination"]
    search_fields = ["supplier__code", "supplier__name", "destination__name"]
    autocomplete_fields = ["destination"]
