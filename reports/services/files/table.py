"""The monthly form and the ledger as CSV, for spreadsheets that must not run what they read."""

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from django.db import connection

from .form import MonthlyForm
from .listing import ENTRY_COLUMNS, FROM, Column, Listing

#: Excel takes a CSV for UTF-8 only with this mark.
BOM = b"\xef\xbb\xbf"

ZERO = Decimal(0)
Progress = Callable[[int], None]

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


def write_monthly(path: Path, form: MonthlyForm) -> int:
    """Write the form's tables below each other, in yuan, and return the number of lines."""
    lines = [
        [table.title[2:], row.code, row.name, row.month, row.year, row.year_before,
         "" if row.change is None else (row.change * 100).quantize(Decimal("0.1")),
         row.procured, row.helped_sell]
        for table in form.tables
        for row in (*table.rows, table.total)
    ]  # fmt: skip
    month, year = form.matrices
    lines += [
        ["结对矩阵", f"{district or '未结对'}-{county}", f"{district_name}-{county_name}",
         month.cells.get((district, county), ZERO), year.cells.get((district, county), ZERO),
         "", "", "", ""]
        for district, district_name in year.districts
        for county, county_name in year.counties
        if (district, county) in year.cells
    ]  # fmt: skip
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FORM_HEADINGS)
        writer.writerows(lines)
    return len(lines)


def write_ledger(path: Path, listing: Listing, *, progress: Progress) -> int:
    """Write a listing's entries and return their number."""
    columns = ", ".join(_safe(column) for column in ENTRY_COLUMNS)
    sql = (
        f"COPY (SELECT {columns} {FROM} WHERE {listing.condition} ORDER BY entry.id)"
        " TO STDOUT (FORMAT csv, ENCODING 'UTF8')"
    )
    rows = 0
    with path.open("wb") as file, connection.cursor() as cursor:
        file.write(BOM)
        headings = ",".join(column.heading for column in ENTRY_COLUMNS)
        file.write(f"{headings}\r\n".encode())
        with cursor.copy(sql, listing.values) as chunks:
            for chunk in chunks:
                # Texts hold no line breaks, so each one ends a row.
                file.write(bytes(chunk).replace(b"\n", b"\r\n"))
                rows += 1
                if rows % 10_000 == 0:
                    progress(rows)
    return rows


def _safe(column: Column) -> str:
    """Return the column's SQL; texts lose line breaks, and what a spreadsheet would run."""
    if column.kind == "moment":
        return f"to_char({column.sql}, 'YYYY-MM-DD HH24:MI:SS')"
    if column.kind != "text":
        return column.sql
    text = f"regexp_replace({column.sql}, '[\\r\\n\\t]+', ' ', 'g')"
    return f"regexp_replace({text}, '^([=+@＝＋－＠-])', '''\\1')"
