"""Answer how much was sold: when, from where, by whom, to whom and how."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models
from django.db.models import Case, F, Sum, Value, When
from django.db.models.functions import Coalesce

from reports.models import (
    DIMENSIONS,
    GRAINS,
    CountingRule,
    LedgerEntry,
    Month,
    RollUp,
    Total,
)

from .totals import grain_of

#: What can be asked by, and the columns that tell it apart.
COLUMNS = {
    "month": ("month",),
    "county": ("county_code",),
    "district": ("region_code",),
    "pair": ("pair_district_code", "county_code"),
    "category": ("category_code",),
    "kind": ("kind",),
    "buyer_kind": ("buyer_kind",),
    "channel": ("channel",),
    "supplier": ("supplier_code",),
    "recognised": ("is_recognised",),
}

#: What stands for an empty code of the ledger, in questions and answers alike.
UNASSIGNED, UNNAMED, UNPAIRED = "unassigned", "unnamed", "unpaired"

SUMS = {
    "amount": Coalesce(Sum("amount"), Value(0), output_field=models.DecimalField()),
    "weight_kg": Coalesce(Sum("weight_kg"), Value(0), output_field=models.DecimalField()),
    "entries": Coalesce(Sum("entries"), Value(0), output_field=models.BigIntegerField()),
}


@dataclass(frozen=True)
class Question:
    """
    Which entries, and by what to group them.

    `since` and `until` are first days of months, both included; `where` pairs columns
    with the value that they must have; `grade` is the least evidence.
    """

    by: tuple[str, ...] = ()
    where: tuple[tuple[str, Any], ...] = ()
    since: date | None = None
    until: date | None = None
    grade: int = 0
    published_only: bool = False

    def select(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Return those of the totals or entries `rows` that are asked for."""
        for column, value in self.where:
            rows = rows.filter(**{column: value})
        if self.since:
            rows = rows.filter(month__gte=self.since)
        if self.until:
            rows = rows.filter(month__lte=self.until)
        if self.grade:
            rows = rows.filter(grade__gte=self.grade)
        if self.published_only:
            published = Month.objects.filter(status=Month.Status.PUBLISHED)
            rows = rows.filter(month__in=published.values("month"))
        return rows


@dataclass(frozen=True)
class Answer:
    """The groups, in the order of their codes, as of the last roll-up."""

    rule: int | None
    as_of: datetime | None
    groups: list[dict[str, Any]]


def answer(question: Question, *, day: date) -> Answer:
    """
    Return the sums of what is asked for, as far as the ledger is rolled up.

    `day` decides the rule unless the question ends before it.
    """
    last = min(question.until, day) if question.until else day
    rule = CountingRule.objects.filter(in_force_from__lte=last).first()
    # Read first: what follows is at least as new.
    state = RollUp.objects.first()
    cells = question.select(_cells(question)).annotate(
        # All that is unpaired is one group, from whichever county it came.
        pair_county=Case(When(pair_district_code="", then=Value("")), default=F("county_code"))
    )
    names = list(
        dict.fromkeys(
            name
            for dimension in question.by
            for name in (
                ("pair_district_code", "pair_county") if dimension == "pair" else COLUMNS[dimension]
            )
        )
    )
    groups = list(cells.order_by(*names).values(*names).annotate(**SUMS).filter(entries__gt=0))
    return Answer(
        rule=rule.version if rule else None,
        as_of=state.rolled_up_at if state else None,
        groups=groups,
    )


def entries_behind(question: Question) -> models.QuerySet[LedgerEntry]:
    """Return the ledger's entries that the figure is summed from, with their sources."""
    return question.select(
        LedgerEntry.objects.select_related(
            "order_line__order", "order_line__consignment", "claim_line", "declared_row"
        )
    )


def _cells(question: Question) -> models.QuerySet[Total]:
    """Return the coarsest totals that tell the question's columns apart."""
    asked = {name for dimension in question.by for name in COLUMNS[dimension]}
    asked |= {column for column, _value in question.where}
    grain = next(grain for grain in GRAINS if asked & set(DIMENSIONS) <= set(grain))
    return Total.objects.filter(grain=grain_of(grain))
