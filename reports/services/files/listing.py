"""The ledger's entries of a month, streamed from the database row by row."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.db import connection
from django.utils import translation

from orders.models import Buyer, Channel
from reports.models import ContributionKind, LedgerEntry
from shop.models import SKU, Category


class Column(NamedTuple):
    """
    A column of a listing: its heading, what it selects, its width and its format.

    `kind` is text, label (a text of ours), integer, quantity, money, day or moment.
    """

    heading: str
    sql: str
    width: int
    kind: str = "text"


def _named(column: str, choices: Iterable[tuple[str, object]]) -> str:
    """Return SQL for the Chinese label of a code; what has none stays as it is."""
    with translation.override("zh-hans"):
        cases = " ".join(f"WHEN '{code}' THEN '{label}'" for code, label in choices)
    return f"CASE {column} {cases} ELSE {column} END"


# Looked up only where an entry corrects another.
CORRECTED_MONTH = """coalesce(entry.corrects_month, (
    SELECT month FROM reports_ledgerentry WHERE id = entry.corrects_id
))"""

# The same words as `in_words` finds for what is kept.
REASON = rf"""CASE
    WHEN entry.reason ~
        '^(declared; )?(counts|does not count.*): buyer kind \w+ is \w+ \(rule \d+\)$'
    THEN CASE WHEN entry.reason ~ '^declared; ' THEN '申报，' ELSE '' END
        || CASE
            WHEN entry.reason ~ 'does not count below '
                THEN '不计入（证据低于 ' || substring(entry.reason FROM 'below (E\d)') || '）'
            WHEN entry.reason ~ 'does not count, sector '
                THEN '不计入（行业：' || {
    _named("substring(entry.reason FROM 'sector ([a-z]+)')", Category.Sector.choices)
} || '）'
            WHEN entry.reason ~ 'does not count, not recognised' THEN '不计入（未认定）'
            ELSE '计入'
        END || '：' || {_named("entry.buyer_kind", Buyer.Kind.choices)}
        || '，' || {_named("entry.kind", ContributionKind.choices)}
        || '（口径 ' || entry.rule_id || '）'
    WHEN entry.reason ~ '^evidence: E\d to E\d$'
    THEN regexp_replace(entry.reason, '^evidence: (E\d) to (E\d)$', '证据由 \1 变为 \2')
    ELSE regexp_replace(entry.reason, '^claim: ', '售后：')
END"""

ENTRY_COLUMNS = (
    Column("条目号", "entry.id", 10, "integer"),
    Column("来源", _named("entry.source", LedgerEntry.Source.choices), 8, "label"),
    Column("入账时间", "timezone('Asia/Shanghai', entry.booked_at)", 18, "moment"),
    Column("发生日期", "entry.occurred_on", 12, "day"),
    Column(
        "单据号",
        "coalesce(consignment.number, declared.document_no, '')",
        22,
    ),
    Column("行号", "coalesce(line.number::text, declared.line_no, '')", 6),
    Column("商品名称", "entry.product_name", 28),
    Column("品类", "entry.category_code", 12),
    Column("产地县", "entry.county_code", 9),
    Column("产地县名称", "coalesce(closed.county_name, county.name, '')", 16),
    Column("供应商代码", "entry.supplier_code", 16),
    Column("采购方代码", "entry.buyer_code", 16),
    Column("采购方类型", _named("entry.buyer_kind", Buyer.Kind.choices), 13, "label"),
    Column("采购方地区", "entry.region_code", 11),
    Column("结对区", "entry.pair_district_code", 9),
    Column("渠道", _named("entry.channel", Channel.choices), 10, "label"),
    Column("帮扶方式", _named("entry.kind", ContributionKind.choices), 10, "label"),
    Column("已认定", "CASE WHEN entry.is_recognised THEN '是' ELSE '否' END", 8, "label"),
    Column("证据等级", "'E' || entry.grade", 9, "label"),
    Column("数量", "entry.quantity", 12, "quantity"),
    Column("单位", _named("entry.unit", SKU.Unit.choices), 8),
    Column("重量（千克）", "entry.weight_kg", 13, "quantity"),
    Column("金额（元）", "entry.amount", 15, "money"),
    Column("运费（元）", "entry.freight", 11, "money"),
    Column("发票号码", "coalesce(declared.fapiao_no, '')", 22),
    Column("口径", "entry.rule_id", 6, "integer"),
    Column("更正条目号", "entry.corrects_id", 11, "integer"),
    Column("更正月份", f"to_char({CORRECTED_MONTH}, 'YYYY-MM')", 10),
    Column("理由", REASON, 36),
)

# A closed month keeps the names that it was closed with.
FROM = """
FROM reports_ledgerentry entry
LEFT JOIN accounts_division county ON county.code = entry.county_code
LEFT JOIN (
    SELECT month, pair ->> 0 AS county_code, pair ->> 1 AS county_name
    FROM reports_month, jsonb_array_elements(names -> 'county') pair
) closed ON (closed.month, closed.county_code) = (entry.month, entry.county_code)
LEFT JOIN orders_orderline line ON line.id = entry.order_line_id
LEFT JOIN orders_consignment consignment ON consignment.id = line.consignment_id
LEFT JOIN reports_declarationrow declared
    ON declared.entry_id = CASE WHEN entry.source = 'declaration' THEN entry.id
        ELSE entry.corrects_id END
