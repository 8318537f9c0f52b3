"""What a SKU is sold as, and at which price, for a quantity on a day."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from shop.models.promises import week_of

# One row for each asked line, in its order. A tier's price is the one of the largest
# quantity that the line reaches; a season may run over New Year. A district's code begins
# with its city's, whose own ends in 00.
OFFERS = """
    SELECT sku.id, sku.code, product.name || ' ' || sku.name, product.category_id,
        product.county_id, supplier.id, supplier.code, supplier.name, sku.unit,
        sku.net_weight_kg, sku.is_weighed, sku.tolerance_percent, sku.minimum, sku.multiple,
        sku.tax_treatment, sku.tax_rate,
        sku.is_active AND product.status = 'listed' AND supplier.status = 'approved',
        NOT EXISTS (SELECT FROM shop_season WHERE product_id = product.id) OR EXISTS (
            SELECT FROM shop_season WHERE product_id = product.id AND CASE
                WHEN starts <= ends THEN asked.month_day BETWEEN starts AND ends
                ELSE asked.month_day >= starts OR asked.month_day <= ends
            END
        ),
        EXISTS (
            SELECT FROM shop_recognition
            WHERE product_id = product.id AND asked.day BETWEEN valid_from AND valid_until
        ),
        tier.from_quantity, tier.unit_price, freight.per_kg, freight.minimum, freight.free_from,
        promise.still
    FROM (
        SELECT %s::date AS day, to_char(%s::date, 'MM-DD') AS month_day, %s::text AS destination,
            %s::date AS this_week, %s::date AS week
    ) asked,
        unnest(%s::text[], %s::numeric[]) WITH ORDINALITY AS line (code, quantity, number)
    LEFT JOIN shop_sku sku ON sku.code = line.code
    LEFT JOIN shop_product product ON product.id = sku.product_id
    LEFT JOIN suppliers_supplier supplier ON supplier.id = product.supplier_id
    LEFT JOIN LATERAL (
        SELECT from_quantity, unit_price FROM shop_pricetier
        WHERE sku_id = sku.id AND from_quantity <= line.quantity
            AND sold_from <= %s AND (sold_until IS NULL OR sold_until > %s)
        ORDER BY from_quantity DESC LIMIT 1
    ) tier ON true
    LEFT JOIN LATERAL (
        SELECT per_kg, minimum, free_from FROM shop_freightrate
        WHERE supplier_id = supplier.id AND (destination_id IS NULL
            OR destination_id IN (asked.destination, left(asked.destination, 4) || '00'))
        ORDER BY destination_id DESC NULLS LAST LIMIT 1
    ) freight ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(quantity - taken) FILTER (WHERE week = asked.week), 0) AS still
        FROM shop_supplypromise
        WHERE sku_id = sku.id AND week >= asked.this_week AND asked.week IS NOT NULL
        HAVING count(*) > 0
    ) promise ON true
    ORDER BY line.number
"""


class Offer(NamedTuple):
    """
    A SKU as it is sold for one asked quantity.

    `from_quantity` and `unit_price` are those of the tier that applies, `freight_…` those of
    the supplier's rate for the destination, where it has one. `promised` is what is left of
    the promise for the week of delivery; None where promises do not matter.
    """

    sku_id: int
    sku_code: str
    name: str
    category_code: str
    county_code: str
    supplier_id: int
    supplier_code: str
    supplier_name: str
    unit: str
    net_weight_kg: Decimal
    is_weighed: bool
    tolerance_percent: Decimal
    minimum: Decimal
    multiple: Decimal
    tax_treatment: str
    tax_rate: Decimal
    is_on_sale: bool
    is_in_season: bool
    is_recognised: bool
    from_quantity: Decimal
    unit_price: Decimal
    freight_per_kg: Decimal | None
    freight_minimum: Decimal | None
    freight_free_from: Decimal | None
    promised: Decimal | None


def offers_for(
    codes: Sequence[str],
    quantities: Sequence[Decimal],
    *,
    day: date,
    delivered_on: date | None,
    destination: str,
) -> list[Offer | None]:
    """
    Return what is offered for each code and quantity, in their order.

    None stands for a SKU that does not exist, or is not sold on `day` or not in so
    small a quantity. Without a day of delivery it is delivered at once, and draws on no
    promise. `destination` is the code of a division. Who sells by the answer has locked
    the stock before asking.
    """
    with connection.preparing_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(
            OFFERS,
            [
                *(day, delivered_on or day, destination),
                *(week_of(day), week_of(delivered_on) if delivered_on else None),
                *(list(codes), list(quantities), day, day),
            ],
        )
        offers = [Offer(*row) for row in cursor]
    return [offer if offer.is_on_sale and offer.unit_price else None for offer in offers]
