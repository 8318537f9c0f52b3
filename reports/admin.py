"""The admin's pages for rules, indicators, ledger, months and reports; all to look at only."""

from django.contrib import admin

from accounts.admin import VIEW, OwnedAdmin, Rights
from accounts.models import User

from .models import CountingRule, Indicator, LedgerEntry, Month, Report

SEEN_BY_COUNTERS: Rights = {
    User.Role.OFFICE: VIEW,
    User.Role.AUDITOR: VIEW,
    User.Role.ADMIN: VIEW,
}


@admin.register(CountingRule)
class CountingRuleAdmin(OwnedAdmin):
    rights = SEEN_BY_COUNTERS
    list_display = ["version", "in_force_from", "is_approved", "event", "description"]


@admin.register(Indicator)
class IndicatorAdmin(OwnedAdmin):
    rights = SEEN_BY_COUNTERS
    list_display = ["code", "name", "name_en", "follows_rule", "only_recognised", "least_grade"]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(OwnedAdmin):
    rights = SEEN_BY_COUNTERS
    list_display = ["id", "month", "source", "product_name", "county_code", "supplier_code",
                    "buyer_code", "kind", "amount"]  # fmt: skip
    list_filter = ["source", "kind", "channel"]
    search_fields = ["supplier_code", "buyer_code"]
    ordering = ["-id"]


@admin.register(Month)
class MonthAdmin(OwnedAdmin):
    rights = SEEN_BY_COUNTERS
    exclude = ["names"]
    list_display = ["month", "status", "entries", "amount", "closed_at", "sha256"]


@admin.register(Report)
class ReportAdmin(OwnedAdmin):
    rights = SEEN_BY_COUNTERS
    list_display = ["month", "kind", "format", "status", "rows", "requested_by", "requested_at"]
    list_filter = ["kind", "status"]
    list_select_related = ["requested_by"]
