"""What is promised for a week is sold once, in that week, and given back when it is not needed."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import OrderLine
from shop.models import SKU, PromiseDraw, SupplyPromise
from shop.models.promises import WEEK, week_of
from shop.services.promising import promise_supply
from tests.sessions import held_open

from .market import Market, refused, stock_of

pytestmark = pytest.mark.django_db

#: The Monday after next: whatever day these tests run, it and its Sunday lie ahead.
MONDAY = week_of(timezone.localdate()) + 2 * WEEK
SUNDAY = MONDAY + timedelta(days=6)


def promised(market: Market, sku: SKU, quantity: str, week: date = MONDAY) -> SupplyPromise:
    promise_supply(
        sku, quantity_by_week={week: Decimal(quantity)}, by=market.sam.user, now=timezone.now()
    )
    return SupplyPromise.objects.get(sku=sku, week=week)


def order(market: Market, *lines: Any, on: date | None = MONDAY) -> Any:
    return market.alice.order(*lines, **({"delivery_date": f"{on}"} if on else {}))


def taken(sku: SKU, week: date = MONDAY) -> Decimal:
    return SupplyPromise.objects.get(sku=sku, week=week).taken


class TestPromise:
    def test_is_drawn_down_until_it_is_used_up(self, market: Market) -> None:
        promised(market, market.eggs, "10")
        assert order(market, (market.eggs, "8")).status_code == 201
        answer = order(market, (market.eggs, "3"))
        assert refused(answer, 409, "out_of_stock") == {("/lines/0/quantity", "out_of_stock")}
        (error,) = answer.json()["errors"]
        assert error["available"] == "2"
        assert error["detail"] == "Not so much of it is promised for that week."
        assert order(market, (market.eggs, "2")).status_code == 201
        assert taken(market.eggs) == 10
        assert stock_of(market.eggs) == (100, 10)

    def test_counts_all_lines_of_an_order_together(self, market: Market) -> None:
        promised(market, market.eggs, "10")
        answer = order(market, (market.eggs, "6"), (market.eggs, "5"))
        assert len(refused(answer, 409, "out_of_stock")) == 2
        assert order(market, (market.eggs, "6"), (market.eggs, "4")).status_code == 201
        assert taken(market.eggs) == 10

    def test_does_not_stand_in_for_stock(self, market: Market) -> None:
        few = market.sku(on_hand="3")
        promised(market, few, "10")
        answer = order(market, (few, "4"))
        refused(answer, 409, "out_of_stock")
        assert answer.json()["errors"][0]["available"] == "3"
        assert answer.json()["errors"][0]["detail"] == "There is not so much of it."

    def test_leaves_other_skus_as_they_were(self, market: Market) -> None:
        promised(market, market.eggs, "1")
        other = market.sku()
        assert order(market, (other, "100"), (market.eggs, "1")).status_code == 201
        assert PromiseDraw.objects.count() == 1

    def test_is_told_by_a_quote(self, market: Market) -> None:
        promised(market, market.eggs, "10")
        body = {
            "address": "MAIN",
            "delivery_date": f"{MONDAY}",
            "lines": [{"sku": market.eggs.code, "quantity": "11"}],
        }
        answer = market.alice.post("/quotes/", body)
        assert "out_of_stock" in answer.content.decode()
        assert taken(market.eggs) == 0

    def test_holds_for_an_order_without_a_day_not_at_all(self, market: Market) -> None:
        """What is ordered without a day is delivered at once, from what is there."""
        promised(market, market.eggs, "1")
        assert order(market, (market.eggs, "50"), on=None).status_code == 201
        assert taken(market.eggs) == 0

    def test_of_the_past_holds_nothing_back(self, market: Market) -> None:
        week = week_of(timezone.localdate()) - WEEK
        SupplyPromise.objects.create(sku=market.eggs, week=week, quantity=1)
        assert order(market, (market.eggs, "50")).status_code == 201


class TestWeeks:
    @pytest.mark.parametrize(
        ("day", "available"),
        [
            (MONDAY - timedelta(days=1), "0"),
            (MONDAY, "10"),
            (SUNDAY, "10"),
            (SUNDAY + timedelta(days=1), "5"),
            (SUNDAY + timedelta(days=8), "0"),
        ],
    )
    def test_run_from_monday_to_sunday(self, market: Market, day: date, available: str) -> None:
        promised(market, market.eggs, "10")
        promised(market, market.eggs, "5", MONDAY + WEEK)
        answer = order(market, (market.eggs, "11"), on=day)
        refused(answer, 409, "out_of_stock")
        assert answer.json()["errors"][0]["available"] == available

    @pytest.mark.parametrize(
        ("day", "monday", "name"),
        [
            (date(2026, 12, 31), date(2026, 12, 28), "2026-W53"),
            (date(2027, 1, 3), date(2026, 12, 28), "2026-W53"),
            (date(2027, 1, 4), date(2027, 1, 4), "2027-W01"),
            (date(2029, 12, 31), date(2029, 12, 31), "2030-W01"),
        ],
    )
    def test_run_over_new_year(self, market: Market, day: date, monday: date, name: str) -> None:
        assert promised(market, market.eggs, "10", monday).name == name
        assert order(market, (market.eggs, "10"), on=day).status_code == 201
        assert taken(market.eggs, monday) == 10

    def test_begin_in_shanghai(self, market: Market) -> None:
        """On Monday at one in the morning it is Sunday still in London."""
        monday = week_of(timezone.localdate()) + WEEK
        late = timezone.datetime.fromisoformat(f"{monday}T01:00:00+08:00")
        with pytest.raises(Exception, match="invalid"):
            promise_supply(
                market.eggs, quantity_by_week={monday - WEEK: Decimal(1)}, by=market.sam.user,
                now=late,
            )  # fmt: skip
        promise_supply(
            market.eggs, quantity_by_week={monday: Decimal(1)}, by=market.sam.user, now=late
        )
        assert taken(market.eggs, monday) == 0


class TestGivingBack:
    def test_happens_when_an_order_is_cancelled(self, market: Market) -> None:
        promised(market, market.eggs, "10")
        number = order(market, (market.eggs, "10")).json()["number"]
        assert market.cancel(number).status_code == 200
        assert taken(market.eggs) == 0
        assert order(market, (market.eggs, "10")).status_code == 201

    def test_happens_when_a_consignment_is_declined(self, market: Market) -> None:
        promised(market, market.eggs, "10")
        theirs = market.sku(product__supplier=market.other_supplier)
        promise_supply(
            theirs, quantity_by_week={MONDAY: Decimal(5)}, by=market.stella.user,
            now=timezone.now(),
        )  # fmt: skip
        answer = order(market, (market.eggs, "10"), (theirs, "5")).json()
        (mine,) = [c for c in answer["consignments"] if c["lines"][0]["sku"] == market.eggs.code]
        assert market.decline(mine["number"]).status_code == 200
        assert taken(market.eggs) == 0
        assert taken(theirs) == 5

    def test_happens_when_an_order_is_rejected(self, market: Market) -> None:
        promised(market, market.eggs, "10")
        limited = market.member("purchaser", approval_limit=1)
        answer = limited.order((market.eggs, "10"), delivery_date=f"{MONDAY}")
        assert taken(market.eggs) == 10
        assert market.reject(answer.json()["number"]).status_code == 200
        assert taken(market.eggs) == 0

    def test_does_not_happen_when_it_ships(self, market: Market) -> None:
        promised(market, market.eggs, "10")
        number = order(market, (market.eggs, "10")).json()["consignments"][0]["number"]
        market.confirm(number)
        assert market.ship(number, "9").status_code == 200
        assert taken(market.eggs) == 10


class TestCost:
    def test_orders_cost_as_many_statements_with_promises_as_without(self, market: Market) -> None:
        skus = [market.sku(on_hand="1000") for _ in range(20)]

        def statements(lines: int) -> int:
            with CaptureQueriesContext(connection) as queries:
                answer = order(market, *[(sku, "1") for sku in skus[:lines]])
            assert answer.status_code == 201, answer.content
            return len(queries)

        statements(1)
        without = statements(20)
        for sku in skus:
            promised(market, sku, "100")
        assert statements(1) == statements(20) == without


class TestDatabase:
    def test_keeps_the_count(self, market: Market) -> None:
        promise = promised(market, market.eggs, "10")
        order(market, (market.eggs, "2"), (market.eggs, "3"))
        assert taken(market.eggs) == 5
        line = OrderLine.objects.get(number=1)
        PromiseDraw.objects.filter(line_id=line.pk).update(quantity=4)
        assert taken(market.eggs) == 7
        promise.draws.all().delete()
        assert taken(market.eggs) == 0

    @pytest.mark.parametrize("quantity", ["0", "-1"])
    def test_refuses_to_promise_nothing(self, market: Market, quantity: str) -> None:
        with pytest.raises(IntegrityError, match="promise_positive"), transaction.atomic():
            SupplyPromise.objects.create(sku=market.eggs, week=MONDAY, quantity=quantity)

    def test_refuses_a_week_that_begins_on_another_day(self, market: Market) -> None:
        with pytest.raises(IntegrityError, match="promised_week_begins"), transaction.atomic():
            SupplyPromise.objects.create(sku=market.eggs, week=SUNDAY, quantity=1)

    def test_refuses_a_second_promise_for_a_week(self, market: Market) -> None:
        promised(market, market.eggs, "1")
        with pytest.raises(IntegrityError, match="one_promise_per_sku"), transaction.atomic():
            SupplyPromise.objects.create(sku=market.eggs, week=MONDAY, quantity=1)

    def test_refuses_to_draw_more_than_is_promised(self, market: Market) -> None:
        promise = promised(market, market.eggs, "1")
        with pytest.raises(IntegrityError, match="promise_taken_within"), transaction.atomic():
            PromiseDraw.objects.create(promise=promise, line_id=1, quantity=2)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_the_last_of_a_week_is_sold_once(self, market: Market) -> None:
        promised(market, market.eggs, "10")

        def second() -> Any:
            return market.bob.order((market.eggs, "6"), delivery_date=f"{SUNDAY}")

        with held_open(second) as later:
            assert order(market, (market.eggs, "6")).status_code == 201
        refused(later.result(), 409, "out_of_stock")
        assert later.result().json()["errors"][0]["available"] == "4"
        assert taken(market.eggs) == 6

    def test_an_order_waits_for_a_smaller_promise(self, market: Market) -> None:
        promised(market, market.eggs, "10")
        with held_open(lambda: order(market, (market.eggs, "6"))) as later:
            promised(market, market.eggs, "5")
        refused(later.result(), 409, "out_of_stock")
        assert taken(market.eggs) == 0

    def test_a_smaller_promise_waits_for_an_order(self, market: Market) -> None:
        promised(market, market.eggs, "10")

        def less() -> str:
            try:
                promised(market, market.eggs, "5")
            except Exception as refusal:
                return str(refusal.errors[0].detail)  # type: ignore[attr-defined]
            return ""

        with held_open(less) as later:
            assert order(market, (market.eggs, "6")).status_code == 201
        assert later.result()
        assert SupplyPromise.objects.get().quantity == 10
