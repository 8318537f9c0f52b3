"""The figures of the year book: a year up to its last month, gathered once for every format."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from reports.models import Month
from reports.services.percents import change_on
from reports.services.targets import impact_of, targets_of

from .form import FormTable, Matrix, MonthlyForm, ask, monthly_form

ZERO = Decimal(0)


@dataclass(frozen=True)
class Part:
    """
    One sheet or section: its columns, each a heading and a kind, its rows and their total.

    Of the kinds, text is as it is, wan is yuan to be shown in 万元 and money yuan to be
    shown as such; percent may be None; count is a whole number and digest a long text.
    """

    title: str
    unit: str
    columns: list[tuple[str, str]]
    rows: list[list[Any]]
    total: list[Any] | None = None


@dataclass(frozen=True)
class YearBook:
    """
    A year from January to the month of `form`, the last that it covers.

    It bears the seal of that month, and the people who prepared its form.
    """

    form: MonthlyForm
    parts: list[Part]

    @property
    def period(self) -> str:
        month = self.form.month
        return f"{month.year}年1月至{month.month}月"


def year_book(month: date, *, prepared_by: User, prepared_on: date) -> YearBook:
    """Return the year book that ends with `month`, from the totals."""
    form = monthly_form(month, prepared_by=prepared_by, prepared_on=prepared_on)
    county, category, _buyer_kind, channel = form.tables
    _of_month, pairs = form.matrices
    return YearBook(
        form,
        [
            _months(month),
            _matrix("2 分县", _by_month(month, county, "county", "county_code")),
            _matrix("3 品类", _by_month(month, category, "category", "category_code")),
            _matrix("4 渠道", _by_month(month, channel, "channel", "channel")),
            _matrix("5 结对矩阵", pairs),
            _targets(month),
            _impact(month.year),
            _seals(month),
        ],
    )


def _months(month: date) -> Part:
    cells = {
        (row["month"], row["kind"]): row["amount"]
        for row in ask(("month", "kind"), date(month.year - 1, 1, 1), month)
    }

    def line(name: str, numbers: Iterable[int]) -> list[Any]:
        def sold(year: int, kind: str) -> Decimal:
            return sum((cells.get((date(year, n, 1), kind), ZERO) for n in numbers), ZERO)

        procured, helped_sell = (sold(month.year, kind) for kind in ("procured", "helped_sell"))
        before = sold(month.year - 1, "procured") + sold(month.year - 1, "helped_sell")
        amount = procured + helped_sell
        return [name, amount, before, change_on(before, amount), procured, helped_sell]

    covered = range(1, month.month + 1)
    return Part(
        "1 分月",
        "万元",
        [
            ("月份", "text"), ("金额", "wan"), ("上年同期", "wan"), ("同比（%）", "percent"),
            ("其中：采购", "wan"), ("其中：帮助销售", "wan"),
        ],
        [line(f"{n}月", [n]) for n in covered],
        line("合计", covered),
    )  # fmt: skip


def _by_month(month: date, table: FormTable, dimension: str, column: str) -> Matrix:
    """Return what the lines of a form's table came to in each month."""
    return Matrix(
        table.title,
        table.heading,
        [(row.code, row.name) for row in table.rows],
        [(str(n), f"{n}月") for n in range(1, month.month + 1)],
        {
            (row[column], str(row["month"].month)): row["amount"]
            for row in ask(("month", dimension), month.replace(month=1), month)
        },
    )


def _matrix(title: str, matrix: Matrix) -> Part:
    names = [name for _code, name in matrix.across]
    *rows, total = [[name, *amounts] for name, amounts in matrix.rows]
    columns = [(matrix.corner, "text"), *((name, "wan") for name in [*names, "合计"])]
    return Part(title, "万元", columns, rows, total)


def _targets(month: date) -> Part:
    standing = targets_of(month.year, day=month, until=month, published_only=False)
    return Part(
        "6 目标完成",
        "万元",
        [
            ("县（市）", "text"), ("结对区", "text"), ("年度目标", "wan"), ("已完成", "wan"),
            ("完成率（%）", "percent"), ("上年同期", "wan"),
        ],
        [
            [
                one.target.county.name if one.target.county else "全州",
                one.target.district.name if one.target.district else "全部采购方",
                one.target.amount,
                one.reached,
                one.percent,
                one.before,
            ]
            for one in standing.targets
        ],
    )  # fmt: skip


def _impact(year: int) -> Part:
    rows = impact_of(year)
    sums = ("households", "jobs", "land_rent")
    return Part(
        "7 联农带农",
        "户、人、元",
        [
            ("县（市）", "text"), ("带动农户（户）", "count"), ("吸纳就业（人）", "count"),
            ("土地租金（元）", "money"),
        ],
        [[row["supplier__county__name"], *(row[name] for name in sums)] for row in rows],
        ["合计", *(sum(row[name] for row in rows) for name in sums)],
    )  # fmt: skip


def _seals(month: date) -> Part:
    sealed = {
        row.month.month: row
        for row in Month.objects.sealed().filter(month__range=(month.replace(month=1), month))
    }
    return Part(
        "8 封账记录",
        "元",
        [
            ("月份", "text"), ("封账时间", "text"), ("条目数", "count"), ("金额（元）", "money"),
            ("封账校验码 SHA-256", "digest"), ("审计区块", "count"), ("审计链头", "digest"),
        ],
        [_seal(n, sealed.get(n)) for n in range(1, month.month + 1)],
    )  # fmt: skip


def _seal(number: int, month: Month | None) -> list[Any]:
    # Not whether it is published: that comes later, and would change the file.
    if month is None or month.closed_at is None:
        return [f"{number}月", "未封账", None, None, "", None, ""]
    return [
        f"{number}月",
        f"{timezone.localtime(month.closed_at):%Y-%m-%d %H:%M}",
        month.entries,
        month.amount,
        month.sha256,
        month.audit_block,
        month.audit_head,
    ]
