"""Delivery costs what the supplier's rate for the place says, and stands apart from the goods."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from orders.models import Consignment, Membership, OrderLine
from shop.models import FreightRate

from .market import Market, errors_of, refused, wish

pytestmark = pytest.mark.django_db

# Ten cases of eggs cost 7,200 yuan and weigh 200 kg; the address lies in 440105, in 440100.
WEIGHT = Decimal(200)


def rate(market: Market, per_kg: str, **fields: Any) -> FreightRate:
    supplier = fields.pop("supplier", market.supplier)
    return FreightRate.objects.create(supplier=supplier, per_kg=Decimal(per_kg), **fields)


def freight(market: Market, quantity: str = "10") -> str:
    body = market.alice.post("/quotes/", wish((market.eggs, quantity))).json()
    assert Decimal(body["total_amount"]) == Decimal(body["goods_amount"]) + Decimal(
        body["freight_amount"]
    )
    return body["freight_amount"]


@pytest.fixture(autouse=True)
def _weight(market: Market) -> None:
    market.eggs.net_weight_kg = WEIGHT / 10
    market.eggs.save()
    market.address.division_id = "440105"
    market.address.save()


class TestFreight:
    def test_is_nothing_without_a_rate(self, market: Market) -> None:
        rate(market, "1", supplier=market.other_supplier)
        rate(market, "1", destination_id="440300")
        assert freight(market) == "0.00"

    def test_goes_by_weight_and_is_rounded_once(self, market: Market) -> None:
        rate(market, "0.1234")
        assert freight(market) == "24.68"

    def test_is_at_least_the_minimum(self, market: Market) -> None:
        rate(market, "0.1", minimum=Decimal(80))
        assert freight(market) == "80.00"

    @pytest.mark.parametrize(("free_from", "amount"), [("7200", "0.00"), ("7200.01", "200.00")])
    def test_is_free_from_an_amount_of_goods_on(
        self, market: Market, free_from: str, amount: str
    ) -> None:
        rate(market, "1", free_from=Decimal(free_from))
        assert freight(market) == amount

    @pytest.mark.parametrize(
        ("places", "amount"),
        [
            ([None, "440100", "440105"], "600.00"),
            ([None, "440100", "440103"], "400.00"),
            ([None, "440300"], "200.00"),
        ],
    )
    def test_is_the_rate_of_the_nearest_place(
        self, market: Market, places: list[str | None], amount: str
    ) -> None:
        for per_kg, place in enumerate(places, start=1):
            rate(market, str(per_kg), destination_id=place)
        assert freight(market) == amount

    def test_is_asked_by_each_supplier_for_its_own_goods(self, market: Market) -> None:
        tea = market.sku(product__supplier=market.other_supplier, net_weight_kg=5)
        rate(market, "1")
        rate(market, "2", supplier=market.other_supplier)
        order = market.placed((market.eggs, "10"), (tea, "10"), (market.eggs, "5"))
        assert order["freight_amount"] == "400.00"
        by_supplier = {
            part["supplier"]["code"]: part["freight_amount"] for part in order["consignments"]
        }
        assert by_supplier == {
            market.supplier.code: "300.00",
            market.other_supplier.code: "100.00",
        }
        assert market.alice.get(f"/orders/{order['number']}/").json() == order

    def test_stays_what_was_agreed(self, market: Market) -> None:
        changed = rate(market, "1")
        order = market.placed()
        changed.per_kg = Decimal(9)
        changed.save()
        assert market.alice.get(f"/orders/{order['number']}/").json() == order
        assert Consignment.objects.get().freight_amount == 200


class TestLimits:
    def test_include_freight_where_approval_is_needed(self, market: Market) -> None:
        buyer = market.member(Membership.Role.PURCHASER, approval_limit=Decimal(7200))
        assert market.placed(by=buyer)["status"] == "placed"
        rate(market, "1")
        assert market.placed(by=buyer)["status"] == "pending_approval"

    def test_include_freight_where_credit_is_used_and_given_back(self, market: Market) -> None:
        rate(market, "1")
        credit = market.credit("7400")
        order = market.placed()
        credit.refresh_from_db()
        assert credit.used == 7400
        market.decline(order["consignments"][0]["number"])
        credit.refresh_from_db()
        assert credit.used == 0

    def test_refuse_an_order_whose_freight_exceeds_the_credit(self, market: Market) -> None:
        rate(market, "1")
        market.credit("7399.99")
        refused(market.alice.order((market.eggs, "10")), 409, "credit_exceeded")
        quoted = market.alice.post("/quotes/", wish((market.eggs, "10")))
        assert ("", "credit_exceeded") in errors_of(quoted)


class TestAcceptance:
    def test_shares_the_freight_among_what_was_taken(self, market: Market) -> None:
        rate(market, "0", minimum=Decimal(100))
        lines = [(market.eggs, "10"), (market.eggs, "10"), (market.eggs, "10")]
        number = market.confirmed(*lines)["consignments"][0]["number"]
        market.ship(number, "10", "10", "10")
        assert market.accept(number, "10", "0", "5", reason="破损").status_code == 200
        shares = OrderLine.objects.order_by("number").values_list("accepted_freight", flat=True)
        assert list(shares) == [Decimal("66.67"), 0, Decimal("33.33")]

    def test_leaves_nothing_due_where_nothing_was_taken(self, market: Market) -> None:
        rate(market, "1")
        number = market.confirmed()["consignments"][0]["number"]
        market.ship(number, "10")
        assert market.accept(number, "0", reason="破损").status_code == 200
        assert OrderLine.objects.get().accepted_freight == 0

    def test_makes_freight_due_with_the_goods(self, market: Market) -> None:
        rate(market, "1")
        number = market.accepted()
        body = {"amount": "7400.01", "paid_on": "2026-11-01", "reference": "R1"}
        refused(market.alice.post(f"/consignments/{number}/payments/", body), 400, "invalid")
        body["amount"] = "7400.00"
        assert market.alice.post(f"/consignments/{number}/payments/", body).status_code == 201


class TestGuards:
    def test_one_rate_for_each_place(self, market: Market) -> None:
        for place in (None, "440100"):
            rate(market, "1", destination_id=place)
            with pytest.raises(IntegrityError, match="one_freight_rate"), transaction.atomic():
                rate(market, "2", destination_id=place)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"per_kg": "-0.1"},
            {"per_kg": "1", "minimum": Decimal(-1)},
            {"per_kg": "1", "free_from": Decimal(-1)},
        ],
    )
    def test_no_freight_below_nothing(self, market: Market, wrong: dict[str, Any]) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            rate(market, **wrong)

    def test_no_line_bears_freight_before_its_acceptance(self, market: Market) -> None:
        market.placed()
        with pytest.raises(IntegrityError, match="bears_freight"), transaction.atomic():
            OrderLine.objects.update(accepted_freight=1)

    def test_an_accepted_line_keeps_its_share(self, market: Market) -> None:
        rate(market, "1")
        market.accepted()
        with pytest.raises(IntegrityError), transaction.atomic():
            OrderLine.objects.update(accepted_freight=1)
