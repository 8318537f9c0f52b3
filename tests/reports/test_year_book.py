"""The year book and the pair matrix say what the ledger says, in every format."""

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from accounts.models import User
from accounts.refusals import Forbidden, Invalid
from reports.models import LedgerEntry, Month, Report, Target
from reports.services.files.asking import request_report
from reports.services.files.keeping import file_name_of, path_of
from reports.services.files.year_book import year_book
from reports.services.months import publish_month
from reports.services.totals import roll_up
from suppliers.models import AssistanceProfile
from tests.factories import CHANGSHUN, HAIZHU, WENGAN, SupplierFactory

from .deliveries import shipped
from .ledger import NOW, bearer, book, entry, in_month, person
from .reporting import OCTOBER, made, opened, table, text_of
from .test_months import close
from .test_report_files import sales, yuan

pytestmark = pytest.mark.django_db(transaction=True)

SHEETS = [
    "1 分月", "2 分县", "3 品类", "4 渠道", "5 结对矩阵", "6 目标完成", "7 联农带农", "8 封账记录"
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.REPORTS_DIR = tmp_path


@pytest.fixture
def office() -> User:
    return person("office")


def sold(
    is_meant: Callable[[LedgerEntry], bool] = lambda _: True,
    *,
    year: int = 2026,
    months: range = range(1, 11),
) -> Decimal:
    """Return what the sales of these months came to, to the fen, from the entries themselves."""
    return sum(
        (
            e.amount
            for e in sales()
            if e.booked_at.year == year and e.booked_at.month in months and is_meant(e)
        ),
        Decimal(0),
    )


def lines(sheet: Any, heading: str) -> list[dict[str, Any]]:
    """Return the rows of a part without the note below them."""
    return [row for row in table(sheet, heading) if list(row.values())[1] is not None]


def pages_of(report: Report) -> list[str]:
    """Return the text of each page without the spaces that the typesetting leaves."""
    pages = PdfReader(path_of(report)).pages
    return ["".join(page.extract_text().split()) for page in pages]


class TestYearBook:
    def test_has_a_sheet_for_each_part(self, office: User) -> None:
        book(*sales())
        book_ = opened(made("year_book", by=office))
        assert book_.sheetnames == SHEETS
        for sheet in book_:
            texts = " ".join(str(c.value) for row in sheet["A1:N7"] for c in row if c.value)
            for part in (
                "消费帮扶（消费协作）年鉴", "填报单位", "报表期别：2026年1月至10月", "单位：",
                "填报人", "审核人", "填报日期：2026-11-24", "口径版本：1", "未封账（草稿）",
            ):  # fmt: skip
                assert part in texts, (sheet.title, part)
            assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
            assert sheet.print_title_rows
            assert "第 &P 页 共 &N 页" in sheet.oddFooter.center.text
            assert any("因四舍五入" in str(c.value) for c in sheet["A"])

    def test_adds_up_to_the_ledger_month_by_month(self, office: User) -> None:
        book(*sales())
        *months, total = lines(opened(made("year_book", by=office))["1 分月"], "月份")
        assert [row["月份"] for row in months] == [f"{n}月" for n in range(1, 11)]
        for row, covered in [
            *((row, range(n, n + 1)) for n, row in enumerate(months, 1)),
            (total, range(1, 11)),
        ]:
            amount, before = sold(months=covered), sold(year=2025, months=covered)
            helped = sold(lambda e: e.kind == "helped_sell", months=covered)
            assert yuan(row["金额"]) == amount
            assert yuan(row["上年同期"]) == before
            assert yuan(row["其中：采购"]) == amount - helped
            assert yuan(row["其中：帮助销售"]) == helped
            expected = pytest.approx(float((amount / before - 1) * 100)) if before else "—"
            assert row["同比（%）"] == expected

    @pytest.mark.parametrize(
        ("sheet", "heading", "column", "names"),
        [
            ("2 分县", "县（市）", "county_code",
             {"522729": "长顺县", "522725": "瓮安县", "522731": "惠水县"}),
            ("3 品类", "品类", "category_code", None),
            ("4 渠道", "渠道", "channel", {"832": "832平台", "export": "出口"}),
        ],
    )  # fmt: skip
    def test_divides_every_month_without_a_rest(
        self, office: User, sheet: str, heading: str, column: str, names: dict[str, str] | None
    ) -> None:
        book(*sales())
        *rows, total = lines(opened(made("year_book", by=office))[sheet], heading)
        assert total[heading] == "合计"
        for n in range(1, 11):
            expected = sold(months=range(n, n + 1))
            assert yuan(total[f"{n}月"]) == expected
            assert sum(yuan(row[f"{n}月"]) for row in rows) == expected
        assert yuan(total["合计"]) == sum(yuan(row["合计"]) for row in rows) == sold()
        by_name = {row[heading]: row for row in rows}
        for code, name in (names or {}).items():
            for n in (1, 9, 10):
                found = yuan(by_name[name][f"{n}月"])
                assert found == sold(
                    lambda e, code=code: getattr(e, column) == code, months=range(n, n + 1)
                )

    def test_shows_all_counties(self, office: User) -> None:
        book(entry())
        rows = lines(opened(made("year_book", by=office))["2 分县"], "县（市）")
        assert len(rows) == 13

    def test_of_december_has_twelve_months(self, office: User) -> None:
        december = date(2025, 12, 1)
        book(*sales())
        book_ = opened(made("year_book", by=office, month=december))
        rows = lines(book_["1 分月"], "月份")
        assert [row["月份"] for row in rows] == [*(f"{n}月" for n in range(1, 13)), "合计"]
        assert yuan(rows[-1]["金额"]) == sold(year=2025, months=range(1, 13))
        assert "报表期别：2025年1月至12月" in str([c.value for c in book_["1 分月"][2]])

    def test_pairs_add_up_with_what_is_not_paired(self, office: User) -> None:
        book(*sales())
        *rows, total = lines(opened(made("year_book", by=office))["5 结对矩阵"], "区\\县")
        assert [row["区\\县"] for row in rows] == ["荔湾区", "海珠区", "未结对"]
        assert yuan(total["合计"]) == sum(yuan(row["合计"]) for row in rows) == sold()
        haizhu = sold(lambda e: e.pair_district_code == HAIZHU)
        assert yuan(rows[1]["瓮安县"]) == yuan(rows[1]["合计"]) == haizhu

    def test_holds_the_targets_against_its_last_month(self, office: User) -> None:
        book(*sales())
        Target.objects.create(year=2026, amount=100_000)
        Target.objects.create(year=2026, amount=50_000, county_id=WENGAN, district_id=HAIZHU)
        # November has figures too, which this book does not cover.
        found = lines(opened(made("year_book", by=office))["6 目标完成"], "县（市）")
        haizhu = sold(lambda e: e.pair_district_code == HAIZHU)
        assert [tuple(row.values()) for row in found] == [
            ("瓮安县", "海珠区", 5, float(haizhu / 10_000),
             pytest.approx(float(haizhu / 500)), 0.200001),
            ("全州", "全部采购方", 10, float(sold() / 10_000),
             pytest.approx(float(sold() / 1_000)), 1.000004),
        ]  # fmt: skip

    def test_sums_what_the_sales_did_locally(self, office: User) -> None:
        for county, n in ((CHANGSHUN, 1), (CHANGSHUN, 2), (WENGAN, 3)):
            AssistanceProfile.objects.create(
                supplier=SupplierFactory(county_id=county), year=2026,
                households=1_000 * n, jobs=n, land_rent="0.50",
            )  # fmt: skip
        rows = lines(opened(made("year_book", by=office))["7 联农带农"], "县（市）")
        assert [tuple(row.values()) for row in rows] == [
            ("瓮安县", 3_000, 3, 0.5),
            ("长顺县", 3_000, 3, 1),
            ("合计", 6_000, 6, 1.5),
        ]

    def test_names_the_chain_of_its_closed_months(self, office: User) -> None:
        book(*sales())
        september, october = close(date(2026, 9, 1)), close()
        rows = lines(opened(made("year_book", by=office))["8 封账记录"], "月份")
        assert [row["封账时间"] for row in rows[:8]] == ["未封账"] * 8
        for row, month in zip(rows[8:], (september, october), strict=True):
            assert row == {
                "月份": f"{month.month.month}月",
                "封账时间": "2026-11-24 12:00",
                "条目数": month.entries,
                "金额（元）": float(month.amount),
                "封账校验码 SHA-256": month.sha256,
                "审计区块": month.audit_block,
                "审计链头": month.audit_head,
            }

    @pytest.mark.parametrize("file_format", ["xlsx", "pdf"])
    def test_is_the_same_bytes_whenever_it_is_made(self, file_format: str) -> None:
        book(*sales())
        Target.objects.create(year=2026, amount=100_000)
        month = close()
        digests = {made("year_book", file_format, by=person("one")).sha256}
        publish_month(month, by=person("two"), now=NOW)
        book(in_month(11, amount="5.00"))
        digests.add(made("year_book", file_format, by=person("three")).sha256)
        assert len(digests) == 1

    def test_is_printed_with_every_figure(self, office: User) -> None:
        book(*sales())
        Target.objects.create(year=2026, amount=100_000)
        month = close()
        report = made("year_book", "pdf", by=office)
        pages = pages_of(report)
        assert len(pages) == len(SHEETS)
        for page, title in zip(pages, SHEETS, strict=True):
            assert f"消费帮扶（消费协作）年鉴：{title[2:]}" in page
            assert "报表期别：2026年1月至10月" in page
            assert month.sha256 in page
            assert month.audit_head in page
        months, counties, *_, targets, _impact, seals = pages
        assert f"{sold() / 10**8:.4f}亿元（{sold():,.2f}元）" in months
        for n in (1, 9, 10):
            amount = f"{sold(months=range(n, n + 1)) / 10_000:,.2f}"
            assert f"{n}月{amount}" in months
            assert amount in counties
        assert f"10.00{sold() / 10_000:,.2f}{sold() / 1_000:.1f}" in targets
        assert f"{month.amount:,.2f}" in seals

    def test_of_an_empty_year_is_a_draft_of_zeros(self, office: User) -> None:
        pages = pages_of(made("year_book", "pdf", by=office))
        assert "0.0000亿元" in pages[0]
        assert all("未封账（草稿）" in page for page in pages)
        rows = lines(opened(made("year_book", by=office))["1 分月"], "月份")
        assert {row["金额"] for row in rows} == {0}

    def test_costs_as_many_queries_for_one_entry_as_for_many(self, office: User) -> None:
        counts = []
        for entries, counties in (
            (sales(), ["522701"]),
            (sales() * 20, ["522702", "522722", "522723", "522725"]),
        ):
            book(*entries)
            for county in counties:
                Target.objects.create(year=2026, amount=1, county_id=county)
            roll_up(now=NOW)
            with CaptureQueriesContext(connection) as queries:
                year_book(OCTOBER, prepared_by=office, prepared_on=OCTOBER)
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestPairMatrix:
    def test_is_that_of_the_month_and_of_the_year_to_date(self, office: User) -> None:
        book(*sales())
        book_ = opened(made("pair_matrix", by=office))
        assert book_.sheetnames == ["2 结对矩阵"]
        rows = [[cell.value for cell in row] for row in book_.worksheets[0].iter_rows()]
        for title, months in (("本月", range(10, 11)), ("本年累计", range(1, 11))):
            start = next(n for n, row in enumerate(rows) if str(row[0]).startswith(f"{title}（"))
            assert yuan(rows[start + 4][-1]) == sold(months=months)

    def test_is_a_table_for_programs_too(self, office: User) -> None:
        book(*sales())
        report = made("pair_matrix", "csv", by=office)
        rows = list(csv.DictReader(io.StringIO(text_of(report))))
        assert report.rows == len(rows) == 4
        for row in rows:

            def is_meant(e: LedgerEntry, row: dict[str, str] = row) -> bool:
                return (e.pair_district_code, e.county_code) == (row["区代码"], row["县代码"])

            assert Decimal(row["本月（元）"]) == sold(is_meant, months=range(10, 11))
            assert Decimal(row["本年累计（元）"]) == sold(is_meant)
        assert {row["区"] for row in rows} == {"海珠区", "荔湾区", "未结对"}

    @pytest.mark.parametrize("file_format", ["xlsx", "csv"])
    def test_of_a_closed_month_is_the_same_bytes(self, file_format: str) -> None:
        book(*sales())
        close()
        digests = {made("pair_matrix", file_format, by=person(f"o-{n}")).sha256 for n in (1, 2)}
        assert len(digests) == 1


class TestAsking:
    @pytest.mark.parametrize(
        ("kind", "file_format"), [("year_book", "csv"), ("pair_matrix", "pdf")]
    )
    def test_is_refused_in_other_formats(self, office: User, kind: str, file_format: str) -> None:
        with pytest.raises(Invalid):
            request_report(kind, OCTOBER, file_format, by=office, now=NOW)

    @pytest.mark.parametrize("kind", ["year_book", "pair_matrix"])
    def test_is_for_those_who_see_all_figures(
        self, client: Client, office: User, kind: str
    ) -> None:
        delivery = shipped()
        report = made(kind, "xlsx", by=office)
        for user in (delivery.buyer, delivery.supplier, person("r", "reviewer"), person("n", "")):
            with pytest.raises(Forbidden):
                request_report(kind, OCTOBER, "xlsx", by=user, now=NOW)
            address = f"/api/v1/reports/{report.pk}/"
            assert client.get(address, headers=bearer(user)).status_code == 404
        request_report(kind, OCTOBER, "xlsx", by=person("a", "auditor"), now=NOW)

    def test_names_the_file(self, office: User) -> None:
        names = [file_name_of(made(kind, by=office)) for kind in ("year_book", "pair_matrix")]
        assert names == ["消费帮扶年鉴-2026-10.xlsx", "消费帮扶结对矩阵-2026-10.xlsx"]


class TestAuditHead:
    def test_stands_beside_the_seal(self, office: User) -> None:
        delivery = shipped()
        book(entry(supplier_code=delivery.lines[0].consignment.supplier.code))
        month = close()
        line = f"审计链头（第 {month.audit_block} 区块）：{month.audit_head}"
        for report in (made(by=office), made("supplier_statement", by=delivery.supplier)):
            for sheet in opened(report).worksheets:
                if sheet.title != "明细":
                    column = [str(c.value) for c in sheet["A"]]
                    assert column.index(line) == 1 + column.index(
                        f"封账校验码 SHA-256：{month.sha256}"
                    )
        for report in (
            made("monthly", "pdf", by=office),
            made("supplier_statement", "pdf", by=delivery.supplier),
        ):
            assert all("".join(line.split()) in page for page in pages_of(report))

    def test_is_missing_where_the_month_keeps_none(self, office: User) -> None:
        book(entry())
        for report in (made(by=office), made("monthly", "csv", by=office)):
            assert "审计链头".encode() not in path_of(report).read_bytes()
        assert "审计链头" not in str([c.value for c in opened(made(by=office)).worksheets[0]["A"]])
        assert Month.objects.filter(audit_block__isnull=False).count() == 0
