"""What the home page shows of figures: sales, targets, and months to close."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.admin import SUPPLIER
from accounts.home import Card, Row, age_of, counted, list_of, page_of
from accounts.models import User
from orders.models import Consignment
from suppliers.models import Supplier

from .models import Anomaly, Declaration, Month
from .services.describing import described
from .services.figures import Question, answer
from .services.overview import Overview, overview
from .templatetags.figures import change, ten_thousands

MONTHS = 12


def cards(user: User, heading: str, *, now: datetime) -> Iterator[Card]:
    """Yield what figures have for who stands under `heading`."""
    if heading == SUPPLIER and not user.role:
        yield from _sales_of(user, day=timezone.localdate(now))
    if heading == User.Role.OFFICE:
        yield from _for_office(now=now)
    if heading == User.Role.AUDITOR:
        yield _sealed_months(now=now)


def _sales_of(user: User, *, day: date) -> Iterator[Card]:
    """Yield what the totals say of the supplier that `user` works for, and of nobody else."""
    months = _last_months(day)
    begins = timezone.make_aware(datetime.combine(months[-1], time()))
    for code in Supplier.objects.for_actor(user).values_list("code", flat=True):
        question = Question(by=("month",), where=(("supplier_code", code),), since=months[0])
        groups = answer(question, day=day).groups
        amount_by_month = {row["month"]: row["amount"] for row in groups}
        this, before = (amount_by_month.get(month, Decimal(0)) for month in months[:-3:-1])
        yield Card(
            _("Sales of this month"),
            "bar_chart",
            list_of(
                Consignment,
                status__exact=Consignment.Status.ACCEPTED,
                accepted_at__gte=begins.isoformat(),
            ),
            figure=_in_words(this),
            note=_("Last month: %(amount)s. Counted as deliveries are accepted.")
            % {"amount": _in_words(before)},
            chart=_chart(
                [f"{month:%Y-%m}" for month in months],
                {_("10,000 yuan"): [amount_by_month.get(month, Decimal(0)) for month in months]},
            ),
        )


def _for_office(*, now: datetime) -> Iterator[Card]:
    day = timezone.localdate(now)
    desk = reverse("office")
    yield counted(
        _("Months to close and publish"),
        "event_available",
        Month.objects.to_publish(day),
        lambda month: Row(str(month), page_of(month), month.get_status_display()),
        address=desk,
    )
    yield counted(
        _("Anomalies that wait for an answer"),
        "troubleshoot",
        Anomaly.objects.unanswered(),
        lambda anomaly: Row(str(anomaly), page_of(anomaly), anomaly.about),
        address=list_of(Anomaly, answered_at__isnull=True),
        prepare=described,
    )
    yield counted(
        _("Declarations that wait to be settled"),
        "upload_file",
        Declaration.objects.waiting().select_related("reporter"),
        lambda declaration: Row(
            declaration.file_name,
            desk,
            f"{declaration.reporter} · {declaration.get_status_display()}",
        ),
        address=desk,
    )
    yield _year(overview(day.year, where={}, day=day, published_only=False), day, desk)


def _year(figures: Overview, day: date, desk: str) -> Card:
    """Return this month and this year beside the last, and how far the target is reached."""
    this = figures.months[day.month - 1] if figures.months else figures.total
    rows = [
        Row(
            _("The same month of the year before"),
            desk,
            f"{_in_words(this.before)} ({change(this.change)})",
        ),
        Row(
            _("This year so far"),
            desk,
            f"{_in_words(figures.total.amount)} ({change(figures.total.change)})",
        ),
    ]
    if figures.target and figures.percent is not None:
        rows.append(
            Row(
                _("Target of the year"),
                desk,
                _("%(amount)s, reached %(percent)s%%")
                % {
                    "amount": _in_words(figures.target.amount),
                    "percent": f"{figures.percent:.1f}",
                },
            )
        )
    return Card(
        _("Figure of this month"),
        "bar_chart",
        desk,
        figure=_in_words(this.amount),
        note=_("Booked up to now, published or not."),
        rows=rows,
        chart=_chart(
            [f"{month}" for month in range(1, MONTHS + 1)],
            {
                str(figures.year): [month.amount for month in figures.months],
                str(figures.year - 1): [month.before for month in figures.months],
            },
        ),
    )


def _sealed_months(*, now: datetime) -> Card:
    sealed = list(Month.objects.sealed().order_by("-month")[:MONTHS])
    return Card(
        _("Closed months"),
        "lock",
        list_of(Month),
        figure=str(sealed[0]) if sealed else "—",
        note=sealed[0].sha256 if sealed else _("No month is closed yet."),
        rows=[
            Row(
                str(month),
                page_of(month),
                f"{_in_words(month.amount)} · {age_of(month.closed_at, now=now)}",
            )
            for month in sealed[:5]
        ],
    )


def _last_months(day: date) -> list[date]:
    """Return the first days of the last twelve months, that of `day` last."""
    numbers = range(day.year * 12 + day.month - MONTHS, day.year * 12 + day.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def _in_words(amount: Decimal | None) -> str:
    return f"{ten_thousands(amount or Decimal(0))} {_('10,000 yuan')}"


def _chart(labels: Sequence[str], amounts_by_name: dict[str, Sequence[Decimal]]) -> dict[str, Any]:
    """Return a bar chart of yuan in 万元."""
    colours = ("var(--color-primary-600)", "var(--color-primary-200)")
    return {
        "labels": labels,
        "datasets": [
            {
                "label": name,
                "backgroundColor": colour,
                "data": [float(round(amount / 10_000, 2)) for amount in amounts],
            }
            for (name, amounts), colour in zip(amounts_by_name.items(), colours, strict=False)
        ],
    }
