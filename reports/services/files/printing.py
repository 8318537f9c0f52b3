"""The monthly form, statements and certificates as PDF, typeset from data only."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

import noto_cjk_sans_otc
import segno
import typst
from django.conf import settings
from django.urls import reverse

from .form import FormRow, MonthlyForm
from .statement import Statement

HERE = Path(__file__).parent
FONTS = Path(noto_cjk_sans_otc.__file__).parent
TEN_THOUSAND = Decimal(10_000)


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
            "code": _code_of(form.month, form.sha256),
            "headline": f"{form.total.year / 10**8:.4f}",
            "total": f"{form.total.year:,.2f}",
            "tables": [
                {
                    "title": table.title[2:],
                    "heading": table.heading,
                    "rows": [_line(row) for row in table.rows],
                    "total": _line(table.total),
                    "bars": [
                        [row.name, float(row.year / TEN_THOUSAND), _wan(row.year)]
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
                        [name, *map(_wan, amounts)] for name, amounts in matrix.rows
                    ],
                }
                for matrix in form.matrices
            ],
        },
    )  # fmt: skip
    return sum(len(table.rows) for table in form.tables)


def write_statement(path: Path, statement: Statement) -> int:
    """Typeset a supplier's statement or a buyer's certificate; return how many entries it sums."""
    _typeset(
        path,
        "statement.typ",
        {
            "title": statement.title,
            "text": statement.text,
            "name": statement.name,
            "code": statement.code,
            "month": f"{statement.month.year}年{statement.month.month}月",
            "date": f"{statement.issued_on:%Y-%m-%d}",
            "sha256": statement.sha256,
            "seal": _code_of(statement.month, statement.sha256),
            "rows": [
                [row.name, f"{row.quantity.normalize():,f}", row.unit, f"{row.amount:,.2f}"]
                for row in statement.rows
            ],
            "total": f"{statement.amount:,.2f}",
        },
    )
    return statement.entries


def _typeset(path: Path, template: str, content: dict[str, object]) -> None:
    pdf = typst.compile(
        str(HERE / template),
        format="pdf",
        root=str(HERE),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        # Data, never markup: a name cannot become a command.
        sys_inputs={"content": json.dumps(content)},
    )
    path.write_bytes(pdf)


def _code_of(month: date, seal: str) -> str:
    """Return a QR code, as SVG, that leads to the page which compares a month's seal."""
    if not seal:
        return ""
    query = urlencode({"month": f"{month:%Y-%m}", "seal": seal})
    code = segno.make(f"{settings.PUBLIC_URL}{reverse('seal')}?{query}", error="m", micro=False)
    return str(code.svg_inline(border=0))


def _wan(yuan: Decimal) -> str:
    return f"{yuan / TEN_THOUSAND:,.2f}"


def _line(row: FormRow) -> list[str]:
    change = "—" if row.change is None else f"{row.change * 100:.1f}"
    amounts = (row.month, row.year, row.year_before)
    return [row.name, *map(_wan, amounts), change, _wan(row.procured), _wan(row.helped_sell)]
