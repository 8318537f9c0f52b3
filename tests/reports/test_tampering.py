"""Whoever goes round the guards is found by `verify`, wherever it was and every time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditBlock, AuditEntry, SealedRow, User
from accounts.services.audit import record
from accounts.services.heads import keep_heads
from accounts.services.sealing import seal_audit
from orders.models import OrderEvent
from reports.models import LedgerEntry, Month, Total
from reports.services.months import close_month, publish_month
from reports.services.totals import roll_up
from reports.services.verifying import verify
from shop.models import Stock
from shop.models.promises import WEEK, week_of
from shop.services.promising import promise_supply
from tests.orders.market import Market

from .deliveries import shipped
from .ledger import NOW, book, in_month, person
from .test_booking import accept, settle
from .test_verify import tamper

pytestmark = pytest.mark.django_db

TRAIL = "the audit trail is as it was sealed"
MONTHS = "closed months are as they were sealed"
TOTALS = "totals and pending totals are the ledger"
STOCK = "stock holds its reservations"
PROMISES = "promises hold what is drawn"
DRAWS = "draws are of live lines"


def failing() -> dict[str, list[dict[str, Any]]]:
    return {check.name: check.findings for check in verify(now=NOW) if check.findings}


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block does, so that the next one finds everything in order."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def missed(check: str, sql: str) -> bool:
    """
    Expect that a check finds what `sql` does past the triggers.

    Return False where a constraint does not even let it be done.
    """
    with undone():
        try:
            with transaction.atomic():
                tamper(sql)
        except IntegrityError:
            return False
        assert check in failing(), sql
    return True


def changed(column: Any) -> str:
    """Return, in SQL, another value than the one that stands in a column."""
    name = f'"{column.column}"'
    match column:
        case models.BooleanField():
            return f"NOT {name}"
        case models.DateTimeField():
            return f"coalesce({name}, now()) + interval '1 microsecond'"
        case models.DateField():
            return f"(coalesce({name}, current_date) + interval '1 month')::date"
        case models.JSONField():
            return f"""CASE WHEN {name} IS NULL THEN 'null'::jsonb END"""
        case models.CharField():
            return f"CASE WHEN {name} = '' THEN 'x' ELSE '' END"
    return f"coalesce({name}, 0) + 1"


def changes(model: type[models.Model], *, but: tuple[str, ...] = ()) -> list[str]:
    """Return an UPDATE of each column of a model's table, but of some; to add a WHERE to."""
    return [
        f'UPDATE {model._meta.db_table} SET "{field.column}" = {changed(field)}'
        for field in model._meta.concrete_fields
        if not field.primary_key and not field.generated and field.name not in but
    ]


def copied(model: type[models.Model], **other: str) -> str:
    """Return an INSERT of a copy of rows, with `other` expressions; to add a WHERE to."""
    values = {
        field.column: other.get(field.name, field.column)
        for field in model._meta.concrete_fields
        if not field.generated
    }
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(values)}) "
        f"SELECT {', '.join(values.values())} FROM {model._meta.db_table}"
    )


@pytest.fixture
def heads_file(settings: Settings, tmp_path: Path) -> Path:
    settings.AUDIT_HEADS_FILE = tmp_path / "audit-heads.log"
    return settings.AUDIT_HEADS_FILE


@pytest.fixture
def history(heads_file: Path) -> None:
    """Sales of three months, two of them closed and one of these published; nothing is wrong."""
    market = Market()
    market.placed()
    number = market.accepted()
    market.settle(market.claimed(number), "10")
    deliveries = [shipped({}, {}), shipped()]
    start = NOW - timedelta(days=2)
    for delivery in deliveries:
        accept(delivery)
    settle(deliveries[0], "100.00", line1="1")
    book(in_month(8), in_month(9), in_month(9, amount="7.25", supplier_code=""), in_month(11))
    seal_audit(now=start)
    first, second = person("first"), person("second")
    for hours, month in enumerate((8, 9), start=1):
        now = start + timedelta(hours=6 * hours)
        close_month(date(2026, month, 1), by=first, now=now)
        row = close_month(date(2026, month, 1), by=second, now=now)
    publish_month(row, by=first, now=now)
    for hours in range(20, 24):
        record("try", first, by=second, now=NOW, after={"hour": hours}, reason="试")
        seal_audit(now=start + timedelta(hours=hours))
    keep_heads()
    roll_up(now=NOW)
    assert failing() == {}


