"""Pages of buyers, orders, claims, fapiaos and payments."""

from django.contrib import admin

from accounts.admin import (
    ALL,
    EDIT,
    SUPPLIER,
    VIEW,
    OwnedAdmin,
    OwnedTabularInline,
    Rights,
)
from accounts.models import User
from orders.models import (
    Address,
    Buyer,
    Claim,
    ClaimLine,
    Credit,
    Fapiao,
    Membership,
    Order,
    Payment,
)

SEEN_BY_OWN_PEOPLE: Rights = {
    User.Role.OFFICE: VIEW,
    User.Role.AUDITOR: VIEW,
    User.Role.ADMIN: VIEW,
}
KEPT_BY_OFFICE: Rights = {**SEEN_BY_OWN_PEOPLE, User.Role.OFFICE: EDIT, User.Role.ADMIN: ALL}


class MembershipInline(OwnedTabularInline):
    model = Membership
    rights = KEPT_BY_OFFICE
    autocomplete_fields = ["user"]


class AddressInline(OwnedTabularInline):
    model = Address
    rights = KEPT_BY_OFFICE
    autocomplete_fields = ["division"]


class CreditInline(OwnedTabularInline):
    model = Credit
    rights = KEPT_BY_OFFICE
    readonly_fields = ["used"]


@admin.register(Buyer)
class BuyerAdmin(OwnedAdmin):
    rights = KEPT_BY_OFFICE
    list_display = ["code", "name", "kind", "region", "payment_term", "is_active"]
    list_filter = ["kind", "is_active"]
    list_select_related = ["region"]
    search_fields = ["code", "name", "uscc"]
    autocomplete_fields = ["region"]
    inlines = [CreditInline, MembershipInline, AddressInline]


@admin.register(Order)
class OrderAdmin(OwnedAdmin):
    rights = SEEN_BY_OWN_PEOPLE
    list_display = ["number", "buyer", "status", "placed_at", "goods_amount", "is_synthetic"]
    list_filter = ["status", "buyer_kind", "channel"]
    list_select_related = ["buyer"]
    search_fields = ["number", "purchase_order"]
    date_hierarchy = "placed_at"


class ClaimLineInline(OwnedTabularInline):
    model = ClaimLine
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW}


@admin.register(Claim)
class ClaimAdmin(OwnedAdmin):
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW}
    list_display = ["id", "consignment", "status", "opened_at", "settled_at", "amount"]
    list_filter = ["status"]
    list_select_related = ["consignment"]
    inlines = [ClaimLineInline]


@admin.register(Fapiao)
class FapiaoAdmin(OwnedAdmin):
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW}
    fields = ["consignment", "number", "kind", "issued_on", "amount", "buyer_title", "reverses",
              "entered_by", "entered_at"]  # fmt: skip
    list_display = ["number", "consignment", "kind", "issued_on", "amount", "reverses"]
    list_filter = ["kind"]
    list_select_related = ["consignment", "reverses"]
    search_fields = ["number", "buyer_title"]


@admin.register(Payment)
class PaymentAdmin(OwnedAdmin):
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW}
    fields = ["consignment", "amount", "paid_on", "reference", "reverses", "entered_by",
              "entered_at"]  # fmt: skip
    list_display = ["id", "consignment", "paid_on", "reference", "amount", "reverses"]
    list_select_related = ["consignment", "reverses__consignment"]
    search_fields = ["reference"]
