"""The monthly form, statements and certificates as PDF, typeset from data only."""

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import noto_cjk_sans_otc
import typst
from django.conf import settings
from django.utils import timezone

from orders.models import Buyer
from reports.models import Month, Report
from suppliers.models import Supplier

from .form import FormRow, MonthlyForm
from .listing import ENTRY_COLUMNS, Listing

HERE = Path(__file__).parent
FONTS = Path(noto_cjk_sans_otc.__file__).parent
TEN_THOUSAND = Decimal(10_000)
STATEMENT = "以下为贵单位当月经验收的供货。"
CERTIFICATE = "兹证明该单位于当月采购黔南布依族苗族自治州产品如下，已计入消费帮扶台账。"
INDEX = {column.heading: n for n, column in enumerate(ENTRY_COLUMNS)}


def write_monthly(path: Path, form: MonthlyForm) -> int:
    """Typeset the form and return the number of its lines."""
    _typeset(
        path,
        "monthly.typ",
        {
            "month": f"{form.month.year}年{form.month.month}月",
            "office": form.office,
            "prepared_by": form.prepared_by,
            "reviewed_by": form.reviewed_by or "—",
            "prepared_on": f"{form.prepared_on:%Y-%m-%d}",
            "rule": form.rule,
            "sha256": form.sha256,
            "headline": f"{form.total.year / 10**8:.4f}",
            "total": f"{form.total.year:,.2f}",
            "tables": [
                {
                    "title": table.title[2:],
                    "heading": table.heading,
                    "rows": [_line(row) for row in table.rows],
                    "total": _line(table.total),
                    "bars": [
                        [row.name, float(row.year / TEN_THOUSAND)]
                        for row in table.rows
                        if row.year > 0
                    ],
                }
                for table in form.tables
            ],
            "matrices": [
                {
                    "title": matrix.title,
                    "counties": [name for _, name in matrix.counties],
                    "rows": [
                        [name, *(_wan(matrix.cells.get((district, county), Decimal(0)))
                                 for county, _ in matrix.counties)]
                        for district, name in matrix.districts
                    ],
                }
                for matrix in form.matrices
            ],
        },
    )  # fmt: skip
    return sum(len(table.rows) for table in form.tables)


def write_statement(path: Path, report: Report, entries: Listing) -> int:
    """Typeset a supplier's statement or a buyer's certificate; return how many entries it sums."""
    by_product: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 2)
    rows = 0
    for values in entries.rows():
        rows += 1
        name, unit = str(values[INDEX["商品名称"]]), str(values[INDEX["单位"]])
        sums = by_product[name, unit]
        by_product[name, unit] = [
            sums[0] + Decimal(str(values[INDEX["数量"]])),
            sums[1] + Decimal(str(values[INDEX["金额（元）"]])),
        ]
    is_statement = report.kind == Report.Kind.SUPPLIER_STATEMENT
    owners = Supplier.objects if is_statement else Buyer.objects
    month = Month.objects.filter(month=report.month).first()
    _typeset(
        path,
        "statement.typ",
        {
            "title": "供应商对账单" if is_statement else "消费帮扶采购证明",
            "text": STATEMENT if is_statement else CERTIFICATE,
            "name": owners.values_list("name", flat=True).get(code=report.subject),
            "code": report.subject,
            "month": f"{report.month.year}年{report.month.month}月",
            "date": f"{timezone.localdate(report.requested_at):%Y-%m-%d}",
            "sha256": month.sha256 if month else "",
            "rows": [
                [name, f"{quantity.normalize():f}", unit, f"{amount:,.2f}"]
                for (name, unit), (quantity, amount) in sorted(by_product.items())
            ],
            "total": f"{sum((amount for _, amount in by_product.values()), Decimal(0)):,.2f}",
        },
    )  # fmt: skip
    return rows


def _typeset(path: Path, template: str, content: dict[str, object]) -> None:
    typst.compile(
        str(HERE / template),
        output=str(path),
        format="pdf",
        root=str(HERE),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        # Data, never markup: a name cannot become a command.
        sys_inputs={"content": json.dumps(content), "public_url": settings.PUBLIC_URL},
    )


def _wan(yuan: Decimal) -> str:
    return f"{yuan / TEN_THOUSAND:,.2f}"


def _line(row: FormRow) -> list[str]:
    change = "—" if row.change is None else f"{row.change * 100:.1f}"
    amounts = (row.month, row.year, row.year_before)
    return [row.name, *map(_wan, amounts), change, _wan(row.procured), _wan(row.helped_sell)]
