"""Fill the database with made-up sales, for measurements: orders accepted long ago."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Division, User
from accounts.refusals import Refusal
from orders.models import Address, Buyer, Order
from orders.services.shipments import record_whole_shipments
from reports.models import Month
from shop.models import SKU, Category, PriceTier, Product, Stock
from shop.services.spelling import learn_spellings
from suppliers.identifiers import uscc_check_character
from suppliers.models import Producer, Supplier

from .booking import book_accepted
from .totals import roll_up

BUYERS = 300
#: Of each SKU: no measurement orders it empty.
STOCK = 1_000_000
LINES_PER_ORDER = 10
#: Orders of one transaction; with them memory stays flat, however many lines are asked for.
CHUNK = 5_000
CITIES = ["4401", "4403", "4404", "4406", "4407", "4412", "4413", "4419", "4420", "8100", "8200"]

# Powers of chance let a few buyers and suppliers have most of it.
CHOOSE_ORDERS = """
CREATE TEMPORARY TABLE sample AS
SELECT 'SAMPLE' || lpad(n::text, 10, '0') AS number,
    nextval(pg_get_serial_sequence('orders_order', 'id')) AS order_id,
    nextval(pg_get_serial_sequence('orders_consignment', 'id')) AS consignment_id,
    (%(buyers)s::bigint[])[1 + floor(power(random(), 2) * cardinality(%(buyers)s::bigint[]))::int]
        AS buyer_id,
    (%(suppliers)s::bigint[])[
        1 + floor(power(random(), 2) * cardinality(%(suppliers)s::bigint[]))::int] AS supplier_id,
    floor(random() * 1000000)::int AS start,
    least(%(size)s, %(lines)s - %(size)s * (n - %(first)s)) AS lines,
    (%(starts)s::timestamptz[])[month]
        + random() * ((%(ends)s::timestamptz[])[month] - (%(starts)s::timestamptz[])[month])
        AS accepted_at
FROM (
    SELECT n, 1 + floor(random() * cardinality(%(starts)s::timestamptz[]))::int AS month
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
) orders
"""

CHOOSE_LINES = """
CREATE TEMPORARY TABLE sample_line AS
WITH pack AS (
    SELECT sku.id, sku.code, sku.unit, sku.net_weight_kg, tier.unit_price, product.name,
        product.supplier_id, product.category_id, product.county_id,
        product.id %% 5 > 0 AS is_recognised,
        row_number() OVER (PARTITION BY product.supplier_id ORDER BY sku.id) - 1 AS position,
        count(*) OVER (PARTITION BY product.supplier_id) AS packs
    FROM shop_sku sku
    JOIN shop_product product ON product.id = sku.product_id
    JOIN shop_pricetier tier ON tier.sku_id = sku.id
    WHERE product.supplier_id = ANY(%(suppliers)s)
),
line AS (
    SELECT sample.*, k AS line_number, 1 + floor(random() * 50) AS quantity
    FROM sample CROSS JOIN generate_series(1, sample.lines) k
)
SELECT line.order_id, line.consignment_id, line.line_number, line.accepted_at, line.buyer_id,
    line.quantity::numeric AS quantity, pack.id AS sku_id, pack.code AS sku_code,
    pack.name AS product_name, pack.category_id, pack.county_id, pack.is_recognised, pack.unit,
    pack.net_weight_kg, pack.unit_price,
    round(line.quantity::numeric * pack.unit_price, 2) AS amount
FROM line JOIN pack ON pack.supplier_id = line.supplier_id
    AND pack.position = (line.start + line.line_number) %% pack.packs
"""

WRITE_ORDERS = """
INSERT INTO orders_order (id, number, buyer_id, purchaser_id, address_id, status, placed_at,
    purchase_order, payment_term, note, goods_amount, freight_amount, buyer_kind, region_code,
    channel, is_synthetic)
SELECT sample.order_id, sample.number, buyer.id, %(purchaser)s, address.id, 'accepted',
    sample.accepted_at - interval '3 days', '', buyer.payment_term, '', line.amount, 0,
    buyer.kind, buyer.region_id, 'platform', true
