"""Pages of consignments: what suppliers have to deliver."""

from django.contrib import admin

from accounts.admin import SUPPLIER, VIEW, OwnedAdmin, OwnedTabularInline
from orders.models import Consignment, OrderLine

from .orders import SEEN_BY_OWN_PEOPLE


class OrderLineInline(OwnedTabularInline):
    model = OrderLine
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW}
    fields = ["number", "sku_code", "name", "quantity", "unit", "unit_price", "amount",
              "shipped_quantity", "accepted_quantity", "accepted_amount"]  # fmt: skip


@admin.register(Consignment)
class ConsignmentAdmin(OwnedAdmin):
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW}
    list_display = ["number", "supplier", "status", "goods_amount", "shipped_at", "accepted_at"]
    list_filter = ["status"]
    list_select_related = ["supplier"]
    search_fields = ["number", "tracking"]
    inlines = [OrderLineInline]
