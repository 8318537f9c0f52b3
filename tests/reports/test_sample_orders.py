"""Synthetic orders are like real ones, marked, and booked by the same statements."""

from datetime import date

import pytest
from django.core.management import CommandError, call_command

from orders.models import Order, OrderLine
from reports.models import LedgerEntry, PendingTotal
from reports.services import sampling
from reports.services.months import close_month
from reports.services.verifying import verify

from .ledger import NOW, person

pytestmark = pytest.mark.django_db


def sample(lines: int = 95, **more: str) -> None:
    options = {"products": "12", "suppliers": "3", "from": "2026-08", "to": "2026-10", **more}
    call_command(
        "sample_orders",
        f"--lines={lines}",
        *(f"--{name}={value}" for name, value in options.items()),
    )


def test_makes_exactly_the_asked_lines_and_everything_agrees() -> None:
    sample()
    assert OrderLine.objects.count() == LedgerEntry.objects.count() == 95
    assert not Order.objects.filter(is_synthetic=False).exists()
    assert set(LedgerEntry.objects.values_list("month", flat=True)) == {
        date(2026, month, 1) for month in (8, 9, 10)
    }
    assert not PendingTotal.objects.exists()
    assert [check.name for check in verify(now=NOW) if check.findings] == []


def test_goes_on_in_chunks_and_after_earlier_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "CHUNK", 2)
    sample(35)
    sample(35)
    assert OrderLine.objects.count() == LedgerEntry.objects.count() == 70
    assert Order.objects.count() == 8
    assert [check.name for check in verify(now=NOW) if check.findings] == []


def close(month: date) -> None:
    for name in ("first", "second"):
        close_month(month, by=person(name), now=NOW)


def test_leaves_closed_months_alone() -> None:
    close(date(2026, 9, 1))
    sample(50, **{"from": "2026-09", "to": "2026-10"})
    months = set(LedgerEntry.objects.values_list("month", flat=True))
    assert months == {date(2026, 10, 1)}


def test_refuses_when_all_months_are_closed_and_makes_nothing() -> None:
    close(date(2026, 9, 1))
    with pytest.raises(CommandError, match="closed"):
        sample(**{"from": "2026-09", "to": "2026-09"})
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"products": "0"},
        {"from": "2026-10", "to": "2026-09"},
        {"to": "2999-01"},
        {"to": "2026-13"},
    ],
)
def test_refuses_what_makes_no_sense(wrong: dict[str, str]) -> None:
    with pytest.raises(CommandError):
        sample(**wrong)
