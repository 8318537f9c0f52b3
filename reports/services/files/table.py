"""The monthly form and the ledger as CSV, for spreadsheets that must not run what they read."""

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection

from accounts.spreadsheets import BOM, RUNS, harmless, on_one_line

from .filling import Progress
from .form import MonthlyForm
from .listing import ENTRY_COLUMNS, Column, Listing

ZERO = Decimal(0)

FORM_HEADINGS = [
    "表",
    "代码",
    "名称",
    "本月（元）",
    "本年累计（元）",
    "上年同期累计（元）",
    "同比（%）",
    "其中：采购（本年累计，元）",
    "其中：帮助销售（本年累计，元）",
]
PAIR_HEADINGS = ["区代码", "区", "县代码", "县（市）", "本月（元）", "本年累计（元）"]


def write_monthly(path: Path, form: MonthlyForm) -> int:
    """Write the form's tables below each other, in yuan, and return the number of lines."""
    lines = [
        [table.title[2:], row.code, row.name, row.month, row.year, row.year_before,
         "" if row.change is None else row.change.quantize(Decimal("0.1")),
         row.procured, row.helped_sell]
        for table in form.tables
        for row in (*table.rows, table.total)
    ]  # fmt: skip
    month, year = form.matrices
    lines += [
        ["结对矩阵", f"{district or '未结对'}-{county}", f"{district_name}-{county_name}",
         month.cells.get((district, county), ZERO), year.cells.get((district, county), ZERO),
         "", "", "", ""]
        for district, district_name in year.down
        for county, county_name in year.across
        if (district, county) in year.cells
    ]  # fmt: skip
    _write(path, FORM_HEADINGS, lines)
    return len(lines)


def write_pair_matrix(path: Path, form: MonthlyForm) -> int:
    """Write what each pair came to in the month and the year to date; return their number."""
    month, year = form.matrices
    lines = [
        [district, district_name, county, county_name,
         month.cells.get((district, county), ZERO), year.cells[district, county]]
        for district, district_name in year.down
        for county, county_name in year.across
        if (district, county) in year.cells
    ]  # fmt: skip
    _write(path, PAIR_HEADINGS, lines)
    return len(lines)


def write_entries(path: Path, listing: Listing, *, progress: Progress) -> int:
    """Write a listing's entries and return their number."""
    sql = f"COPY ({listing.select(map(_safe, ENTRY_COLUMNS))}) TO STDOUT (FORMAT csv)"
    rows = 0
    with path.open("wb") as file, connection.cursor() as cursor:
        file.write(BOM)
        headings = ",".join(column.heading for column in ENTRY_COLUMNS)
        file.write(f"{headings}\r\n".encode())
        with cursor.cursor.copy(sql, listing.values) as chunks:
            for rows, chunk in enumerate(chunks, 1):
                # Each chunk is a row.
                file.write(on_one_line(bytes(chunk)))
                if rows % 1_000 == 0:
                    progress(rows)
    return rows


def _write(path: Path, headings: list[str], lines: list[list[Any]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows(
            [re.sub(RUNS, r"'\1", value) if isinstance(value, str) else value for value in line]
            for line in lines
        )


def _safe(column: Column) -> str:
    """Return the column's SQL as text that is safe to open."""
    if column.kind == "moment":
        return f"to_char({column.sql}, 'YYYY-MM-DD HH24:MI:SS')"
    return harmless(column.sql) if column.kind == "text" else column.sql
