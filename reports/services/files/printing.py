"""The monthly form, the year book, statements and certificates as PDF, typeset from data only."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from accounts.codes import qr_code
from accounts.typesetting import typeset

from .form import FormRow, MonthlyForm
from .statement import Statement
from .year_book import Part, YearBook

HERE = Path(__file__).parent
TEN_THOUSAND = Decimal(10_000)


def write_monthly(path: Path, form: MonthlyForm) -> int:
    """Typeset the form and return the number of its lines."""
    pdf = typeset(
        HERE / "monthly.typ",
        {
            **_head(form, f"{form.month.year}年{form.month.month}月"),
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
            "freight_note": form.freight_note,
            "matrices": [
                {
                    "title": matrix.title,
                    "counties": [name for _, name in matrix.across],
                    "rows": [
                        [name, *map(_wan, amounts)] for name, amounts in matrix.rows
                    ],
                }
                for matrix in form.matrices
            ],
        },
    )  # fmt: skip
    path.write_bytes(pdf)
    return sum(len(table.rows) for table in form.tables)


def write_year_book(path: Path, book: YearBook) -> int:
    """Typeset the year book and return the number of its rows."""
    pdf = typeset(
        HERE / "year_book.typ",
        {
            **_head(book.form, book.period),
            "parts": [
                {
                    "title": part.title[2:],
                    "unit": part.unit,
                    "columns": part.columns,
                    "rows": [_cells(part, row) for row in part.rows],
                    "total": _cells(part, part.total) if part.total else [],
                }
                for part in book.parts
            ],
        },
    )
    path.write_bytes(pdf)
    return sum(len(part.rows) for part in book.parts)


def write_statement(path: Path, statement: Statement) -> int:
    """Typeset a supplier's statement or a buyer's certificate; return how many entries it sums."""
    pdf = typeset(
        HERE / "statement.typ",
        {
            "title": statement.title,
            "text": statement.text,
            "name": statement.name,
            "code": statement.code,
            "month": f"{statement.month.year}年{statement.month.month}月",
            "date": f"{statement.issued_on:%Y-%m-%d}",
            "sha256": statement.sha256,
            "audit_line": statement.audit_line,
            "seal": _code_of(statement.month, statement.sha256),
            "rows": [
                [row.name, f"{row.quantity.normalize():,f}", row.unit, f"{row.amount:,.2f}"]
                for row in statement.rows
            ],
            "totals": [[name, f"{yuan:,.2f}"] for name, yuan in statement.totals],
        },
    )
    path.write_bytes(pdf)
    return statement.entries


def _head(form: MonthlyForm, period: str) -> dict[str, object]:
    """Return what official.typ asks for."""
    return {
        "period": period,
        "office": form.office,
        "prepared_by": form.prepared_by,
        "reviewed_by": form.reviewed_by or "—",
        "prepared_on": f"{form.prepared_on:%Y-%m-%d}",
        "rule": form.rule,
        "sha256": form.sha256,
        "audit_line": form.audit_line,
        "code": _code_of(form.month, form.sha256),
        "headline": f"{form.total.year / 10**8:.4f}",
        "total": f"{form.total.year:,.2f}",
    }


def _cells(part: Part, row: Sequence[Any]) -> list[str]:
    """Return a row of the year book as it is printed."""
    shown: dict[str, Callable[[Any], str]] = {
        "wan": _wan,
        "money": "{:,.2f}".format,
        "percent": "{:.1f}".format,
        "count": "{:,}".format,
    }
    return [
        "—" if value is None else shown.get(kind, str)(value)
        for value, (_heading, kind) in zip(row, part.columns, strict=True)
    ]


def _code_of(month: date, seal: str) -> str:
    """Return a QR code, as SVG, that leads to the page which compares a month's seal."""
    if not seal:
        return ""
    query = urlencode({"month": f"{month:%Y-%m}", "seal": seal})
    return qr_code(f"{settings.PUBLIC_URL}{reverse('seal')}?{query}")


def _wan(yuan: Decimal) -> str:
    return f"{yuan / TEN_THOUSAND:,.2f}"


def _line(row: FormRow) -> list[str]:
    change = "—" if row.change is None else f"{row.change:.1f}"
    amounts = (row.month, row.year, row.year_before)
    return [row.name, *map(_wan, amounts), change, _wan(row.procured), _wan(row.helped_sell)]
