"""Where a batch went: every order line that is of it, to be warned."""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from accounts.models import User
from accounts.services.audit import record
from accounts.spreadsheets import BOM, harmless, on_one_line
from orders.models import LineBatch
from shop.models import Batch

SHIPPED_AT = "to_char(shipment.shipped_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI')"
WHERE_IT_WENT = {
    "订单号": harmless("placed.number"),
    "发货单号": harmless("consignment.number"),
    "行号": "line.number",
    "规格编码": harmless("line.sku_code"),
    "商品": harmless("line.name"),
    "批次发出数量": "trim_scale(link.quantity)",
    "单位": "line.unit",
    "状态": "consignment.status",
    "发货时间": SHIPPED_AT,
    "承运人": harmless("shipment.carrier"),
    "运单号": harmless("shipment.tracking"),
    "验收数量": "trim_scale(line.accepted_quantity)",
    "采购方": harmless("buyer.name"),
    "目的地": harmless("place.name"),
}
WHOM_TO_CALL = {
    "收货人": harmless("address.consignee"),
    "电话": harmless("address.phone"),
    "地址": harmless("address.street"),
}

LINES = """
COPY (
    SELECT {columns}
    FROM orders_linebatch link
    JOIN orders_shipment shipment ON shipment.id = link.shipment_id
    JOIN orders_orderline line ON line.id = link.line_id
    JOIN orders_consignment consignment ON consignment.id = line.consignment_id
    JOIN orders_order placed ON placed.id = line.order_id
    JOIN orders_buyer buyer ON buyer.id = placed.buyer_id
    JOIN orders_address address ON address.id = placed.address_id
    JOIN accounts_division place ON place.code = address.division_id
    WHERE link.batch_id = %s ORDER BY link.id
) TO STDOUT (FORMAT csv, ENCODING 'UTF8')
"""


def lines_of_batch(batch: Batch) -> QuerySet[LineBatch]:
    """Return the order lines that are of a batch, the latest first, with whom they went to."""
    return (
        LineBatch.objects.filter(batch=batch)
        .select_related(
            "shipment",
            "line__consignment",
            "line__order__buyer",
            "line__order__address__division__parent",
        )
        .order_by("-pk")
    )


def knows_contacts(by: User) -> bool:
    """Whether `by` may know whom the shipped goods of a batch went to, who may see the batch."""
    return by.sees_all_figures or not by.role


def export_lines(batch: Batch, *, by: User, now: datetime) -> Iterator[bytes]:
    """
    Record that `by` takes along where a batch went, and return the parts of its CSV.

    Persons are named only to those who may know them.
    """
    with_contacts = knows_contacts(by)
    after = {"trace_code": batch.trace_code, "with_contacts": with_contacts}
    record("export_batch", batch, by=by, now=now, after=after)
    return _parts(batch, WHERE_IT_WENT | WHOM_TO_CALL if with_contacts else WHERE_IT_WENT)


def _parts(batch: Batch, columns: dict[str, str]) -> Iterator[bytes]:
    yield BOM + f"{','.join(columns)}\r\n".encode()
    statement = LINES.format(columns=", ".join(columns.values()))
    with connection.cursor() as cursor, cursor.cursor.copy(statement, [batch.pk]) as lines:
        # One part, so that no statement stays open however slow the reader is.
        part = b"".join(on_one_line(bytes(line)) for line in lines)
    yield part
