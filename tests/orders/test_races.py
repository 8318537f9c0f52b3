"""Two at once: the second waits for the first, and then sees what it did."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from orders.models import Claim, Membership, Order, OrderEvent
from orders.services.quoting import WantedLine, Wish, price
from orders.services.standing import standing_of
from reports.models import LedgerEntry
from shop.models import Reservation, Stock
from shop.services.changing import change_price
from shop.services.listing import suspend_supplier
from shop.services.stock import available_stock
from tests.sessions import held_open, in_own_session, wait_until_somebody_waits

from .market import Market, nothing_was_written, refused, stock_of

pytestmark = pytest.mark.django_db(transaction=True)


class TestLastOne:
    def test_is_sold_once(self, market: Market) -> None:
        last = market.sku(on_hand="1")
        with held_open(lambda: market.bob.order((last, "1"))) as second:
            assert market.alice.order((last, "1")).status_code == 201
        answer = second.result()
        refused(answer, 409, "out_of_stock")
        assert answer.json()["errors"][0]["available"] == "0"
        assert stock_of(last) == (1, 1)

    def test_is_there_again_when_the_first_fails(self, market: Market) -> None:
        last = market.sku(on_hand="1")
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                assert market.alice.order((last, "1")).status_code == 201
                second = pool.submit(in_own_session(lambda: market.bob.order((last, "1"))))
                wait_until_somebody_waits()
                transaction.set_rollback(True)
            assert second.result().status_code == 201
        assert Order.objects.get().buyer != market.buyer

    def test_would_be_sold_twice_by_reading_without_the_lock(self, market: Market) -> None:
        """The control: without the gate both see one left, and only the CHECK stands."""
        last = market.sku(on_hand="1")
        seen = []

        def order_without_lock() -> None:
            available = available_stock([last.code])
            day = timezone.localdate()
            wish = Wish("MAIN", [WantedLine(last.code, Decimal(1))])
            standing = standing_of(market.bob.user, address="MAIN", day=day)
            seen.append((available, price(wish, standing=standing, available=available, day=day)))
            with pytest.raises(IntegrityError, match="stock_reserved_within_on_hand"):
                Reservation.objects.create(line_id=2**40, sku=last, quantity=Decimal(1))

        with held_open(order_without_lock) as second:
            assert market.alice.order((last, "1")).status_code == 201
        second.result()
        ((available, priced),) = seen
        assert available == {last.pk: 1}
        assert not priced.refused
        assert stock_of(last) == (1, 1)

    def test_ten_are_sold_to_ten_of_forty(self, market: Market) -> None:
        few = market.sku(on_hand="10")
        barrier = Barrier(40)

        def order() -> int:
            barrier.wait(30)
            return market.alice.order((few, "1")).status_code

        with ThreadPoolExecutor(40) as pool:
            answers = [pool.submit(in_own_session(order)) for _ in range(40)]
            statuses = [answer.result(60) for answer in answers]
        assert sorted(statuses) == [201] * 10 + [409] * 30
        assert stock_of(few) == (10, 10)
        assert Order.objects.count() == 10


class TestSameKey:
    def test_waits_for_the_first_and_answers_the_same(self, market: Market) -> None:
        with held_open(lambda: market.alice.order((market.eggs, "1"), key="k")) as second:
            first = market.alice.order((market.eggs, "1"), key="k")
        assert second.result().content == first.content
        assert second.result()["Idempotent-Replayed"] == "true"
        assert Order.objects.count() == 1

    def test_with_another_body_is_refused(self, market: Market) -> None:
        with held_open(lambda: market.alice.order((market.eggs, "2"), key="k")) as second:
            market.alice.order((market.eggs, "1"), key="k")
        refused(second.result(), 422, "idempotency_key_reused")
        assert stock_of(market.eggs) == (100, 1)

    def test_of_other_buyers_does_not_wait(self, market: Market) -> None:
        other = market.sku()
        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            market.alice.order((market.eggs, "1"), key="k")
            second = pool.submit(in_own_session(lambda: market.bob.order((other, "1"), key="k")))
            assert second.result(30).status_code == 201

    def test_says_when_the_first_takes_too_long(self, market: Market) -> None:
        again = in_own_session(lambda: market.alice.order((market.eggs, "1"), key="k"))
        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            market.alice.order((market.eggs, "1"), key="k")
            answer = pool.submit(again).result(30)
        refused(answer, 409, "in_flight")
        assert int(answer["Retry-After"]) >= 1

    def test_orders_once_however_many_come(self, market: Market) -> None:
        barrier = Barrier(16)

        def order() -> Any:
            barrier.wait(30)
            return market.alice.order((market.eggs, "1"), key="k")

        with ThreadPoolExecutor(16) as pool:
            futures = [pool.submit(in_own_session(order)) for _ in range(16)]
            answers = [future.result(60) for future in futures]
        assert {(answer.status_code, answer.content) for answer in answers} == {
            (201, answers[0].content)
        }
        assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
        assert Order.objects.count() == 1


class TestManySKUs:
    def test_are_locked_in_one_order_whatever_the_lines(self, market: Market) -> None:
        first, second = market.sku(), market.sku()
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                Stock.objects.locked([first.pk]).get()
                order = pool.submit(
                    in_own_session(lambda: market.alice.order((second, "1"), (first, "1")))
                )
                wait_until_somebody_waits()
                # Who waits for the first does not hold the second, so nobody can deadlock.
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT FROM shop_stock WHERE sku_id = %s FOR NO KEY UPDATE NOWAIT",
                        [second.pk],
                    )
            assert order.result(30).status_code == 201

    def test_in_opposite_order_both_succeed(self, market: Market) -> None:
        one, two = market.sku(), market.sku()
        with held_open(lambda: market.bob.order((two, "1"), (one, "1"))) as second:
            assert market.alice.order((one, "1"), (two, "1")).status_code == 201
        assert second.result().status_code == 201
        assert stock_of(one) == stock_of(two) == (100, 2)


class TestChangesMeanwhile:
    def test_an_order_waits_for_a_suspension_and_is_refused(self, market: Market) -> None:
        with held_open(lambda: market.alice.order((market.eggs, "1"))) as order:
            suspend_supplier(market.supplier, reason="-", by=market.olga.user, now=timezone.now())
        refused(order.result(), 409, "not_for_sale")
        assert nothing_was_written()

    def test_a_suspension_waits_for_an_order(self, market: Market) -> None:
        def suspend() -> str:
            return suspend_supplier(
                market.supplier, reason="-", by=market.olga.user, now=timezone.now()
            ).status

        with held_open(suspend) as suspension:
            assert market.alice.order((market.eggs, "1")).status_code == 201
        assert suspension.result() == "suspended"
        assert stock_of(market.eggs) == (100, 1)

    def test_an_order_sees_the_price_that_it_waited_for(self, market: Market) -> None:
        line = {"sku": market.eggs.code, "quantity": "1", "unit_price": "720"}
        with held_open(lambda: market.alice.order(line)) as order:
            change_price(
                market.eggs,
                unit_price=Decimal("730"),
                sold_from=timezone.localdate(),
                by=market.sam.user,
                now=timezone.now(),
            )
        refused(order.result(), 409, "price_changed")
        assert order.result().json()["errors"][0]["unit_price"] == "730.00"

    def test_credit_is_used_once(self, market: Market) -> None:
        credit = market.credit("720")
        other = market.sku()
        with held_open(lambda: market.ada.order((other, "1"))) as second:
            assert market.alice.order((market.eggs, "1")).status_code == 201
        refused(second.result(), 409, "credit_exceeded")
        credit.refresh_from_db()
        assert credit.used == 720
        assert stock_of(other) == (100, 0)


class TestSteps:
    """Of two steps that exclude each other one is taken, whichever comes first."""

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("cancel", "ship"),
            ("ship", "cancel"),
            ("cancel", "cancel"),
            ("ship", "ship"),
        ],
    )
    def test_of_a_confirmed_order(self, market: Market, first: str, second: str) -> None:
        number = market.confirmed()["consignments"][0]["number"]
        steps = {
            "cancel": lambda: market.cancel(number.rpartition("-")[0]),
            "ship": lambda: market.ship(number, "10"),
        }
        self.one_wins(steps[first], steps[second])
        assert stock_of(market.eggs) == ((90, 0) if first == "ship" else (100, 0))
        assert OrderEvent.objects.filter(kind__in=["shipped", "cancelled"]).count() == 1

    @pytest.mark.parametrize(("first", "second"), [("approve", "reject"), ("reject", "approve")])
    def test_of_a_waiting_order(self, market: Market, first: str, second: str) -> None:
        limited = market.member(Membership.Role.PURCHASER, approval_limit=1)
        other = market.member(Membership.Role.APPROVER)
        order = market.placed(by=limited)["number"]
        steps: dict[str, Callable[..., Any]] = {"approve": market.approve, "reject": market.reject}
        self.one_wins(lambda: steps[first](order), lambda: steps[second](order, by=other))
        assert Order.objects.get().status == {"approve": "placed", "reject": "rejected"}[first]

    def test_of_a_delivery(self, market: Market) -> None:
        number = market.confirmed()["consignments"][0]["number"]
        market.ship(number, "10")
        self.one_wins(
            lambda: market.accept(number, "10"),
            lambda: market.accept(number, "9", reason="-", by=market.ada),
        )
        assert LedgerEntry.objects.get().amount == 7200

    def test_of_a_claim(self, market: Market) -> None:
        claim = market.claimed(market.accepted(), "2")
        self.one_wins(
            lambda: market.settle(claim, "100"), lambda: market.settle(claim, "50", by=market.sam)
        )
        assert Claim.objects.get().amount == 100

    def test_two_claims_of_the_same_goods(self, market: Market) -> None:
        number = market.accepted((market.eggs, "10"))
        with held_open(lambda: market.claim(number, "6", by=market.ada)) as second:
            market.claimed(number, "6")
        refused(second.result(), 400, "invalid")
        assert Claim.objects.count() == 1

    def one_wins(self, first: Callable[[], Any], second: Callable[[], Any]) -> None:
        with held_open(second) as later:
            assert first().status_code == 200
        refused(later.result(), 409, "wrong_state")
