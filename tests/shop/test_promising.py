"""Suppliers promise their own goods, by week, and never less than was ordered."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.refusals import Forbidden, Invalid
from shop.models import PromiseDraw, SupplyPromise
from shop.models.promises import WEEK, week_of, weeks_from
from shop.services.promising import promise_supply
from tests.factories import SKUFactory, SupplierMemberFactory

pytestmark = pytest.mark.django_db

MONDAY = week_of(timezone.localdate()) + 2 * WEEK


class TestPromiseSupply:
    @pytest.fixture
    def sam(self) -> User:
        return SupplierMemberFactory().user

    def test_sets_several_weeks_and_takes_back(self, sam: User) -> None:
        sku = SKUFactory(product__supplier=sam.supplier_membership.supplier)
        weeks = weeks_from(MONDAY, 3)

        def promise(*quantities: str) -> list[tuple[object, Decimal]]:
            promise_supply(
                sku,
                quantity_by_week=dict(zip(weeks, map(Decimal, quantities), strict=False)),
                by=sam,
                now=timezone.now(),
            )
            rows = SupplyPromise.objects.order_by("week").values_list("week", "quantity")
            return list(rows)

        assert promise("10", "0", "30") == [(weeks[0], 10), (weeks[2], 30)]
        # Weeks that are not named stay.
        assert promise("0", "20") == [(weeks[1], 20), (weeks[2], 30)]
        entries = AuditEntry.objects.filter(action="promise_supply").order_by("id")
        assert [entry.by for entry in entries] == [sam, sam]
        assert list(entries[1].before.values()) == ["10"]
        assert sorted(entries[1].after.values()) == ["0", "20"]
        promise("0", "20")
        assert entries.count() == 2

    def test_refuses_less_than_orders_took(self, sam: User) -> None:
        sku = SKUFactory(product__supplier=sam.supplier_membership.supplier)
        promise = SupplyPromise.objects.create(sku=sku, week=MONDAY, quantity=10)
        PromiseDraw.objects.create(promise=promise, line_id=1, quantity=4)
        for quantity in ("0", "3"):
            with pytest.raises(Invalid) as refusal:
                promise_supply(
                    sku,
                    quantity_by_week={MONDAY: Decimal(quantity), MONDAY + WEEK: Decimal(1)},
                    by=sam,
                    now=timezone.now(),
                )
            assert [error.pointer for error in refusal.value.errors] == [f"/{MONDAY}"]
        assert SupplyPromise.objects.get().quantity == 10
        promise_supply(sku, quantity_by_week={MONDAY: Decimal(4)}, by=sam, now=timezone.now())
        assert SupplyPromise.objects.get().left == 0

    @pytest.mark.parametrize("days", [-21, 1])
    def test_refuses_what_is_no_week_ahead(self, sam: User, days: int) -> None:
        sku = SKUFactory(product__supplier=sam.supplier_membership.supplier)
        with pytest.raises(Invalid):
            promise_supply(
                sku,
                quantity_by_week={MONDAY + timedelta(days): Decimal(1)},
                by=sam,
                now=timezone.now(),
            )
        assert not SupplyPromise.objects.exists()

    @pytest.mark.parametrize("role", ["", "reviewer", "office", "admin"])
    def test_refuses_everybody_else(self, sam: User, role: str) -> None:
        sku = SKUFactory()
        User.objects.filter(pk=sam.pk).update(role=role)
        with pytest.raises(Forbidden):
            promise_supply(sku, quantity_by_week={MONDAY: Decimal(1)}, by=sam, now=timezone.now())
        assert not SupplyPromise.objects.exists()
