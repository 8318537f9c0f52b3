"""
The admin's pages for rules, indicators, ledger, months, evidence, anomalies, targets and reports.

Figures are to look at only; the office keeps what they are held to.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.admin import ALL, EDIT, VIEW, OwnedAdmin, Rights
from accounts.models import User
from shop.models import SKU

from .models import (
    Anomaly,
    AnomalyRule,
    CountingRule,
    DeclarationEvidence,
    Indicator,
    LedgerEntry,
    Month,
    Report,
    Target,
    Yield,
)
from .services.describing import described, facts_in_words
from .services.reasons import in_words

SEEN_BY_COUNTERS: Rights = {
    User.Role.OFFICE: VIEW,
    User.Role.AUDITOR: VIEW,
    User.Role.ADMIN: VIEW,
}
KEPT_BY_OFFICE: Rights = {**SEEN_BY_COUNTERS, User.Role.OFFICE: EDIT, User.Role.ADMIN: ALL}
#: There are as many rules as the code knows; their measures change.
SET_BY_OFFICE: Rights = {
    **SEEN_BY_COUNTERS,
    User.Role.OFFICE: EDIT - {"add"},
    User.Role.ADMIN: EDIT - {"add"},
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
    list_display = ["id", "booked_in", "source", "product_name", "county_code", "supplier_code",
                    "buyer_code", "kind", "grade", "amount"]  # fmt: skip
    list_filter = ["source", "kind", "channel", "grade"]
    search_fields = ["supplier_code", "buyer_code"]
    ordering = ["-id"]
    exclude = ["unit"]
    readonly_fields = ["sold_by", "why"]

    @admin.display(description=_("unit"))
    def sold_by(self, entry: LedgerEntry) -> str:
        return str(dict(SKU.Unit.choices).get(entry.unit, entry.unit))

    @admin.display(description=_("reason in words"))
    def why(self, entry: LedgerEntry) -> str:
        return in_words(entry.reason)

    @admin.display(description=_("month"), ordering="month")
    def booked_in(self, entry: LedgerEntry) -> str:
        return f"{entry.month:%Y-%m}"


@admin.register(Month)
class MonthAdmin(OwnedAdmin):
    rights = SEEN_BY_COUNTERS
    exclude = ["names"]
    list_display = ["__str__", "status", "entries", "amount", "closed_at", "seal"]

    @admin.display(description="SHA-256")
    def seal(self, month: Month) -> str:
        """Show as much of the digest as tells it from others; the month's page has it all."""
        return month.sha256[:16]


@admin.register(DeclarationEvidence)
class DeclarationEvidenceAdmin(OwnedAdmin):
    rights = SEEN_BY_COUNTERS
    list_display = ["title", "declaration", "media_type", "size", "sha256", "uploaded_by",
                    "uploaded_at"]  # fmt: skip
    list_filter = ["media_type"]
    list_select_related = ["declaration", "uploaded_by"]
    search_fields = ["title", "sha256"]


@admin.register(Report)
class ReportAdmin(OwnedAdmin):
    rights = SEEN_BY_COUNTERS
    list_display = ["month", "kind", "format", "status", "rows", "requested_by", "requested_at"]
    list_filter = ["kind", "status", "is_scheduled"]
    list_select_related = ["requested_by"]


@admin.register(Anomaly)
class AnomalyAdmin(OwnedAdmin):
    rights = SEEN_BY_COUNTERS
    list_display = ["month", "rule", "about", "found_at", "verdict", "answered_by", "answered_at"]
    list_filter = ["rule", "verdict"]
    list_select_related = ["month", "rule", "answered_by"]
    search_fields = ["subject"]
    fields = ["month", "rule", "about", "facts", "found_at", "verdict", "answer", "answered_by",
              "answered_at", "subject"]  # fmt: skip
    readonly_fields = ["about", "facts"]

    @admin.display(description=_("subject"))
    def about(self, anomaly: Anomaly) -> str:
        return anomaly.about

    @admin.display(description=_("evidence"))
    def facts(self, anomaly: Anomaly) -> str:
        return format_html_join(
            "", "{}<br>", ((fact,) for fact in facts_in_words(anomaly.evidence))
        )

    def get_object(self, *args: Any, **kwargs: Any) -> Anomaly | None:
        anomaly = super().get_object(*args, **kwargs)
        return anomaly and described([anomaly])[0]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        listed = super().get_changelist_instance(request)
        listed.result_list = described(listed.result_list)
        return listed


@admin.register(AnomalyRule)
class AnomalyRuleAdmin(OwnedAdmin):
    rights = SET_BY_OFFICE
    list_display = ["code", "is_active", "measures"]
    readonly_fields = ["code", "measures"]

    @admin.display(description=_("measures"))
    def measures(self, rule: AnomalyRule) -> str:
        return _("; ").join(facts_in_words(rule.parameters))


@admin.register(Yield)
class YieldAdmin(OwnedAdmin):
    rights = KEPT_BY_OFFICE
    list_display = ["category", "kg_per_mu"]
    list_select_related = ["category"]


@admin.register(Target)
class TargetAdmin(OwnedAdmin):
    rights = KEPT_BY_OFFICE
    list_display = ["year", "county", "district", "amount"]
    list_filter = ["year"]
    list_select_related = ["county", "district"]
    autocomplete_fields = ["district"]
