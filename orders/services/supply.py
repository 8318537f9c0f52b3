"""What of a supplier's stock runs low, by what it sells."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from accounts.models import User
from accounts.rows import rows_of

#: As long as this at the present pace, what is available should last.
PACE = timedelta(days=14)

RUNNING_LOW = """
    SELECT sku.id AS sku_id, sku.code, product.name || ' ' || sku.name AS name,
        stock.on_hand - stock.reserved AS available,
        greatest(sku.minimum, coalesce(sold.quantity, 0)) AS needed
    FROM suppliers_suppliermember member
    JOIN shop_product product
        ON product.supplier_id = member.supplier_id AND product.status = 'listed'
    JOIN shop_sku sku ON sku.product_id = product.id AND sku.is_active
    JOIN shop_stock stock ON stock.sku_id = sku.id
    LEFT JOIN (
        SELECT line.sku_id, sum(line.quantity) AS quantity
        FROM suppliers_suppliermember own
        JOIN orders_consignment consignment ON consignment.supplier_id = own.supplier_id
            AND consignment.status NOT IN ('pending_approval', 'declined', 'cancelled')
        JOIN orders_order placed
            ON placed.id = consignment.order_id AND placed.placed_at >= %(since)s
        JOIN orders_orderline line ON line.consignment_id = consignment.id
        WHERE own.user_id = %(user)s
        GROUP BY line.sku_id
    ) sold ON sold.sku_id = sku.id
    WHERE member.user_id = %(user)s
        AND stock.on_hand - stock.reserved < greatest(sku.minimum, coalesce(sold.quantity, 0))
    ORDER BY (stock.on_hand - stock.reserved)
        / greatest(sku.minimum, coalesce(sold.quantity, 0)), sku.code
"""


class Low(NamedTuple):
    """A SKU of which less is available than is needed, in its own unit."""

    sku_id: int
    code: str
    name: str
    available: Decimal
    needed: Decimal


def running_low(user: User, *, now: datetime) -> list[Low]:
    """
    Return what runs low of the supplier that `user` works for, the scarcest first.

    Less is available than the smallest order takes, or than was ordered in PACE.
    """
    values = {"since": now - PACE, "user": user.pk}
    return [Low(**row) for row in rows_of(RUNNING_LOW, values)]
