"""The figures of a year or a month at a glance: what the dashboard and the office's page show."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from accounts.models import Division, name_field
from orders.models import Buyer, Channel
from reports.models import ContributionKind, Grade, RollUp, Target
from shop.models import Category
from suppliers.models import Supplier

from .figures import Question, answer
from .percents import change_on, percent_of
from .totals import SUMS

ZERO = Decimal(0)

#: What figures are divided by. Who sells is not public, and how well it is proved is for
#: those who can do something about it.
PUBLIC_PARTS = ("county", "pair", "category", "kind", "buyer_kind", "channel")
ALL_PARTS = (*PUBLIC_PARTS, "supplier", "grade")


@dataclass(frozen=True)
class Slice:
    """
    One part of a figure: its code, its names, and yuan of this year and the last.

    A pairing has two names, its district's and its county's; others have one.
    """

    code: str
    names: tuple[str, ...]
    amount: Decimal
    before: Decimal

    @property
    def name(self) -> str:
        return " – ".join(self.names)

    @property
    def change(self) -> Decimal | None:
        """Return the change on the year before in percent, where there is a base."""
        return change_on(self.before, self.amount)


@dataclass(frozen=True)
class Overview:
    """
    A year up to its last month with figures, or one month, beside the same of the year before.

    A year without figures has no `until` and no parts. `months` are the whole year's, January
    first; `parts` maps each dimension to its slices, largest first. `target` is what the year
    should come to, where that was set for all that is shown.
    """

    year: int
    month: int | None = None
    until: date | None = None
    total: Slice = Slice("", (), ZERO, ZERO)
    months: tuple[Slice, ...] = ()
    parts: Mapping[str, list[Slice]] = field(default_factory=lambda: defaultdict(list))
    as_of: datetime | None = None
    target: Target | None = None

    @property
    def since(self) -> date:
        return date(self.year, self.month or 1, 1)

    @property
    def percent(self) -> Decimal | None:
        """Return how many percent of the target are reached."""
        return percent_of(self.total.amount, self.target.amount) if self.target else None


def overview(
    year: int,
    *,
    where: Mapping[str, Any],
    day: date,
    published_only: bool,
    month: int | None = None,
) -> Overview:
    """
    Return the figures of `year`, or of its `month`, for the entries that `where` selects.

    `where` maps columns of the ledger to values, as in a Question. Unless only published
    months count, suppliers and grades are among the parts.
    """
    # Read first: what follows is at least as new.
    state = RollUp.objects.first()
    as_of = state.rolled_up_at if state else None

    def ask(*by: str) -> list[dict[str, Any]]:
        question = Question(
            by=by,
            where=tuple(where.items()),
            since=date(year - 1, 1, 1),
            until=date(year, 12, 1),
            published_only=published_only,
        )
        return answer(question, day=day).groups

    by_month = {row["month"]: row["amount"] for row in ask("month")}
    last = max((first for first in by_month if first.year == year), default=None)
    if last is None:
        return Overview(year, month, as_of=as_of)
    since, until = date(year, month or 1, 1), date(year, month or last.month, 1)

    def sums(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], list[Decimal]]:
        """Return the yuan of this year and of the last, by what else tells the rows apart."""
        amounts: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        for row in rows:
            code = tuple(row[name] for name in row if name not in ("month", *SUMS))
            if since <= row["month"].replace(year=year) <= until:
                amounts[code][year - row["month"].year] += row["amount"]
        return amounts

    names = _names(with_suppliers=not published_only)
    return Overview(
        year,
        month,
        until,
        total=Slice("", (), *sums([{"month": m, "amount": a} for m, a in by_month.items()])[()]),
        months=tuple(
            Slice(
                f"{number}",
                (f"{year}-{number:02}",),
                by_month.get(date(year, number, 1), ZERO),
                by_month.get(date(year - 1, number, 1), ZERO),
            )
            for number in range(1, 13)
        ),
        parts={
            dimension: sorted(
                (
                    _slice(dimension, code, names[dimension], *amounts)
                    for code, amounts in sums(ask("month", dimension)).items()
                    # What is unpaired is no pair.
                    if dimension != "pair" or code[0]
                ),
                # Grades have an order of their own.
                key=lambda part: (dimension == "grade" or -part.amount, part.code),
            )
            for dimension in (PUBLIC_PARTS if published_only else ALL_PARTS)
        },
        as_of=as_of,
        target=None if month else _target(year, where),
    )


def latest_year(*, published_only: bool, day: date) -> int:
    """Return the last year that has figures, or `day`'s when none has."""
    months = answer(Question(by=("month",), published_only=published_only), day=day).groups
    return max((row["month"].year for row in months), default=day.year)


def _slice(
    dimension: str, code: tuple[Any, ...], names: Mapping[Any, str], now: Decimal, before: Decimal
) -> Slice:
    shown = tuple(names.get(part, part) for part in code)
    if dimension == "grade":
        code = (Grade(code[0]).name,)
    return Slice("-".join(code), shown, now, before)


def _target(year: int, where: Mapping[str, Any]) -> Target | None:
    """Return the target of what `where` selects: a county, a pairing, or all."""
    if not where.keys() <= {"county_code", "pair_district_code"}:
        return None
    return Target.objects.filter(
        year=year, county=where.get("county_code"), district=where.get("pair_district_code")
    ).first()


def _names(*, with_suppliers: bool) -> dict[str, dict[Any, str]]:
    """Return what the codes of each dimension are called."""
    divisions = dict(Division.objects.values_list("code", name_field()))
    suppliers = Supplier.objects.values_list("code", "name") if with_suppliers else []
    return {
        "county": divisions,
        "pair": divisions,
        "category": dict(Category.objects.values_list("code", name_field())),
        "kind": {code: str(label) for code, label in ContributionKind.choices},
        "buyer_kind": {code: str(label) for code, label in Buyer.Kind.choices},
        "channel": {code: str(label) for code, label in Channel.choices},
        "supplier": dict(suppliers),
        "grade": {code: str(label) for code, label in Grade.choices},
    }
