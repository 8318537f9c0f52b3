"""Recompute a month under another rule, beside the official figure and without touching it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, Sum

from reports.models import CountingRule, LedgerEntry

from .figures import CORRECTS, RESTATED_MONTH

ZERO = Decimal(0)


@dataclass
class Compared:
    """Yuan as they are counted officially, and as another rule would count them."""

    official: Decimal = ZERO
    recomputed: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        return self.recomputed - self.official


@dataclass(frozen=True)
class Comparison:
    """A month's figure under a rule beside the official one, in all and by its parts."""

    month: date
    rule: CountingRule
    total: Compared
    by_county: Mapping[str, Compared]
    by_kind: Mapping[str, Compared]


def compare(month: date, *, rule: CountingRule) -> Comparison:
    """
    Return `month` as `rule` would count the ledger's facts, whether it is in force or not.

    The contribution is derived anew from the kind of buyer. Where the rule puts refunds
    in the month of the sale, those booked here for other months leave, and those booked
    later for this one arrive. One statement reads both sides at one moment.
    """
    booked = Q(month=month)
    rows = LedgerEntry.objects.all()
    meant = booked
    if rule.refunds == CountingRule.Refunds.SALE_MONTH:
        rows = rows.annotate(restated_month=RESTATED_MONTH).filter(booked | CORRECTS)
        meant = Q(restated_month=month)
    official = CountingRule.objects.approved()
    sums = (
        rows.filter(booked | meant)
        .values("county_code", "buyer_kind", "kind")
        .annotate(
            official=Sum(official.amount(), filter=booked & official.counted(), default=ZERO),
            recomputed=Sum(rule.amount(), filter=meant & rule.counts(), default=ZERO),
        )
        .order_by("county_code", "kind", "buyer_kind")
    )
    total = Compared()
    by_county: dict[str, Compared] = defaultdict(Compared)
    by_kind: dict[str, Compared] = defaultdict(Compared)
    for row in sums:
        kind_now = rule.kind_by_buyer_kind.get(row["buyer_kind"], row["kind"])
        for part in (total, by_county[row["county_code"]], by_kind[row["kind"]]):
            part.official += row["official"]
        for part in (total, by_county[row["county_code"]], by_kind[kind_now]):
            part.recomputed += row["recomputed"]
    return Comparison(month, rule, total, by_county, by_kind)
