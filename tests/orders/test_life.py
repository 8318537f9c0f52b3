"""An order goes its way, and no other: who moves it, and what comes back when it ends early."""

from decimal import Decimal
from typing import Any

import pytest

from orders.models import Consignment, Membership, Order, OrderEvent, OrderLine

from .market import Market, Person, refused, stock_of

STATES = ("pending_approval", "placed", "confirmed", "shipped", "accepted", "declined", "cancelled")


def brought_to(market: Market, state: str) -> str:
    """Return the number of a consignment of ten cases of eggs in `state`."""
    if state == "pending_approval":
        limited = market.member(Membership.Role.PURCHASER, approval_limit=1)
        return market.placed(by=limited)["consignments"][0]["number"]
    if state == "accepted":
        return market.accepted()
    order = market.placed() if state in ("placed", "declined", "cancelled") else market.confirmed()
    number = order["consignments"][0]["number"]
    if state == "shipped":
        assert market.ship(number, "10").status_code == 200
    if state == "declined":
        assert market.decline(number).status_code == 200
    if state == "cancelled":
        assert market.cancel(order["number"]).status_code == 200
    return number


class TestEveryStep:
    @pytest.mark.parametrize("state", STATES)
    @pytest.mark.parametrize(
        ("step", "possible_in"),
        [
            ("confirm", {"placed"}),
            ("decline", {"placed"}),
            ("ship", {"confirmed"}),
            ("accept", {"shipped"}),
            ("cancel", {"pending_approval", "placed", "confirmed"}),
            ("approve", {"pending_approval"}),
            ("reject", {"pending_approval"}),
            ("claim", {"accepted"}),
        ],
    )
    def test_is_taken_only_where_it_leads_on(
        self, market: Market, state: str, step: str, possible_in: set[str]
    ) -> None:
        number = brought_to(market, state)
        order = number.rpartition("-")[0]
        before = stock_of(market.eggs)
        take_step = {
            "confirm": lambda: market.confirm(number),
            "decline": lambda: market.decline(number),
            "ship": lambda: market.ship(number, "10"),
            "accept": lambda: market.accept(number, "10"),
            "cancel": lambda: market.cancel(order),
            "approve": lambda: market.approve(order),
            "reject": lambda: market.reject(order),
            "claim": lambda: market.claim(number, "1"),
        }[step]
        answer = take_step()
        if state in possible_in:
            assert answer.status_code in (200, 201), answer.content
            return
        if state == "pending_approval" and step in ("confirm", "decline", "ship"):
            # It is not the supplier's business yet.
            refused(answer, 404, "not_found")
        else:
            refused(answer, 409, "wrong_state")
        assert Consignment.objects.get(number=number).status == state
        assert stock_of(market.eggs) == before

    def test_is_written_into_the_history(self, market: Market) -> None:
        number = market.accepted()
        market.claimed(number)
        order = number.rpartition("-")[0]
        steps = market.alice.get(f"/orders/{order}/events/").json()["results"]
        assert [(step["kind"], step["consignment"]) for step in steps] == [
            ("placed", None),
            ("confirmed", number),
            ("shipped", number),
            ("accepted", number),
            ("claimed", number),
        ]
        assert list(OrderEvent.objects.order_by("id").values_list("by", flat=True)) == [
            market.alice.user.pk, market.sam.user.pk, market.sam.user.pk, market.alice.user.pk,
            market.alice.user.pk,
        ]  # fmt: skip


class TestApproval:
    @pytest.fixture
    def order(self, market: Market) -> str:
        return brought_to(market, "pending_approval").rpartition("-")[0]

    def test_sends_the_order_to_its_suppliers(self, market: Market, order: str) -> None:
        assert market.sam.get("/supply/consignments/").json()["results"] == []
        assert market.sam.get(f"/consignments/{order}-1/").status_code == 404
        answer = market.approve(order)
        assert answer.json()["status"] == answer.json()["consignments"][0]["status"] == "placed"
        (shown,) = market.sam.get("/supply/consignments/").json()["results"]
        assert (shown["number"], shown["status"]) == (f"{order}-1", "placed")
        assert stock_of(market.eggs) == (100, 10)

    def test_refused_frees_stock_and_credit(self, market: Market) -> None:
        credit = market.credit("100000")
        order = brought_to(market, "pending_approval").rpartition("-")[0]
        credit.refresh_from_db()
        assert credit.used == 7200
        answer = market.reject(order)
        assert answer.json()["status"] == "rejected"
        assert answer.json()["consignments"][0]["status"] == "cancelled"
        credit.refresh_from_db()
        assert credit.used == 0
        assert stock_of(market.eggs) == (100, 0)
        assert OrderEvent.objects.latest("id").reason == "太贵"

    @pytest.mark.parametrize("who", ["alice", "fay", "vic", "olga"])
    def test_is_the_approvers(self, market: Market, order: str, who: str) -> None:
        person = getattr(market, who)
        refused(market.approve(order, by=person), 403, "forbidden")
        refused(market.reject(order, by=person), 403, "forbidden")

    def test_is_not_of_ones_own_order(self, market: Market) -> None:
        Membership.objects.filter(user=market.ada.user).update(approval_limit=1)
        order = market.placed(by=market.ada)["number"]
        refused(market.approve(order), 403, "forbidden")
        assert Order.objects.get().status == "pending_approval"


