"""The admin's pages for the catalogue: where suppliers keep their listings."""

from django.contrib import admin

from accounts.admin import (
    ALL,
    BY_OWN_PEOPLE,
    EDIT,
    SUPPLIER,
    VIEW,
    OwnedAdmin,
    OwnedTabularInline,
    Rights,
)
from accounts.models import User

from .models import (
    SKU,
    Category,
    FreightRate,
    PriceTier,
    Product,
    ProductImage,
    Recognition,
    Season,
    Stock,
)

SEEN_BY_OWN_PEOPLE: Rights = {**BY_OWN_PEOPLE, User.Role.ADMIN: EDIT}
KEPT_BY_SUPPLIER: Rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: EDIT}
KEPT_AND_CLEARED_BY_SUPPLIER: Rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: ALL, User.Role.ADMIN: ALL}


class SeasonInline(OwnedTabularInline):
    model = Season
    rights = KEPT_AND_CLEARED_BY_SUPPLIER


class ProductImageInline(OwnedTabularInline):
    model = ProductImage
    rights = KEPT_AND_CLEARED_BY_SUPPLIER


class SKUInline(OwnedTabularInline):
    model = SKU
    rights = KEPT_BY_SUPPLIER
    show_change_link = True


class RecognitionInline(OwnedTabularInline):
    model = Recognition
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW, User.Role.REVIEWER: EDIT}


@admin.register(Category)
class CategoryAdmin(OwnedAdmin):
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW}
    list_display = ["code", "name", "name_en", "sector", "position"]


@admin.register(Product)
class ProductAdmin(OwnedAdmin):
    rights = KEPT_BY_SUPPLIER
    list_display = ["code", "name", "supplier", "category", "county", "status", "updated_at"]
    list_filter = ["status", "category", "storage"]
    list_select_related = ["supplier", "category", "county"]
    search_fields = ["code", "name"]
    # Listing and suspending take locks and are recorded, so they are services, not a field.
    readonly_fields = ["status"]
    inlines = [SKUInline, SeasonInline, ProductImageInline, RecognitionInline]


class PriceTierInline(OwnedTabularInline):
    model = PriceTier
    rights = KEPT_BY_SUPPLIER


class StockInline(OwnedTabularInline):
    model = Stock
    rights = {**KEPT_BY_SUPPLIER, SUPPLIER: frozenset({"view", "change"})}
    readonly_fields = ["reserved"]


@admin.register(SKU)
class SKUAdmin(OwnedAdmin):
    rights = KEPT_BY_SUPPLIER
    list_display = ["code", "product", "name", "unit", "is_weighed", "is_active"]
    list_filter = ["is_active", "unit"]
    list_select_related = ["product"]
    search_fields = ["code", "name", "product__name"]
    inlines = [PriceTierInline, StockInline]


@admin.register(FreightRate)
class FreightRateAdmin(OwnedAdmin):
    rights = KEPT_AND_CLEARED_BY_SUPPLIER
    list_display = ["supplier", "destination", "per_kg", "minimum", "free_from"]
    list_select_related = ["supplier", "destination"]
    search_fields = ["supplier__code", "supplier__name", "destination__name"]
    autocomplete_fields = ["destination"]
