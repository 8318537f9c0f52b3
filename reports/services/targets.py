"""How far the year's targets are reached, and what the sales did for local households."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from reports.models import Target
from suppliers.models import AssistanceProfile, Supplier

from .figures import Question, answer
from .percents import percent_of

ZERO = Decimal(0)

#: Yuan by month, county and paired district.
Cells = dict[tuple[date, str, str], Decimal]


@dataclass(frozen=True)
class Progress:
    """
    A target and where it stands, in yuan and percent.

    `before` is what the same months of the year before came to. `projection` is the
    year's end if the months that are over make up the share that they made up then;
    there is none without a base.
    """

    target: Target
    reached: Decimal
    before: Decimal
    projection: Decimal | None

    @property
    def percent(self) -> Decimal:
        return percent_of(self.reached, self.target.amount)


@dataclass(frozen=True)
class Standing:
    """A year's targets up to its last month with figures, and its impact by county."""

    year: int
    until: date | None
    as_of: datetime | None
    published_only: bool
    targets: list[Progress]
    impact: list[dict[str, Any]]


def targets_of(
    year: int, *, day: date, published_only: bool, until: date | None = None
) -> Standing:
    """
    Return where the targets of `year` stand on `day`.

    They stand at the month `until`, or else at the last one with figures.
    """
    found = answer(
        Question(
            by=("month", "county", "pair"),
            since=date(year - 1, 1, 1),
            until=date(year, 12, 1),
            published_only=published_only,
        ),
        day=day,
    )
    cells: Cells = defaultdict(Decimal)
    for row in found.groups:
        cells[row["month"], row["county_code"], row["pair_district_code"]] += row["amount"]
    until = until or max((month for month, *_codes in cells if month.year == year), default=None)
    return Standing(
        year=year,
        until=until,
        as_of=found.as_of,
        published_only=published_only,
        targets=[
            _progress(target, cells, until=until, day=day)
            for target in Target.objects.filter(year=year).select_related("county", "district")
        ],
        impact=impact_of(year),
    )


def _progress(target: Target, cells: Cells, *, until: date | None, day: date) -> Progress:
    def sold(year: int, is_meant: Callable[[int], bool]) -> Decimal:
        return sum(
            (
                amount
                for (month, county, district), amount in cells.items()
                if month.year == year
                and is_meant(month.month)
                and target.county_id in (None, county)
                and target.district_id in (None, district)
            ),
            ZERO,
        )

    def is_so_far(month: int) -> bool:
        return until is not None and month <= until.month

    def is_over(month: int) -> bool:
        return is_so_far(month) and date(target.year, month, 1) < day.replace(day=1)

    year = target.year
    base = sold(year - 1, is_over)
    return Progress(
        target=target,
        reached=sold(year, is_so_far),
        before=sold(year - 1, is_so_far),
        projection=sold(year, is_over) * sold(year - 1, lambda _month: True) / base
        if base > 0
        else None,
    )


def impact_of(year: int) -> list[dict[str, Any]]:
    """Return households, jobs and land rent of the suppliers that sell here, by county."""
    profiles = AssistanceProfile.objects.filter(year=year, supplier__in=Supplier.objects.selling())
    return list(
        profiles.values("supplier__county__code", "supplier__county__name")
        .order_by("supplier__county__code")
        .annotate(households=Sum("households"), jobs=Sum("jobs"), land_rent=Sum("land_rent"))
    )