@pytest.mark.usefixtures("history")
class TestTotals:
    def test_are_missed_whichever_was_changed_taken_away_or_added(self) -> None:
        cells = Total.objects.values_list("pk", flat=True)
        assert len(cells) > 30
        for cell in cells:
            where = " AND ".join(
                f"{field.column} = {literal(value)}"
                for field, value in zip(Total._meta.pk_fields, cell, strict=True)
            )
            for sql in (
                "UPDATE reports_total SET amount = amount + 0.01",
                "UPDATE reports_total SET weight_kg = weight_kg - 0.001",
                "UPDATE reports_total SET entries = entries + 1",
                "UPDATE reports_total SET channel = 'x'",
                "DELETE FROM reports_total",
                copied(Total, county_code="'000000'"),
            ):
                assert missed(TOTALS, f"{sql} WHERE {where}")


@pytest.mark.usefixtures("history")
class TestStock:
    def test_is_missed_whichever_counter_was_changed(self) -> None:
        keys = Stock.objects.values_list("pk", flat=True)
        found = [
            missed(
                STOCK, f"UPDATE shop_stock SET reserved = reserved + {step} WHERE sku_id = {key}"
            )
            for key in keys
            for step in ("0.001", "1", "90", "-0.001", "-10")
        ]
        # Less than nothing, or more than there is, cannot even be stored.
        assert sum(found) > len(keys)

    def test_is_missed_where_what_it_is_held_for_was_changed(self) -> None:
        assert missed(STOCK, "UPDATE shop_reservation SET quantity = quantity - 1")
        assert missed(STOCK, "DELETE FROM shop_reservation")


class TestPromises:
    def test_are_missed_where_they_or_their_draws_were_changed(self) -> None:
        market = Market()
        week = week_of(timezone.localdate()) + 2 * WEEK
        promise_supply(
            market.eggs, quantity_by_week={week: Decimal(50)}, by=market.sam.user,
            now=timezone.now(),
        )  # fmt: skip
        market.placed((market.eggs, "5"), delivery_date=f"{week}")
        assert failing() == {}
        for sql in (
            "UPDATE shop_supplypromise SET taken = 4",
            "UPDATE shop_promisedraw SET quantity = 6",
            "DELETE FROM shop_promisedraw",
        ):
            assert missed(PROMISES, sql)
        for sql in (
            "UPDATE shop_promisedraw SET quantity = 6",
            "UPDATE shop_promisedraw SET line_id = line_id + 1",
            "UPDATE orders_consignment SET status = 'cancelled'",
            "UPDATE orders_order SET delivery_date = delivery_date + 7",
        ):
            assert missed(DRAWS, sql)


@pytest.mark.usefixtures("history")
class TestLedger:
    #: What the totals do not tell apart; a closed month seals it, and only that.
    DETAILS = ("source", "booked_at", "occurred_on", "rule", "order_line", "claim_line",
               "corrects", "corrects_month", "product_name", "buyer_code", "quantity", "unit",
               "reason")  # fmt: skip

    def test_is_missed_whichever_entry_was_changed(self) -> None:
        entries = LedgerEntry.objects.values_list("pk", flat=True)
        found = [
            missed(TOTALS, f"{sql} WHERE id = {key}")
            for key in entries
            for sql in changes(LedgerEntry, but=self.DETAILS)
        ]
        assert sum(found) > 10 * len(entries)

    def test_is_missed_in_every_detail_where_its_month_is_closed(self) -> None:
        closed = LedgerEntry.objects.filter(month__in=Month.objects.sealed().values("month"))
        entries = closed.values_list("pk", flat=True)
        found = [
            missed(MONTHS, f"{sql} WHERE id = {key}")
            for key in entries
            for sql in changes(LedgerEntry)
        ]
        assert sum(found) > 20 * len(entries)

    def test_is_missed_whichever_entry_was_deleted_added_or_moved(self) -> None:
        entries = LedgerEntry.objects.values_list("pk", flat=True)
        new = {
            "id": "1000000000",
            "source": "'declaration'",
            "order_line": "NULL",
            "claim_line": "NULL",
        }
        for key in entries:
            for sql in (
                "DELETE FROM reports_ledgerentry",
                copied(LedgerEntry, **new),
                copied(LedgerEntry, **new, amount="0", weight_kg="0", quantity="0"),
                "UPDATE reports_ledgerentry SET booked_at = booked_at + interval '1 month'",
            ):
                assert missed(TOTALS, f"{sql} WHERE id = {key}")


