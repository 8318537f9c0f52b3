"""A small market: one supplier, and products made by naming only what matters."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from shop.models import SKU, PriceTier, Product, Stock
from suppliers.models import Producer, Supplier

MakeProduct = Callable[..., Product]


@pytest.fixture(autouse=True)
def _listings_follow_at_once(request: pytest.FixtureRequest) -> None:
    """Let listings follow each statement, since these tests' transactions never commit."""
    if "transactional_db" not in request.fixturenames:
        request.getfixturevalue("db")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS listings_follow IMMEDIATE")


@pytest.fixture
def reviewer(db: None) -> User:
    return User.objects.create_user("reviewer", role=User.Role.REVIEWER)


@pytest.fixture
def make_supplier(db: None) -> Callable[..., Supplier]:
    def make(code: str = "fish", **fields: object) -> Supplier:
        given = {
            "name": "惠水鲟鱼养殖公司",
            "kind": "company",
            "uscc": f"USCC-{code}",
            "county_id": "522731",
            "status": "approved",
        }
        return Supplier.objects.create(code=code, **(given | fields))

    return make


@pytest.fixture
def supplier(make_supplier: Callable[..., Supplier]) -> Supplier:
    return make_supplier()


@pytest.fixture
def make_product(supplier: Supplier) -> MakeProduct:
    def make(
        code: str = "P1",
        *,
        price: str | None = "44",
        on_hand: str = "100",
        sold_from: date = date(2020, 1, 1),
        **fields: object,
    ) -> Product:
        seller = fields.get("supplier", supplier)
        producer, _made = Producer.objects.get_or_create(
            supplier=seller,
            name=f"{seller.name}委托方" if seller.kind == "agent" else seller.name,
            county_id="522731",
            mandate="委托-1" if seller.kind == "agent" else "",
        )
        given = {
            "supplier": seller,
            "producer": producer,
            "category_id": "aquatic",
            "county_id": "522731",
            "name": "惠水鲟鱼",
            "status": "listed",
        }
        product = Product.objects.create(code=code, **(given | fields))
        sku = SKU.objects.create(
            product=product,
            code=f"{code}-KG",
            name="鲜活",
            unit="kg",
            net_weight_kg=1,
            minimum=Decimal("0.5"),
            tax_treatment="exempt",
            tax_basis="财税〔2011〕137号",
        )
        Stock.objects.filter(sku=sku).update(on_hand=Decimal(on_hand))
        if price is not None:
            PriceTier.objects.create(
                sku=sku, from_quantity=0, unit_price=Decimal(price), sold_from=sold_from
            )
        return product

    return make


@pytest.fixture
def today() -> date:
    return timezone.localdate()
