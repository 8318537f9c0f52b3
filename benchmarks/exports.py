"""Writing the ledger as files, beside a plain COPY and the fastest writer of workbooks."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection
from rustpy_xlsxwriter import FastExcel

from reports.services.files.listing import ENTRY_COLUMNS, Listing
from reports.services.files.table import write_entries
from reports.services.files.workbook import write_ledger

from .alone import MEMORY, Cost, alone, idle, together
from .sample import fill_ledger
from .table import Row

ROUNDS = 3
EVERYTHING = Listing("true", ())


def measure(entries: int) -> list[Row]:
    fill_ledger(entries)
    # A writer of workbooks takes a sheet at most.
    sheet = Listing("entry.id <= (SELECT min(id) + 499999 FROM reports_ledgerentry)", ())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger"
        plain = _often(_copy, path)
        csv = _often(_csv, path)
        fast = _often(_fast_workbook, path, sheet)
        xlsx = _often(_workbook, path, sheet)
        least = idle().mib
    size, half = f"{entries:,} entries", f"{min(entries, 500_000):,} entries"
    return [
        Row(f"ledger as CSV, {size}", csv.seconds, plain.seconds, "COPY TO", "s", "≤ 2"),
        Row(f"ledger as XLSX, {half}", xlsx.seconds, fast.seconds, "rustpy-xlsxwriter", "s",
            "≤ 1.3"),
        Row("memory of the CSV over idle", csv.mib - least, MEMORY, "150 MiB", "MiB", "≤ 1"),
        Row("memory of the XLSX over idle", xlsx.mib - least, MEMORY, "150 MiB", "MiB", "≤ 1"),
    ]  # fmt: skip


def _often(work: Callable[..., object], *arguments: object) -> Cost:
    return together([alone(work, *arguments) for _ in range(ROUNDS)])


def _copy(path: Path) -> None:
    sql = f"COPY ({EVERYTHING.select(c.sql for c in ENTRY_COLUMNS)}) TO STDOUT (FORMAT csv)"
    with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(sql) as rows:
        for row in rows:
            file.write(row)


def _csv(path: Path) -> None:
    write_entries(path, EVERYTHING, progress=_ignore)


def _workbook(path: Path, listing: Listing) -> None:
    write_ledger(
        path, "ledger", listing, created=datetime(2026, 1, 1, tzinfo=UTC), progress=_ignore
    )


def _fast_workbook(path: Path, listing: Listing) -> None:
    headings = [column.heading for column in ENTRY_COLUMNS]
    numbers = [column.kind in ("integer", "quantity", "money") for column in ENTRY_COLUMNS]
    rows = (
        {
            heading: float(value) if is_number and value else value
            for heading, value, is_number in zip(headings, row, numbers, strict=True)
        }
        for row in listing.cells(progress=_ignore)
    )
    FastExcel(str(path.with_suffix(".xlsx"))).sheet("ledger", rows).save()


def _ignore(rows: int) -> None:
    pass