class TestDeclining:
    def test_frees_stock_and_credit_of_this_consignment_only(self, market: Market) -> None:
        credit = market.credit("100000")
        other = market.sku(product__supplier=market.other_supplier, price="100")
        order = market.placed((market.eggs, "10"), (other, "1"))
        answer = market.decline(f"{order['number']}-1")
        assert answer.json()["status"] == "declined"
        credit.refresh_from_db()
        assert credit.used == 100
        assert (stock_of(market.eggs), stock_of(other)) == ((100, 0), (100, 1))
        assert Order.objects.get().status == "placed"
        event = OrderEvent.objects.latest("id")
        assert (event.kind, event.reason) == ("declined", "无货")

    def test_ends_the_order_when_nothing_else_is_left(self, market: Market) -> None:
        assert market.decline(brought_to(market, "placed")).status_code == 200
        assert Order.objects.get().status == "declined"


class TestCancelling:
    def test_frees_all_that_is_left(self, market: Market) -> None:
        credit = market.credit("100000")
        other = market.sku(product__supplier=market.other_supplier, price="100")
        order = market.placed((market.eggs, "10"), (other, "1"))
        market.decline(f"{order['number']}-1")
        answer = market.cancel(order["number"])
        assert answer.json()["status"] == "cancelled"
        assert [c["status"] for c in answer.json()["consignments"]] == ["declined", "cancelled"]
        credit.refresh_from_db()
        assert credit.used == 0
        assert (stock_of(market.eggs), stock_of(other)) == ((100, 0), (100, 0))

    def test_is_too_late_when_a_part_was_shipped(self, market: Market) -> None:
        other = market.sku(product__supplier=market.other_supplier)
        order = market.placed((market.eggs, "10"), (other, "1"))["number"]
        market.confirm(f"{order}-1")
        assert market.ship(f"{order}-1", "10").status_code == 200
        refused(market.cancel(order), 409, "wrong_state")
        assert stock_of(other) == (100, 1)

    def test_gives_no_credit_back_that_was_never_used(self, market: Market) -> None:
        order = market.placed()["number"]
        credit = market.credit("100000", used="50")
        assert market.cancel(order).status_code == 200
        credit.refresh_from_db()
        assert credit.used == 0

    def test_leaves_credit_alone_for_a_prepaid_order(self, market: Market) -> None:
        credit = market.credit("100000", used="50")
        market.cancel(market.placed(payment_term="prepay")["number"])
        credit.refresh_from_db()
        assert credit.used == 50

    @pytest.mark.parametrize("reason", [{}, {"reason": ""}, {"reason": " "}, {"reason": 1}])
    def test_needs_a_reason(self, market: Market, reason: dict[str, Any]) -> None:
        number = market.placed()["number"]
        answer = market.alice.post(f"/orders/{number}/cancel/", reason)
        assert {pointer for pointer, _code in refused(answer, 400, "invalid")} == {"/reason"}


class TestShipping:
    def test_takes_what_leaves_and_frees_the_rest(self, market: Market) -> None:
        number = market.confirmed((market.eggs, "10"))["consignments"][0]["number"]
        answer = market.ship(number, "7")
        assert answer.json()["status"] == "shipped"
        assert answer.json()["lines"][0]["shipped_quantity"] == "7"
        assert (answer.json()["carrier"], answer.json()["tracking"]) == ("顺丰", "SF1")
        assert stock_of(market.eggs) == (93, 0)
        assert Order.objects.get().status == "shipped"

    def test_may_leave_a_line_out_but_not_all(self, market: Market) -> None:
        number = market.confirmed((market.eggs, "1"), (market.sku(), "1"))["consignments"][0][
            "number"
        ]
        assert refused(market.ship(number, "0", "0"), 400, "invalid") == {("/lines", "invalid")}
        assert market.ship(number, "0", "1").status_code == 200

    def test_is_of_at_most_what_was_ordered(self, market: Market) -> None:
        number = market.confirmed((market.eggs, "10"))["consignments"][0]["number"]
        found = refused(market.ship(number, "10.001"), 400, "invalid")
        assert found == {("/lines/0/quantity", "invalid")}
        assert stock_of(market.eggs) == (100, 10)

    def test_may_be_heavier_within_the_tolerance(self, market: Market) -> None:
        fish = market.fish()
        number = market.confirmed((fish, "100"))["consignments"][0]["number"]
        refused(market.ship(number, "105.001"), 400, "invalid")
        assert market.ship(number, "105").status_code == 200
        assert stock_of(fish) == (895, 0)
        assert market.accept(number, "104.5", reason="水分").status_code == 200
        line = OrderLine.objects.get()
        assert (line.amount, line.accepted_amount) == (3640, Decimal("3803.80"))

    def test_may_not_take_what_is_held_for_others(self, market: Market) -> None:
        fish = market.fish(on_hand="100")
        number = market.confirmed((fish, "60"))["consignments"][0]["number"]
        market.placed((fish, "38"))
        answer = market.ship(number, "63")
        assert refused(answer, 409, "out_of_stock") == {("/lines/0/quantity", "out_of_stock")}
        assert answer.json()["errors"][0]["available"] == "62"
        assert stock_of(fish) == (100, 98)
        assert market.ship(number, "62").status_code == 200

    def test_names_each_line_once(self, market: Market) -> None:
        number = market.confirmed((market.eggs, "1"), (market.sku(), "1"))["consignments"][0][
            "number"
        ]
        assert refused(market.ship(number, "1"), 400, "invalid") == {("/lines", "required")}
        assert refused(market.ship(number, "1", "1", "1"), 400, "invalid") == {
            ("/lines/2/line", "invalid")
        }
        twice = [{"line": 1, "quantity": "1"}] * 2
        answer = market.sam.post(
            f"/supply/consignments/{number}/ship/", {"carrier": "顺丰", "lines": twice}
        )
        assert refused(answer, 400, "invalid") == {("/lines", "repeated")}

    def test_keeps_the_batch(self, market: Market) -> None:
        number = market.confirmed((market.eggs, "1"))["consignments"][0]["number"]
        line = {"line": 1, "quantity": "1", "batch": "B-20261124"}
        market.sam.post(
            f"/supply/consignments/{number}/ship/", {"carrier": "自送", "lines": [line]}
        )
        assert OrderLine.objects.get().batch == "B-20261124"


