"""Writing the ledger as files, beside a plain COPY and the fastest writer of workbooks."""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from django.db import connection
from rustpy_xlsxwriter import FastExcel

from reports.services.files.listing import ENTRY_COLUMNS, Listing
from reports.services.files.table import write_entries
from reports.services.files.workbook import write_ledger

from .sample import fill_ledger
from .table import Row

ROUNDS = 3
EVERYTHING = Listing("true", ())
#: How much more than an idle process may need, in MiB.
MEMORY = 150.0


def measure(entries: int) -> list[Row]:
    fill_ledger(entries)
    # A writer of workbooks takes a sheet at most.
    sheet = Listing("entry.id <= (SELECT min(id) + 499999 FROM reports_ledgerentry)", ())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger"
        plain = _alone(_copy, path)
        csv = _alone(_csv, path)
        fast = _alone(_fast_workbook, path, sheet)
        xlsx = _alone(_workbook, path, sheet)
        idle = _alone(_nothing, path)
    size, half = f"{entries:,} entries", f"{min(entries, 500_000):,} entries"
    return [
        Row(f"ledger as CSV, {size}", csv.seconds, plain.seconds, "COPY TO", "s", "≤ 2"),
        Row(f"ledger as XLSX, {half}", xlsx.seconds, fast.seconds, "rustpy-xlsxwriter", "s",
            "≤ 1.3"),
        Row("memory of the CSV over idle", csv.mib - idle.mib, MEMORY, "150 MiB", "MiB", "≤ 1"),
        Row("memory of the XLSX over idle", xlsx.mib - idle.mib, MEMORY, "150 MiB", "MiB", "≤ 1"),
    ]  # fmt: skip


class Cost:
    """The median time of some runs in processes of their own, and the most memory of any."""

    def __init__(self, runs: list[tuple[float, float]]) -> None:
        self.seconds = median(seconds for seconds, _mib in runs)
        self.mib = max(mib for _seconds, mib in runs)


def _alone(work: Callable[..., object], *arguments: object) -> Cost:
    connection.close()
    spawned = multiprocessing.get_context("fork")
    runs = []
    for _ in range(ROUNDS):
        with spawned.Pool(1) as pool:
            runs.append(pool.apply(_measured, (work, arguments)))
    return Cost(runs)


def _measured(work: Callable[..., object], arguments: tuple[object, ...]) -> tuple[float, float]:
    began = time.perf_counter()
    work(*arguments)
    seconds = time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _nothing(path: Path) -> None:
    EVERYTHING.count()


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
