"""A report's way from the request to a finished file, and from there to its reader."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid, NotFound, Refusal
from accounts.services.audit import record
from orders.models import Buyer
from reports.models import Month, Report
from suppliers.models import Supplier

from . import listing, printing, table, workbook
from .form import monthly_form

MAX_ATTEMPTS = 3
KEPT = timedelta(days=30)

FORMATS = {
    Report.Kind.MONTHLY: {"xlsx", "csv", "pdf"},
    Report.Kind.LEDGER: {"xlsx", "csv"},
    Report.Kind.SUPPLIER_STATEMENT: {"xlsx", "csv", "pdf"},
    Report.Kind.BUYER_CERTIFICATE: {"xlsx", "csv", "pdf"},
}
TITLES = {
    Report.Kind.MONTHLY: "消费帮扶月报",
    Report.Kind.LEDGER: "消费帮扶台账",
    Report.Kind.SUPPLIER_STATEMENT: "供应商对账单",
    Report.Kind.BUYER_CERTIFICATE: "采购证明",
}


class ReportInWrongState(Refusal):
    """The report is not in a state in which this can be done."""


class ReportCorrupt(Refusal):
    """The file on disk is missing or not the one that was made; it is never served."""

    code = "report_corrupt"
    detail = _("The file is damaged; ask for the report again.")


class Cancelled(Exception):
    """Somebody no longer wants the file that is being written."""


@transaction.atomic
def request_report(
    kind: str, month: date, file_format: str, *, subject: str = "", by: User, now: datetime
) -> Report:
    """
    Ask for a report; a worker makes it.

    `subject` is the code of the supplier or buyer of a statement or certificate; its
    own people may leave it out. Raise Invalid for a format that the kind does not
    have, Forbidden for figures that `by` may not see.
    """
    if file_format not in FORMATS[Report.Kind(kind)]:
        detail = _("This report is not made in this format.")
        raise Invalid(errors=[ErrorItem("/format", "invalid", detail)])
    report = Report.objects.create(
        kind=kind,
        month=month,
        format=file_format,
        subject=_subject(kind, subject, by=by),
        requested_by=by,
        requested_at=now,
    )
    record(
        "request_report", report, by=by, now=now, after={"kind": kind, "month": f"{month:%Y-%m}"}
    )
    return report


def _subject(kind: str, code: str, *, by: User) -> str:
    owners = {
        Report.Kind.SUPPLIER_STATEMENT: Supplier.objects,
        Report.Kind.BUYER_CERTIFICATE: Buyer.objects,
    }
    if kind not in owners:
        if not by.sees_all_figures:
            raise Forbidden
        if code:
            detail = _("This report is about no supplier or buyer.")
            raise Invalid(errors=[ErrorItem("/subject", "invalid", detail)])
        return ""
    visible = owners[Report.Kind(kind)].for_actor(by)
    if not code and not by.role:
        code = visible.values_list("code", flat=True).first() or ""
        if not code:
            raise Forbidden
    if not visible.filter(code=code).exists():
        raise Invalid(errors=[ErrorItem("/subject", "invalid", _("There is no such code."))])
    return code


@transaction.atomic
def cancel_report(pk: UUID, *, by: User, now: datetime) -> Report:
    """Stop a report that is not finished yet; a worker that writes it gives up soon."""
    report = _locked(pk, by=by)
    if not report.is_due:
        raise ReportInWrongState
    report.status, report.failure, report.finished_at = Report.Status.FAILED, "cancelled", now
    report.save()
    record("cancel_report", report, by=by, now=now)
    return report


@transaction.atomic
def retry_report(pk: UUID, *, by: User, now: datetime) -> Report:
    """Make a report that failed once more."""
    report = _locked(pk, by=by)
    if report.status != Report.Status.FAILED:
        raise ReportInWrongState
    report.status, report.failure, report.attempts = Report.Status.QUEUED, "", 0
    report.progress, report.finished_at = 0, None
    report.save()
    record("retry_report", report, by=by, now=now)
    return report


def _locked(pk: UUID, *, by: User) -> Report:
    report = Report.objects.shown_to(by).select_for_update(of=("self",)).filter(pk=pk).first()
    if report is None:
        raise NotFound
    return report


def make_due_reports(*, now: datetime) -> int:
    """
    Make every report that waits for it, or whose worker died; return how many.

    A lock of the session stands for "somebody is at it": it ends with the worker,
    however that ends, so a killed one's reports are taken up again at once.
    """
    made = 0
    for pk in list(Report.objects.due().values_list("pk", flat=True)):
        with _at_it(pk) as free:
            if free and (report := Report.objects.due().filter(pk=pk).first()):
                _make(report, now=now)
                made += 1
    return made


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
        _finish(report, status=Report.Status.FAILED, failure="gave_up", finished_at=now)
        return
    started = Report.objects.due().filter(pk=report.pk)
    if not started.update(
        status=Report.Status.RUNNING, attempts=report.attempts + 1, started_at=now, progress=0
    ):
        return
    path = path_of(report)
    part = path.with_suffix(f"{path.suffix}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        rows = _write(report, part)
        size, sha256 = _settle(part, path)
    except Cancelled:
        return
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        _finish(report, status=Report.Status.FAILED, failure="storage_full", finished_at=now)
    else:
        _finish(
            report, status=Report.Status.READY, progress=100, rows=rows, size=size,
            sha256=sha256, finished_at=timezone.now(),
        )  # fmt: skip
    finally:
        part.unlink(missing_ok=True)


def _finish(report: Report, **values: object) -> None:
    # Not if it was cancelled meanwhile.
    Report.objects.due().filter(pk=report.pk).update(**values)


def _write(report: Report, part: Path) -> int:
    """Write the report's file and return how many rows it lists."""
    created = _dated(report)
    if report.kind == Report.Kind.MONTHLY:
        form = monthly_form(
            report.month,
            prepared_by=report.requested_by,
            prepared_on=timezone.localdate(report.requested_at),
        )
        if report.format == Report.Format.CSV:
            return table.write_monthly(part, form)
        if report.format == Report.Format.PDF:
            return printing.write_monthly(part, form)
        entries = listing.of_month(report.month)
        with _progress(report, entries) as progress:
            return workbook.write_monthly(
                part,
                form,
                entries=entries,
                corrections=listing.corrections_of(report.month),
                created=created,
                progress=progress,
            )
    entries = _entries_of(report)
    if report.format == Report.Format.PDF:
        return printing.write_statement(part, report, entries)
    with _progress(report, entries) as progress:
        if report.format == Report.Format.CSV:
            return table.write_ledger(part, entries, progress=progress)
        return workbook.write_ledger(
            part, TITLES[Report.Kind(report.kind)], entries, created=created, progress=progress
        )


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
def _progress(report: Report, entries: listing.Listing) -> Iterator[workbook.Progress]:
    """Yield what notes that so many rows are written; it raises Cancelled when told to stop."""
    total = max(1, entries.count())
    # The report's own connection is inside a long transaction meanwhile.
    with closing(connection.copy()) as side:
        last = 0

        def note(rows: int) -> None:
            nonlocal last
            percent = min(99, rows * 100 // total)
            if percent == last:
                return
            last = percent
            with side.cursor() as cursor:
                cursor.execute(
                    "UPDATE reports_report SET progress = %s WHERE id = %s AND status = 'running'",
                    [percent, report.pk],
                )
                if not cursor.rowcount:
                    raise Cancelled

        yield note


def _settle(part: Path, path: Path) -> tuple[int, str]:
    """Bring the finished file under its final name for good; return its size and digest."""
    sha256 = _digest(part)
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path.stat().st_size, sha256


def path_of(report: Report) -> Path:
    return settings.REPORTS_DIR / f"{report.pk}.{report.format}"


def file_name_of(report: Report) -> str:
    """Return the name under which a reader saves the file."""
    title = TITLES[Report.Kind(report.kind)]
    parts = [title, report.subject, f"{report.month:%Y-%m}"]
    return f"{'-'.join(part for part in parts if part)}.{report.format}"


def checked_path(report: Report) -> Path:
    """
    Return where a ready report's file lies, after looking whether it is still the one.

    Raise ReportInWrongState when it is not ready, ReportCorrupt when the file is not
    what was made.
    """
    if report.status != Report.Status.READY:
        raise ReportInWrongState(_("The report is not ready."))
    path = path_of(report)
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise ReportCorrupt from error
    # Reading it all again for every part of a download would be slow.
    seen = f"report:{report.pk}:{found.st_size}:{found.st_mtime_ns}"
    if cache.get(seen) != report.sha256:
        if _digest(path) != report.sha256:
            raise ReportCorrupt
        cache.set(seen, report.sha256, timeout=3_600)
    return path


def clear_expired(*, now: datetime) -> int:
    """Delete reports that are older than they are kept, and what killed workers left behind."""
    expired = list(Report.objects.filter(requested_at__lt=now - KEPT))
    for report in expired:
        path_of(report).unlink(missing_ok=True)
        report.delete()
    yesterday = (now - timedelta(days=1)).timestamp()
    for part in settings.REPORTS_DIR.glob("*.tmp"):
        if part.stat().st_mtime < yesterday:
            part.unlink(missing_ok=True)
    return len(expired)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
