"""Whatever people do to orders, stock, credit, amounts and ledger agree with a plain model."""

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, Q, Sum
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orders.models import Credit, Membership, Order, OrderLine
from orders.services.steps import status_of_order
from reports.models import LedgerEntry
from shop.models import SKU, Stock
from shop.services.changing import set_stock
from shop.services.listing import reinstate_supplier, suspend_supplier

from .market import Market

HOLDING = ("pending_approval", "placed", "confirmed")
QUANTITIES = st.integers(1, 9).map(Decimal)
SHARES = st.lists(
    st.sampled_from([Decimal(share) for share in ("1", "0.337", "1", "1.05", "1.051", "0", "1")]),
    min_size=4,
    max_size=4,
)


def yuan(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass
class Line:
    number: int
    sku: SKU
    price: Decimal
    quantity: Decimal
    shipped: Decimal = Decimal(0)
    accepted: Decimal = Decimal(0)
    claimed: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)

    @property
    def held(self) -> Decimal:
        return max(self.quantity - self.shipped, Decimal(0))

    def worth(self, quantity: Decimal) -> Decimal:
        return min(yuan(quantity * self.price), yuan(self.accepted * self.price) - self.refunded)


@dataclass
class Part:
    """One supplier's part of an order."""

    number: str
    order: list["Part"]
    status: str
    lines: list[Line]
    claims: list[tuple[int, Line, Decimal]] = field(default_factory=list)
    shipments: int = 0

    def request(self, quantities: list[Decimal], **fields: str) -> list[dict[str, Any]]:
        return [
            {"line": line.number, "quantity": f"{quantity:f}", **fields}
            for line, quantity in zip(self.lines, quantities, strict=True)
        ]


