"""Rows for tests: name what matters, the rest is plausible."""

from datetime import date
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from accounts.models import User
from orders.models import Address, Buyer, Membership
from shop.models import SKU, Batch, PriceTier, Product, Stock
from suppliers.identifiers import uscc_check_character
from suppliers.models import Producer, Supplier, SupplierMember

HAIZHU = "440105"
WENGAN = "522725"
CHANGSHUN = "522729"


def uscc(number: int) -> str:
    """Return a valid unified social credit code that no other number has."""
    body = f"91522729{number:09}"
    return body + uscc_check_character(body)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user-{n}")


class SupplierFactory(DjangoModelFactory[Supplier]):
    class Meta:
        model = Supplier

    code = factory.Sequence(lambda n: f"SUP-{n:03}")
    name = "长顺绿壳鸡蛋合作社"
    kind = Supplier.Kind.COOPERATIVE
    uscc = factory.Sequence(uscc)
    county_id = CHANGSHUN
    status = Supplier.Status.APPROVED


class SupplierMemberFactory(DjangoModelFactory[SupplierMember]):
    class Meta:
        model = SupplierMember

    supplier = factory.SubFactory(SupplierFactory)
    user = factory.SubFactory(UserFactory)


class ProducerFactory(DjangoModelFactory[Producer]):
    class Meta:
        model = Producer
        django_get_or_create = ("supplier", "name")

    supplier = factory.SubFactory(SupplierFactory)
    name = "长顺养殖基地"
    county_id = CHANGSHUN


class ProductFactory(DjangoModelFactory[Product]):
    class Meta:
        model = Product

    code = factory.Sequence(lambda n: f"P-{n}")
    supplier = factory.SubFactory(SupplierFactory)
    producer = factory.SubFactory(ProducerFactory, supplier=factory.SelfAttribute("..supplier"))
    category_id = "eggs"
    county_id = CHANGSHUN
    name = "长顺绿壳鸡蛋"
    status = Product.Status.LISTED


class SKUFactory(DjangoModelFactory[SKU]):
    """A case of eggs at `price` yuan, of which there are `on_hand`; no price when it is empty."""

    class Meta:
        model = SKU
        skip_postgeneration_save = True

    product = factory.SubFactory(ProductFactory)
    code = factory.Sequence(lambda n: f"SKU-{n:04}")
    name = "360枚"
    unit = SKU.Unit.CASE
    net_weight_kg = Decimal("18.5")
    tax_treatment = SKU.TaxTreatment.EXEMPT
    tax_basis = "农产品免税"

    @factory.post_generation
    def price(self: Any, create: bool, value: str | None, **_kwargs: Any) -> None:
        if value != "":
            PriceTier.objects.create(
                sku=self,
                from_quantity=0,
                unit_price=Decimal(value or "720"),
                sold_from=date(2020, 1, 1),
            )

    @factory.post_generation
    def on_hand(self: Any, create: bool, value: str | None, **_kwargs: Any) -> None:
        Stock.objects.filter(pk=self.pk).update(on_hand=Decimal(value or "100"))


class BuyerFactory(DjangoModelFactory[Buyer]):
    class Meta:
        model = Buyer

    code = factory.Sequence(lambda n: f"BUY-{n:03}")
    name = "海珠区机关食堂"
    kind = Buyer.Kind.CANTEEN
    region_id = HAIZHU
    uscc = factory.Sequence(lambda n: uscc(500_000 + n))


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    buyer = factory.SubFactory(BuyerFactory)
    user = factory.SubFactory(UserFactory)
    role = Membership.Role.PURCHASER


class AddressFactory(DjangoModelFactory[Address]):
    class Meta:
        model = Address

    buyer = factory.SubFactory(BuyerFactory)
    code = "MAIN"
    division_id = HAIZHU
    street = "新港东路1号"
    consignee = "陈小明"
    phone = "13812341234"


class BatchFactory(DjangoModelFactory[Batch]):
    """A hundred kilograms of a product, of which nothing has left."""

    class Meta:
        model = Batch

    product = factory.SubFactory(ProductFactory)
    supplier = factory.SelfAttribute("product.supplier")
    code = factory.Sequence(lambda n: f"B-{n:04}")
    produced_on = date(2026, 11, 1)
    expires_on = date(2099, 12, 31)
    quantity = Decimal(100)
    left = factory.SelfAttribute("quantity")
