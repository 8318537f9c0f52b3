"""Verifying finds whatever was changed behind the product's back, and nothing else."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from reports.models import Total
from reports.services.months import close_month
from reports.services.totals import roll_up
from reports.services.verifying import verify
from tests.factories import BatchFactory

from .deliveries import shipped
from .ledger import NOW, book, entry, in_month, person, rule
from .test_booking import accept, settle
from .test_months import OCTOBER

pytestmark = pytest.mark.django_db


def failing(**options: Any) -> list[str]:
    return [check.name for check in verify(now=NOW, **options) if check.findings]


def tamper(sql: str) -> None:
    """Change rows as somebody would who switched the guards off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        assert cursor.rowcount
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.fixture
def history() -> None:
    delivery = shipped()
    accept(delivery)
    settle(delivery, "100.00", line1="1")
    BatchFactory()
    book(entry("10.00"), in_month(9))
    for name in ("first", "second"):
        close_month(OCTOBER, by=person(name), now=NOW)
    roll_up(now=NOW)


@pytest.mark.usefixtures("history")
class TestVerify:
    def test_finds_nothing_where_nothing_is_wrong(self, capsys: Any) -> None:
        book(in_month(11))
        call_command("verify")
        call_command("verify", json=True)
        shown = capsys.readouterr().out
        assert json.loads(shown[shown.index("{") :])["ok"] is True

    @pytest.mark.parametrize(
        ("sql", "names"),
        [
            ('UPDATE shop_batch SET "left" = "left" - 1', ["batches lose what ships"]),
            (
                "UPDATE reports_total SET amount = amount + 0.01 WHERE grain = 0",
                ["totals and pending totals are the ledger", "every grain adds up to the same"],
            ),
            (
                "DELETE FROM reports_total WHERE month = '2026-10-01'",
                ["totals and pending totals are the ledger"],
            ),
            ("UPDATE shop_stock SET reserved = 1, on_hand = 2", ["stock holds its reservations"]),
            (
                "UPDATE orders_consignment SET status = 'confirmed'",
                ["open lines hold their stock"],
            ),
            (
                "UPDATE orders_orderline SET accepted_quantity = 9",
                ["accepted lines are booked"],
            ),
            ("UPDATE orders_orderline SET refunded_amount = 1", ["refunds are booked"]),
            (
                "UPDATE reports_ledgerentry SET reason = 'x' WHERE month = '2026-10-01'",
                ["closed months are as they were sealed"],
            ),
            (
                "UPDATE reports_month SET amount = amount + 1 WHERE status = 'closed'",
                ["closed months are as they were sealed"],
            ),
        ],
    )
    def test_finds_what_was_changed(self, sql: str, names: list[str]) -> None:
        tamper(sql)
        assert failing() == names
        with pytest.raises(CommandError) as error:
            call_command("verify")
        assert error.value.returncode == 1

    def test_finds_an_entry_that_was_booked_by_a_mere_proposal(self) -> None:
        rule(approved=False)
        book(in_month(11, rule_id=2))
        assert failing() == ["every entry carries an approved rule"]

    def test_looks_at_one_month_where_asked(self) -> None:
        tamper("UPDATE reports_total SET amount = 0 WHERE month = '2026-09-01' AND grain = 0")
        assert failing(month=OCTOBER) == []
        assert failing(month=in_month(9).booked_at.date().replace(day=1))

    def test_says_by_how_much_a_cell_differs(self) -> None:
        Total.objects.filter(grain=0, month=OCTOBER).update(entries=5)
        (finding,) = verify(now=NOW)[0].findings
        assert (finding["entries"], finding["amount"], finding["county_code"]) == (4, 0, "522729")
