"""The monthly form and the ledger as XLSX: official sheets that print well."""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from .form import FormRow, FormTable, Matrix, MonthlyForm
from .listing import ENTRY_COLUMNS, Listing

#: A sheet has 1,048,576 rows; what is more goes on on the next one.
ROWS_PER_SHEET = 1_000_000
TEN_THOUSAND = Decimal(10_000)
ROUNDING_NOTE = "注：因四舍五入，分项合计与总计可能略有差异。"
FONT = "Microsoft YaHei"
COLUMNS = [
    "本月",
    "本年累计",
    "上年同期累计",
    "同比（%）",
    "其中：采购（本年累计）",
    "其中：帮助销售（本年累计）",
]

Progress = Callable[[int], None]


class FormWorkbook:
    """
    A workbook with the form's formats and heads.

    Rows are written from top to bottom and leave memory at once; nothing in it depends
    on when or where it is written, so equal figures give equal bytes.
    """

    def __init__(self, path: Path, *, created: datetime, title: str) -> None:
        self.book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "remove_timezone": True,
                "default_date_format": "yyyy-mm-dd",
            },
        )
        self.book.set_properties(
            {"title": title, "company": "黔南好物", "created": created.replace(tzinfo=None)}
        )
        font = {"font_name": FONT, "font_size": 10, "valign": "vcenter"}
        framed = {**font, "border": 1, "border_color": "#9AA8A0"}

        def of(**more: Any) -> Any:
            return self.book.add_format({**framed, **more})

        self.title = self.book.add_format(
            {**font, "font_size": 16, "bold": True, "align": "center"}
        )
        self.plain = self.book.add_format(font)
        self.right = self.book.add_format({**font, "align": "right"})
        self.draft = self.book.add_format({**font, "bold": True, "font_color": "#C0392B"})
        self.head = of(bold=True, align="center", text_wrap=True, bg_color="#E3EFE8")
        self.text = of(num_format="@")
        self.amount = of(num_format="#,##0.00")
        self.percent = of(num_format='0.0"%"', align="right")
        self.total_text = of(bold=True, num_format="@", bg_color="#F4F7F5")
        self.total_amount = of(bold=True, num_format="#,##0.00", bg_color="#F4F7F5")
        self.total_percent = of(bold=True, num_format='0.0"%"', align="right", bg_color="#F4F7F5")
        # Entries can be a million rows, so they go without frames.
        self.by_kind = {
            "text": self.book.add_format({**font, "num_format": "@"}),
            "integer": self.book.add_format({**font, "num_format": "0"}),
            "quantity": self.book.add_format({**font, "num_format": "#,##0.###"}),
            "money": self.book.add_format({**font, "num_format": "#,##0.00"}),
            "day": self.book.add_format({**font, "num_format": "yyyy-mm-dd"}),
            "moment": self.book.add_format({**font, "num_format": "yyyy-mm-dd hh:mm"}),
        }

    def add_sheet(self, name: str, *, widths: Iterable[float], repeat_to: int) -> Worksheet:
        """Add a landscape A4 sheet whose rows up to `repeat_to` stay in sight and on each page."""
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.set_footer("&C第 &P 页 共 &N 页&R&A")
        sheet.repeat_rows(0, repeat_to)
        sheet.freeze_panes(repeat_to + 1, 0)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return sheet


def write_monthly(
    path: Path,
    form: MonthlyForm,
    *,
    entries: Listing,
    corrections: Listing,
    created: datetime,
    progress: Progress,
) -> int:
    """Write the form's seven sheets and return the number of listed entries."""
    workbook = FormWorkbook(path, created=created, title=f"消费帮扶月报 {form.month:%Y-%m}")
    with workbook.book:
        county, *others = form.tables
        _write_table(workbook, form, county, headline=True)
        _write_matrices(workbook, form)
        for table in others:
            _write_table(workbook, form, table)
        written = _write_entries(workbook, "6 证据清单", entries, progress, form)
        _write_entries(workbook, "7 退货与更正", corrections, lambda _: None, form)
    return written


def write_ledger(
    path: Path, name: str, listing: Listing, *, created: datetime, progress: Progress
) -> int:
    """Write a listing of entries alone and return their number."""
    workbook = FormWorkbook(path, created=created, title=name)
    with workbook.book:
        return _write_entries(workbook, name, listing, progress, None)


def _write_top(
    workbook: FormWorkbook, sheet: Worksheet, form: MonthlyForm, title: str, width: int
) -> int:
    """Write what stands above every sheet's table and return the next free row."""
    sheet.set_row(0, 30)
    sheet.merge_range(0, 0, 0, width - 1, f"消费帮扶（消费协作）月报：{title}", workbook.title)
    middle = width // 2
    lines = [
        (f"填报单位：{form.office}", f"报表期别：{form.month.year}年{form.month.month}月"),
        (
            f"填报人：{form.prepared_by}  审核人：{form.reviewed_by or '—'}",
            f"填报日期：{form.prepared_on:%Y-%m-%d}",
        ),
        (f"口径版本：{form.rule}", "单位：万元"),
    ]
    for row, (left, right) in enumerate(lines, start=1):
        sheet.write_string(row, 0, left, workbook.plain)
        sheet.merge_range(row, middle, row, width - 1, right, workbook.right)
    if form.is_draft:
        sheet.write_string(4, 0, "未封账（草稿）：数据仍可能变动", workbook.draft)
    else:
        sheet.write_string(4, 0, f"封账校验码 SHA-256:{form.sha256}", workbook.plain)
    return 5


