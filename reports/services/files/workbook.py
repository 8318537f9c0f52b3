"""The monthly form, statements and the ledger as XLSX: official sheets that print well."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from .filling import Filling, Progress, fill, sheets
from .form import FormRow, FormTable, Matrix, MonthlyForm
from .listing import ENTRY_COLUMNS, Listing
from .statement import Statement
from .year_book import Part, YearBook

TEN_THOUSAND = Decimal(10_000)
ROUNDING_NOTE = "注：因四舍五入，分项合计与总计可能略有差异。“采购”“帮助销售”为本年累计。"
FONT = "Microsoft YaHei"
GREEN, PALE, PALER, LINE = "#1F7A4D", "#E3EFE8", "#F4F7F5", "#9AA8A0"
COLUMNS = ["本月", "本年累计", "上年同期累计", "同比（%）", "其中：采购", "其中：帮助销售"]
#: A list of entries is wider than a page; what stands above it keeps to the first one.
TOP_WIDTH = 11

#: How wide the columns of each kind are in the year book.
WIDTHS = {"text": 18, "wan": 13, "money": 17, "percent": 12, "count": 15, "digest": 68}

DRAFT = "未封账（草稿）：数据仍可能变动"


@dataclass(frozen=True)
class Top:
    """
    What stands above a sheet's table: a title, pairs of remarks, and the seal or its lack.

    `audit_line` goes with the seal.
    """

    title: str
    remarks: Sequence[tuple[str, str]]
    sha256: str
    audit_line: str

    @property
    def height(self) -> int:
        return len(self.remarks) + 2 + bool(self.audit_line)


class OfficialWorkbook:
    """
    A workbook of official sheets.

    Nothing in it depends on when or where it is written, so equal figures give equal bytes.
    """

    def __init__(self, *, created: datetime, title: str) -> None:
        self.file = BytesIO()
        self.fillings: dict[str, Filling] = {}
        self.book = xlsxwriter.Workbook(
            self.file,
            {
                "in_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self.book.set_properties(
            {"title": title, "company": "黔南好物", "created": created.replace(tzinfo=None)}
        )
        font = {"font_name": FONT, "font_size": 10, "valign": "vcenter"}
        framed = {**font, "border": 1, "border_color": LINE}
        total = {**framed, "bold": True, "bg_color": PALER}
        amount, percent = {"num_format": "#,##0.00"}, {"num_format": '0.0"%"', "align": "right"}
        count = {"num_format": "#,##0"}

        def of(base: dict[str, Any], **more: Any) -> Any:
            return self.book.add_format({**base, **more})

        self.title = of(font, font_size=16, bold=True, align="center")
        self.plain = of(font)
        self.right = of(font, align="right")
        self.note = of(font, font_color="#5F6B64", font_size=9)
        self.draft = of(font, bold=True, font_color="#C0392B")
        self.headline = of(font, bold=True, font_size=13, font_color=GREEN, bg_color=PALE)
        self.head = of(framed, bold=True, align="center", text_wrap=True, bg_color=PALE)
        self.cells = [
            of(framed, num_format="@", indent=1),
            of(framed, **amount),
            of(framed, **percent),
            of(framed, **count),
        ]
        self.totals = [
            of(total, num_format="@", indent=1),
            of(total, **amount),
            of(total, **percent),
            of(total, **count),
        ]
        # Pieces have no places and kilograms three: as many as there are.
        self.quantity = of(framed, num_format="General")
        # Entries can be a million rows, so they go without frames.
        self.by_kind = {
            "text": of(font, num_format="@", indent=1),
            "label": of(font, num_format="@", align="center"),
            "integer": of(font, num_format="0"),
            "quantity": of(font, num_format="General"),
            "money": of(font, num_format="#,##0.00"),
            "day": of(font, num_format="yyyy-mm-dd", align="center"),
            "moment": of(font, num_format="yyyy-mm-dd hh:mm", align="center"),
        }

    def add_sheet(
        self, name: str, *, widths: Iterable[float], head: int, pages_wide: int = 1
    ) -> Worksheet:
        """Add a landscape A4 sheet whose rows up to `head` stay in sight and on each page."""
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(pages_wide, 0)
        sheet.print_across()
        sheet.center_horizontally()
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.7)
        sheet.set_footer("&C第 &P 页 共 &N 页&R&A", {"scale_with_doc": False})
        sheet.repeat_rows(0, head)
        sheet.freeze_panes(head + 1, 0)
        sheet.set_default_row(18)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return sheet

    def write_top(self, sheet: Worksheet, top: Top, width: int) -> None:
        """Write what stands above a table of `width` columns."""
        sheet.set_row(0, 32)
        sheet.merge_range(0, 0, 0, width - 1, top.title, self.title)
        for row, (left, right) in enumerate(top.remarks, 1):
            sheet.write_string(row, 0, left, self.plain)
            sheet.merge_range(row, width // 2, row, width - 1, right, self.right)
        row = len(top.remarks) + 1
        if top.sha256:
            sheet.write_string(row, 0, f"封账校验码 SHA-256：{top.sha256}", self.plain)
        else:
            sheet.write_string(row, 0, DRAFT, self.draft)
        if top.audit_line:
            sheet.write_string(row + 1, 0, top.audit_line, self.note)

    def write_headings(self, sheet: Worksheet, row: int, headings: Iterable[str]) -> None:
        sheet.set_row(row, 30)
        for column, heading in enumerate(headings):
            sheet.write_string(row, column, heading, self.head)

    def add_entries(
        self, name: str, listing: Listing, *, top: Top | None, progress: Progress
    ) -> int:
        """Add the sheets of a listing, to be filled by `save`, and return its number of entries."""
        count = listing.count()
        head = top.height if top else 0
        for n, rows in enumerate(sheets(listing.cells(progress=progress), count), 1):
            sheet = self.add_sheet(
                name if n == 1 else f"{name}（{n}）",
                widths=[column.width for column in ENTRY_COLUMNS],
                head=head,
                pages_wide=2,
            )
            if top:
                self.write_top(sheet, top, TOP_WIDTH)
            self.write_headings(sheet, head, [column.heading for column in ENTRY_COLUMNS])
            for place, column in enumerate(ENTRY_COLUMNS):
                sheet.write_blank(head + 1, place, None, self.by_kind[column.kind])
            self.fillings[f"xl/worksheets/sheet{len(self.book.worksheets())}.xml"] = Filling(
                rows, [column.kind in ("text", "label") for column in ENTRY_COLUMNS]
            )
        return count

    def save(self, path: Path) -> None:
        self.book.close()
        fill(self.file.getvalue(), path, self.fillings)


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
    workbook = OfficialWorkbook(created=created, title=f"消费帮扶月报 {form.month:%Y-%m}")
    county, *others = form.tables
    _add_table(workbook, form, county, headline=True)
    _add_matrices(workbook, form)
    for table in others:
        _add_table(workbook, form, table)
    rows = workbook.add_entries(
        "6 证据清单", entries, top=_top(form, "证据清单", unit="元"), progress=progress
    )
    workbook.add_entries(
        "7 退货与更正",
        corrections,
        top=_top(form, "退货与更正", unit="元"),
        progress=lambda _: None,
    )
    workbook.save(path)
    return rows


def write_ledger(
    path: Path, title: str, entries: Listing, *, created: datetime, progress: Progress
) -> int:
    """Write entries alone, the headings in the first row, and return their number."""
    workbook = OfficialWorkbook(created=created, title=title)
    rows = workbook.add_entries(title, entries, top=None, progress=progress)
    workbook.save(path)
    return rows


def write_statement(
    path: Path, statement: Statement, entries: Listing, *, created: datetime, progress: Progress
) -> int:
    """Write a statement's products and, on a second sheet, its entries; return their number."""
    workbook = OfficialWorkbook(created=created, title=statement.title)
    month = statement.month
    top = Top(
        statement.title,
        [
            (f"单位名称：{statement.name}", f"所属期：{month.year}年{month.month}月"),
            (f"代码：{statement.code}", f"出具日期：{statement.issued_on:%Y-%m-%d}"),
            (statement.text, "单位：元"),
        ],
        statement.sha256,
        statement.audit_line,
    )
    sheet = workbook.add_sheet("汇总", widths=[64, 20, 14, 24], head=top.height)
    workbook.write_top(sheet, top, 4)
    workbook.write_headings(sheet, top.height, ["商品", "数量", "单位", "金额（元）"])
    text, amount, *_ = workbook.cells
    row = top.height
    for row, line in enumerate(statement.rows, top.height + 1):
        sheet.write_string(row, 0, line.name, text)
        sheet.write_number(row, 1, line.quantity, workbook.quantity)
        sheet.write_string(row, 2, line.unit, text)
        sheet.write_number(row, 3, line.amount, amount)
    text, amount, *_ = workbook.totals
    for name, yuan in statement.totals:
        row += 1
        sheet.merge_range(row, 0, row, 2, name, text)
        sheet.write_number(row, 3, yuan, amount)
    rows = workbook.add_entries("明细", entries, top=None, progress=progress)
    workbook.save(path)
    return rows