class TestNumbersOfLines:
    """Only whole JSON numbers from 1 on name a line."""

    @pytest.mark.parametrize("line", [0, -1, "1", 1.0, 1.5, True, None, 10**30, "x", [1]])
    @pytest.mark.parametrize("step", ["ship", "accept", "claim"])
    def test_are_refused(self, market: Market, step: str, line: Any) -> None:
        number = brought_to(
            market, {"ship": "confirmed", "accept": "shipped"}.get(step, "accepted")
        )
        asked: dict[str, Any] = {"lines": [{"line": line, "quantity": "1", "reason": "-"}]}
        person: Person = market.alice
        path = f"/consignments/{number}/accept/"
        if step == "ship":
            person, path, asked["carrier"] = market.sam, f"/supply/consignments/{number}/ship/", "-"
            del asked["lines"][0]["reason"]
        if step == "claim":
            path, asked["consignment"] = "/claims/", number
        found = refused(person.post(path, asked), 400, "invalid")
        assert ("/lines/0/line") in {pointer for pointer, _code in found}


class TestAccepting:
    @pytest.fixture
    def number(self, market: Market) -> str:
        return brought_to(market, "shipped")

    def test_fixes_quantity_and_amount(self, market: Market, number: str) -> None:
        answer = market.accept(number, "9.5", reason="破损半箱")
        assert answer.json()["status"] == "accepted"
        line = OrderLine.objects.get()
        assert (line.accepted_quantity, line.accepted_amount) == (9.5, 6840)
        assert line.shortfall_reason == "破损半箱"
        assert Order.objects.get().status == "accepted"

    def test_of_less_needs_a_reason(self, market: Market, number: str) -> None:
        found = refused(market.accept(number, "9"), 400, "invalid")
        assert found == {("/lines/0/reason", "required")}
        assert Consignment.objects.get().status == "shipped"

    def test_of_nothing_is_possible_with_a_reason(self, market: Market, number: str) -> None:
        assert market.accept(number, "0", reason="全部退回").status_code == 200
        assert OrderLine.objects.get().accepted_amount == 0

    def test_is_of_at_most_what_was_shipped(self, market: Market, number: str) -> None:
        found = refused(market.accept(number, "10.001"), 400, "invalid")
        assert found == {("/lines/0/quantity", "invalid")}

    def test_may_be_done_by_an_approver(self, market: Market, number: str) -> None:
        assert market.accept(number, "10", by=market.ada).status_code == 200

    @pytest.mark.parametrize("who", ["fay", "vic", "sam", "olga"])
    def test_is_nobody_elses(self, market: Market, number: str, who: str) -> None:
        refused(market.accept(number, "10", by=getattr(market, who)), 403, "forbidden")

    def test_ends_the_order_with_its_last_consignment(self, market: Market) -> None:
        other = market.sku(product__supplier=market.other_supplier)
        order = market.placed((market.eggs, "1"), (other, "1"))["number"]
        seen = []
        for part, person in ((1, market.sam), (2, market.stella)):
            number = f"{order}-{part}"
            market.confirm(number, by=person)
            seen.append(Order.objects.get().status)
            market.ship(number, "1", first=part, by=person)
            seen.append(Order.objects.get().status)
            market.accept(number, "1", first=part)
            seen.append(Order.objects.get().status)
        assert seen == ["placed", "placed", "placed", "confirmed", "shipped", "accepted"]