@pytest.mark.usefixtures("history")
class TestClosedMonth:
    def test_is_missed_whichever_column_was_changed(self) -> None:
        months = Month.objects.sealed()
        found = [
            missed(MONTHS, f"{sql} WHERE month = '{month.month}'")
            for month in months
            for sql in (
                *changes(Month, but=("follows", "audit_head")),
                f"UPDATE reports_month SET sha256 = '{'0' * 64}'",
                f"UPDATE reports_month SET audit_head = '{'0' * 64}'",
                "UPDATE reports_month SET audit_block = NULL, audit_head = ''",
                "UPDATE reports_month SET month = '2026-07-01'",
                "UPDATE reports_month SET status = 'open', closed_at = NULL",
                "UPDATE reports_month SET status = CASE status"
                " WHEN 'closed' THEN 'published' ELSE 'closed' END",
                "UPDATE reports_month SET follows_id = CASE"
                " WHEN follows_id IS NULL THEN '2026-11-01'::date END",
                "UPDATE reports_month SET names = jsonb_set(names, '{category,0,1}', '\"x\"')",
                "DELETE FROM reports_month",
            )
        ]
        assert sum(found) >= 14 * len(months)

    def test_is_missed_where_an_open_one_was_closed(self) -> None:
        assert missed(
            MONTHS,
            "UPDATE reports_month SET status = 'closed', closed_at = now(), entries = 1,"
            f" amount = 10, sha256 = '{'0' * 64}' WHERE month = '2026-11-01'",
        )