def write_pair_matrix(path: Path, form: MonthlyForm, *, created: datetime) -> int:
    """Write the form's pair matrices alone and return the number of their lines."""
    workbook = OfficialWorkbook(created=created, title=f"消费帮扶结对矩阵 {form.month:%Y-%m}")
    _add_matrices(workbook, form)
    workbook.save(path)
    return sum(len(matrix.rows) for matrix in form.matrices)


def write_year_book(path: Path, book: YearBook, *, created: datetime) -> int:
    """Write a sheet for each part of the year book and return the number of their rows."""
    workbook = OfficialWorkbook(created=created, title=f"消费帮扶年鉴 {book.period}")
    for part in book.parts:
        _add_part(workbook, book, part, headline=part is book.parts[0])
    workbook.save(path)
    return sum(len(part.rows) for part in book.parts)


def _top(
    form: MonthlyForm, title: str, *, unit: str = "万元", name: str = "月报", period: str = ""
) -> Top:
    period = period or f"{form.month.year}年{form.month.month}月"
    return Top(
        f"消费帮扶（消费协作）{name}：{title}",
        [
            (f"填报单位：{form.office}", f"报表期别：{period}"),
            (
                f"填报人：{form.prepared_by}  审核人：{form.reviewed_by or '—'}",
                f"填报日期：{form.prepared_on:%Y-%m-%d}",
            ),
            (f"口径版本：{form.rule}", f"单位：{unit}"),
        ],
        form.sha256,
        form.audit_line,
    )


