"""Totals are the ledger, whatever happens while they are rolled up."""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from reports.models import DIMENSIONS, GRAINS, LedgerEntry, Month, PendingTotal, RollUp, Total
from reports.services import totals
from reports.services.totals import differences, grain_of, rebuild, roll_up
from reports.tasks import roll_up as roll_up_task

from .ledger import NOW, SHANGHAI, book, entry, in_month, insert


def stored(grain: tuple[str, ...] = DIMENSIONS) -> Counter[tuple[Any, ...]]:
    """Return the amounts of a grain's cells."""
    columns = ["month", "grade", *grain]
    sums: Counter[tuple[Any, ...]] = Counter()
    for *cell, amount in Total.objects.filter(grain=grain_of(grain)).values_list(
        *columns, "amount"
    ):
        sums[tuple(cell)] += amount
    return sums


def recomputed(grain: tuple[str, ...] = DIMENSIONS) -> Counter[tuple[Any, ...]]:
    """Return the same from the ledger, by a Python loop that shares nothing with the SQL."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in LedgerEntry.objects.values("month", "grade", *grain, "amount"):
        sums[tuple(row[name] for name in ("month", "grade", *grain))] += row["amount"]
    return sums


def places() -> set[str]:
    """Return where the totals' rows lie; one that is written again lies elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text FROM reports_total")
        return {place for (place,) in cursor}


entries = st.builds(
    entry,
    amount=st.integers(-10_000_000, 1_000_000_000).map(lambda fen: str(Decimal(fen) / 100)),
    booked_at=st.integers(0, 60 * 24 - 1).map(
        lambda hours: datetime(2025, 12, 31, tzinfo=SHANGHAI) + timedelta(hours=hours)
    ),
    county_code=st.sampled_from(["522701", "522729"]),
    region_code=st.sampled_from(["", "440105", "810000"]),
    pair_district_code=st.sampled_from(["", "440105"]),
    category_code=st.sampled_from(["eggs", "tea"]),
    supplier_code=st.sampled_from(["", "S1", "S2"]),
    kind=st.sampled_from(["procured", "helped_sell"]),
    buyer_kind=st.sampled_from(["canteen", "supermarket"]),
    channel=st.sampled_from(["platform", "offline"]),
    is_recognised=st.booleans(),
    grade=st.integers(0, 4),
)


class TestAnyHistory(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(statements=st.lists(st.lists(entries, max_size=6) | st.just("roll up"), max_size=10))
    def test_totals_and_pending_are_the_ledger_at_every_moment(self, statements: list[Any]) -> None:
        for statement in statements:
            if statement == "roll up":
                roll_up(now=NOW)
                assert not PendingTotal.objects.exists()
            elif statement:
                book(*statement)
            assert differences() == []
        roll_up(now=NOW)
        for grain in GRAINS:
            assert stored(grain) == recomputed(grain)
            assert sum(stored(grain).values()) == sum(recomputed().values())

    @settings(max_examples=15, deadline=None)
    @given(some=st.lists(entries, min_size=1, max_size=8))
    def test_a_rebuild_says_the_same_as_the_roll_ups(self, some: list[LedgerEntry]) -> None:
        book(*some)
        roll_up(now=NOW)
        before = stored()
        rebuild(now=NOW)
        assert stored() == before == recomputed()


@pytest.mark.django_db
class TestRollUp:
    def test_adds_each_entry_once_however_often_it_runs(self) -> None:
        book(entry("10.00"), entry("2.50"))
        for _ in range(3):
            roll_up(now=NOW)
        assert list(stored().values()) == [Decimal("12.50")]

    def test_adds_more_pending_rows_than_one_statement_takes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(totals, "BATCH", 2)
        for _ in range(5):
            book(entry())
        roll_up(now=NOW)
        assert list(stored().values()) == [Decimal("50.00")]
        assert not PendingTotal.objects.exists()

    def test_keeps_an_entry_whose_sums_cancel_out(self) -> None:
        book(entry("10.00"), entry("-10.00"))
        roll_up(now=NOW)
        assert list(stored().values()) == [0]
        assert differences() == []

    def test_never_moves_its_time_back(self) -> None:
        roll_up(now=NOW)
        roll_up(now=NOW - timedelta(hours=1))
        assert RollUp.objects.get().rolled_up_at == NOW

    def test_takes_as_many_statements_for_one_entry_as_for_twenty(
        self, django_assert_num_queries: Callable[..., Any]
    ) -> None:
        for number in (1, 20):
            book(*(entry(county_code=f"5227{n:02}") for n in range(number)))
            with django_assert_num_queries(6):
                roll_up(now=NOW)

    def test_a_rebuild_mends_what_somebody_changed_by_hand(self) -> None:
        book(entry("10.00"))
        roll_up(now=NOW)
        Total.objects.update(amount=1)
        assert differences()
        for _ in range(2):
            rebuild(now=NOW)
            assert differences() == []

    def test_a_rebuild_puts_back_what_is_missing_and_takes_out_what_is_too_much(self) -> None:
        book(entry("10.00"), entry("7.00", county_code="522701"))
        roll_up(now=NOW)
        Total.objects.filter(county_code="522701").delete()
        Total.objects.update(supplier_code="nobody")
        rebuild(now=NOW)
        assert differences() == []
        assert stored() == recomputed()

    def test_a_rebuild_leaves_alone_what_is_right(self) -> None:
        book(entry("10.00"), entry("7.00", county_code="522701"))
        roll_up(now=NOW)
        wrong = Total.objects.filter(grain=grain_of(DIMENSIONS), county_code="522701")
        wrong.update(amount=1)
        before = places()
        rebuild(now=NOW)
        after = places()
        assert len(before) == len(after)
        assert len(before - after) == 1

    def test_a_rebuild_leaves_nothing_pending(self) -> None:
        book(entry("10.00"))
        rebuild(now=NOW)
        assert list(stored().values()) == [Decimal("10.00")]
        assert not PendingTotal.objects.exists()

    @pytest.mark.parametrize("grain", GRAINS)
    def test_names_a_grain_as_postgresql_does(self, grain: tuple[str, ...]) -> None:
        book()
        with connection.cursor() as cursor:
            cursor.execute(
                # A second set, because the columns must all stand in GROUP BY.
                f"SELECT max(told) FROM (SELECT grouping({', '.join(DIMENSIONS)}) AS told "
                f"FROM reports_ledgerentry "
                f"GROUP BY GROUPING SETS (({', '.join(grain)}), ({', '.join(DIMENSIONS)}))) sets"
            )
            assert cursor.fetchone() == (grain_of(grain),)


@pytest.mark.django_db
class TestMonthOfAnEntry:
    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai"])
    def test_is_the_month_in_shanghai_whatever_the_session(self, zone: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
        last = datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=SHANGHAI)
        book(entry("1.00", booked_at=last), entry("2.00", booked_at=last + timedelta.resolution))
        roll_up(now=NOW)
        months = Total.objects.filter(grain=grain_of(DIMENSIONS)).order_by("month")
        assert [(f"{row.month}", row.amount) for row in months] == [
            ("2026-01-01", Decimal("1.00")),
            ("2026-02-01", Decimal("2.00")),
        ]


@pytest.mark.django_db
class TestLedger:
    def test_refuses_to_be_changed(self) -> None:
        book()
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            LedgerEntry.objects.update(amount=1)
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            LedgerEntry.objects.all().delete()

    @pytest.mark.parametrize("amount", ["NaN", "Infinity", "1000000000000"])
    @pytest.mark.parametrize("column", ["amount", "quantity", "weight_kg"])
    def test_refuses_numbers_that_are_no_amounts(self, column: str, amount: str) -> None:
        with (
            pytest.raises(DatabaseError, match=r"entry_amounts_within_bounds|overflow"),
            connection.cursor() as cursor,
        ):
            insert(cursor, entry(**{column: Decimal(amount)}))


def other_session() -> psycopg.Connection[Any]:
    """Return a session of its own on the test's database."""
    return psycopg.connect(
        **connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}
    )


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def blocked_by(pid: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", [pid]
        )
        return [blocked for (blocked,) in cursor]


