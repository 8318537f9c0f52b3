"""What a buyer accepts becomes a sale, and what a claim refunds is taken off again."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from kombu.exceptions import OperationalError

from accounts.models import User
from accounts.refusals import Forbidden, Invalid, NotFound
from config.celery import app
from orders.models import Consignment, OrderLine
from orders.services.steps import WrongState
from reports.models import LedgerEntry
from reports.services.booking import accept_delivery, book_accepted, settle_claim
from reports.services.months import close_month
from reports.services.totals import roll_up
from reports.services.verifying import verify
from reports.tasks import roll_up as roll_up_task

from .deliveries import Delivery, shipped
from .ledger import NOW, SHANGHAI, bearer, person, rule


def accept(delivery: Delivery, *quantities: str, now: datetime = NOW) -> list[LedgerEntry]:
    """Accept quantities of the lines, all of what was shipped where none is given."""
    given = quantities or [str(line.shipped_quantity) for line in delivery.lines]
    accept_delivery(
        delivery.number,
        accepted={
            number: (Decimal(quantity), "破损" if quantities else "")
            for number, quantity in enumerate(given, start=1)
        },
        by=delivery.buyer,
        now=now,
    )
    return list(LedgerEntry.objects.order_by("id"))


def settle(delivery: Delivery, amount: str, now: datetime = NOW, **claimed: str) -> None:
    claim = delivery.claim(**claimed)
    settle_claim(claim.pk, amount=Decimal(amount), by=delivery.supplier, now=now)


def assert_nothing_differs() -> None:
    roll_up(now=NOW)
    assert {check.name: check.findings for check in verify(now=NOW) if check.findings} == {}


@pytest.mark.django_db
class TestAcceptDelivery:
    def test_books_each_line_with_everything_that_was_agreed(self) -> None:
        delivery = shipped({"pair_district_code": "440105"})
        (entry,) = accept(delivery)
        assert entry.source == "acceptance"
        assert (entry.booked_at, entry.month, entry.occurred_on) == (
            NOW,
            date(2026, 11, 1),
            date(2026, 11, 24),
        )
        assert (entry.rule_id, entry.grade, entry.kind) == (1, 2, "procured")
        assert entry.reason == "counts: buyer kind canteen is procured (rule 1)"
        assert (entry.quantity, entry.unit, entry.weight_kg) == (10, "case", Decimal("185.000"))
        assert entry.amount == Decimal("7200.00")
        assert (entry.county_code, entry.region_code, entry.pair_district_code) == (
            "522729",
            "440105",
            "440105",
        )
        assert (entry.category_code, entry.channel, entry.is_recognised) == (
            "eggs",
            "platform",
            True,
        )
        consignment = Consignment.objects.get()
        assert entry.supplier_code == consignment.supplier.code
        assert entry.buyer_code == consignment.order.buyer.code
        assert entry.order_line_id == delivery.lines[0].pk
        assert_nothing_differs()

    @pytest.mark.parametrize(
        ("buyer_kind", "kind"), [("school", "procured"), ("wholesale", "helped_sell")]
    )
    def test_derives_the_contribution_from_the_rule(self, buyer_kind: str, kind: str) -> None:
        (entry,) = accept(shipped(buyer_kind=buyer_kind))
        assert entry.kind == kind

    def test_follows_the_rule_in_force_on_the_local_day(self) -> None:
        rule(in_force_from=date(2026, 11, 24), kind_by_buyer_kind={"canteen": "helped_sell"})
        midnight = datetime(2026, 11, 24, tzinfo=SHANGHAI)
        accept(shipped(), now=midnight - timedelta.resolution)
        accept(shipped(), now=midnight)
        assert list(LedgerEntry.objects.order_by("id").values_list("rule_id", "kind")) == [
            (1, "procured"),
            (2, "helped_sell"),
        ]

    def test_counts_the_accepted_weight_of_a_weighed_line(self) -> None:
        fish = {
            "unit": "jin",
            "net_weight_kg": Decimal("0.5"),
            "is_weighed": True,
            "unit_price": Decimal("22.3456"),
            "quantity": Decimal("1000"),
            "shipped_quantity": Decimal("1010.5"),
        }
        (entry,) = accept(shipped(fish), "1003.333")
        assert entry.weight_kg == Decimal("501.667")
        assert entry.amount == Decimal("22420.08")

    @pytest.mark.parametrize(
        ("quantity", "price", "amount"),
        [("0.5", "0.25", "0.13"), ("1.5", "0.07", "0.11"), ("0.333", "1", "0.33")],
    )
    def test_rounds_half_up_once_a_line(self, quantity: str, price: str, amount: str) -> None:
        line = {"quantity": Decimal(quantity), "unit_price": Decimal(price)}
        (entry,) = accept(shipped(line))
        assert entry.amount == Decimal(amount)

    def test_books_nothing_for_a_line_that_was_refused_whole(self) -> None:
        entries = accept(shipped({}, {}), "0", "4")
        assert [(entry.quantity, entry.amount) for entry in entries] == [(4, 2880)]
        assert_nothing_differs()

    def test_a_second_acceptance_changes_nothing(self) -> None:
        delivery = shipped()
        accept(delivery, "4")
        with pytest.raises(WrongState):
            accept(delivery, "5")
        assert book_accepted(0, 2**60) == 0
        assert [entry.quantity for entry in LedgerEntry.objects.all()] == [4]

    def test_refuses_more_than_was_shipped_and_books_nothing(self) -> None:
        with pytest.raises(Invalid):
            accept(shipped({}, {}), "10", "11")
        assert not LedgerEntry.objects.exists()
        assert OrderLine.objects.filter(accepted_quantity=None).count() == 2

    def test_is_the_buyers_alone(self) -> None:
        delivery, other = shipped(), shipped()
        for stranger, refusal in (
            (other.buyer, NotFound),
            (other.supplier, NotFound),
            (delivery.supplier, Forbidden),
        ):
            with pytest.raises(refusal):
                accept_delivery(
                    delivery.number, accepted={1: (Decimal(10), "")}, by=stranger, now=NOW
                )
        assert not LedgerEntry.objects.exists()

    def test_takes_as_many_queries_for_one_line_as_for_twenty(
        self, django_assert_max_num_queries: Any
    ) -> None:
        for lines in (1, 20):
            delivery = shipped(*[{}] * lines)
            with django_assert_max_num_queries(12):
                accept(delivery)

    def test_no_line_is_accepted_without_its_entry(self) -> None:
        delivery = shipped()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        line = OrderLine.objects.filter(pk=delivery.lines[0].pk)
        with pytest.raises(IntegrityError, match="without a ledger entry"):
            line.update(accepted_quantity=1, accepted_amount=720)


@pytest.mark.django_db
class TestSettleClaim:
    def test_books_the_refund_against_the_sale(self) -> None:
        delivery = shipped()
        (sale,) = accept(delivery)
        settle(delivery, "1080.00", now=NOW + timedelta(days=10), line1="3")
        refund = LedgerEntry.objects.get(source="claim")
        assert refund.corrects == sale
        assert refund.corrects_month is None
        assert refund.month == date(2026, 12, 1)
        assert (refund.amount, refund.quantity, refund.weight_kg) == (
            Decimal("-1080.00"),
            Decimal("-1.500"),
            Decimal("-27.750"),
        )
        for name in ("category_code", "county_code", "supplier_code", "kind", "grade", "rule_id"):
            assert getattr(refund, name) == getattr(sale, name)
        assert_nothing_differs()

    def test_points_to_the_closed_month_that_it_corrects(self) -> None:
        delivery = shipped()
        accept(delivery, now=NOW - timedelta(days=30))
        for name in ("first", "second"):
            close_month(date(2026, 10, 1), by=person(name), now=NOW)
        settle(delivery, "100.00", line1="3")
        refund = LedgerEntry.objects.get(source="claim")
        assert (refund.month, refund.corrects_month) == (date(2026, 11, 1), date(2026, 10, 1))
        assert_nothing_differs()

    def test_books_nothing_for_a_claim_that_is_settled_with_nothing(self) -> None:
        delivery = shipped()
        accept(delivery)
        settle(delivery, "0.00", line1="3")
        assert not LedgerEntry.objects.filter(source="claim").exists()
        assert_nothing_differs()

    def test_refuses_to_settle_twice(self) -> None:
        delivery = shipped()
        accept(delivery)
        claim = delivery.claim(line1="3")
        settle_claim(claim.pk, amount=Decimal(100), by=delivery.supplier, now=NOW)
        with pytest.raises(WrongState):
            settle_claim(claim.pk, amount=Decimal(50), by=delivery.supplier, now=NOW)
        assert LedgerEntry.objects.filter(source="claim").count() == 1

    def test_is_the_offices_and_the_suppliers(self) -> None:
        delivery, other = shipped(), shipped()
        accept(delivery)
        claim = delivery.claim(line1="3")
        for stranger, refusal in (
            (delivery.buyer, Forbidden),
            (other.buyer, NotFound),
            (other.supplier, NotFound),
            (person("auditor", "auditor"), Forbidden),
        ):
            with pytest.raises(refusal):
                settle_claim(claim.pk, amount=Decimal(1), by=stranger, now=NOW)
        settle_claim(claim.pk, amount=Decimal(1), by=person("office"), now=NOW)


def post(client: Client, address: str, body: dict[str, Any], by: User | None) -> Any:
    headers = bearer(by) if by else {}
    return client.post(
        f"/api/v1{address}", json.dumps(body), content_type="application/json", headers=headers
    )


@pytest.mark.django_db
class TestOverHTTP:
    def test_an_acceptance_and_a_claim_are_booked(self, client: Client) -> None:
        delivery = shipped()
        body = {"lines": [{"line": 1, "quantity": "9", "reason": "破损一件"}]}
        answer = post(client, f"/consignments/{delivery.number}/accept/", body, delivery.buyer)
        assert answer.status_code == 200
        assert answer.json()["status"] == "accepted"
        assert answer.json()["lines"][0]["accepted_quantity"] == "9"
        again = post(client, f"/consignments/{delivery.number}/accept/", body, delivery.buyer)
        assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
        claim = delivery.claim(line1="1")
        answer = post(client, f"/claims/{claim.pk}/settle/", {"amount": "20"}, delivery.supplier)
        assert (answer.status_code, answer.json()["status"]) == (200, "settled")
        amounts = LedgerEntry.objects.order_by("id").values_list("amount", flat=True)
        assert list(amounts) == [Decimal("6480.00"), Decimal("-20.00")]
        assert_nothing_differs()

    def test_strangers_are_told_nothing(self, client: Client) -> None:
        delivery, other = shipped(), shipped()
        accept(delivery)
        claim = delivery.claim(line1="1")
        body = {"lines": [{"line": 1, "quantity": "10"}]}
        accepting = f"/consignments/{shipped().number}/accept/"
        settling = f"/claims/{claim.pk}/settle/"
        for by, status in ((None, 401), (other.buyer, 404), (other.supplier, 404)):
            assert post(client, accepting, body, by).status_code == status
            assert post(client, settling, {"amount": "1"}, by).status_code == status
        assert post(client, settling, {"amount": "1"}, delivery.buyer).status_code == 403
        assert LedgerEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_accepts_while_the_broker_is_down(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # The first is answered by the second unless it is set, so it is remembered before.
    for name in ("broker_write_url", "broker_url"):
        monkeypatch.setattr(app.conf, name, "redis+socket:///nowhere.sock")
    # Forget the connections that other tests have opened.
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    with pytest.raises(OperationalError):
        roll_up_task.delay()
    delivery = shipped()
    body = {"lines": [{"line": 1, "quantity": "10"}]}
    answer = post(client, f"/consignments/{delivery.number}/accept/", body, delivery.buyer)
    assert answer.status_code == 200
    assert LedgerEntry.objects.count() == 1


class TestAnyRefunds(TestCase):
    @settings(max_examples=10, deadline=None)
    @given(
        price=st.integers(1, 99_999).map(lambda n: Decimal(n) / 10_000),
        accepted=st.integers(1, 10_000).map(lambda n: Decimal(n) / 1000),
        shares=st.lists(st.integers(0, 100), min_size=1, max_size=4),
    )
    def test_never_leave_less_than_nothing_of_a_line(
        self, price: Decimal, accepted: Decimal, shares: list[int]
    ) -> None:
        delivery = shipped({"unit_price": price, "quantity": Decimal(10)})
        accept(delivery, str(accepted))
        line = delivery.lines[0]
        for share in shares:
            line.refresh_from_db()
            left = line.accepted_amount - line.refunded_amount
            amount = (left * share / 100).quantize(Decimal("0.01"))
            settle(delivery, str(amount), line1=str(accepted))
        net = list(LedgerEntry.objects.filter(order_line=line).order_by("id"))
        assert sum(entry.amount for entry in net) >= 0
        assert sum(entry.quantity for entry in net) >= 0
        assert sum(entry.weight_kg for entry in net) >= 0
        if net[0].amount and not sum(entry.amount for entry in net):
            assert sum(entry.quantity for entry in net) == 0
        assert_nothing_differs()


@pytest.mark.django_db
def test_verify_finds_an_acceptance_that_was_not_booked_as_accepted() -> None:
    delivery = shipped()
    accept(delivery)
    roll_up(now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    OrderLine.objects.filter(pk=delivery.lines[0].pk).update(accepted_amount=1)
    with pytest.raises(Exception, match="Not everything agrees"):
        call_command("verify")
