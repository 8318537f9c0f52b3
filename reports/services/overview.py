"""The figures of a year at a glance: what the dashboard shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import Division
from orders.models import Buyer, Channel
from reports.models import ContributionKind, RollUp, Target
from shop.models import Category

from .figures import COLUMNS, Question, answer
from .percents import change_on, percent_of

ZERO = Decimal(0)

#: What a year is divided by.
PARTS = ("county", "category", "kind", "buyer_kind", "channel")


@dataclass(frozen=True)
class Slice:
    """One part of a figure: its code, its name, and yuan of this year and the last."""

    code: str
    name: str
    amount: Decimal
    before: Decimal

    @property
    def change(self) -> Decimal | None:
        """Return the change on the year before in percent, where there is a base."""
        return change_on(self.before, self.amount)


@dataclass(frozen=True)
class Overview:
    """
    A year up to its last month with figures, beside the same months of the year before.

    A year without figures has no `until` and no parts. `parts` maps each dimension to its
    slices, largest first; `pairs` are (district, county, yuan); `months` are yuan by month of
    both years, January first. `target` is what the year should come to, where that was set
    for all that is shown.
    """

    year: int
    until: date | None
    total: Slice
    months: list[tuple[Decimal, Decimal]]
    parts: Mapping[str, list[Slice]]
    pairs: list[tuple[Slice, Slice, Decimal]]
    as_of: Any
    target: Target | None

    @property
    def percent(self) -> Decimal | None:
        """Return how many percent of the target are reached."""
        return percent_of(self.total.amount, self.target.amount) if self.target else None


def overview(year: int, *, where: Mapping[str, Any], day: date, published_only: bool) -> Overview:
    """
    Return the figures of `year` for the entries that `where` selects.

    `where` maps columns of the ledger to values, as in a Question.
    """

    def ask(by: tuple[str, ...], since: date, until: date) -> list[dict[str, Any]]:
        question = Question(
            by=by,
            where=tuple(where.items()),
            since=since,
            until=until,
            published_only=published_only,
        )
        return answer(question, day=day).groups

    months = {
        row["month"]: row["amount"]
        for row in ask(("month",), date(year - 1, 1, 1), date(year, 12, 1))
    }
    until = max((month for month in months if month.year == year), default=None)
    if until is None:
        return _nothing(year)
    earlier = until.replace(year=year - 1)

    names = _names()
    parts = {}
    for dimension in PARTS:
        (column,) = COLUMNS[dimension]
        now = {r[column]: r["amount"] for r in ask((dimension,), date(year, 1, 1), until)}
        before = {r[column]: r["amount"] for r in ask((dimension,), date(year - 1, 1, 1), earlier)}
        parts[dimension] = sorted(
            (
                Slice(code, names.get(code, code), now.get(code, ZERO), before.get(code, ZERO))
                for code in now.keys() | before.keys()
            ),
            key=lambda part: (-part.amount, part.code),
        )
    pairs = [
        (
            Slice(district, names.get(district, district), row["amount"], ZERO),
            Slice(row["pair_county"], names.get(row["pair_county"], ""), row["amount"], ZERO),
            row["amount"],
        )
        for row in ask(("pair",), date(year, 1, 1), until)
        if (district := row["pair_district_code"]) and row["amount"] > 0
    ]
    total = Slice(
        "",
        "",
        sum((amount for month, amount in months.items() if month.year == year), ZERO),
        sum((a for month, a in months.items() if date(year - 1, 1, 1) <= month <= earlier), ZERO),
    )
    state = RollUp.objects.first()
    return Overview(
        year=year,
        until=until,
        total=total,
        months=[
            (months.get(date(year, n, 1), ZERO), months.get(date(year - 1, n, 1), ZERO))
            for n in range(1, 13)
        ],
        parts=parts,
        pairs=pairs,
        as_of=state and state.rolled_up_at,
        target=_target(year, where),
    )


def latest_year(*, published_only: bool, day: date) -> int:
    """Return the last year that has figures, or `day`'s when none has."""
    months = answer(Question(by=("month",), published_only=published_only), day=day).groups
    return max((row["month"].year for row in months), default=day.year)


def _nothing(year: int) -> Overview:
    state = RollUp.objects.first()
    return Overview(
        year=year,
        until=None,
        total=Slice("", "", ZERO, ZERO),
        months=[],
        parts={dimension: [] for dimension in PARTS},
        pairs=[],
        as_of=state and state.rolled_up_at,
        target=None,
    )


def _target(year: int, where: Mapping[str, Any]) -> Target | None:
    """Return the target of what `where` selects: a county, or all."""
    if not where.keys() <= {"county_code"}:
        return None
    return Target.objects.filter(year=year, county=where.get("county_code"), district=None).first()


def _names() -> dict[str, str]:
    """Return what every code that a slice can have is called."""
    return {
        **dict(Division.objects.values_list("code", "name")),
        **dict(Category.objects.values_list("code", "name")),
        **{str(code): str(label) for code, label in Channel.choices},
        **{str(code): str(label) for code, label in Buyer.Kind.choices},
        **{str(code): str(label) for code, label in ContributionKind.choices},
    }