def _add_table(
    workbook: OfficialWorkbook, form: MonthlyForm, table: FormTable, *, headline: bool = False
) -> None:
    headings = [table.heading, "代码", *COLUMNS]
    top = _top(form, table.title[2:])
    head = top.height + headline
    sheet = workbook.add_sheet(table.title, widths=[22, 14, 17, 17, 17, 12, 17, 17], head=head)
    workbook.write_top(sheet, top, len(headings))
    if headline:
        _write_headline(workbook, sheet, head - 1, len(headings), table.total.year)
    workbook.write_headings(sheet, head, headings)
    for row, line in enumerate(table.rows, head + 1):
        _write_row(sheet, row, line, workbook.cells)
    row = head + 1 + len(table.rows)
    _write_row(sheet, row, table.total, workbook.totals)
    sheet.write_string(row + 1, 0, ROUNDING_NOTE + form.freight_note, workbook.note)


def _write_headline(
    workbook: OfficialWorkbook, sheet: Worksheet, row: int, width: int, yuan: Decimal
) -> None:
    sheet.set_row(row, 28)
    text = f"本年累计 {yuan / 10**8:.4f} 亿元（{yuan:,.2f} 元）"
    sheet.merge_range(row, 0, row, width - 1, text, workbook.headline)


def _write_row(sheet: Worksheet, row: int, line: FormRow, formats: Sequence[Any]) -> None:
    text, amount, percent, _ = formats
    sheet.write_string(row, 0, line.name, text)
    sheet.write_string(row, 1, line.code, text)
    for column, yuan in enumerate((line.month, line.year, line.year_before), 2):
        sheet.write_number(row, column, yuan / TEN_THOUSAND, amount)
    if line.change is None:
        sheet.write_string(row, 5, "—", percent)
    else:
        sheet.write_number(row, 5, line.change, percent)
    for column, yuan in enumerate((line.procured, line.helped_sell), 6):
        sheet.write_number(row, column, yuan / TEN_THOUSAND, amount)


