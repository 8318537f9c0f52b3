"""Hold stock for order lines, let it go, and take it out when it ships."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import connection

from shop.models import PromiseDraw, Reservation, Stock

#: Holds a quantity for each line of `placed_line`, in the statement that writes these lines;
#: the caller has locked the stock and compared.
RESERVE = """
    INSERT INTO shop_reservation (line_id, sku_id, quantity)
    SELECT id, sku_id, quantity FROM placed_line
"""
#: What is still held for lines of which more follows.
KEEP = """
    UPDATE shop_reservation held SET quantity = held.quantity - taken.quantity
    FROM unnest(%s::bigint[], %s::numeric[]) AS taken (line_id, quantity)
    WHERE held.line_id = taken.line_id
"""
TAKE = """
    UPDATE shop_stock SET on_hand = on_hand - taken.quantity
    FROM (
        SELECT sku_id, sum(quantity) AS quantity
        FROM unnest(%s::bigint[], %s::numeric[]) AS line (sku_id, quantity)
        GROUP BY sku_id
    ) taken
    WHERE shop_stock.sku_id = taken.sku_id
"""


def lock_stock(codes: Sequence[str]) -> dict[int, Decimal]:
    """Lock the stock of the SKUs with these codes; return what is available by SKU key."""
    return Stock.objects.lock_by_code(codes)


def available_stock(codes: Sequence[str]) -> dict[int, Decimal]:
    """Return what is available of the SKUs with these codes just now, by SKU key."""
    rows = Stock.objects.filter(sku__code__in=codes).values_list("pk", "on_hand", "reserved")
    return {sku_id: on_hand - reserved for sku_id, on_hand, reserved in rows}


def release(sku_by_line: Mapping[int, int]) -> None:
    """Let go what is held for these order lines, and give back what they drew of promises."""
    list(Stock.objects.locked(sorted(set(sku_by_line.values()))))
    Reservation.objects.filter(line_id__in=sku_by_line).delete()
    PromiseDraw.objects.filter(line_id__in=sku_by_line).delete()


def take(
    sku_by_line: Mapping[int, int],
    *,
    quantity_by_line: Mapping[int, Decimal],
    more_follows: bool = False,
) -> dict[int, Decimal]:
    """
    Turn what is held for order lines into less stock, by what really leaves.

    Where `more_follows`, what has not left stays held. More than was held may leave as long
    as nothing held for others is touched. Otherwise nothing changes, and the answer says by
    SKU key what can leave.
    """
    needed: dict[int, Decimal] = {}
    for line_id, sku_id in sku_by_line.items():
        needed[sku_id] = needed.get(sku_id, Decimal(0)) + quantity_by_line[line_id]
    stocks = {stock.pk: stock for stock in Stock.objects.locked(sorted(needed))}
    held = Reservation.objects.filter(line_id__in=sku_by_line)
    free = {sku_id: stocks[sku_id].available for sku_id in needed}
    kept = []
    for line_id, sku_id, quantity in held.values_list("line_id", "sku_id", "quantity"):
        taken = quantity_by_line[line_id]
        if more_follows and taken < quantity:
            kept.append(line_id)
            quantity = taken
        free[sku_id] += quantity
    if short := {sku_id: free[sku_id] for sku_id in needed if needed[sku_id] > free[sku_id]}:
        return short
    held.exclude(line_id__in=kept).delete()
    with connection.cursor() as cursor:
        if kept:
            cursor.execute(KEEP, [kept, [quantity_by_line[line] for line in kept]])
        cursor.execute(
            TAKE, [list(sku_by_line.values()), [quantity_by_line[line] for line in sku_by_line]]
        )
    return {}
