"""Reports for tests: asked for, made, and opened again."""

from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from openpyxl import Workbook, load_workbook

from accounts.models import User
from reports.models import Report
from reports.services.files.asking import request_report
from reports.services.files.keeping import path_of
from reports.services.files.making import make_next_report

from .ledger import NOW

OCTOBER = date(2026, 10, 1)


def made(
    kind: str = "monthly",
    file_format: str = "xlsx",
    *,
    by: User,
    month: date = OCTOBER,
    **subject: Any,
) -> Report:
    """Ask for a report and make it."""
    report = request_report(kind, month, file_format, by=by, now=NOW, **subject)
    assert make_next_report(now=NOW)
    report.refresh_from_db()
    assert report.status == "ready", report.failure
    return report


def opened(report: Report) -> Workbook:
    return load_workbook(BytesIO(path_of(report).read_bytes()))


def members(path: Path) -> dict[str, str]:
    """Return the XML of a workbook by its members' names."""
    with ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def table(sheet: Any, heading: str) -> list[dict[str, Any]]:
    """Return the rows below the line that starts with `heading`, each by its headings."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    start = next(n for n, row in enumerate(rows) if row[0] == heading)
    return [dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 :]]


def text_of(report: Report) -> str:
    """Return a CSV as it is on disk, without its mark."""
    return path_of(report).read_bytes().decode("utf-8-sig")
