"""Make the reports that wait, one at a time, each exactly once however workers end."""

import errno
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts.services.disk import settle, take_over
from reports.models import Month, Report
from reports.services.totals import roll_up

from . import listing, printing, table, workbook
from .filling import Progress
from .form import monthly_form
from .keeping import TITLES, part_of, path_of
from .statement import statement_of
from .year_book import year_book

MAX_ATTEMPTS = 3
STORAGE_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Cancelled(Exception):
    """Somebody no longer wants the file that is being written."""


def make_next_report(*, now: datetime) -> bool:
    """
    Make a report that waits for it, or whose worker died; return whether there was one.

    A lock of the session stands for "somebody is at it": it ends with the worker,
    however that ends, so a killed one's report is taken up again at once.
    """
    for pk in list(Report.objects.due().values_list("pk", flat=True)):
        with _at_it(pk) as free:
            if free and (report := Report.objects.due().filter(pk=pk).first()):
                _make(report, now=now)
                return True
    return False


@contextmanager
def _at_it(pk: UUID) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [str(pk)])
        (free,) = cursor.fetchone()
        try:
            yield free
        finally:
            if free:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [str(pk)])


def _make(report: Report, *, now: datetime) -> None:
    if report.attempts >= MAX_ATTEMPTS:
        _change(report, status=Report.Status.FAILED, failure="gave_up", finished_at=now)
        return
    report.attempts += 1
    claimed = Report.objects.due().filter(pk=report.pk, attempts=report.attempts - 1)
    if not claimed.update(
        status=Report.Status.RUNNING, attempts=report.attempts, started_at=now, progress=0
    ):
        return
    if not Month.objects.sealed().filter(month=report.month).exists():
        roll_up(now=now)
    try:
        with part_of(report) as part:
            with _one_view():
                rows = _write(report, part)
            size, sha256 = settle(part)
            with transaction.atomic():
                _change(
                    report, status=Report.Status.READY, progress=100, rows=rows, size=size,
                    sha256=sha256, finished_at=timezone.now(),
                )  # fmt: skip
                take_over(part, path_of(report))
    except Cancelled:
        return
    except OSError as error:
        if error.errno not in STORAGE_FULL:
            raise
        _change(report, status=Report.Status.FAILED, failure="storage_full", finished_at=now)


def _change(report: Report, **values: object) -> None:
    """Change the report's row unless it was cancelled or belongs to a later attempt."""
    if not Report.objects.due().filter(pk=report.pk, attempts=report.attempts).update(**values):
        raise Cancelled


@contextmanager
def _one_view() -> Iterator[None]:
    """Let all that a file says be of one moment, so that its sheets add up."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _write(report: Report, part: Path) -> int:
    """Write the report's file and return how many rows it lists."""
    created = _dated(report)
    entries = _entries_of(report)
    with _progress(report, entries) as progress:
        match report.kind, report.format:
            case Report.Kind.YEAR_BOOK, file_format:
                book = year_book(report.month, **_prepared(report))
                if file_format == Report.Format.PDF:
                    return printing.write_year_book(part, book)
                return workbook.write_year_book(part, book, created=created)
            case Report.Kind.PAIR_MATRIX, file_format:
                form = monthly_form(report.month, **_prepared(report))
                if file_format == Report.Format.CSV:
                    return table.write_pair_matrix(part, form)
                return workbook.write_pair_matrix(part, form, created=created)
            case Report.Kind.MONTHLY, file_format:
                form = monthly_form(report.month, **_prepared(report))
                if file_format == Report.Format.CSV:
                    return table.write_monthly(part, form)
                if file_format == Report.Format.PDF:
                    return printing.write_monthly(part, form)
                return workbook.write_monthly(
                    part,
                    form,
                    entries=entries,
                    corrections=listing.corrections_of(report.month),
                    created=created,
                    progress=progress,
                )
            case _, Report.Format.CSV:
                return table.write_entries(part, entries, progress=progress)
            case Report.Kind.LEDGER, _:
                title = TITLES[Report.Kind.LEDGER]
                return workbook.write_ledger(
                    part, title, entries, created=created, progress=progress
                )
            case _, Report.Format.PDF:
                return printing.write_statement(part, statement_of(report))
        return workbook.write_statement(
            part, statement_of(report), entries, created=created, progress=progress
        )


def _prepared(report: Report) -> Any:
    """Return who prepared the report and when, as the form takes them."""
    day = timezone.localdate(report.requested_at)
    return {"prepared_by": report.requested_by, "prepared_on": day}


def _entries_of(report: Report) -> listing.Listing:
    match report.kind:
        case Report.Kind.SUPPLIER_STATEMENT:
            return listing.of_supplier(report.month, report.subject)
        case Report.Kind.BUYER_CERTIFICATE:
            return listing.of_buyer(report.month, report.subject)
    return listing.of_month(report.month)


def _dated(report: Report) -> datetime:
    """Return the moment that the file itself names: of the close, else of the request's day."""
    month = Month.objects.filter(month=report.month).first()
    if month and month.closed_at:
        return timezone.localtime(month.closed_at)
    return timezone.localtime(report.requested_at).replace(
        hour=0, minute=0, second=0, microsecond=0
    )


@contextmanager
def _progress(report: Report, entries: listing.Listing) -> Iterator[Progress]:
    """Yield what notes each second how many rows are written; it raises Cancelled when told to."""
    total = max(1, entries.count())
    # The report's own connection is inside a transaction that sees no changes meanwhile.
    with closing(connection.copy()) as side:
        last = monotonic()

        def note(rows: int) -> None:
            nonlocal last
            if monotonic() - last < 1:
                return
            last = monotonic()
            with side.cursor() as cursor:
                cursor.execute(
                    "UPDATE reports_report SET progress = %s "
                    "WHERE id = %s AND status = 'running' AND attempts = %s",
                    [min(99, rows * 100 // total), report.pk, report.attempts],
                )
                if not cursor.rowcount:
                    raise Cancelled

        yield note
