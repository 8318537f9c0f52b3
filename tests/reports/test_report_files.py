"""What report files say: the same as the ledger, and nothing that runs."""

import csv
import io
import re
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl.utils.escape import unescape
from pypdf import PdfReader

from accounts.models import User
from reports.models import LedgerEntry
from reports.services.files import filling
from reports.services.files.form import monthly_form
from reports.services.files.keeping import path_of
from reports.services.files.printing import write_statement
from reports.services.files.statement import Statement, StatementRow
from reports.services.totals import roll_up
from shop.models import Category

from .deliveries import Delivery, shipped
from .ledger import NOW, SHANGHAI, book, entry, in_month, person
from .reporting import OCTOBER, made, members, opened, table, text_of
from .test_months import close

pytestmark = pytest.mark.django_db(transaction=True)

PAYLOADS = Path(__file__).parents[3] / "shared/data/peers/csv-injection/Intruder/csv-payload.txt"
RUNS = [
    "=1+1", "+1", "-1+1", "@SUM(1)", "\t=1+1", " =1+1", "\r=1+1", "＝1+1", "＋1", "－1", "＠x",
    "\u3000=1+1", "=HYPERLINK(\"http://127.0.0.1/\")", "http://127.0.0.1/", "=cmd|' /C calc'!A0",
]  # fmt: skip
CODES = ["12345678901234567890", "007", "91522731MA6DABCD0F", "1e5"]
AWKWARD = ["a & b <i>", "_x0041_", "x\x0by", "两\n行", 'say "so", twice', "'quoted'", "\\N", "尾 "]


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.REPORTS_DIR = tmp_path


@pytest.fixture
def office() -> User:
    return person("office")


def sales() -> list[LedgerEntry]:
    """Return entries of two years that differ in everything that the form tells apart."""
    told_apart = [
        {"county_code": "522729", "category_code": "eggs", "channel": "platform"},
        {"county_code": "522725", "pair_district_code": "440105", "category_code": "tea"},
        {"county_code": "522731", "pair_district_code": "440103", "channel": "832",
         "kind": "helped_sell", "buyer_kind": "supermarket", "category_code": "aquatic"},
        {"county_code": "522725", "pair_district_code": "", "channel": "export",
         "kind": "helped_sell", "buyer_kind": "importer"},
    ]  # fmt: skip
    entries = []
    for n, fields in enumerate(told_apart, 1):
        entries += [in_month(month, amount=f"{n * 1234.56 + month:.2f}", **fields)
                    for month in (1, 9, 10, 11)]  # fmt: skip
        before = datetime(2025, 9, 15, tzinfo=SHANGHAI)
        entries.append(entry(f"{n * 1000}.01", booked_at=before, **fields))
    return entries


def yuan(ten_thousands: float) -> Decimal:
    return (Decimal(repr(ten_thousands)) * 10_000).quantize(Decimal("0.01"))


