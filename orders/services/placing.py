"""Place an order: in one transaction, in as many statements for 500 lines as for one."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import Refusal
from accounts.transactions import repeated_atomic
from orders.models import Buyer, Channel, Order
from shop.models.promises import week_of
from shop.services.promising import DRAW
from shop.services.stock import RESERVE, lock_stock

from .quoting import CreditExceeded, Quote, Wish, price
from .standing import standing_of

CLAIM_KEY = """
    INSERT INTO orders_idempotencykey (buyer_id, key, fingerprint, created_at)
    VALUES (%s, %s, %s, %s) ON CONFLICT (buyer_id, key) DO NOTHING
    RETURNING id, nextval('orders_number')
"""
EARLIER = """
    SELECT fingerprint, response FROM orders_idempotencykey WHERE buyer_id = %s AND key = %s
"""
# One statement for all tables, since the stock stays locked for each round trip.
WRITE = f"""
    WITH placed AS (
        INSERT INTO orders_order (
            number, buyer_id, purchaser_id, address_id, status, placed_at, delivery_date,
            purchase_order, payment_term, note, goods_amount, freight_amount, buyer_kind,
            region_code, channel, is_synthetic)
        VALUES (
            %(number)s, %(buyer_id)s, %(purchaser_id)s, %(address_id)s, %(status)s,
            %(placed_at)s, %(delivery_date)s, %(purchase_order)s, %(payment_term)s, %(note)s,
            %(goods_amount)s, %(freight_amount)s, %(buyer_kind)s, %(region_code)s, %(channel)s,
            false)
        RETURNING id
    ),
    sent AS (
        INSERT INTO orders_consignment (
            number, order_id, supplier_id, status, goods_amount, freight_amount, carrier,
            tracking)
        SELECT given.number, placed.id, given.supplier_id, %(status)s, given.goods_amount,
            given.freight_amount, '', ''
        FROM placed, json_to_recordset(%(consignments)s)
            AS given (
                number text, supplier_id bigint, goods_amount numeric, freight_amount numeric)
        RETURNING id, number
    ),
    noted AS (
        INSERT INTO orders_orderevent (order_id, kind, at, by_id, reason)
        SELECT id, 'placed', %(placed_at)s, %(purchaser_id)s, '' FROM placed
    ),
    answered AS (
        UPDATE orders_idempotencykey SET response = %(answer)s WHERE id = %(key_id)s
    ),
    owed AS (
        UPDATE orders_credit SET used = used + %(total_amount)s
        WHERE %(payment_term)s = 'postpay' AND buyer_id = %(buyer_id)s
            AND used + %(total_amount)s <= "limit"
        RETURNING buyer_id
    ),
    placed_line AS (
        INSERT INTO orders_orderline (
            order_id, consignment_id, number, sku_id, sku_code, name, category_code, county_code,
            pair_district_code, is_recognised, unit, net_weight_kg, is_weighed, tolerance_percent,
            tax_treatment, tax_rate, unit_price, quantity, amount, batch, shortfall_reason,
            refunded_amount)
        SELECT placed.id, sent.id, given.number, sku_id, sku_code, name, category_code,
            county_code, pair_district_code, is_recognised, unit, net_weight_kg, is_weighed,
            tolerance_percent, tax_treatment, tax_rate, unit_price, quantity, amount, '', '', 0
        FROM placed, json_to_recordset(%(lines)s) AS given (
            consignment_number text, number int, sku_id bigint, sku_code text, name text,
            category_code text, county_code text, pair_district_code text, is_recognised boolean,
            unit text, net_weight_kg numeric, is_weighed boolean, tolerance_percent numeric,
            tax_treatment text, tax_rate numeric, unit_price numeric, quantity numeric,
            amount numeric)
        JOIN sent ON sent.number = given.consignment_number
        RETURNING id, sku_id, quantity
    ),
    held AS ({RESERVE}),
    drawn AS ({DRAW})
    SELECT EXISTS (SELECT FROM owed)
"""  # noqa: S608 - only a statement of ours is put in


class KeyReused(Refusal):
    """The idempotency key came with another request before."""

    code = "idempotency_key_reused"
    status = 422
    detail = _("This Idempotency-Key was used for another request.")


class PlacedLine(NamedTuple):
    """A line as it was placed; its names are those of a stored line's facts."""

    consignment_number: str
    consignment_status: str
    consignment_freight: Decimal
    supplier_id: int
    supplier_code: str
    supplier_name: str
    number: int
    sku_id: int
    sku_code: str
    name: str
    category_code: str
    county_code: str
    pair_district_code: str
    is_recognised: bool
    unit: str
    net_weight_kg: Decimal
    is_weighed: bool
    tolerance_percent: Decimal
    tax_treatment: str
    tax_rate: Decimal
    unit_price: Decimal
    quantity: Decimal
    amount: Decimal
    shipped_quantity: None = None
    accepted_quantity: None = None


class Answer(NamedTuple):
    """What is answered to an order, now or when it comes again."""

    text: str
    is_replayed: bool


