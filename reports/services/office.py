"""What the office works on: months to close and publish, anomalies, declarations, targets."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.refusals import Refusal
from reports.models import Anomaly, Declaration, Month, Report

from .describing import described
from .months import obstacles_of, with_sums
from .targets import Standing, targets_of

#: How many rows of each kind are shown; the admin has them all.
SHOWN = 10


@dataclass(frozen=True)
class MonthOnDesk:
    """A month, and what keeps it from being closed, or published once it is closed."""

    month: Month
    obstacles: list[Refusal]


@dataclass(frozen=True)
class Desk:
    """
    The office's work of a year: its months and targets; and what waits, of whichever year.

    Of what waits there are the first rows and the number of all; of the reports that are
    still kept, the latest.
    """

    months: list[MonthOnDesk]
    standing: Standing
    anomalies: list[Anomaly]
    anomaly_count: int
    declarations: list[Declaration]
    declaration_count: int
    reports: list[Report]


def desk_of(year: int, *, now: datetime) -> Desk:
    """Return what the office works on in `year`."""
    day = timezone.localdate(now)
    months = with_sums(
        Month.objects.filter(month__year=year)
        .select_related("requested_by", "confirmed_by")
        .order_by("month")
    )
    obstacles = obstacles_of(months, day=day)
    anomalies = Anomaly.objects.unanswered().select_related("month", "rule")
    declarations = Declaration.objects.waiting().select_related("reporter")
    return Desk(
        months=[MonthOnDesk(month, obstacles[month.month]) for month in months],
        standing=targets_of(year, day=day, published_only=False),
        anomalies=described(anomalies[:SHOWN]),
        anomaly_count=anomalies.count(),
        declarations=list(declarations[:SHOWN]),
        declaration_count=declarations.count(),
        reports=list(Report.objects.kept(now).select_related("requested_by")[:SHOWN]),
    )