FROM sample
JOIN orders_buyer buyer ON buyer.id = sample.buyer_id
JOIN orders_address address ON address.buyer_id = buyer.id AND address.code = 'MAIN'
JOIN (SELECT order_id, sum(amount) AS amount FROM sample_line GROUP BY order_id) line
    ON line.order_id = sample.order_id
"""

WRITE_CONSIGNMENTS = """
INSERT INTO orders_consignment (id, number, order_id, supplier_id, status, goods_amount, carrier,
    tracking, confirmed_at, shipped_at, accepted_at)
SELECT consignment_id, sample.number || '-1', order_id, supplier_id, 'accepted', goods_amount, '',
    '', accepted_at - interval '2 days', accepted_at - interval '1 day', accepted_at
FROM sample JOIN orders_order purchase ON purchase.id = sample.order_id
"""

WRITE_LINES = """
INSERT INTO orders_orderline (order_id, consignment_id, number, sku_id, sku_code, name,
    category_code, county_code, pair_district_code, is_recognised, unit, net_weight_kg,
    is_weighed, tolerance_percent, tax_treatment, tax_rate, unit_price, quantity, amount, batch,
    shipped_quantity, accepted_quantity, accepted_amount, shortfall_reason, refunded_amount)
SELECT line.order_id, line.consignment_id, line.line_number, line.sku_id, line.sku_code,
    line.product_name, line.category_id, line.county_id, coalesce(pair.district_id, ''),
    line.is_recognised, line.unit, line.net_weight_kg, false, 0, 'exempt', 0, line.unit_price,
    line.quantity, line.amount, '', line.quantity, line.quantity, line.amount, '', 0
FROM sample_line line
JOIN orders_buyer buyer ON buyer.id = line.buyer_id
LEFT JOIN accounts_pairing pair
    ON (pair.district_id, pair.county_id) = (buyer.region_id, line.county_id)
    AND daterange(pair.valid_from, pair.valid_to, '[]')
        @> timezone('Asia/Shanghai', line.accepted_at)::date