class TestMonthlyForm:
    def test_adds_up_to_the_ledger_on_every_sheet(self, office: User) -> None:
        book(*sales())
        month = sum(e.amount for e in sales() if e.booked_at.month == 10)
        year = sum(e.amount for e in sales() if e.booked_at.year == 2026 and e.booked_at.month < 11)
        before = sum(e.amount for e in sales() if e.booked_at.year == 2025)
        helped = sum(
            e.amount for e in sales()
            if e.booked_at.year == 2026 and e.booked_at.month < 11 and e.kind == "helped_sell"
        )  # fmt: skip
        book_ = opened(made(by=office))
        for name, heading in (
            ("1 分县", "县（市）"), ("3 品类", "品类"),
            ("4 采购方类型", "采购方类型"), ("5 渠道", "渠道"),
        ):  # fmt: skip
            *rows, total = [r for r in table(book_[name], heading) if r["本月"] is not None]
            assert total[heading] == "合计"
            for column, expected in {
                "本月": month, "本年累计": year, "上年同期累计": before,
                "其中：采购": year - helped, "其中：帮助销售": helped,
            }.items():  # fmt: skip
                assert yuan(total[column]) == expected, (name, column)
                assert sum(yuan(row[column]) for row in rows) == expected, (name, column)
            assert total["同比（%）"] == pytest.approx(float((year / before - 1) * 100))
        entries = table(book_["6 证据清单"], "条目号")
        assert sum(Decimal(str(row["金额（元）"])) for row in entries) == month
        assert len(book_["1 分县"].merged_cells.ranges) > 3

    def test_shows_all_twelve_counties_and_no_change_without_a_base(self, office: User) -> None:
        book(entry())
        rows = table(opened(made(by=office))["1 分县"], "县（市）")
        rows = [row for row in rows if row["代码"]]
        assert len(rows) == 12
        assert {row["同比（%）"] for row in rows} == {"—"}

    def test_pairs_add_up_with_what_is_not_paired(self, office: User) -> None:
        book(*sales())
        sheet = opened(made(by=office))["2 结对矩阵"]
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        for title, since in (("本月", 10), ("本年累计", 1)):
            start = next(n for n, row in enumerate(rows) if str(row[0]).startswith(f"{title}（"))
            matrix = rows[start : start + 5]
            assert [row[0] for row in matrix] == [
                f"{title}（区\\县）", "荔湾区", "海珠区", "未结对", "合计"
            ]  # fmt: skip
            expected = sum(
                e.amount for e in sales()
                if e.booked_at.year == 2026 and since <= e.booked_at.month <= 10
            )  # fmt: skip
            *parts, total = matrix[1:]
            assert yuan(total[-1]) == expected
            assert sum(yuan(value) for row in parts for value in row[1:-1]) == expected
            assert sum(yuan(row[-1]) for row in parts) == expected

    def test_lists_what_is_taken_back_with_the_month_it_belongs_to(self, office: User) -> None:
        book(in_month(9, amount="100.00"))
        sold = LedgerEntry.objects.get()
        close(date(2026, 9, 1))
        book(
            entry("-30.00", quantity=Decimal(-1), source="correction", corrects=sold),
            entry("8.00", corrects_month=date(2026, 9, 1)),
            entry("9.00"),
        )
        sheet = opened(made(by=office))["7 退货与更正"]
        rows = table(sheet, "条目号")
        assert [(row["金额（元）"], row["更正条目号"], row["更正月份"]) for row in rows] == [
            (-30, sold.pk, "2026-09"),
            (8, None, "2026-09"),
        ]

    def test_looks_like_a_form(self, office: User) -> None:
        book(entry("37043800.00"))
        book_ = opened(made(by=office))
        assert book_.sheetnames == [
            "1 分县", "2 结对矩阵", "3 品类", "4 采购方类型", "5 渠道", "6 证据清单", "7 退货与更正"
        ]  # fmt: skip
        for sheet in book_:
            texts = " ".join(str(c.value) for row in sheet["A1:L7"] for c in row if c.value)
            for part in (
                "消费帮扶（消费协作）月报", "填报单位", "报表期别：2026年10月", "单位：",
                "填报人", "审核人", "填报日期：2026-11-24", "口径版本：1", "未封账（草稿）",
            ):  # fmt: skip
                assert part in texts, (sheet.title, part)
            assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
            assert sheet.print_title_rows
            assert sheet.freeze_panes
            assert "第 &P 页 共 &N 页" in sheet.oddFooter.center.text
        county = book_["1 分县"]
        assert any("0.3704 亿元（37,043,800.00 元）" in str(c.value) for c in county["A"])
        assert any("因四舍五入" in str(c.value) for c in county["A"])
        row = next(row for row in county.iter_rows() if row[1].value == "522729")
        assert (row[2].value, row[2].number_format) == (3704.38, "#,##0.00")
        assert book_.properties.creator in (None, "")

    def test_of_a_closed_month_bears_its_seal_and_its_people(self, office: User) -> None:
        book(entry())
        month = close()
        sheets = opened(made(by=office)).worksheets
        for sheet in sheets:
            texts = " ".join(str(c.value) for row in sheet["A1:L7"] for c in row if c.value)
            assert f"封账校验码 SHA-256：{month.sha256}" in texts
            assert "草稿" not in texts
            assert "填报人：first  审核人：second" in texts

    @pytest.mark.parametrize("file_format", ["xlsx", "csv", "pdf"])
    def test_is_the_same_bytes_whenever_and_wherever_it_is_made(
        self, file_format: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        book(*sales())
        close()
        digests = set()
        for n, zone in enumerate(["UTC", "America/New_York", "Asia/Shanghai"]):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            digests.add(made("monthly", file_format, by=person(f"office-{n}")).sha256)
        monkeypatch.undo()
        time.tzset()
        assert len(digests) == 1

    def test_of_a_closed_month_keeps_the_names_it_was_closed_with(self, office: User) -> None:
        book(*sales())
        close()
        before = made(by=office)
        Category.objects.update(name="改名", position=1)
        again = made(by=office)
        assert again.sha256 == before.sha256
        later = table(opened(made(by=office, month=date(2026, 11, 1)))["3 品类"], "品类")
        assert "改名" in {row["品类"] for row in later}

    def test_is_of_the_totals_even_when_nothing_was_rolled_up(self, office: User) -> None:
        book(entry("55.50"))
        rows = list(csv.DictReader(io.StringIO(text_of(made("monthly", "csv", by=office)))))
        county = next(row for row in rows if row["代码"] == "522729")
        assert county["本月（元）"] == "55.50"

    def test_costs_as_many_queries_for_one_entry_as_for_many(self, office: User) -> None:
        counts = []
        for entries in (sales(), sales() * 20):
            book(*entries)
            roll_up(now=NOW)
            with CaptureQueriesContext(connection) as queries:
                monthly_form(OCTOBER, prepared_by=office, prepared_on=OCTOBER)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_is_printed_too(self, office: User) -> None:
        book(*sales())
        close()
        pages = PdfReader(path_of(made("monthly", "pdf", by=office))).pages
        text = "\n".join(page.extract_text() for page in pages)
        for part in ("消费帮扶（消费协作）月报", "亿元", "惠水县", "结对矩阵", "未结对", "第 1 页"):
            assert part in text.replace(" ", "") or part in text, part


class TestLedger:
    def test_says_of_each_entry_what_the_ledger_says(self, office: User) -> None:
        book(*sales())
        stored = LedgerEntry.objects.filter(month=OCTOBER).order_by("id")
        sheet = table(opened(made("ledger", "xlsx", by=office)).worksheets[0], "条目号")
        rows = list(csv.DictReader(io.StringIO(text_of(made("ledger", "csv", by=office)))))
        for entry_, cells, row in zip(stored, sheet, rows, strict=True):
            assert cells["条目号"] == int(row["条目号"]) == entry_.pk
            assert cells["产地县"] == row["产地县"] == entry_.county_code
            assert Decimal(str(cells["金额（元）"])) == Decimal(row["金额（元）"]) == entry_.amount
            assert Decimal(str(cells["数量"])) == Decimal(row["数量"]) == entry_.quantity
            assert cells["发生日期"].date() == date.fromisoformat(row["发生日期"])
            assert cells["入账时间"] == datetime.fromisoformat(row["入账时间"])
            assert cells["入账时间"] == entry_.booked_at.astimezone(SHANGHAI).replace(tzinfo=None)
            assert cells["帮扶方式"] == row["帮扶方式"] in ("采购", "帮助销售")

    def test_goes_on_on_the_next_sheet(self, office: User, monkeypatch: pytest.MonkeyPatch) -> None:
        book(*(entry(f"{n}.00") for n in range(1, 8)))
        for rows, expected in ((3, [3, 3, 1]), (7, [7]), (6, [6, 1])):
            monkeypatch.setattr(filling, "ROWS_PER_SHEET", rows)
            sheets = opened(made("ledger", "xlsx", by=office)).worksheets
            assert [len(table(sheet, "条目号")) for sheet in sheets] == expected
            amounts = [row["金额（元）"] for s in sheets for row in table(s, "条目号")]
            assert amounts == [1, 2, 3, 4, 5, 6, 7]

    @pytest.mark.parametrize("file_format", ["xlsx", "csv"])
    def test_of_an_empty_month_has_its_headings(self, office: User, file_format: str) -> None:
        report = made("ledger", file_format, by=office)
        assert report.rows == 0
        if file_format == "xlsx":
            assert table(opened(report).worksheets[0], "条目号") in ([], [{}])
        else:
            assert len(text_of(report).splitlines()) == 1

    def test_csv_is_for_excel(self, office: User) -> None:
        book(entry("-5.00", quantity=Decimal(-1)))
        content = path_of(made("ledger", "csv", by=office)).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert content.count(b"\r\n") == content.count(b"\n") == 2
        assert b",-5.00," in content


def payloads() -> list[str]:
    listed = PAYLOADS.read_text().splitlines() if PAYLOADS.exists() else []
    return [*RUNS, *filter(None, listed)]


class TestHarmless:
    """Whatever text an entry holds, a spreadsheet shows it and runs nothing."""

    @pytest.fixture(params=["monthly", "ledger"])
    def sheets(self, request: pytest.FixtureRequest, office: User) -> Any:
        texts = [*payloads(), *CODES, *AWKWARD]
        book(*(entry(product_name=t, supplier_code=t[:40], reason=t) for t in texts))
        report = made(request.param, "xlsx", by=office)
        rows = [
            row
            for sheet in opened(report).worksheets
            if sheet.title in ("6 证据清单", "消费帮扶台账")
            for row in table(sheet, "条目号")
        ]
        return texts, rows, members(path_of(report))

    def test_in_workbooks(self, sheets: Any) -> None:
        texts, rows, parts = sheets
        for text, row in zip(texts, rows, strict=True):
            shown = text.replace("\x0b", "").replace("\r", "").strip()
            for column in ("商品名称", "理由"):
                assert unescape(str(row[column])).strip() == shown
            assert unescape(str(row["供应商代码"])).strip() == shown[:40].strip()
        for name, xml in parts.items():
            assert "externalLink" not in name
            if name.startswith("xl/worksheets/"):
                assert not re.search("<f[ />]|<hyperlink", xml)

    def test_in_csv(self, office: User) -> None:
        texts = [*payloads(), *CODES, *AWKWARD]
        book(*(entry(product_name=t, supplier_code=t[:40], reason=t) for t in texts))
        content = text_of(made("ledger", "csv", by=office))
        rows = list(csv.DictReader(io.StringIO(content)))
        for text, row in zip(texts, rows, strict=True):
            whole = text.replace("\r", " ").replace("\n", " ")
            for value in (row["商品名称"], row["理由"]):
                assert value.lstrip()[:1] not in tuple("=+-@＝＋－＠")
                assert value in (whole, f"'{whole}", f"{whole}\t")
        assert rows[texts.index("12345678901234567890")]["供应商代码"] == "12345678901234567890\t"
        assert rows[texts.index("007")]["供应商代码"] == "007\t"
        assert rows[texts.index("91522731MA6DABCD0F")]["供应商代码"] == "91522731MA6DABCD0F"


class TestStatement:
    @pytest.fixture
    def delivery(self) -> Delivery:
        """A supplier and a buyer, with two sales between them and one with others."""
        delivery = shipped()
        codes = {
            "supplier_code": delivery.lines[0].consignment.supplier.code,
            "buyer_code": delivery.lines[0].order.buyer.code,
        }
        book(
            entry("100.10", product_name='#import "x" *鸡蛋*', **codes),
            entry("200.20", product_name="刺梨汁", **codes),
            entry("-0.20", product_name="刺梨汁", quantity=Decimal(-1), **codes),
            entry("999.99", product_name="别人的茶"),
        )
        return delivery

    def test_leaves_no_page_to_totals_alone(self, tmp_path: Path) -> None:
        lengths = []
        # A page takes some 25 rows: what is one too many for it is among these.
        for number in range(22, 30):
            of = Statement(
                title="供应商对账单", text="-", name="长顺蛋业", code="CS", month=OCTOBER,
                issued_on=OCTOBER, sha256="", audit_line="", entries=number,
                rows=[StatementRow("长顺绿壳鸡蛋", "件", Decimal(1), Decimal(1))] * number,
                freight=Decimal(1),
            )  # fmt: skip
            path = tmp_path / "statement.pdf"
            write_statement(path, of)
            pages = PdfReader(path).pages
            assert all("长顺绿壳鸡蛋" in page.extract_text() for page in pages)
            lengths.append(len(pages))
        assert {1, 2} == set(lengths)

    @pytest.mark.parametrize(
        ("kind", "title", "name"),
        [
            ("supplier_statement", "供应商对账单", "长顺蛋业"),
            ("buyer_certificate", "消费帮扶采购证明", "机关食堂"),
        ],
    )
    def test_says_only_what_is_ones_own(
        self, delivery: Delivery, kind: str, title: str, name: str
    ) -> None:
        by = delivery.supplier if kind == "supplier_statement" else delivery.buyer
        pdf = PdfReader(path_of(made(kind, "pdf", by=by)))
        text = "".join(page.extract_text() for page in pdf.pages)
        for part in (title, name, "刺梨汁", "300.10", '#import "x" *鸡蛋*'):
            assert part.replace(" ", "") in text.replace(" ", ""), part
        sheets = opened(made(kind, "xlsx", by=by))
        rows = table(sheets["汇总"], "商品")
        assert rows[-1]["金额（元）"] == 300.10
        assert len(table(sheets["明细"], "条目号")) == 3
        content = text_of(made(kind, "csv", by=by))
        assert len(content.splitlines()) == 4
        for shown in (text, content, str(rows)):
            assert "别人的茶" not in shown

    def test_of_a_closed_month_keeps_the_name_it_was_closed_with(self, delivery: Delivery) -> None:
        close()
        supplier = delivery.lines[0].consignment.supplier
        supplier.name = "新名"
        supplier.save()
        report = made("supplier_statement", "xlsx", by=delivery.supplier)
        assert opened(report)["汇总"]["A2"].value == "单位名称：长顺蛋业"
