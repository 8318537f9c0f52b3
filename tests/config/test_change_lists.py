"""The admin's lists ask as often for two thousand rows as for a hundred."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from orders.models import Consignment, Order
from shop.models import SKU, ListingVersion, Product
from tests.factories import CHANGSHUN, HAIZHU, UserFactory
from tests.orders.market import Market

LISTS = {
    "shop/product/": [{}, {"q": "鸡蛋"}, {"status__exact": "listed"}, {"p": "1"}],
    "shop/sku/": [{}, {"q": "鸡蛋"}, {"is_active__exact": "1"}],
    "shop/stock/": [{}, {"q": "鸡蛋"}],
    "shop/listingversion/": [{}, {"q": "鸡蛋"}, {"queue": "waiting"}],
    "orders/consignment/": [{}, {"q": "2026"}, {"status__exact": "placed"}],
}


def grow(market: Market, first: int, last: int) -> None:
    """Add one of everything for each number from `first` up to `last`."""
    numbers, now = range(first, last), timezone.now()
    producer = market.eggs.product.producer
    products = Product.objects.bulk_create(
        Product(
            code=f"Q{n}", name=f"鸡蛋{n}", supplier=market.supplier, producer=producer,
            category_id="eggs", county_id=CHANGSHUN, status=Product.Status.LISTED,
        )
        for n in numbers
    )  # fmt: skip
    SKU.objects.bulk_create(
        SKU(
            product=product, code=f"{product.code}-1", name="箱", unit=SKU.Unit.CASE,
            net_weight_kg=1, tax_treatment=SKU.TaxTreatment.EXEMPT, tax_basis="-",
        )
        for product in products
    )  # fmt: skip
    ListingVersion.objects.bulk_create(
        ListingVersion(
            product=product, number=1, is_first=True, content={}, submitted_by=market.sam.user,
            submitted_at=now,
        )
        for product in products
    )  # fmt: skip
    orders = Order.objects.bulk_create(
        Order(
            number=f"2026{n:08}", buyer=market.buyer, purchaser=market.alice.user,
            address=market.address, status=Order.Status.PLACED, placed_at=now,
            payment_term="postpay", goods_amount=1, buyer_kind="canteen", region_code=HAIZHU,
        )
        for n in numbers
    )  # fmt: skip
    Consignment.objects.bulk_create(
        Consignment(
            number=f"{order.number}-1", order=order, supplier=market.supplier, goods_amount=1,
            status=Consignment.Status.PLACED,
        )
        for order in orders
    )  # fmt: skip
    # Nobody else counts the rows of a transaction that is still open.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shop_product, shop_sku, shop_stock, shop_listingversion")
        cursor.execute("ANALYZE orders_order, orders_consignment")


def asked(client: Client) -> dict[str, int]:
    """Return how many statements each list takes."""
    taken = {}
    for path, queries in LISTS.items():
        for given in queries:
            with CaptureQueriesContext(connection) as captured:
                response: Any = client.get(f"/admin/{path}", given)
            assert response.status_code == 200
            assert len(response.context["cl"].result_list) == 50, (path, given)
            taken[f"{path} {given}"] = len(captured)
    return taken


@pytest.mark.parametrize("who", ["sam", "admin"])
def test_take_as_few_for_two_thousand_rows_as_for_a_hundred(db: None, who: str) -> None:
    market = Market()
    admin = UserFactory(role=User.Role.ADMIN)
    User.objects.update(is_staff=True)
    client = Client()
    client.force_login(admin if who == "admin" else market.sam.user)
    grow(market, 0, 110)
    asked(client)
    few = asked(client)
    grow(market, 110, 2_000)
    assert asked(client) == few
    assert max(few.values()) <= 10
