"""Orders are placed wholly or not at all, once a key, at the price and stock of the moment."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Pairing
from orders.models import IdempotencyKey, Membership, OrderEvent, OrderLine
from shop.models import PriceTier, Product, Recognition, Season
from suppliers.models import Supplier

from .market import Market, errors_of, nothing_was_written, stock_of, wish


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days)


class TestPlaceOrder:
    def test_answers_with_the_order_in_full(self, market: Market) -> None:
        answer = market.alice.order(
            {"sku": market.eggs.code, "quantity": "20", "unit_price": "720.00"},
            purchase_order="PO-1",
            delivery_date=in_days(3).isoformat(),
            payment_term="postpay",
            note="早上送",
        )
        order = answer.json()
        assert answer.status_code == 201
        assert answer["Location"] == f"/api/v1/orders/{order['number']}/"
        assert order["number"].startswith(f"{timezone.localdate():%Y%m%d}")
        assert order["placed_at"].endswith("+08:00")
        assert order["status"] == "placed"
        assert order["goods_amount"] == order["total_amount"] == "14400.00"
        assert order["freight_amount"] == "0.00"
        assert order["consignments"] == [
            {
                "number": f"{order['number']}-1",
                "supplier": {"code": market.supplier.code, "name": market.supplier.name},
                "status": "placed",
                "freight_amount": "0.00",
                "lines": [
                    {
                        "line": 1,
                        "sku": market.eggs.code,
                        "name": "长顺绿壳鸡蛋 360枚",
                        "county": "522729",
                        "unit": "case",
                        "quantity": "20",
                        "unit_price": "720.00",
                        "amount": "14400.00",
                        "shipped_quantity": None,
                        "accepted_quantity": None,
                    }
                ],
            }
        ]
        assert market.alice.get(f"/orders/{order['number']}/").json() == order

    def test_holds_the_stock(self, market: Market) -> None:
        market.placed((market.eggs, "20"))
        assert stock_of(market.eggs) == (100, 20)

    def test_splits_by_supplier_in_the_order_of_their_codes(self, market: Market) -> None:
        other = market.sku(product__supplier=market.other_supplier)
        order = market.placed((other, "1"), (market.eggs, "2"), (other, "3"))
        assert [
            (part["number"], part["supplier"]["code"], [line["line"] for line in part["lines"]])
            for part in order["consignments"]
        ] == [
            (f"{order['number']}-1", market.supplier.code, [2]),
            (f"{order['number']}-2", market.other_supplier.code, [1, 3]),
        ]
        assert market.alice.get(f"/orders/{order['number']}/").json() == order

    def test_takes_the_tier_that_each_line_reaches_by_itself(self, market: Market) -> None:
        PriceTier.objects.create(
            sku=market.eggs, from_quantity=20, unit_price="700.1234", sold_from=date(2020, 1, 1)
        )
        order = market.placed((market.eggs, "20"), (market.eggs, "19"))
        lines = order["consignments"][0]["lines"]
        assert [line["unit_price"] for line in lines] == ["700.1234", "720.00"]
        assert [line["amount"] for line in lines] == ["14002.47", "13680.00"]
        assert order["total_amount"] == "27682.47"

    @pytest.mark.parametrize(
        ("price", "quantity", "amount"),
        [("0.005", "1", "0.01"), ("0.0049", "1", "0.00"), ("1.2345", "196.4", "242.46")],
    )
    def test_rounds_each_line_once_half_up(
        self, market: Market, price: str, quantity: str, amount: str
    ) -> None:
        sku = market.sku(price=price, on_hand="1000", multiple=Decimal("0.1"), minimum=1)
        assert market.placed((sku, quantity))["total_amount"] == amount

    def test_uses_only_prices_of_the_day(self, market: Market) -> None:
        today = timezone.localdate()
        PriceTier.objects.filter(sku=market.eggs).update(sold_until=today)
        PriceTier.objects.create(sku=market.eggs, from_quantity=0, unit_price=650, sold_from=today)
        assert market.placed((market.eggs, "1"))["total_amount"] == "650.00"

    def test_copies_pairing_and_recognition_of_the_day(self, market: Market) -> None:
        paired = market.sku(product__county_id="522725")
        today = timezone.localdate()
        for sku, until in ((paired, today), (market.eggs, today - timedelta(1))):
            Recognition.objects.create(
                product=sku.product,
                number=f"R-{sku.pk}",
                valid_from=date(2020, 1, 1),
                valid_until=until,
            )
        Pairing.objects.filter(district_id="440105").delete()
        for county, until in (("522725", today), ("522729", today - timedelta(1))):
            Pairing.objects.create(
                district_id="440105", county_id=county, valid_to=until, source="-"
            )
        market.placed((paired, "1"), (market.eggs, "1"))
        assert list(
            OrderLine.objects.order_by("number").values_list(
                "pair_district_code", "is_recognised", "county_code"
            )
        ) == [("440105", True, "522725"), ("", False, "522729")]

    def test_notes_who_placed_it(self, market: Market) -> None:
        market.placed()
        event = OrderEvent.objects.get()
        assert (event.kind, event.by, event.consignment) == ("placed", market.alice.user, None)

    def test_takes_the_buyers_own_payment_term_unless_given(self, market: Market) -> None:
        market.buyer.payment_term = "prepay"
        market.buyer.save()
        assert market.placed()["payment_term"] == "prepay"
        assert market.placed(payment_term="postpay")["payment_term"] == "postpay"

    def test_lets_an_approver_order(self, market: Market) -> None:
        assert market.placed(by=market.ada)["status"] == "placed"


class TestRefusals:
    def refused(
        self, market: Market, status: int, code: str, *lines: Any, **fields: Any
    ) -> set[tuple[str, str]]:
        """Order, expect a refusal that leaves nothing behind, and return its errors."""
        answer = market.alice.order(*lines, **fields)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
        assert answer["Content-Type"] == "application/problem+json"
        assert nothing_was_written()
        assert not IdempotencyKey.objects.exists()
        return errors_of(answer)

    def test_of_an_unknown_sku(self, market: Market) -> None:
        lines = [(market.eggs, "1"), {"sku": "NO-SUCH", "quantity": "1"}]
        assert self.refused(market, 409, "not_for_sale", *lines) == {
            ("/lines/1/sku", "not_for_sale")
        }

    def test_of_an_inactive_sku(self, market: Market) -> None:
        line = (market.sku(is_active=False), "1")
        assert self.refused(market, 409, "not_for_sale", line) == {("/lines/0/sku", "not_for_sale")}

    @pytest.mark.parametrize("status", ["draft", "submitted", "suspended", "retired"])
    def test_of_a_product_that_is_not_listed(self, market: Market, status: str) -> None:
        Product.objects.update(status=status)
        assert self.refused(market, 409, "not_for_sale", (market.eggs, "1")) == {
            ("/lines/0/sku", "not_for_sale")
        }

    def test_of_a_suspended_supplier(self, market: Market) -> None:
        Supplier.objects.filter(pk=market.supplier.pk).update(status="suspended")
        self.refused(market, 409, "not_for_sale", (market.eggs, "1"))

    def test_of_a_sku_without_a_price_today(self, market: Market) -> None:
        PriceTier.objects.update(sold_from=in_days(1))
        self.refused(market, 409, "not_for_sale", (market.eggs, "1"))

    def test_of_a_day_out_of_season(self, market: Market) -> None:
        day = in_days(10)
        Season.objects.create(
            product=market.eggs.product, starts=f"{in_days(-2):%m-%d}", ends=f"{in_days(2):%m-%d}"
        )
        found = self.refused(
            market, 409, "out_of_season", (market.eggs, "1"), delivery_date=day.isoformat()
        )
        assert found == {("/lines/0/sku", "out_of_season")}
        assert market.placed((market.eggs, "1"))["status"] == "placed"

    def test_of_too_little_and_of_broken_packs(self, market: Market) -> None:
        sku = market.sku(minimum=10, multiple=5)
        assert self.refused(market, 400, "invalid", (sku, "5"), (sku, "12")) == {
            ("/lines/0/quantity", "invalid"),
            ("/lines/1/quantity", "invalid"),
        }

    def test_of_another_price_than_expected(self, market: Market) -> None:
        line = {"sku": market.eggs.code, "quantity": "1", "unit_price": "719.9999"}
        answer = market.alice.order(line)
        assert answer.status_code == 409
        assert answer.json()["code"] == "price_changed"
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/lines/0/unit_price"
        assert error["unit_price"] == "720.00"
        assert nothing_was_written()

    def test_of_more_than_there_is_over_all_lines(self, market: Market) -> None:
        plenty = market.sku()
        answer = market.alice.order(
            (market.eggs, "60"), (plenty, "100"), (market.eggs, "40.5"), (market.eggs, "1")
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        answer = market.alice.order((market.eggs, "60"), (plenty, "100"), (market.eggs, "41"))
        assert (answer.status_code, answer.json()["code"]) == (409, "out_of_stock")
        assert [(e["pointer"], e["available"]) for e in answer.json()["errors"]] == [
            ("/lines/0/quantity", "100"),
            ("/lines/2/quantity", "100"),
        ]
        assert nothing_was_written()

    def test_say_everything_at_once(self, market: Market) -> None:
        few = market.sku(on_hand="1")
        found = self.refused(
            market,
            400,
            "invalid",
            {"sku": "NO-SUCH", "quantity": "1"},
            {"sku": few.code, "quantity": "2.5", "unit_price": "1"},
            address="NOWHERE",
            delivery_date=in_days(-1).isoformat(),
        )
        assert found == {
            ("/address", "invalid"),
            ("/delivery_date", "invalid"),
            ("/lines/0/sku", "not_for_sale"),
            ("/lines/1/quantity", "invalid"),
            ("/lines/1/quantity", "out_of_stock"),
            ("/lines/1/unit_price", "price_changed"),
        }

    def test_of_another_buyers_address_and_of_a_closed_one(self, market: Market) -> None:
        found = self.refused(market, 400, "invalid", (market.eggs, "1"), address="ELSEWHERE")
        assert found == {("/address", "invalid")}
        market.address.is_active = False
        market.address.save()
        self.refused(market, 400, "invalid", (market.eggs, "1"))

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"lines": []}, ("/lines", "empty")),
            ({"lines": [{"sku": "X", "quantity": "1"}] * 501}, ("/lines", "max_length")),
            ({"payment_term": "never"}, ("/payment_term", "invalid_choice")),
            ({"delivery_date": "tomorrow"}, ("/delivery_date", "invalid")),
            ({"lines": [{"sku": "X", "quantity": "0"}]}, ("/lines/0/quantity", "zero")),
            ({"lines": [{"sku": "X", "quantity": "-1"}]}, ("/lines/0/quantity", "invalid")),
            ({"lines": [{"sku": "X", "quantity": "1e2"}]}, ("/lines/0/quantity", "invalid")),
            ({"lines": [{"sku": "X", "quantity": "１"}]}, ("/lines/0/quantity", "invalid")),
            ({"lines": [{"sku": "X", "quantity": "1.0001"}]}, ("/lines/0/quantity", "places")),
            ({"lines": [{"sku": "X", "quantity": True}]}, ("/lines/0/quantity", "invalid")),
            ({"lines": [{"sku": 1, "quantity": "1"}]}, ("/lines/0/sku", "invalid")),
            ({"lines": [{"quantity": "1"}]}, ("/lines/0/sku", "required")),
        ],
    )
    def test_of_shapes(self, market: Market, change: dict[str, Any], found: Any) -> None:
        answer = market.alice.post(
            "/orders/", {**wish((market.eggs, "1")), **change}, **{"Idempotency-Key": "k"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert errors_of(answer) == {found}

    @pytest.mark.parametrize("where", ["order", "line"])
    def test_of_unknown_fields(self, market: Market, where: str) -> None:
        body = wish((market.eggs, "1"))
        (body if where == "order" else body["lines"][0])["status"] = "accepted"
        answer = market.alice.post("/orders/", body, **{"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")

    def test_of_amounts_that_no_column_holds(self, market: Market) -> None:
        sku = market.sku(price="99999999", on_hand="99999999999")
        line = (sku, "999999999")
        assert self.refused(market, 400, "invalid", line) == {("/lines", "invalid")}

    @pytest.mark.parametrize("who", ["fay", "vic", "sam", "olga"])
    def test_of_people_who_do_not_order(self, market: Market, who: str) -> None:
        answer = getattr(market, who).order((market.eggs, "1"))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert nothing_was_written()

    def test_of_a_closed_buyer(self, market: Market) -> None:
        market.buyer.is_active = False
        market.buyer.save()
        assert market.alice.order((market.eggs, "1")).status_code == 403

    def test_of_somebody_without_a_key(self, market: Market) -> None:
        market.alice.key = "wrong"
        assert market.alice.order((market.eggs, "1")).status_code == 401


class TestCredit:
    def test_is_used_by_orders_paid_later(self, market: Market) -> None:
        credit = market.credit("20000", used="1000")
        market.placed((market.eggs, "10"))
        credit.refresh_from_db()
        assert credit.used == 8200

    def test_refuses_what_exceeds_it_and_keeps_nothing(self, market: Market) -> None:
        credit = market.credit("7199.99")
        answer = market.alice.order((market.eggs, "10"))
        assert (answer.status_code, answer.json()["code"]) == (409, "credit_exceeded")
        credit.refresh_from_db()
        assert credit.used == 0
        assert nothing_was_written()

    def test_may_be_used_to_the_fen(self, market: Market) -> None:
        market.credit("7200.00")
        assert market.placed((market.eggs, "10"))["status"] == "placed"

    def test_does_not_matter_to_prepaid_orders(self, market: Market) -> None:
        credit = market.credit("0")
        market.placed(payment_term="prepay")
        credit.refresh_from_db()
        assert credit.used == 0


class TestApprovalLimit:
    def test_leaves_a_larger_order_waiting_with_its_stock_held(self, market: Market) -> None:
        Membership.objects.filter(user=market.alice.user).update(approval_limit=7200)
        assert market.placed((market.eggs, "10"))["status"] == "placed"
        order = market.placed((market.eggs, "11"))
        assert order["status"] == order["consignments"][0]["status"] == "pending_approval"
        assert stock_of(market.eggs) == (100, 21)
