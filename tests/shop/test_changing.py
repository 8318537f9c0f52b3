"""Prices, stock and listings change only through the gate, and leave a trace."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from accounts.models import AuditEntry, User
from accounts.refusals import Invalid
from shop.models import PriceTier, Product, Reservation, Stock
from shop.services.changing import ReservedAlready, change_price, set_stock
from shop.services.listing import (
    WrongStatus,
    list_product,
    reinstate_supplier,
    retire_product,
    suspend_product,
    suspend_supplier,
)
from suppliers.models import Supplier
from tests.sessions import wait_until_somebody_waits

from .conftest import MakeProduct

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def last_entry() -> AuditEntry:
    return AuditEntry.objects.latest("id")


class TestSetStock:
    def test_records_before_and_after(self, make_product: MakeProduct, reviewer: User) -> None:
        sku = make_product(on_hand="5").skus.get()
        set_stock(sku, on_hand=Decimal("7.5"), by=reviewer, now=NOW)
        assert Stock.objects.get(sku=sku).on_hand == Decimal("7.5")
        entry = last_entry()
        assert (entry.action, entry.subject, entry.by) == ("set_stock", "P1-KG", reviewer)
        assert entry.after == {"on_hand": "7.5"}

    def test_refuses_less_than_is_held(self, make_product: MakeProduct, reviewer: User) -> None:
        sku = make_product(on_hand="5").skus.get()
        Reservation.objects.create(sku=sku, line_id=1, quantity=4)
        with pytest.raises(ReservedAlready):
            set_stock(sku, on_hand=Decimal("3.999"), by=reviewer, now=NOW)
        assert not AuditEntry.objects.filter(action="set_stock").exists()
        set_stock(sku, on_hand=Decimal(4), by=reviewer, now=NOW)

    def test_refuses_less_than_nothing(self, make_product: MakeProduct, reviewer: User) -> None:
        with pytest.raises(Invalid):
            set_stock(make_product().skus.get(), on_hand=Decimal(-1), by=reviewer, now=NOW)

    def test_says_nothing_when_nothing_changes(
        self, make_product: MakeProduct, reviewer: User
    ) -> None:
        set_stock(make_product(on_hand="5").skus.get(), on_hand=Decimal(5), by=reviewer, now=NOW)
        assert not AuditEntry.objects.filter(action="set_stock").exists()


class TestChangePrice:
    def test_ends_the_price_of_before(
        self, make_product: MakeProduct, reviewer: User, today: date
    ) -> None:
        sku = make_product(price="44").skus.get()
        change_price(sku, unit_price=Decimal(50), sold_from=today, by=reviewer, now=NOW)
        assert [tier.unit_price for tier in sku.tiers.in_force(today)] == [50]
        assert [tier.unit_price for tier in sku.tiers.in_force(today - timedelta(days=1))] == [44]
        assert last_entry().before == {"unit_price": "44.0000"}

    def test_replaces_prices_that_were_to_come(
        self, make_product: MakeProduct, reviewer: User, today: date
    ) -> None:
        sku = make_product(sold_from=today).skus.get()
        for days, price in [(5, 50), (2, 60), (2, 61)]:
            day = today + timedelta(days=days)
            change_price(sku, unit_price=Decimal(price), sold_from=day, by=reviewer, now=NOW)
        assert [
            tier.unit_price for tier in PriceTier.objects.filter(sku=sku).order_by("sold_from")
        ] == [44, 61]

    def test_leaves_other_quantities_alone(
        self, make_product: MakeProduct, reviewer: User, today: date
    ) -> None:
        sku = make_product(price="44").skus.get()
        change_price(
            sku,
            unit_price=Decimal(40),
            from_quantity=Decimal(100),
            sold_from=today,
            by=reviewer,
            now=NOW,
        )
        assert {tier.unit_price for tier in sku.tiers.in_force(today)} == {44, 40}


class TestProductStatus:
    @pytest.mark.parametrize("status", ["draft", "submitted", "suspended", "listed"])
    def test_can_be_listed_from(
        self, make_product: MakeProduct, reviewer: User, status: str
    ) -> None:
        product = make_product(status=status)
        assert list_product(product, by=reviewer, now=NOW).status == "listed"

    def test_is_suspended_with_its_reason(self, make_product: MakeProduct, reviewer: User) -> None:
        suspend_product(make_product(), reason="抽检不合格", by=reviewer, now=NOW)
        assert Product.objects.get().status == "suspended"
        assert (last_entry().action, last_entry().reason) == ("product_suspended", "抽检不合格")

    def test_a_retired_product_stays_retired(
        self, make_product: MakeProduct, reviewer: User
    ) -> None:
        product = retire_product(make_product(), by=reviewer, now=NOW)
        with pytest.raises(WrongStatus):
            list_product(product, by=reviewer, now=NOW)
        with pytest.raises(WrongStatus):
            suspend_product(product, reason="x", by=reviewer, now=NOW)

    def test_a_draft_cannot_be_suspended(self, make_product: MakeProduct, reviewer: User) -> None:
        with pytest.raises(WrongStatus):
            suspend_product(make_product(status="draft"), reason="x", by=reviewer, now=NOW)


class TestSupplierStatus:
    def test_goes_there_and_back(
        self, make_product: MakeProduct, supplier: Supplier, reviewer: User
    ) -> None:
        make_product()
        suspend_supplier(supplier, reason="证照过期", by=reviewer, now=NOW)
        assert not Product.objects.on_sale().exists()
        assert last_entry().subject == "fish"
        reinstate_supplier(supplier, by=reviewer, now=NOW)
        assert Product.objects.on_sale().exists()

    @pytest.mark.parametrize("status", ["applied", "recommended", "rejected"])
    def test_refuses_a_supplier_that_never_sold(
        self, make_supplier: Callable[..., Supplier], reviewer: User, status: str
    ) -> None:
        supplier = make_supplier(status=status)
        with pytest.raises(WrongStatus):
            suspend_supplier(supplier, reason="x", by=reviewer, now=NOW)
        with pytest.raises(WrongStatus):
            reinstate_supplier(supplier, by=reviewer, now=NOW)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_nobody_is_suspended_while_an_order_holds_the_stock(
        self, transactional_db: None, make_product: MakeProduct, supplier: Supplier, reviewer: User
    ) -> None:
        sku = make_product().skus.get()

        def suspend() -> None:
            suspend_supplier(supplier, reason="x", by=reviewer, now=NOW)
            connection.close()

        with transaction.atomic():
            Stock.objects.locked([sku.pk]).get()
            thread = threading.Thread(target=suspend)
            thread.start()
            wait_until_somebody_waits()
            supplier.refresh_from_db()
            assert supplier.status == "approved"
        thread.join(10)
        supplier.refresh_from_db()
        assert supplier.status == "suspended"

    def test_two_changes_at_once_both_reach_the_listing(
        self, transactional_db: None, make_product: MakeProduct, client: object
    ) -> None:
        product = make_product()

        def rename() -> None:
            Product.objects.filter(pk=product.pk).update(name="改名")
            connection.close()

        with transaction.atomic():
            Supplier.objects.update(name="新公司")
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS listings_follow IMMEDIATE")
            thread = threading.Thread(target=rename)
            thread.start()
            wait_until_somebody_waits()
        thread.join(10)
        content = client.get("/api/v1/products/P1/").json()  # type: ignore[attr-defined]
        assert (content["name"], content["supplier"]["name"]) == ("改名", "新公司")