@pytest.mark.usefixtures("history")
class TestAuditTrail:
    SOURCES = (AuditEntry, OrderEvent)

    def test_is_missed_whichever_row_was_changed_or_deleted(self) -> None:
        found = 0
        for model in self.SOURCES:
            deletion = f"DELETE FROM {model._meta.db_table}"
            for key in sealed(model):
                for sql in (*changes(model), deletion):
                    with undone():
                        tamper(f"{sql} WHERE id = {key}")
                        assert first_block() == block_of(model, key), (sql, key)
                        found += 1
        assert found >= 200

    def test_is_missed_where_a_row_goes_with_its_place(self) -> None:
        for model in self.SOURCES:
            for key in sealed(model):
                with undone():
                    number = block_of(model, key)
                    tamper(f"DELETE FROM {model._meta.db_table} WHERE id = {key}")
                    tamper(f"DELETE FROM accounts_sealedrow WHERE {place(model, key)}")
                    assert first_block() == number

    def test_is_missed_whichever_two_rows_were_swapped(self) -> None:
        for model in self.SOURCES:
            columns = ", ".join(f.column for f in model._meta.concrete_fields if not f.primary_key)
            table = model._meta.db_table
            keys = sealed(model)
            for one, other in [*pairwise(keys), (keys[0], keys[-1])]:
                with undone():
                    tamper(
                        f"UPDATE {table} SET ({columns}) = (SELECT {columns} FROM {table} twin"
                        f" WHERE twin.id = {one} + {other} - {table}.id)"
                        f" WHERE id IN ({one}, {other})"
                    )
                    assert first_block() == min(block_of(model, one), block_of(model, other))

    def test_is_missed_wherever_a_row_was_inserted(self) -> None:
        for model in self.SOURCES:
            for key in sealed(model):
                with undone():
                    tamper(f"{copied(model, id=str(-key))} WHERE id = {key}")
                    (stray,) = failing()[TRAIL]
                    assert stray["key"] == -key
                    # Nor does it help to name the row's block.
                    number = block_of(model, key)
                    tamper(
                        "INSERT INTO accounts_sealedrow (source, key, block_id)"
                        f" VALUES ('{model._meta.label_lower}', {-key}, {number})"
                    )
                    assert first_block() == number

    def test_is_missed_where_a_row_is_inserted_among_old_ones_and_sealed_again(self) -> None:
        for model in self.SOURCES:
            key = sealed(model)[0]
            with undone():
                with connection.cursor() as cursor:
                    cursor.execute(f"{copied(model, id='0')} WHERE id = {key}")
                seal_audit(now=NOW)
                (late,) = failing()[TRAIL]
                assert (late["source"], late["key"]) == (model._meta.label_lower, 0)

    def test_is_missed_wherever_its_end_was_cut(self, heads_file: Path) -> None:
        last = AuditBlock.objects.latest().number
        for number in range(1, last + 1):
            with undone():
                cut(number)
                (lost, *_more) = failing()[TRAIL]
                assert lost["block"] >= number

    def test_is_missed_up_to_the_last_closed_month_without_the_file(self, heads_file: Path) -> None:
        heads_file.unlink()
        named = list(Month.objects.sealed().order_by("audit_block"))
        for number in range(1, named[-1].audit_block + 1):
            with undone():
                cut(number)
                assert (
                    failing()[TRAIL][-1]["wrong"] == f"is not the one that month {named[-1]} names"
                )

    def test_is_missed_where_its_end_was_made_anew(self) -> None:
        last = AuditBlock.objects.latest().number
        for number in range(1, last + 1):
            with undone():
                cut(number)
                user = User.objects.get(username="first")
                for step in range(number, last + 2):
                    record("try", user, by=None, now=NOW, after={"step": step})
                    seal_audit(now=NOW)
                lost = failing()[TRAIL]
                assert lost[0]["block"] == number

    def test_is_missed_whichever_block_was_changed_or_deleted(self) -> None:
        numbers = AuditBlock.objects.values_list("number", flat=True)
        found = [
            missed(TRAIL, f"{sql} WHERE number = {number}")
            for number in numbers
            for sql in (
                *changes(AuditBlock),
                f"UPDATE accounts_auditblock SET previous = '{'0' * 64}'",
                f"UPDATE accounts_auditblock SET sha256 = '{'0' * 64}'",
                "UPDATE accounts_auditblock SET number = number + 1000",
                "DELETE FROM accounts_auditblock",
            )
        ]
        assert sum(found) >= 5 * len(numbers)

    def test_is_missed_whichever_row_was_moved_to_another_block(self) -> None:
        last = AuditBlock.objects.latest().number
        for model in self.SOURCES:
            for key in sealed(model):
                number = block_of(model, key)
                other = number % last + 1
                with undone():
                    tamper(
                        f"UPDATE accounts_sealedrow SET block_id = {other}"
                        f" WHERE {place(model, key)}"
                    )
                    assert first_block() == min(number, other)

    def test_is_missed_where_a_row_is_gone_before_it_was_sealed(self) -> None:
        record("try", User.objects.get(username="first"), by=None, now=NOW)
        key = AuditEntry.objects.latest("id").pk
        tamper(f"DELETE FROM accounts_auditentry WHERE id = {key}")
        assert failing()[TRAIL] == [
            {"source": "accounts.auditentry", "key": key, "wrong": "is gone"}
        ]
        seal_audit(now=NOW)
        assert first_block() == AuditBlock.objects.latest().number


def literal(value: Any) -> str:
    """Return a value as SQL."""
    return str(value).lower() if isinstance(value, bool | int) else f"'{value}'"


def sealed(model: type[models.Model]) -> list[int]:
    rows = SealedRow.objects.filter(source=model._meta.label_lower)
    return list(rows.order_by("key").values_list("key", flat=True))


def place(model: type[models.Model], key: int) -> str:
    return f"source = '{model._meta.label_lower}' AND key = {key}"


def block_of(model: type[models.Model], key: int) -> int:
    return SealedRow.objects.get(source=model._meta.label_lower, key=key).block_id


def first_block() -> int:
    """Return the block that `verify` names first."""
    return failing()[TRAIL][0]["block"]


def cut(number: int) -> None:
    """Take away the trail's end from a block on, without a trace in the database."""
    for model in TestAuditTrail.SOURCES:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                f"DELETE FROM {model._meta.db_table} WHERE id IN (SELECT key FROM"
                f" accounts_sealedrow WHERE source = '{model._meta.label_lower}'"
                f" AND block_id >= {number})"
            )
            cursor.execute("SET LOCAL session_replication_role = origin")
    tamper(f"DELETE FROM accounts_sealedrow WHERE block_id >= {number}")
    tamper(f"DELETE FROM accounts_auditblock WHERE number >= {number}")
