"""The ledger's entries of a month, streamed from the database row by row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction
from django.utils import translation

from orders.models import Buyer, Channel
from reports.models import ContributionKind, LedgerEntry
from shop.models import SKU

#: Rows fetched at a time: enough to be quick, few enough to stay small.
CHUNK = 5_000


class Column(NamedTuple):
    """
    A column of a listing: its heading, what it selects, its width and its format.

    `kind` is text, integer, quantity, money, day or moment.
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


ENTRY_COLUMNS = (
    Column("条目号", "entry.id", 10, "integer"),
    Column("来源", _named("entry.source", LedgerEntry.Source.choices), 8),
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
    Column("产地县名称", "coalesce(county.name, '')", 16),
    Column("供应商代码", "entry.supplier_code", 16),
    Column("采购方代码", "entry.buyer_code", 16),
    Column("采购方类型", _named("entry.buyer_kind", Buyer.Kind.choices), 13),
    Column("采购方地区", "entry.region_code", 11),
    Column("结对区", "entry.pair_district_code", 9),
    Column("渠道", _named("entry.channel", Channel.choices), 10),
    Column("帮扶方式", _named("entry.kind", ContributionKind.choices), 10),
    Column("已认定", "CASE WHEN entry.is_recognised THEN '是' ELSE '否' END", 8),
    Column("证据等级", "'E' || entry.grade", 9),
    Column("数量", "entry.quantity", 12, "quantity"),
    Column("单位", _named("entry.unit", SKU.Unit.choices), 8),
    Column("重量（千克）", "entry.weight_kg", 13, "quantity"),
    Column("金额（元）", "entry.amount", 15, "money"),
    Column("发票号码", "coalesce(declared.fapiao_no, '')", 22),
    Column("口径", "entry.rule_id", 6, "integer"),
    Column("更正条目号", "entry.corrects_id", 11, "integer"),
    Column("更正月份", "to_char(entry.corrects_month, 'YYYY-MM')", 10),
    Column("理由", "entry.reason", 36),
)

FROM = """
FROM reports_ledgerentry entry
LEFT JOIN accounts_division county ON county.code = entry.county_code
LEFT JOIN orders_orderline line ON line.id = entry.order_line_id
LEFT JOIN orders_consignment consignment ON consignment.id = line.consignment_id
LEFT JOIN reports_declarationrow declared
    ON declared.entry_id = CASE WHEN entry.source = 'declaration' THEN entry.id
        ELSE entry.corrects_id END
"""

Value = str | int | Decimal | date | datetime | None


@dataclass(frozen=True)
class Listing:
    """Which entries to list; `condition` is SQL over `entry`, with `values` in it."""

    condition: str
    values: tuple[str | date, ...]

    @property
    def sql(self) -> str:
        columns = ", ".join(column.sql for column in ENTRY_COLUMNS)
        return f"SELECT {columns} {FROM} WHERE {self.condition} ORDER BY entry.id"

    def count(self) -> int:
        """Return how many entries there are."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM reports_ledgerentry entry WHERE {self.condition}",  # noqa: S608
                self.values,
            )
            return int(cursor.fetchone()[0])

    def rows(self) -> Iterator[Sequence[Value]]:
        """Yield the entries; a cursor on the server keeps memory flat."""
        # The cursor lives and ends with its transaction, however the reader ends.
        with transaction.atomic(), connection.chunked_cursor() as cursor:
            cursor.execute(self.sql, self.values)
            while chunk := cursor.fetchmany(CHUNK):
                yield from chunk


def of_month(month: date) -> Listing:
    return Listing("entry.month = %s", (month,))


def corrections_of(month: date) -> Listing:
    """Return what takes away from a month or corrects an earlier one."""
    return Listing(
        "entry.month = %s AND (entry.amount < 0 OR entry.corrects_id IS NOT NULL)", (month,)
    )


def of_supplier(month: date, code: str) -> Listing:
    return Listing("entry.month = %s AND entry.supplier_code = %s", (month, code))


def of_buyer(month: date, code: str) -> Listing:
    return Listing("entry.month = %s AND entry.buyer_code = %s", (month, code))
