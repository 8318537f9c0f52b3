"""Keep the finished files: under their names for good, unaltered, and not longer than promised."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.refusals import Refusal
from reports.models import Report

from .scheduling import month_before

TITLES = {
    Report.Kind.MONTHLY: "消费帮扶月报",
    Report.Kind.LEDGER: "消费帮扶台账",
    Report.Kind.SUPPLIER_STATEMENT: "供应商对账单",
    Report.Kind.BUYER_CERTIFICATE: "消费帮扶采购证明",
    Report.Kind.PAIR_MATRIX: "消费帮扶结对矩阵",
    Report.Kind.YEAR_BOOK: "消费帮扶年鉴",
}


class ReportNotReady(Refusal):
    detail = _("The report is not ready.")


class ReportCorrupt(Refusal):
    """The file on disk is missing or not the one that was made; it is never served."""

    code = "report_corrupt"
    detail = _("The file is damaged; have the report made again.")


def path_of(report: Report) -> Path:
    return settings.REPORTS_DIR / f"{report.pk}.{report.format}"


def file_name_of(report: Report) -> str:
    """Return the name under which a reader saves the file."""
    parts = [TITLES[Report.Kind(report.kind)], report.subject, f"{report.month:%Y-%m}"]
    return f"{'-'.join(part for part in parts if part)}.{report.format}"


@contextmanager
def part_of(report: Report) -> Iterator[Path]:
    """
    Yield where this attempt writes; what is still there at the end is deleted.

    An attempt that was given up while it still writes does not meet the next one there.
    """
    final = path_of(report)
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(f"{final.name}.{report.attempts}.tmp")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def checked_file(report: Report) -> BinaryIO:
    """
    Return a ready report's file, open for reading, once it is known to be the one made.

    Raise ReportNotReady before it is made, ReportCorrupt when it is missing or altered.
    """
    if report.status != Report.Status.READY:
        raise ReportNotReady
    try:
        file = path_of(report).open("rb")
    except FileNotFoundError as error:
        raise ReportCorrupt from error
    state = os.fstat(file.fileno())
    # Nobody can set the time of the last change, so it tells an altered file apart.
    if _digest(file.name, state.st_ino, state.st_size, state.st_ctime_ns) != report.sha256:
        file.close()
        raise ReportCorrupt
    return file


@lru_cache(maxsize=1_000)
def _digest(name: str, *_version: int) -> str:
    """Return a file's digest; each part of a download would read all of it otherwise."""
    with Path(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clear_expired(*, now: datetime) -> int:
    """Delete reports older than they are kept, and what killed workers left; return how many."""
    expired = Report.objects.exclude(pk__in=Report.objects.kept(now).values("pk"))
    last = month_before(now)
    count = 0
    for report in expired.iterator():
        path_of(report).unlink(missing_ok=True)
        # While its month is the latest, its row says that it need not come again.
        if report.is_scheduled and report.month >= last:
            continue
        report.delete()
        count += 1
    yesterday = (now - timedelta(days=1)).timestamp()
    for part in settings.REPORTS_DIR.glob("*.tmp"):
        if part.stat().st_mtime < yesterday:
            part.unlink(missing_ok=True)
    return count
