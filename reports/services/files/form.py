"""The figures of the official monthly form, gathered once for every format."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone, translation

from accounts.models import Division, User
from orders.models import Buyer, Channel
from reports.models import CountingRule, Month
from reports.services.figures import Question, answer
from reports.services.percents import change_on
from shop.models import Category

ZERO = Decimal(0)


@dataclass(frozen=True)
class FormRow:
    """One line of the form, in yuan; both contributions are of the year to date."""

    code: str
    name: str
    month: Decimal
    year: Decimal
    year_before: Decimal
    procured: Decimal
    helped_sell: Decimal

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        return (self.month, self.year, self.year_before, self.procured, self.helped_sell)

    @property
    def change(self) -> Decimal | None:
        """Return the change on the same months of the year before in percent."""
        return change_on(self.year_before, self.year)


@dataclass(frozen=True)
class FormTable:
    """One sheet's lines and their total."""

    title: str
    heading: str
    rows: list[FormRow]
    total: FormRow


@dataclass(frozen=True)
class Matrix:
    """
    Yuan by what stands down the side and across the top, each in pairs of code and name.

    The paired districts' last row is unpaired.
    """

    title: str
    corner: str
    down: list[tuple[str, str]]
    across: list[tuple[str, str]]
    cells: Mapping[tuple[str, str], Decimal]

    @property
    def rows(self) -> list[tuple[str, list[Decimal]]]:
        """Return each row's name and its yuan with their sum; the last row adds up the others."""
        rows = [
            (name, [self.cells.get((side, top), ZERO) for top, _ in self.across])
            for side, name in self.down
        ]
        columns = range(len(self.across))
        rows.append(("合计", [sum((row[n] for _, row in rows), ZERO) for n in columns]))
        return [(name, [*row, sum(row, ZERO)]) for name, row in rows]


@dataclass(frozen=True)
class MonthlyForm:
    """
    Everything that the form says, apart from its lists of entries.

    `sha256` is the seal of a closed month, and `audit_line` names the head of the audit
    trail by then; a month that is not closed yet has none, and its form is a draft.
    `freight_note` says how much freight the month had, if any, and whether it is counted.
    """

    month: date
    office: str
    prepared_by: str
    reviewed_by: str
    prepared_on: date
    rule: str
    sha256: str
    audit_line: str
    tables: list[FormTable]
    matrices: list[Matrix]
    freight_note: str = ""

    @property
    def is_draft(self) -> bool:
        return not self.sha256

    @property
    def total(self) -> FormRow:
        return self.tables[0].total


@translation.override("zh-hans")
def monthly_form(month: date, *, prepared_by: User, prepared_on: date) -> MonthlyForm:
    """
    Return the form of `month`: as it was closed, or else from the totals.

    A closed month names who asked for the close and who confirmed it, and the day of
    it, so that whoever asks for the file gets the same one.
    """
    row = Month.objects.select_related("requested_by", "confirmed_by").filter(month=month).first()
    if row and row.names and "form" in row.names:
        return _kept(row, row.names["form"])
    # A month that an earlier release closed has no form of its own.
    return _gather(month, row=row, prepared_by=prepared_by, prepared_on=prepared_on)


@translation.override("zh-hans")
def form_as_closed(row: Month, *, by: User, now: datetime) -> dict[str, Any]:
    """
    Return the form of a month that is being closed, as JSON values to be kept.

    Names change later, and so do the sums of earlier months that are still open.
    """
    form = _gather(row.month, row=row, prepared_by=by, prepared_on=timezone.localdate(now))
    return {
        "office": form.office,
        "prepared_by": form.prepared_by,
        "reviewed_by": form.reviewed_by,
        "prepared_on": form.prepared_on.isoformat(),
        "rule": form.rule,
        "freight_note": form.freight_note,
        "tables": [
            {
                "title": table.title,
                "heading": table.heading,
                "rows": [[line.code, line.name, *map(str, line.amounts)] for line in table.rows],
            }
            for table in form.tables
        ],
        "matrices": [
            {
                "title": matrix.title,
                "corner": matrix.corner,
                "down": [list(side) for side in matrix.down],
                "across": [list(top) for top in matrix.across],
                "cells": [[*codes, str(amount)] for codes, amount in matrix.cells.items()],
            }
            for matrix in form.matrices
        ],
    }


def _kept(row: Month, kept: Mapping[str, Any]) -> MonthlyForm:
    """Return the form that `form_as_closed` kept."""
    tables = [
        (
            table["title"],
            table["heading"],
            [FormRow(code, name, *map(Decimal, yuan)) for code, name, *yuan in table["rows"]],
        )
        for table in kept["tables"]
    ]
    return MonthlyForm(
        month=row.month,
        office=kept["office"],
        prepared_by=kept["prepared_by"],
        reviewed_by=kept["reviewed_by"],
        prepared_on=date.fromisoformat(kept["prepared_on"]),
        rule=kept["rule"],
        sha256=row.sha256,
        audit_line=row.audit_line,
        freight_note=kept.get("freight_note", ""),
        tables=[FormTable(title, heading, rows, _sum(rows)) for title, heading, rows in tables],
        matrices=[
            Matrix(
                matrix["title"],
                matrix["corner"],
                [(code, name) for code, name in matrix["down"]],
                [(code, name) for code, name in matrix["across"]],
                {(side, top): Decimal(amount) for side, top, amount in matrix["cells"]},
            )
            for matrix in kept["matrices"]
        ],
    )


