"""Reports are made once and whole, however workers end and disks fill."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings as current
from django.db import connection

from accounts.models import User
from reports.models import LedgerEntry, Report
from reports.services.files.asking import cancel_report, request_report
from reports.services.files.keeping import clear_expired, path_of
from reports.services.files.making import make_next_report
from reports.services.totals import roll_up
from reports.tasks import make_reports

from .ledger import NOW, book, entry, person
from .reporting import OCTOBER, made, opened, table, text_of
from .test_totals import blocked_by, other_session, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.REPORTS_DIR = tmp_path / "files"


@pytest.fixture
def office() -> User:
    return person("office")


@pytest.fixture
def asked(office: User) -> Report:
    """A report that waits to be made."""
    book(*(entry(f"{n}.00") for n in range(1, 20)))
    roll_up(now=NOW)
    return request_report("ledger", OCTOBER, "csv", by=office, now=NOW)


@contextmanager
def stuck() -> Iterator[Callable[[], list[int]]]:
    """
    Hold up whoever lists entries, once the file is begun; yield who is.

    Listing them reads a table that counting them does not.
    """
    with other_session() as session:
        session.execute("LOCK TABLE orders_consignment IN ACCESS EXCLUSIVE MODE")
        yield lambda: blocked_by(session.info.backend_pid)


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


@contextmanager
def slow_disk(report: Report) -> Iterator[None]:
    """Let the report be written into a pipe that is emptied slowly."""
    pipe = path_of(report).with_name(f"{path_of(report).name}.1.tmp")
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)

    def empty() -> None:
        with pipe.open("rb") as file:
            while file.read(65_536):
                time.sleep(0.05)

    thread, _ = in_thread(empty)
    yield
    thread.join()


def files() -> list[str]:
    return sorted(path.name for path in current.REPORTS_DIR.iterdir())


class TestOneMaker:
    def test_others_leave_a_report_alone_that_somebody_makes(self, asked: Report) -> None:
        with stuck() as held_up:
            thread, results = in_thread(lambda: make_next_report(now=NOW))
            wait_until(held_up)
            assert not make_next_report(now=NOW)
            assert files() == [f"{asked.pk}.csv.1.tmp"]
        thread.join()
        assert results == [True]
        asked.refresh_from_db()
        assert (asked.status, asked.attempts, files()) == ("ready", 1, [f"{asked.pk}.csv"])

    def test_others_make_what_waits_meanwhile(self, asked: Report, office: User) -> None:
        form = request_report("monthly", OCTOBER, "csv", by=office, now=NOW)
        with stuck() as held_up:
            thread, _ = in_thread(lambda: make_next_report(now=NOW))
            wait_until(held_up)
            assert make_next_report(now=NOW)
            form.refresh_from_db()
            assert form.status == "ready"
        thread.join()

    def test_gives_up_what_was_cancelled_meanwhile(self, asked: Report, office: User) -> None:
        with stuck() as held_up:
            thread, _ = in_thread(lambda: make_next_report(now=NOW))
            wait_until(held_up)
            cancel_report(asked.pk, by=office, now=NOW)
        thread.join()
        asked.refresh_from_db()
        assert (asked.status, asked.failure, asked.sha256) == ("failed", "cancelled", "")
        assert files() == []

    def test_says_how_far_it_is_and_stops_when_told_to(self, office: User) -> None:
        book(*(entry("1.00") for _ in range(30_000)))
        report = request_report("ledger", OCTOBER, "csv", by=office, now=NOW)
        seen = []
        with slow_disk(report):
            thread, _ = in_thread(lambda: make_next_report(now=NOW))
            wait_until(lambda: seen.append(Report.objects.get().progress) or seen[-1])
            cancel_report(report.pk, by=office, now=NOW)
            thread.join()
        report.refresh_from_db()
        assert (report.status, report.failure) == ("failed", "cancelled")
        assert 0 < seen[-1] < 100
        assert files() == []


class TestKilledMaker:
    def test_leaves_no_file_and_its_report_to_the_next(self, asked: Report) -> None:
        with stuck() as held_up:
            database = urlsplit(os.environ["DATABASE_URL"])._replace(
                path="/" + quote(connection.settings_dict["NAME"], safe="")
            )
            maker = subprocess.Popen(
                [sys.executable, "-c", MAKE, str(current.REPORTS_DIR)],
                env={**os.environ, "DATABASE_URL": database.geturl()},
            )
            wait_until(held_up)
            maker.send_signal(signal.SIGKILL)
            maker.wait()
            asked.refresh_from_db()
            assert (asked.status, asked.attempts) == ("running", 1)
            assert files() == [f"{asked.pk}.csv.1.tmp"]
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", [held_up()])
            wait_until(lambda: not held_up())
        assert make_next_report(now=NOW)
        asked.refresh_from_db()
        assert (asked.status, asked.attempts, asked.rows) == ("ready", 2, 19)
        assert len(text_of(asked).splitlines()) == 20
        self._what_it_left_is_swept(asked)

    def _what_it_left_is_swept(self, report: Report) -> None:
        left = current.REPORTS_DIR / f"{report.pk}.csv.1.tmp"
        os.utime(left, (NOW.timestamp(), NOW.timestamp()))
        clear_expired(now=NOW + timedelta(hours=1))
        assert left.exists()
        clear_expired(now=NOW + timedelta(days=2))
        assert files() == [f"{report.pk}.csv"]

    def test_is_not_followed_by_a_fourth(self, asked: Report) -> None:
        Report.objects.update(status="running", attempts=3)
        make_next_report(now=NOW)
        asked.refresh_from_db()
        assert (asked.status, asked.failure) == ("failed", "gave_up")
        assert not make_next_report(now=NOW)

    def test_lets_others_go_first(self, asked: Report, office: User) -> None:
        Report.objects.update(status="running", attempts=1)
        later = request_report("ledger", OCTOBER, "csv", by=office, now=NOW + timedelta(hours=1))
        make_next_report(now=NOW)
        later.refresh_from_db()
        assert later.status == "ready"

    def test_is_succeeded_by_a_worker_without_being_told(
        self, asked: Report, celery_worker_process: Any
    ) -> None:
        Report.objects.update(status="running", attempts=1)
        make_reports.delay()
        wait_until(lambda: Report.objects.get().status == "ready")


#: Runs in a process of its own, which the test kills.
MAKE = """
import sys
from datetime import datetime, timezone
from pathlib import Path
import django
django.setup()
from django.conf import settings
from reports.services.files.making import make_next_report
settings.REPORTS_DIR = Path(sys.argv[1])
make_next_report(now=datetime.now(timezone.utc))
"""


class TestFullDisk:
    @pytest.mark.parametrize(
        ("kind", "file_format"),
        [("ledger", "csv"), ("ledger", "xlsx"), ("monthly", "csv"), ("monthly", "pdf")],
    )
    def test_fails_the_report_and_leaves_earlier_ones(
        self, asked: Report, office: User, kind: str, file_format: str
    ) -> None:
        make_next_report(now=NOW)
        report = request_report(kind, OCTOBER, file_format, by=office, now=NOW)
        with limited_to(1_000):
            assert make_next_report(now=NOW)
        report.refresh_from_db()
        assert (report.status, report.failure) == ("failed", "storage_full")
        assert not path_of(report).exists()
        assert not [name for name in files() if name.endswith(".tmp")]
        assert text_of(asked)


class TestExpiry:
    def test_clears_what_is_older_than_promised(self, office: User, settings: Any) -> None:
        settings.REPORTS_KEPT_DAYS = 7
        book(entry())
        old = made("ledger", "csv", by=office)
        young = made("ledger", "csv", by=office)
        Report.objects.filter(pk=old.pk).update(requested_at=NOW - timedelta(days=8))
        assert clear_expired(now=NOW) == 1
        assert list(Report.objects.all()) == [young]
        assert files() == [f"{young.pk}.csv"]


class TestOneView:
    def test_leaves_out_what_is_booked_while_the_file_is_written(self, office: User) -> None:
        book(entry("10.00"))
        roll_up(now=NOW)
        report = request_report("monthly", OCTOBER, "xlsx", by=office, now=NOW)
        with stuck() as held_up:
            thread, _ = in_thread(lambda: make_next_report(now=NOW))
            wait_until(held_up)
            book(entry("-5.00", quantity=Decimal(-1)))
            roll_up(now=NOW)
        thread.join()
        report.refresh_from_db()
        assert (report.status, report.rows, LedgerEntry.objects.count()) == ("ready", 1, 2)
        sheets = opened(report)
        listed = [len(table(sheets[name], "条目号")) for name in ("6 证据清单", "7 退货与更正")]
        assert listed == [1, 0]


@contextmanager
def limited_to(size: int) -> Iterator[None]:
    """Let no file of this process grow past `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