@pytest.fixture
def session(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    with other_session() as one:
        yield one


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    def test_adds_an_entry_that_commits_after_a_roll_up_saw_later_ones(
        self, session: psycopg.Connection[Any]
    ) -> None:
        # The month exists: only its very first two writers wait for each other.
        Month.objects.create(month=date(2026, 10, 1))
        insert(session, entry("5.00"))
        book(entry("10.00"))
        roll_up(now=NOW)
        assert list(stored().values()) == [Decimal("10.00")]
        session.commit()
        assert PendingTotal.objects.count() == 1
        roll_up(now=NOW)
        assert list(stored().values()) == [Decimal("15.00")]

    def test_lets_one_roll_up_in_at_a_time(self, session: psycopg.Connection[Any]) -> None:
        book(entry("10.00"))
        roll_up(now=NOW)
        book(entry("10.00"))
        session.execute("SELECT 1 FROM reports_rollup FOR UPDATE")
        done = []

        def work() -> None:
            roll_up(now=NOW)
            done.append(True)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: blocked_by(session.info.backend_pid))
        assert not done
        session.commit()
        for thread in threads:
            thread.join()
        assert done == [True] * 3
        assert list(stored().values()) == [Decimal("20.00")]

    def test_loses_and_doubles_nothing_when_its_worker_is_killed_half_way(
        self,
        session: psycopg.Connection[Any],
        celery_worker_process: subprocess.Popen[bytes],
    ) -> None:
        book(entry("10.00"))
        roll_up(now=NOW)
        book(*(entry("7.00", county_code=f"5227{n:02}") for n in range(20)), entry("3.00"))
        # The worker has taken the pending rows when it meets this lock.
        session.execute("SELECT 1 FROM reports_total FOR UPDATE")
        roll_up_task.delay()
        wait_until(lambda: blocked_by(session.info.backend_pid))
        os.killpg(celery_worker_process.pid, signal.SIGKILL)
        celery_worker_process.wait()
        session.rollback()
        wait_until(lambda: not _others())
        assert sum(stored().values()) == Decimal("10.00")
        assert PendingTotal.objects.exists()
        assert differences() == []
        roll_up(now=NOW)
        roll_up(now=NOW)
        assert sum(stored().values()) == Decimal("153.00")
        assert stored() == recomputed()

    def test_a_worker_rolls_up_once_for_a_message_that_comes_many_times(
        self, celery_worker_process: subprocess.Popen[bytes]
    ) -> None:
        book(entry("10.00"))
        for _ in range(5):
            roll_up_task.delay()
        wait_until(lambda: not PendingTotal.objects.exists())
        time.sleep(0.5)
        assert list(stored().values()) == [Decimal("10.00")]


def _others() -> list[int]:
    """Return the sessions that a killed worker has left behind in a statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%%reports_total%%'"
        )
        return [pid for (pid,) in cursor]


@pytest.mark.django_db
def test_one_month_can_be_compared_alone() -> None:
    book(in_month(9), in_month(10))
    roll_up(now=NOW)
    Total.objects.filter(month="2026-09-01").update(entries=7)
    assert differences(month=in_month(10).booked_at.date().replace(day=1)) == []
    assert differences(month=in_month(9).booked_at.date().replace(day=1))
