"""What left when: a row for each shipment of a consignment, and one for each line of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection

from orders.models import Consignment, OrderLine, Shipment, ShipmentLine

from .batching import Part

#: Between the names of batches, where a line has several.
SEPARATOR = ", "
#: How long all of them may be together.
NAMES_MAX = 500

SHIP_AT_ONCE = """
    WITH shipment AS (
        INSERT INTO orders_shipment (consignment_id, number, carrier, tracking, shipped_at)
        SELECT id, 1, carrier, tracking, shipped_at FROM orders_consignment
        WHERE shipped_at IS NOT NULL AND id BETWEEN %s AND %s
        RETURNING id, consignment_id
    )
    INSERT INTO orders_shipmentline (shipment_id, line_id, quantity, batch)
    SELECT shipment.id, line.id, line.shipped_quantity, line.batch
    FROM shipment
    JOIN orders_orderline line ON line.consignment_id = shipment.consignment_id
    WHERE line.shipped_quantity > 0
"""


def record_shipment(
    consignment: Consignment,
    lines: Sequence[OrderLine],
    shipped: Mapping[int, Sequence[Part]],
    *,
    number: int,
    now: datetime,
) -> Shipment:
    """
    Keep what left of a held consignment, which says with whom already.

    Runs inside the caller's transaction.
    """
    shipment = Shipment.objects.create(
        consignment=consignment,
        number=number,
        carrier=consignment.carrier,
        tracking=consignment.tracking,
        shipped_at=now,
    )
    ShipmentLine.objects.bulk_create(
        ShipmentLine(shipment=shipment, line=line, quantity=quantity, batch=names_of(parts))
        for line in lines
        if (quantity := sum_of(parts := shipped[line.number]))
    )
    return shipment


def record_whole_shipments(first: int, last: int) -> None:
    """
    Keep one shipment of each consignment with a key from `first` to `last` that has left.

    For consignments that were written as they are.
    """
    with connection.cursor() as cursor:
        cursor.execute(SHIP_AT_ONCE, [first, last])


def sum_of(parts: Sequence[Part]) -> Decimal:
    """Return how much of a line leaves."""
    return sum((part.quantity for part in parts), Decimal(0))


def names_of(parts: Sequence[Part], before: str = "") -> str:
    """Return the batches that a line left from, those that it left from `before` first."""
    known = before.split(SEPARATOR)
    new = dict.fromkeys(part.batch for part in parts if part.batch not in known)
    return SEPARATOR.join(filter(None, [before, *new]))