def _add_matrices(workbook: OfficialWorkbook, form: MonthlyForm) -> None:
    width = len(form.matrices[0].across) + 2
    top = _top(form, "结对矩阵")
    sheet = workbook.add_sheet("2 结对矩阵", widths=[17, *[12] * (width - 1)], head=top.height - 1)
    workbook.write_top(sheet, top, width)
    row = top.height
    for matrix in form.matrices:
        row = _write_matrix(workbook, sheet, matrix, row) + 2
    sheet.write_string(row - 1, 0, ROUNDING_NOTE.partition("“")[0], workbook.note)


def _write_matrix(workbook: OfficialWorkbook, sheet: Worksheet, matrix: Matrix, row: int) -> int:
    """Write a matrix from `row` on and return its last row."""
    names = (name for _code, name in matrix.across)
    workbook.write_headings(sheet, row, [f"{matrix.title}（{matrix.corner}）", *names, "合计"])
    for name, amounts in matrix.rows:
        row += 1
        text, amount, *_ = workbook.totals if name == "合计" else workbook.cells
        sheet.write_string(row, 0, name, text)
        for column, yuan in enumerate(amounts, 1):
            is_sum = column == len(amounts)
            sheet.write_number(
                row, column, yuan / TEN_THOUSAND, workbook.totals[1] if is_sum else amount
            )
    return row


def _add_part(workbook: OfficialWorkbook, book: YearBook, part: Part, *, headline: bool) -> None:
    top = _top(book.form, part.title[2:], unit=part.unit, name="年鉴", period=book.period)
    head = top.height + headline
    width = len(part.columns)
    sheet = workbook.add_sheet(
        part.title, widths=[WIDTHS[kind] for _heading, kind in part.columns], head=head
    )
    workbook.write_top(sheet, top, width)
    if headline:
        _write_headline(workbook, sheet, head - 1, width, book.form.total.year)
    workbook.write_headings(sheet, head, [heading for heading, _kind in part.columns])
    kinds = [kind for _heading, kind in part.columns]
    row = head + 1
    for line in part.rows:
        _write_line(sheet, row, line, kinds, workbook.cells)
        row += 1
    if part.total:
        _write_line(sheet, row, part.total, kinds, workbook.totals)
        row += 1
    sheet.write_string(row, 0, ROUNDING_NOTE.partition("“")[0], workbook.note)


def _write_line(
    sheet: Worksheet, row: int, line: Sequence[Any], kinds: Sequence[str], formats: Sequence[Any]
) -> None:
    text, amount, percent, count = formats
    by_kind = {"wan": amount, "money": amount, "percent": percent, "count": count}
    for column, (value, kind) in enumerate(zip(line, kinds, strict=True)):
        if value is None:
            sheet.write_string(row, column, "—", percent)
        elif kind in by_kind:
            number = value / TEN_THOUSAND if kind == "wan" else value
            sheet.write_number(row, column, number, by_kind[kind])
        else:
            sheet.write_string(row, column, value, text)