"""

# How a spreadsheet writes days and moments: in days since then.
EPOCH = {"day": "date '1899-12-30'", "moment": "timestamp '1899-12-30'"}


@dataclass(frozen=True)
class Listing:
    """Which entries to list; `condition` is SQL over `entry`, with `values` in it."""

    condition: str
    values: tuple[str | date, ...]

    def select(self, columns: Iterable[str]) -> str:
        """Return the statement that selects these SQL expressions of the entries."""
        return f"SELECT {', '.join(columns)} {FROM} WHERE {self.condition} ORDER BY entry.id"

    def count(self) -> int:
        """Return how many entries there are."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM reports_ledgerentry entry WHERE {self.condition}",  # noqa: S608
                self.values,
            )
            return int(cursor.fetchone()[0])

    def cells(self, *, progress: Callable[[int], None]) -> Iterator[tuple[str, ...]]:
        """Yield the entries as a spreadsheet writes them; memory stays flat."""
        sql = f"COPY ({self.select(map(_cell, ENTRY_COLUMNS))}) TO STDOUT"
        with connection.cursor() as cursor, cursor.cursor.copy(sql, self.values) as entries:
            for number, row in enumerate(entries.rows(), 1):
                yield row
                if number % 1_000 == 0:
                    progress(number)


def _cell(column: Column) -> str:
    match column.kind:
        case "day":
            value = f"{column.sql} - {EPOCH['day']}"
        case "moment":
            seconds = f"extract(epoch FROM {column.sql} - {EPOCH['moment']})"
            value = f"round({seconds} / 86400, 9)"
        case _:
            value = column.sql
    return f"coalesce(({value})::text, '')"


#: Regrades come in pairs that add up to nothing: they are evidence, not sales or returns.
SALES = "entry.source <> 'regrade'"


def of_month(month: date) -> Listing:
    return Listing("entry.month = %s", (month,))


def corrections_of(month: date) -> Listing:
    """Return what takes away from a month or corrects an earlier one; no changes of evidence."""
    return Listing(
        f"{SALES} AND entry.month = %s AND (entry.amount < 0 OR entry.corrects_id IS NOT NULL"
        " OR entry.corrects_month IS NOT NULL)",
        (month,),
    )


def of_supplier(month: date, code: str) -> Listing:
    return Listing(f"{SALES} AND entry.month = %s AND entry.supplier_code = %s", (month, code))


def of_buyer(month: date, code: str) -> Listing:
    return Listing(f"{SALES} AND entry.month = %s AND entry.buyer_code = %s", (month, code))