"""


class MonthsClosed(Refusal):
    """All of the asked months are closed and take no more sales."""

    code = "month_closed"


def sample_orders(
    *,
    products: int,
    suppliers: int,
    lines: int,
    since: date,
    until: date,
    seed: int,
    now: datetime,
) -> int:
    """
    Add accepted synthetic order lines, spread over the open months from `since` to `until`.

    Suppliers and products are made as far as there are not enough from earlier runs.
    Everything is booked like real sales, chunk by chunk, and rolled up. Return the
    number of orders. Raise MonthsClosed when none of the months is open.
    """
    closed = set(Month.objects.sealed().values_list("month", flat=True))
    months = [month for month in _months(since, until) if month not in closed]
    if not months:
        raise MonthsClosed(_("All of these months are closed."))
    with transaction.atomic():
        sellers = _suppliers(suppliers)
        _products(sellers, products, day=since)
        buyers = _buyers()
        purchaser, _new = User.objects.get_or_create(
            username="sample", defaults={"is_active": False, "password": "!"}
        )
    learn_spellings()
    values: dict[str, Any] = {
        "suppliers": [supplier.pk for supplier in sellers],
        "buyers": buyers,
        "purchaser": purchaser.pk,
        "size": LINES_PER_ORDER,
        "starts": [_midnight(month) for month in months],
        "ends": [min(_midnight(_next_month(month)), now) for month in months],
    }
    orders = -(-lines // LINES_PER_ORDER)
    first = _last_number() + 1
    for start in range(first, first + orders, CHUNK):
        last = min(start + CHUNK, first + orders) - 1
        left = lines - (start - first) * LINES_PER_ORDER
        chance = random.Random(f"{seed}/{start}").uniform(-1, 1)  # noqa: S311 - meant to repeat
        _write_chunk({**values, "first": start, "last": last, "lines": left}, chance)
        roll_up(now=now)
    return orders


@transaction.atomic
def _write_chunk(values: dict[str, Any], chance: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(%s)", [chance])
        for statement in (
            CHOOSE_ORDERS,
            CHOOSE_LINES,
            WRITE_ORDERS,
            WRITE_CONSIGNMENTS,
            WRITE_LINES,
        ):
            cursor.execute(statement, values)
        cursor.execute("SELECT min(consignment_id), max(consignment_id) FROM sample")
        first, last = cursor.fetchone()
        cursor.execute("DROP TABLE sample, sample_line")
    record_whole_shipments(first, last)
    book_accepted(first, last)


def _suppliers(wanted: int) -> list[Supplier]:
    counties = list(Division.objects.counties())
    have = Supplier.objects.filter(code__startswith="SAMPLE-").count()
    Supplier.objects.bulk_create(
        Supplier(
            code=f"SAMPLE-{n:05}",
            name=f"示例供应商{n:05}",
            kind=Supplier.Kind.COMPANY,
            uscc=_uscc(n),
            county=counties[n % len(counties)],
            status=Supplier.Status.APPROVED,
        )
        for n in range(have, wanted)
    )
    made = list(Supplier.objects.filter(code__startswith="SAMPLE-").order_by("code")[:wanted])
    Producer.objects.bulk_create(
        (Producer(supplier=one, name=one.name, county_id=one.county_id) for one in made),
        ignore_conflicts=True,
    )
    return made


def _products(suppliers: list[Supplier], wanted: int, *, day: date) -> None:
    categories = list(Category.objects.all())
    have = Product.objects.filter(code__startswith="SAMPLE-").count()
    # Every supplier sells something, or its orders would have no lines.
    wanted = max(wanted, len(suppliers))
    producer_by_supplier = dict(
        Producer.objects.filter(supplier__in=suppliers).values_list("supplier_id", "pk")
    )
    products = Product.objects.bulk_create(
        Product(
            code=f"SAMPLE-{n:07}",
            supplier=(supplier := suppliers[n % len(suppliers)]),
            producer_id=producer_by_supplier[supplier.pk],
            # A supplier sells two categories' goods.
            category=categories[(n % len(suppliers) + n // len(suppliers) % 2) % len(categories)],
            county_id=supplier.county_id,
            name=f"示例商品{n:07}",
            status=Product.Status.LISTED,
            is_synthetic=True,
        )
        for n in range(have, wanted)
    )
    skus = SKU.objects.bulk_create(
        SKU(
            product=product,
            code=f"{product.code}-1",
            name="示例规格",
            unit=SKU.Unit.CASE,
            net_weight_kg=Decimal(1 + n % 20),
            tax_treatment=SKU.TaxTreatment.EXEMPT,
            tax_basis="示例",
        )
        for n, product in enumerate(products, start=have)
    )
    PriceTier.objects.bulk_create(
        PriceTier(
            sku=sku,
            from_quantity=Decimal(1),
            unit_price=Decimal(500 + n * 7919 % 30_000) / 100,
            sold_from=day,
        )
        for n, sku in enumerate(skus, start=have)
    )
    Stock.objects.filter(sku__in=skus).update(on_hand=STOCK)


def _buyers() -> list[int]:
    kinds = Buyer.Kind.values
    regions = [
        division.pk
        for division in Division.objects.order_by("code")
        if division.pk[:4] in CITIES and division.level != Division.Level.PROVINCE
    ]
    have = Buyer.objects.filter(code__startswith="SAMPLE-").count()
    Buyer.objects.bulk_create(
        Buyer(
            code=f"SAMPLE-{n:05}",
            name=f"示例采购方{n:05}",
            kind=kinds[n % len(kinds)],
            region_id=regions[n * 7 % len(regions)],
            foreign_id=f"SAMPLE-{n}",
        )
        for n in range(have, BUYERS)
    )
    buyers = list(Buyer.objects.filter(code__startswith="SAMPLE-").order_by("code"))
    Address.objects.bulk_create(
        (
            Address(
                buyer=buyer,
                code="MAIN",
                division_id=buyer.region_id,
                street="示例路1号",
                consignee="示例",
                phone="13800000000",
            )
            for buyer in buyers
        ),
        ignore_conflicts=True,
    )
    return [buyer.pk for buyer in buyers]


def _uscc(n: int) -> str:
    body = f"91522700MA{n:07}"
    return body + uscc_check_character(body)


def _last_number() -> int:
    last = Order.objects.filter(number__startswith="SAMPLE").aggregate(Max("number"))["number__max"]
    return int(last.removeprefix("SAMPLE")) if last else 0


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_current_timezone())


def _months(since: date, until: date) -> Iterator[date]:
    while since <= until:
        yield since
        since = _next_month(since)


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