class Orders(RuleBasedStateMachine):
    """Each rule does one thing through the API and says beforehand what will be answered."""

    @initialize()
    def open_market(self) -> None:
        self.example = transaction.atomic()
        self.example.__enter__()
        self.market = Market()
        self.market.credit("80000")
        self.hasty = self.market.member(Membership.Role.PURCHASER, approval_limit=3000)
        odd = {"minimum": Decimal("0.001"), "multiple": Decimal("0.001")}
        eggs = self.market.eggs
        fish = self.market.fish(on_hand="100")
        juice = self.market.sku(
            product__supplier=self.market.other_supplier, price="12.3455", on_hand="40", **odd
        )
        self.prices = {
            eggs: Decimal(720), fish: Decimal("36.4"), juice: Decimal("12.3455"),
        }  # fmt: skip
        self.on_hand = {eggs: Decimal(100), fish: Decimal(100), juice: Decimal(40)}
        self.all: list[Part] = []

    def teardown(self) -> None:
        if hasattr(self, "example"):
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def held(self, sku: SKU) -> Decimal:
        return sum(
            (
                line.held
                for part in self.all
                for line in part.lines
                if part.status in HOLDING and line.sku == sku
            ),
            Decimal(0),
        )

    def owed(self) -> Decimal:
        return sum(
            (
                yuan(line.quantity * line.price)
                for part in self.all
                for line in part.lines
                if part.status not in ("cancelled", "declined")
            ),
            Decimal(0),
        )

    @rule(
        wanted=st.lists(st.tuples(st.integers(0, 2), QUANTITIES), min_size=1, max_size=4),
        hasty=st.booleans(),
        steps=st.integers(0, 5),
        shares=SHARES,
    )
    def place_and_lead_on(
        self, wanted: list[tuple[int, Decimal]], hasty: bool, steps: int, shares: list[Decimal]
    ) -> None:
        skus = list(self.prices)
        lines = [(skus[index], quantity) for index, quantity in wanted]
        person = self.hasty if hasty else self.market.alice
        answer = person.order(*[(sku, f"{quantity:f}") for sku, quantity in lines])
        total = sum(yuan(quantity * self.prices[sku]) for sku, quantity in lines)
        is_short = any(
            sum(quantity for other, quantity in lines if other == sku)
            > self.on_hand[sku] - self.held(sku)
            for sku, _quantity in lines
        )
        if is_short:
            assert answer.json()["code"] == "out_of_stock"
            return
        if self.owed() + total > 80000:
            assert answer.json()["code"] == "credit_exceeded"
            return
        assert answer.status_code == 201, answer.content
        placed = answer.json()
        assert placed["status"] == ("pending_approval" if hasty and total > 3000 else "placed")
        assert Decimal(placed["total_amount"]) == total
        order: list[Part] = []
        for consignment in placed["consignments"]:
            numbers = [line["line"] for line in consignment["lines"]]
            order.append(
                Part(
                    consignment["number"],
                    order,
                    placed["status"],
                    [Line(n, lines[n - 1][0], self.prices[lines[n - 1][0]], lines[n - 1][1])
                     for n in numbers],
                )
            )  # fmt: skip
        self.all += order
        for part in order:
            self.move(part, steps, shares)

    @rule(quantity=QUANTITIES)
    def order_of_a_suspended_supplier(self, quantity: Decimal) -> None:
        who = {"by": self.market.olga.user, "now": timezone.now()}
        suspend_supplier(self.market.supplier, reason="-", **who)
        answer = self.market.alice.order((self.market.eggs, f"{quantity:f}"))
        assert answer.json()["code"] == "not_for_sale"
        reinstate_supplier(self.market.supplier, **who)

    @precondition(lambda self: self.all)
    @rule(data=st.data(), steps=st.integers(1, 4), shares=SHARES)
    def lead_on(self, data: st.DataObject, steps: int, shares: list[Decimal]) -> None:
        self.move(data.draw(st.sampled_from(self.all)), steps, shares)

    def move(self, part: Part, steps: int, shares: list[Decimal]) -> None:
        for _ in range(steps):
            if part.status == "pending_approval":
                self.approve_or_reject(part, True)
            elif part.status == "placed":
                self.decide(part, True)
            elif part.status == "confirmed":
                self.ship(part, shares, more_follows=shares[-1] < 1)
            elif part.status == "shipped":
                self.accept(part, shares)
            elif part.status == "accepted":
                self.claim(part, shares[0])
                self.settle(part, shares[1])

    @precondition(lambda self: self.all)
    @rule(data=st.data(), shares=SHARES, is_yes=st.booleans())
    def try_anything(self, data: st.DataObject, shares: list[Decimal], is_yes: bool) -> None:
        part = data.draw(st.sampled_from(self.all))
        step = data.draw(
            st.sampled_from(
                [
                    lambda: self.decide(part, is_yes),
                    lambda: self.approve_or_reject(part, is_yes),
                    lambda: self.cancel(part),
                    lambda: self.ship(part, shares, more_follows=is_yes),
                    lambda: self.accept(part, shares),
                    lambda: self.claim(part, shares[0]),
                    lambda: self.settle(part, shares[0]),
                ]
            )
        )
        step()

    def step(self, answer: Any, possible: bool) -> bool:
        assert answer.status_code == (200 if possible else 409), answer.content
        return possible

    def supplier_of(self, part: Part) -> Any:
        is_his = part.lines[0].sku.product.supplier == self.market.supplier
        return self.market.sam if is_his else self.market.stella

    def waiting(self, answer: Any, part: Part) -> bool:
        """Whether the supplier does not know of the order yet, and hears so."""
        if part.status != "pending_approval":
            return False
        assert answer.status_code == 404
        return True

    def decide(self, part: Part, confirms: bool) -> None:
        decide = self.market.confirm if confirms else self.market.decline
        answer = decide(part.number, by=self.supplier_of(part))
        if not self.waiting(answer, part) and self.step(answer, part.status == "placed"):
            part.status = "confirmed" if confirms else "declined"

    def approve_or_reject(self, part: Part, approves: bool) -> None:
        number = part.number.rpartition("-")[0]
        answer = (self.market.approve if approves else self.market.reject)(number)
        if self.step(answer, part.status == "pending_approval"):
            for one in part.order:
                one.status = "placed" if approves else "cancelled"

    def cancel(self, part: Part) -> None:
        live = [one for one in part.order if one.status in HOLDING]
        gone = any(one.shipments for one in part.order)
        answer = self.market.cancel(part.number.rpartition("-")[0])
        if self.step(answer, bool(live) and not gone):
            for one in live:
                one.status = "cancelled"

    def ship(self, part: Part, shares: list[Decimal], *, more_follows: bool) -> None:
        leaving = [
            (line.quantity * share).quantize(Decimal("0.001"), ROUND_DOWN)
            for line, share in zip(part.lines, shares, strict=False)
        ]
        answer = self.supplier_of(part).post(
            f"/supply/consignments/{part.number}/ship/",
            {
                "carrier": "顺丰",
                "lines": part.request(leaving),
                "more_follows": more_follows,
                "shipment": part.shipments + 1,
            },
        )
        if self.waiting(answer, part):
            return
        if part.status != "confirmed":
            assert answer.status_code == 409
            return
        is_heavy = any(
            quantity
            and line.shipped + quantity
            > line.quantity * (Decimal("1.05") if line.sku.is_weighed else 1)
            for line, quantity in zip(part.lines, leaving, strict=True)
        )
        is_empty = not any(leaving) and (more_follows or not part.shipments)
        if is_heavy or is_empty:
            assert answer.status_code == 400
            return
        for sku in {line.sku for line in part.lines}:
            mine = [n for n, line in enumerate(part.lines) if line.sku == sku]
            others = self.held(sku) - sum(part.lines[n].held for n in mine)
            if more_follows:
                others += sum(max(part.lines[n].held - leaving[n], Decimal(0)) for n in mine)
            if sum(leaving[n] for n in mine) > self.on_hand[sku] - others:
                assert answer.json()["code"] == "out_of_stock"
                return
        assert answer.status_code == 200, answer.content
        part.shipments += any(leaving)
        if not more_follows:
            part.status = "shipped"
        for line, quantity in zip(part.lines, leaving, strict=True):
            line.shipped += quantity
            self.on_hand[line.sku] -= quantity

    def accept(self, part: Part, shares: list[Decimal]) -> None:
        taken = [
            (line.shipped * min(share, Decimal(1))).quantize(Decimal("0.001"), ROUND_DOWN)
            for line, share in zip(part.lines, shares, strict=False)
        ]
        answer = self.market.alice.post(
            f"/consignments/{part.number}/accept/", {"lines": part.request(taken, reason="少")}
        )
        if self.step(answer, part.status == "shipped"):
            part.status = "accepted"
            for line, quantity in zip(part.lines, taken, strict=True):
                line.accepted = quantity

    def claim(self, part: Part, share: Decimal) -> None:
        line = part.lines[0]
        quantity = (line.accepted * share).quantize(Decimal("0.001"), ROUND_DOWN)
        quantity = quantity or Decimal("0.001")
        answer = self.market.claim(part.number, f"{quantity:f}", first=line.number)
        if part.status != "accepted":
            assert answer.status_code == 409
        elif line.claimed + quantity > line.accepted:
            assert answer.status_code == 400
        else:
            assert answer.status_code == 201, answer.content
            line.claimed += quantity
            part.claims.append((answer.json()["id"], line, quantity))

    def settle(self, part: Part, share: Decimal) -> None:
        claims, part.claims = part.claims, []
        for claim, line, quantity in claims:
            worth = line.worth(quantity)
            amount = yuan(worth * share)
            answer = self.market.settle(claim, f"{amount:f}")
            assert answer.status_code == (400 if amount > worth else 200), answer.content
            if amount <= worth:
                line.refunded += amount
            else:
                part.claims.append((claim, line, quantity))

    @rule(index=st.integers(0, 2), quantity=st.integers(20, 150))
    def count_stock(self, index: int, quantity: int) -> None:
        sku = list(self.prices)[index]
        if quantity >= self.held(sku):
            set_stock(sku, on_hand=Decimal(quantity), by=self.market.sam.user, now=timezone.now())
            self.on_hand[sku] = Decimal(quantity)

    @invariant()
    def stock_is_what_the_model_says(self) -> None:
        found = {stock.sku_id: (stock.on_hand, stock.reserved) for stock in Stock.objects.all()}
        assert found == {sku.pk: (self.on_hand[sku], self.held(sku)) for sku in self.prices}
        assert not Stock.objects.exclude(reserved__range=(0, F("on_hand"))).exists()

    @invariant()
    def credit_is_what_is_owed(self) -> None:
        assert Credit.objects.get().used == self.owed()

    @invariant()
    def orders_follow_their_parts(self) -> None:
        for order in Order.objects.prefetch_related("consignments", "lines"):
            lines = order.lines.all()
            assert order.total_amount == sum(line.amount for line in lines)
            statuses = {part.status for part in order.consignments.all()}
            assert order.status in (status_of_order(statuses), "rejected")
        stored = dict(Order.objects.values_list("consignments__number", "consignments__status"))
        stored.pop(None, None)
        assert stored == {part.number: part.status for part in self.all}

    @invariant()
    def the_ledger_holds_what_was_accepted(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        net = {
            line: (amount, quantity, weight)
            for line, amount, quantity, weight in LedgerEntry.objects.values_list("order_line_id")
            .annotate(Sum("amount"), Sum("quantity"), Sum("weight_kg"))
        }  # fmt: skip
        assert all(value >= 0 for values in net.values() for value in values)
        accepted = OrderLine.objects.filter(
            ~Q(accepted_quantity=0), accepted_quantity__isnull=False
        )
        assert {line: amount for line, (amount, _quantity, _weight) in net.items()} == {
            line.pk: line.accepted_amount - line.refunded_amount for line in accepted
        }
        refunds = {
            (line.consignment.number, line.number): line.refunded_amount
            for line in OrderLine.objects.select_related("consignment")
        }
        assert refunds == {
            (part.number, line.number): line.refunded for part in self.all for line in part.lines
        }


@pytest.mark.django_db
def test_orders_agree_with_a_plain_model() -> None:
    run_state_machine_as_test(
        Orders, settings=settings(max_examples=15, stateful_step_count=30, deadline=None)
    )