@repeated_atomic
def place_order(
    wish: Wish,
    *,
    key: str,
    fingerprint: str,
    by: User,
    now: datetime,
    answer: Callable[[Order, Sequence[PlacedLine]], str],
) -> Answer:
    """
    Place an order for `by`'s buyer, or find it placed before with the same `key`.

    `fingerprint` tells whether a request with a known key is the same one, and
    `answer` words the placed order; the text is kept with the key. Refused orders
    keep nothing: the same key may succeed later.

    Raise Forbidden when `by` may not order, KeyReused, or a refusal with an error for
    each thing that is wrong.
    """
    day = timezone.localdate(now)
    standing = standing_of(by, address=wish.address, day=day)
    with connection.preparing_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(CLAIM_KEY, [standing.buyer_id, key, fingerprint, now])
        claimed = cursor.fetchone()
        if claimed is None:
            cursor.execute(EARLIER, [standing.buyer_id, key])
            earlier, text = cursor.fetchone()
            if earlier != fingerprint:
                raise KeyReused
            return Answer(text, is_replayed=True)
    available = lock_stock([line.sku for line in wish.lines])
    priced = price(wish, standing=standing, available=available, day=day)
    priced.refuse()
    key_id, serial = claimed
    order = _order(wish, priced, number=f"{day:%Y%m%d}{serial:06}", by=by, now=now)
    lines = _split(order, priced)
    text = answer(order, lines)
    is_owed = _write(order, lines, key_id=key_id, text=text)
    has_credit = standing.credit_limit is not None
    if order.payment_term == Buyer.PaymentTerm.POSTPAY and has_credit and not is_owed:
        raise CreditExceeded
    return Answer(text, is_replayed=False)


def _order(wish: Wish, priced: Quote, *, number: str, by: User, now: datetime) -> Order:
    pending = priced.needs_approval
    return Order(
        number=number,
        buyer_id=priced.standing.buyer_id,
        purchaser=by,
        address_id=priced.standing.address_id or 0,
        status=Order.Status.PENDING_APPROVAL if pending else Order.Status.PLACED,
        placed_at=now,
        delivery_date=wish.delivery_date,
        purchase_order=wish.purchase_order,
        payment_term=priced.payment_term,
        note=wish.note,
        goods_amount=priced.goods_amount,
        freight_amount=priced.freight_amount,
        buyer_kind=priced.standing.buyer_kind,
        region_code=priced.standing.region_code,
        channel=Channel.PLATFORM,
    )


def _split(order: Order, priced: Quote) -> list[PlacedLine]:
    """Return the lines by consignment, one for each supplier in the order of their codes."""
    suppliers = sorted({line.offer.supplier_code for line in priced.lines if line.offer})
    number_by_supplier = {
        code: f"{order.number}-{position}" for position, code in enumerate(suppliers, start=1)
    }
    paired = priced.standing.paired_counties
    lines = [
        PlacedLine(
            consignment_number=number_by_supplier[offer.supplier_code],
            consignment_status=order.status,
            consignment_freight=priced.freight_by_supplier.get(offer.supplier_id, Decimal(0)),
            supplier_id=offer.supplier_id,
            supplier_code=offer.supplier_code,
            supplier_name=offer.supplier_name,
            number=line.number,
            sku_id=offer.sku_id,
            sku_code=offer.sku_code,
            name=offer.name,
            category_code=offer.category_code,
            county_code=offer.county_code,
            pair_district_code=order.region_code if offer.county_code in paired else "",
            is_recognised=offer.is_recognised,
            unit=offer.unit,
            net_weight_kg=offer.net_weight_kg,
            is_weighed=offer.is_weighed,
            tolerance_percent=offer.tolerance_percent,
            tax_treatment=offer.tax_treatment,
            tax_rate=offer.tax_rate,
            unit_price=offer.unit_price,
            quantity=line.wanted.quantity,
            amount=line.amount,
        )
        for line in priced.lines
        if (offer := line.offer)
    ]
    return sorted(lines, key=lambda line: (line.supplier_code, line.number))


def _write(order: Order, lines: list[PlacedLine], *, key_id: int, text: str) -> bool:
    """Store everything; return whether the buyer's credit allows it and now holds it."""
    consignments: dict[str, dict[str, Any]] = {}
    for line in lines:
        consignment = consignments.setdefault(
            line.consignment_number,
            {
                "number": line.consignment_number,
                "supplier_id": line.supplier_id,
                "goods_amount": Decimal(0),
                "freight_amount": line.consignment_freight,
            },
        )
        consignment["goods_amount"] += line.amount
    values = {field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields}
    values |= {
        "total_amount": order.total_amount,
        "week": week_of(order.delivery_date) if order.delivery_date else None,
        "consignments": _json(list(consignments.values())),
        "lines": _json([line._asdict() for line in lines]),
        "answer": text,
        "key_id": key_id,
    }
    with connection.preparing_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(WRITE, values)
        (is_owed,) = cursor.fetchone()
        return bool(is_owed)


def _json(rows: list[dict[str, object]]) -> str:
    return orjson.dumps(rows, default=str).decode()
