"""Answer how much was sold: when, from where, by whom, to whom and how."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models
from django.db.models import Case, Count, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from reports.models import (
    DIMENSIONS,
    GRAINS,
    CountingRule,
    Indicator,
    LedgerEntry,
    Month,
    RollUp,
    Total,
)
from reports.models.rules import CountingRuleQuerySet

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

#: The official figure counts a correction where it was booked; the other, where it belongs.
VIEWS = ["booked", "restated"]

#: The month that an entry belongs to when corrections are put where what they correct is.
# A lookup in each row that corrects one costs less than a join with the whole ledger.
RESTATED_MONTH = Coalesce(
    "corrects_month",
    Subquery(LedgerEntry.objects.filter(pk=OuterRef("corrects_id")).order_by().values("month")),
    "month",
    output_field=models.DateField(),
)
CORRECTS = Q(corrects__isnull=False) | Q(corrects_month__isnull=False)


@dataclass(frozen=True)
class Question:
    """
    Which entries, and by what to group them: by COLUMNS, or by "grade".

    `since` and `until` are first days of months, both included; `where` pairs columns
    with the value that they must have; `grade` is the least evidence. `indicator` asks
    for that instead of the official figure. `restated` counts corrections in the month
    that they correct; every month here is then that one.
    """

    by: tuple[str, ...] = ()
    where: tuple[tuple[str, Any], ...] = ()
    since: date | None = None
    until: date | None = None
    grade: int = 0
    published_only: bool = False
    indicator: Indicator | None = None
    restated: bool = False

    @property
    def month(self) -> str:
        """Return the column of the month that is meant."""
        return "restated_month" if self.restated else "month"

    @property
    def follows_rule(self) -> bool:
        return self.indicator is None or self.indicator.follows_rule

    def select(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Return those of the totals or entries `rows` that are asked for."""
        for column, value in self.where:
            rows = (
                self._within(rows, value, value)
                if column == "month"
                else rows.filter(**{column: value})
            )
        rows = self._within(rows, self.since, self.until)
        if self.grade:
            rows = rows.filter(grade__gte=self.grade)
        if self.indicator:
            rows = rows.filter(self.indicator.counts())
        if self.published_only:
            published = Month.objects.filter(status=Month.Status.PUBLISHED)
            rows = rows.filter(month__in=published.values("month"))
        return rows

    def _within(
        self, rows: models.QuerySet[Any], since: date | None, until: date | None
    ) -> models.QuerySet[Any]:
        bounds = {"gte": since, "lte": until}
        if self.restated:
            # What indexes serve: whatever corrects nothing belongs where it was booked.
            booked = {f"month__{name}": month for name, month in bounds.items() if month}
            rows = rows.filter(CORRECTS | Q(**booked)) if booked else rows
        return rows.filter(
            **{f"{self.month}__{name}": month for name, month in bounds.items() if month}
        )


@dataclass(frozen=True)
class Answer:
    """The groups, in the order of their codes, as of the last roll-up or later."""

    rule: int | None
    as_of: datetime | None
    groups: list[dict[str, Any]]


def answer(question: Question, *, day: date) -> Answer:
    """
    Return the sums of what is asked for, as far as the ledger is rolled up.

    `amount` is of goods, with freight where the rule or the indicator counts it; `freight`
    stands beside it in any case. The restated view is summed from the ledger itself. `day`
    decides the rule unless the question ends before it.
    """
    last = min(question.until, day) if question.until else day
    rules = CountingRule.objects.approved()
    in_force = next((rule.version for rule in rules if rule.in_force_from <= last), None)
    # Read first: what follows is at least as new.
    state = RollUp.objects.first()
    rows = _ledger(question) if question.restated else _cells(question, rules)
    cells = (
        question.select(rows)
        .filter(_counted(question, rules))
        # All that is unpaired is one group, from whichever county it came.
        .annotate(
            pair_county=Case(When(pair_district_code="", then=Value("")), default=F("county_code"))
        )
    )
    names = list(
        dict.fromkeys(name for dimension in question.by for name in _columns(dimension, question))
    )
    sums = {
        # First, since what comes later would take these names for the sums before them.
        "amount": _sum_of(question.indicator.amount() if question.indicator else rules.amount()),
        "freight": _sum_of("freight"),
        "weight_kg": _sum_of("weight_kg"),
        "entries": Count("pk") if question.restated else Coalesce(Sum("entries"), 0),
    }
    groups: list[dict[str, Any]] = (
        list(cells.order_by(*names).values(*names).annotate(**sums).filter(entries__gt=0))
        if names
        else [cells.aggregate(**sums)]
    )
    if question.restated:
        groups = [{**group, "month": group.get("restated_month")} for group in groups]
    return Answer(rule=in_force, as_of=state.rolled_up_at if state else None, groups=groups)


def _sum_of(what: Combinable | str) -> Coalesce:
    return Coalesce(Sum(what), Value(0), output_field=models.DecimalField())


def entries_behind(question: Question) -> models.QuerySet[LedgerEntry]:
    """Return the ledger's entries that the figure is summed from, with their sources."""
    rules = CountingRule.objects.approved()
    return (
        question.select(_ledger(question))
        .filter(_counted(question, rules))
        .select_related(
            "order_line__order", "order_line__consignment", "claim_line", "declared_row"
        )
    )


def _ledger(question: Question) -> models.QuerySet[LedgerEntry]:
    entries = LedgerEntry.objects.all()
    return entries.annotate(restated_month=RESTATED_MONTH) if question.restated else entries


def _counted(question: Question, rules: CountingRuleQuerySet) -> Q:
    return rules.counted() if question.follows_rule else Q()


def _columns(dimension: str, question: Question) -> tuple[str, ...]:
    match dimension:
        case "month":
            return (question.month,)
        case "pair":
            return ("pair_district_code", "pair_county")
        case "grade":
            return ("grade",)
    return COLUMNS[dimension]


def _cells(question: Question, rules: CountingRuleQuerySet) -> models.QuerySet[Total]:
    """Return the coarsest totals that tell the question's columns apart."""
    # Months and grades are told apart by all of them.
    asked = {name for dimension in question.by for name in COLUMNS.get(dimension, ())}
    asked |= {column for column, _value in question.where}
    if question.indicator:
        asked |= question.indicator.columns
    if question.follows_rule:
        asked |= rules.columns()
    grain = next(grain for grain in GRAINS if asked & set(DIMENSIONS) <= set(grain))
    return Total.objects.filter(grain=grain_of(grain))