def _write_table(
    workbook: FormWorkbook, form: MonthlyForm, table: FormTable, *, headline: bool = False
) -> None:
    headings = [table.heading, "代码", *COLUMNS]
    sheet = workbook.add_sheet(table.title, widths=[20, 14, 16, 16, 16, 12, 25, 29], repeat_to=5)
    row = _write_top(workbook, sheet, form, table.title[2:], len(headings))
    sheet.set_row(row, 32)
    for column, heading in enumerate(headings):
        sheet.write_string(row, column, heading, workbook.head)
    for line in table.rows:
        row += 1
        _write_row(sheet, row, line, workbook.text, workbook.amount, workbook.percent)
    row += 1
    _write_row(
        sheet, row, table.total, workbook.total_text, workbook.total_amount, workbook.total_percent
    )
    sheet.write_string(row + 1, 0, ROUNDING_NOTE, workbook.plain)
    if headline:
        hundred_millions = (table.total.year / 10**8).quantize(Decimal("0.0001"))
        sheet.write_string(
            row + 2,
            0,
            f"本年累计 {hundred_millions} 亿元（{table.total.year:,.2f} 元）。",
            workbook.plain,
        )


def _write_row(
    sheet: Worksheet, row: int, line: FormRow, text: Any, amount: Any, percent: Any
) -> None:
    sheet.write_string(row, 0, line.name, text)
    sheet.write_string(row, 1, line.code, text)
    for column, yuan in ((2, line.month), (3, line.year), (4, line.year_before)):
        sheet.write_number(row, column, yuan / TEN_THOUSAND, amount)
    if line.change is None:
        sheet.write_string(row, 5, "—", percent)
    else:
        sheet.write_number(row, 5, line.change * 100, percent)
    sheet.write_number(row, 6, line.procured / TEN_THOUSAND, amount)
    sheet.write_number(row, 7, line.helped_sell / TEN_THOUSAND, amount)


def _write_matrices(workbook: FormWorkbook, form: MonthlyForm) -> None:
    width = len(form.matrices[0].counties) + 2
    sheet = workbook.add_sheet("2 结对矩阵", widths=[14, *[11.5] * (width - 1)], repeat_to=4)
    row = _write_top(workbook, sheet, form, "结对矩阵", width)
    for matrix in form.matrices:
        row = _write_matrix(workbook, sheet, matrix, row) + 2
    sheet.write_string(row - 1, 0, ROUNDING_NOTE, workbook.plain)


def _write_matrix(workbook: FormWorkbook, sheet: Worksheet, matrix: Matrix, row: int) -> int:
    counties = matrix.counties
    sheet.set_row(row, 32)
    for column, heading in enumerate(
        [f"{matrix.title}（区\\县）", *(name for _, name in counties), "合计"]
    ):
        sheet.write_string(row, column, heading, workbook.head)
    zero = Decimal(0)
    for district, name in matrix.districts:
        row += 1
        sheet.write_string(row, 0, name, workbook.text)
        values = [matrix.cells.get((district, county), zero) for county, _ in counties]
        for column, yuan in enumerate(values, start=1):
            sheet.write_number(row, column, yuan / TEN_THOUSAND, workbook.amount)
        sheet.write_number(
            row, len(counties) + 1, sum(values, zero) / TEN_THOUSAND, workbook.total_amount
        )
    row += 1
    sheet.write_string(row, 0, "合计", workbook.total_text)
    totals = [
        sum((matrix.cells.get((d, county), zero) for d, _ in matrix.districts), zero)
        for county, _ in counties
    ]
    for column, yuan in enumerate([*totals, sum(totals, zero)], start=1):
        sheet.write_number(row, column, yuan / TEN_THOUSAND, workbook.total_amount)
    return row


def _write_entries(
    workbook: FormWorkbook,
    name: str,
    listing: Listing,
    progress: Progress,
    form: MonthlyForm | None,
) -> int:
    sheet: Worksheet | None = None
    written = row = part = 0
    kinds = [column.kind for column in ENTRY_COLUMNS]
    formats = [workbook.by_kind[kind] for kind in kinds]

    def start() -> Worksheet:
        nonlocal row, part
        part += 1
        added = workbook.add_sheet(
            name if part == 1 else f"{name} ({part})",
            widths=[column.width for column in ENTRY_COLUMNS],
            repeat_to=5 if form else 0,
        )
        row = _write_top(workbook, added, form, name[2:], len(ENTRY_COLUMNS)) if form else 0
        for column, entry in enumerate(ENTRY_COLUMNS):
            added.write_string(row, column, entry.heading, workbook.head)
        return added

    for values in listing.rows():
        if sheet is None or written % ROWS_PER_SHEET == 0:
            sheet = start()
        row += 1
        written += 1
        for column, (kind, value) in enumerate(zip(kinds, values, strict=True)):
            if value is None or value == "":
                continue
            if kind == "text":
                sheet.write_string(row, column, value, formats[column])
            elif kind in ("day", "moment"):
                sheet.write_datetime(row, column, value, formats[column])
            else:
                sheet.write_number(row, column, value, formats[column])
        if written % 2_000 == 0:
            progress(written)
    if sheet is None:
        start()
    return written