def _gather(month: date, *, row: Month | None, prepared_by: User, prepared_on: date) -> MonthlyForm:
    reviewer: User | None = None
    if row and row.is_sealed and row.requested_by and row.closed_at:
        prepared_by, reviewer = row.requested_by, row.confirmed_by
        prepared_on = timezone.localdate(row.closed_at)
    rule = CountingRule.objects.in_force(month)
    counties = list(Division.objects.counties().values_list("code", "name"))
    return MonthlyForm(
        month=month,
        office=prepared_by.division.name if prepared_by.division else "黔南布依族苗族自治州",
        prepared_by=_name(prepared_by),
        reviewed_by=_name(reviewer) if reviewer else "",
        prepared_on=prepared_on,
        rule=str(rule.version) if rule else "",
        sha256=row.sha256 if row else "",
        audit_line=row.audit_line if row else "",
        freight_note=_freight_note(month, rule),
        tables=[
            _table(month, "1 分县", "县（市）", "county", "county_code", counties, keeps_all=True),
            _table(
                month, "3 品类", "品类", "category", "category_code",
                row.names["category"] if row and row.names
                else Category.objects.values_list("code", "name"),
            ),
            _table(
                month, "4 采购方类型", "采购方类型", "buyer_kind", "buyer_kind",
                [(str(code), str(label)) for code, label in Buyer.Kind.choices],
            ),
            _table(
                month, "5 渠道", "渠道", "channel", "channel",
                [(str(code), str(label)) for code, label in Channel.choices],
            ),
        ],
        matrices=[
            _matrix("本月", month, month, counties),
            _matrix("本年累计", month.replace(month=1), month, counties),
        ],
    )  # fmt: skip


def _freight_note(month: date, rule: CountingRule | None) -> str:
    freight = sum((row["freight"] for row in ask((), month, month)), ZERO)
    if not freight:
        return ""
    counted = "已计入" if rule and rule.counts_freight else "未计入"
    return f"本月另有运费 {freight:,.2f} 元，{counted}以上金额。"


def _name(user: User) -> str:
    return user.get_full_name() or user.username


def ask(by: tuple[str, ...], since: date, until: date) -> list[dict[str, Any]]:
    """Return the official figure of the months from `since` to `until` by what is asked for."""
    return answer(Question(by=by, since=since, until=until), day=until).groups


def _table(
    month: date,
    title: str,
    heading: str,
    dimension: str,
    column: str,
    names: Iterable[tuple[str, str]],
    *,
    keeps_all: bool = False,
) -> FormTable:
    january = month.replace(month=1)
    before = month.replace(year=month.year - 1)
    name_by_code = dict(names)
    of_month = {r[column]: r["amount"] for r in ask((dimension,), month, month)}
    of_year = {
        (r[column], r["kind"]): r["amount"] for r in ask((dimension, "kind"), january, month)
    }
    of_before = {r[column]: r["amount"] for r in ask((dimension,), before.replace(month=1), before)}
    found = of_month.keys() | of_before.keys() | {code for code, _kind in of_year}
    order = {code: n for n, code in enumerate(name_by_code)}
    codes = sorted(
        found | (name_by_code.keys() if keeps_all else set()),
        key=lambda code: (order.get(code, len(order)), code),
    )
    rows = []
    for code in codes:
        procured = of_year.get((code, "procured"), ZERO)
        helped_sell = of_year.get((code, "helped_sell"), ZERO)
        rows.append(
            FormRow(
                code=code,
                name=name_by_code.get(code, code or "未分配"),
                month=of_month.get(code, ZERO),
                year=procured + helped_sell,
                year_before=of_before.get(code, ZERO),
                procured=procured,
                helped_sell=helped_sell,
            )
        )
    return FormTable(title, heading, rows, _sum(rows))


def _sum(rows: list[FormRow]) -> FormRow:
    return FormRow(
        code="",
        name="合计",
        month=sum((row.month for row in rows), ZERO),
        year=sum((row.year for row in rows), ZERO),
        year_before=sum((row.year_before for row in rows), ZERO),
        procured=sum((row.procured for row in rows), ZERO),
        helped_sell=sum((row.helped_sell for row in rows), ZERO),
    )


def _matrix(title: str, since: date, until: date, counties: list[tuple[str, str]]) -> Matrix:
    cells = {
        (r["pair_district_code"], r["county_code"]): r["amount"]
        for r in ask(("pair", "county"), since, until)
    }
    codes = {district for district, _county in cells if district}
    districts = Division.objects.filter(code__in=codes).order_by("code")
    down = [*districts.values_list("code", "name"), ("", "未结对")]
    return Matrix(title, "区\\县", down, counties, cells)
