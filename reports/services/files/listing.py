"""The ledger's entries of a month, streamed from the database row by row."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction

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


SOURCES = {
    "acceptance": "验收",
    "claim": "售后",
    "declaration": "申报",
    "correction": "更正",
}


def _named(column: str, names: dict[str, str]) -> str:
    cases = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in names.items())
    return f"CASE {column} {cases} ELSE {column} END"


ENTRY_COLUMNS = (
    Column("条目号", "entry.id", 10, "integer"),
    Column("来源", _named("entry.source", SOURCES), 8),
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
    Column("供应商代码", "entry.supplier_code", 16),
    Column("采购方代码", "entry.buyer_code", 16),
    Column("采购方类型", "entry.buyer_kind", 13),
    Column("采购方地区", "entry.region_code", 11),
    Column("结对区", "entry.pair_district_code", 9),
    Column("渠道", "entry.channel", 10),
    Column("帮扶方式", _named("entry.kind", {"procured": "采购", "helped_sell": "帮助销售"}), 10),
    Column("已认定", "CASE WHEN entry.is_recognised THEN '是' ELSE '否' END", 8),
    Column("证据等级", "'E' || entry.grade", 9),
    Column("数量", "entry.quantity", 12, "quantity"),
    Column("单位", "entry.unit", 8),
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
LEFT JOIN orders_orderline line ON line.id = entry.order_line_id
LEFT JOIN orders_consignment consignment ON consignment.id = line.consignment_id
LEFT JOIN reports_declarationrow declared
    ON declared.entry_id = CASE WHEN entry.source = 'declaration' THEN entry.id
        ELSE entry.corrects_id END
"""

Value = str | int | Decimal | date | datetime | None


class Listing(NamedTuple):
    """Which entries to list; `condition` is SQL over `entry`, with `values` in it."""

    condition: str
    values: tuple[object, ...]

    @property
    def sql(self) -> str:
        columns = ", ".join(column.sql for column in ENTRY_COLUMNS)
        return f"SELECT {columns} {FROM} WHERE {self.condition} ORDER BY entry.id"  # noqa: S608

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
