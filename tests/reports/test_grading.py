"""Evidence moves a sale between grades; what was sold stays to the fen."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.models import Sum
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.refusals import Invalid
from orders.models import Fapiao, Payment
from reports.models import LedgerEntry, Month
from reports.services.grading import (
    enter_fapiao,
    enter_payment,
    regrade,
    reverse_fapiao,
    reverse_payment,
)
from reports.services.months import close_month
from reports.services.totals import roll_up
from reports.services.verifying import verify

from .deliveries import Delivery, shipped
from .ledger import NOW, bearer, entry, insert, person
from .reporting import made, opened, table
from .test_booking import accept, assert_nothing_differs, settle

serial = count(1)
DAY = date(2026, 9, 1)


def invoice(delivery: Delivery, amount: str, now: datetime = NOW) -> Fapiao:
    return enter_fapiao(
        delivery.number,
        fapiao_number=f"{next(serial):020}",
        kind="ordinary",
        issued_on=DAY,
        amount=Decimal(amount),
        buyer_title="机关食堂",
        by=delivery.supplier,
        now=now,
    )


def red_letter(delivery: Delivery, fapiao: Fapiao, now: datetime = NOW) -> Fapiao:
    return reverse_fapiao(
        fapiao.number,
        red_number=f"{next(serial):020}",
        issued_on=DAY,
        by=delivery.supplier,
        now=now,
    )


def pay(delivery: Delivery, amount: str, now: datetime = NOW) -> Payment:
    return enter_payment(
        delivery.number,
        amount=Decimal(amount),
        paid_on=DAY,
        reference=f"BANK-{next(serial)}",
        by=delivery.buyer,
        now=now,
    )


def pay_back(delivery: Delivery, payment: Payment, now: datetime = NOW) -> Payment:
    return reverse_payment(
        payment.pk,
        reference=f"BACK-{next(serial)}",
        paid_on=DAY,
        by=delivery.buyer,
        now=now,
    )


def by_grade(**where: Any) -> dict[int, Decimal]:
    """Return the ledger's yuan by grade, without those that come to nothing."""
    sums = LedgerEntry.objects.filter(**where).values_list("grade").annotate(Sum("amount"))
    return {grade: amount for grade, amount in sums.order_by("grade") if amount}


@pytest.mark.django_db
class TestGrades:
    def test_rise_with_fapiaos_and_then_payments_that_cover_what_is_due(self) -> None:
        delivery = shipped()
        accept(delivery)
        invoice(delivery, "7199.99")
        assert by_grade() == {2: 7200}
        invoice(delivery, "0.01")
        assert by_grade() == {3: 7200}
        pay(delivery, "7199.99")
        assert by_grade() == {3: 7200}
        pay(delivery, "0.01")
        assert by_grade() == {4: 7200}
        assert_nothing_differs()

    def test_need_the_fapiao_before_the_payment_counts(self) -> None:
        delivery = shipped()
        accept(delivery)
        pay(delivery, "7200")
        assert by_grade() == {2: 7200}
        invoice(delivery, "7200")
        assert by_grade() == {4: 7200}
        assert_nothing_differs()

    def test_fall_back_when_the_evidence_is_taken_back(self) -> None:
        delivery = shipped()
        accept(delivery)
        fapiao, payment = invoice(delivery, "7200"), pay(delivery, "7200")
        pay_back(delivery, payment)
        assert by_grade() == {3: 7200}
        pay(delivery, "7200")
        assert by_grade() == {4: 7200}
        red_letter(delivery, fapiao)
        assert by_grade() == {2: 7200}
        assert_nothing_differs()

    def test_rise_when_a_refund_leaves_no_more_than_is_covered(self) -> None:
        delivery = shipped()
        accept(delivery)
        invoice(delivery, "7000")
        pay(delivery, "7000")
        settle(delivery, "199.99", line1="1")
        assert by_grade() == {2: Decimal("7000.01")}
        settle(delivery, "0.01", line1="1")
        assert by_grade() == {4: 7000}
        assert_nothing_differs()

    def test_are_those_of_one_consignment(self) -> None:
        one, other = shipped(), shipped()
        accept(one)
        accept(other)
        invoice(one, "7200")
        assert by_grade() == {2: 7200, 3: 7200}

    def test_of_what_was_refunded_whole_stay(self) -> None:
        delivery = shipped()
        accept(delivery)
        fapiao = invoice(delivery, "7200")
        settle(delivery, "7200", line1="10")
        assert by_grade() == {}
        booked = LedgerEntry.objects.count()
        red_letter(delivery, fapiao)
        assert LedgerEntry.objects.count() == booked
        assert_nothing_differs()

    def test_of_nothing_accepted_have_nothing_to_prove(self) -> None:
        delivery = shipped()
        accept(delivery, "0")
        with pytest.raises(Invalid):
            invoice(delivery, "0.01")
        assert regrade(delivery.lines[0].consignment_id, now=NOW) == 0


@pytest.mark.django_db
class TestRegrade:
    def test_books_what_is_left_as_a_pair_that_adds_up_to_nothing(self) -> None:
        delivery = shipped({"pair_district_code": "440105"})
        (sale,) = accept(delivery)
        settle(delivery, "1080.00", line1="3")
        later = NOW + timedelta(days=10)
        invoice(delivery, "6120", now=later)
        out, back = LedgerEntry.objects.filter(source="regrade").order_by("id")
        assert (out.grade, back.grade) == (2, 3)
        assert (back.quantity, back.weight_kg, back.amount) == (
            Decimal("8.500"),
            Decimal("157.250"),
            Decimal("6120.00"),
        )
        assert (out.quantity, out.weight_kg, out.amount) == (
            -back.quantity,
            -back.weight_kg,
            -back.amount,
        )
        for half in (out, back):
            assert (half.booked_at, half.month) == (later, date(2026, 12, 1))
            assert (half.corrects, half.corrects_month) == (sale, None)
            assert half.reason == "evidence: E2 to E3"
            for name in ("order_line_id", "rule_id", "product_name", "category_code", "kind",
                         "county_code", "supplier_code", "buyer_code", "buyer_kind", "region_code",
                         "pair_district_code", "channel", "is_recognised", "unit"):  # fmt: skip
                assert getattr(half, name) == getattr(sale, name)

    def test_points_to_the_closed_month_of_the_sale(self) -> None:
        delivery = shipped()
        accept(delivery, now=NOW - timedelta(days=30))
        for name in ("first", "second"):
            close_month(date(2026, 10, 1), by=person(name), now=NOW)
        invoice(delivery, "7200")
        pairs = LedgerEntry.objects.filter(source="regrade")
        assert set(pairs.values_list("month", "corrects_month")) == {
            (date(2026, 11, 1), date(2026, 10, 1))
        }
        assert by_grade(month=date(2026, 10, 1)) == {2: 7200}
        assert by_grade(month=date(2026, 11, 1)) == {2: -7200, 3: 7200}
        assert_nothing_differs()

    def test_books_nothing_twice(self) -> None:
        delivery = shipped()
        accept(delivery)
        fapiao = invoice(delivery, "7200")
        assert regrade(fapiao.consignment_id, now=NOW) == 0
        assert LedgerEntry.objects.count() == 3

    def test_leaves_lines_alone_of_which_nothing_is_left(self) -> None:
        delivery = shipped({}, {}, {})
        accept(delivery, "10", "0", "10")
        settle(delivery, "7200", line1="10")
        invoice(delivery, "7200")
        moved = LedgerEntry.objects.filter(source="regrade").values_list("order_line", flat=True)
        assert set(moved) == {delivery.lines[2].pk}

    def test_takes_a_later_refund_off_where_the_sale_lies_now(self) -> None:
        delivery = shipped()
        accept(delivery)
        invoice(delivery, "7200")
        pay(delivery, "7200")
        settle(delivery, "1080.00", line1="3")
        refund = LedgerEntry.objects.get(source="claim")
        assert (refund.grade, refund.quantity, refund.amount) == (4, Decimal("-1.5"), -1080)
        assert by_grade() == {4: 6120}
        settle(delivery, "6120.00", line1="10")
        net = LedgerEntry.objects.aggregate(Sum("quantity"), Sum("weight_kg"), Sum("amount"))
        assert set(net.values()) == {0}
        assert_nothing_differs()

    def test_takes_as_many_queries_for_one_line_as_for_twenty(
        self, django_assert_max_num_queries: Any
    ) -> None:
        for lines in (1, 20):
            delivery = shipped(*[{}] * lines)
            accept(delivery)
            with django_assert_max_num_queries(13):
                invoice(delivery, str(7200 * lines))
            assert by_grade()[3]

    def test_is_an_entry_with_its_line_and_its_sale(self) -> None:
        row = entry(source="regrade")
        with connection.cursor() as cursor, pytest.raises(IntegrityError, match="has_its_source"):
            insert(cursor, row)


@pytest.mark.django_db
class TestFigures:
    def test_at_a_grade_change_and_totals_do_not(self, client: Client) -> None:
        delivery, other = shipped(), shipped()
        accept(delivery)
        accept(other)
        invoice(delivery, "7200")
        pay(delivery, "7200")
        roll_up(now=NOW)
        headers = bearer(person("office"))
        amounts = [
            client.get(f"/api/v1/totals/?grade={grade}", headers=headers).json()["total"]["amount"]
            for grade in ("E0", "E1", "E2", "E3", "E4")
        ]
        assert amounts == ["14400.00", "14400.00", "14400.00", "7200.00", "7200.00"]

    def test_over_http_ask_for_a_roll_up(self, client: Client) -> None:
        delivery = shipped()
        accept(delivery)
        body = {"number": "1" * 20, "kind": "special", "issued_on": "2026-11-01",
                "amount": "7200", "buyer_title": "机关食堂"}  # fmt: skip
        answer = client.post(
            f"/api/v1/consignments/{delivery.number}/fapiao/",
            body,
            content_type="application/json",
            headers=bearer(delivery.supplier),
        )
        assert answer.status_code == 201
        assert by_grade() == {3: 7200}

    def test_verify_finds_a_grade_that_nothing_proves(self) -> None:
        delivery = shipped()
        accept(delivery)
        invoice(delivery, "7200")
        roll_up(now=NOW)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("DELETE FROM orders_fapiao")
        (check,) = [check for check in verify(now=NOW) if check.findings]
        assert check.name == "grades follow the evidence"
        assert check.findings == [{"consignment": delivery.number, "booked": 3, "proved": 2}]
        with pytest.raises(Exception, match="Not everything agrees"):
            call_command("verify")


@pytest.mark.django_db(transaction=True)
class TestFiles:
    def test_list_a_change_of_evidence_as_evidence_and_not_as_a_return(self) -> None:
        delivery = shipped()
        accept(delivery)
        invoice(delivery, "7200")
        settle(delivery, "7200", line1="10")
        roll_up(now=NOW)
        book = opened(made(by=person("office"), month=date(2026, 11, 1)))
        evidence = [row["证据等级"] for row in table(book["6 证据清单"], "条目号")]
        assert evidence == ["E2", "E2", "E3", "E3"]
        returns = table(book["7 退货与更正"], "条目号")
        assert [(row["证据等级"], row["金额（元）"]) for row in returns] == [("E3", -7200)]

    def test_leave_a_change_of_evidence_out_of_statements(self) -> None:
        delivery = shipped()
        accept(delivery, now=NOW - timedelta(days=30))
        invoice(delivery, "7200")
        for kind, by in (
            ("supplier_statement", delivery.supplier),
            ("buyer_certificate", delivery.buyer),
        ):
            report = made(kind, by=by, month=date(2026, 11, 1))
            assert report.rows == 0


YUAN = st.sampled_from(["0.01", "1", "33.33", "50", "99.99", "100"]).map(Decimal)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["accept", "invoice", "pay", "settle", "red_letter", "pay_back", "close"]),
        st.integers(0, 1),
        st.integers(0, 3),
        YUAN,
    ),
    max_size=25,
)


@dataclass
class Model:
    """A consignment of two lines as a few numbers."""

    delivery: Delivery
    sold: Decimal = Decimal(0)
    left: list[Decimal] = field(default_factory=list)
    fapiaos: list[Fapiao] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)

    @property
    def due(self) -> Decimal:
        return sum(self.left, Decimal(0))

    @property
    def grade(self) -> int:
        if sum(fapiao.amount for fapiao in self.fapiaos) < self.due:
            return 2
        return 4 if sum(payment.amount for payment in self.payments) >= self.due else 3


class TestAnyHistory(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(steps=STEPS)
    def test_leaves_the_sums_by_grade_that_a_plain_model_has(self, steps: list[Any]) -> None:
        lines = [
            {"unit_price": Decimal(10), "quantity": Decimal(10)},
            {"unit_price": Decimal("3.3333")},
        ]
        models = [Model(shipped(*lines)), Model(shipped(*lines))]
        now = NOW - timedelta(days=60)
        closers = person("first"), person("second")
        refunds = Decimal(0)
        for step, which, index, amount in steps:
            model = models[which]
            delivery = model.delivery
            now += timedelta(days=2)
            if step == "close":
                month = (now.date().replace(day=1) - timedelta(days=1)).replace(day=1)
                if not Month.objects.sealed().filter(month=month).exists():
                    for by in closers:
                        close_month(month, by=by, now=now)
                continue
            if step == "accept":
                if not model.left:
                    accept(delivery, now=now)
                    model.left = [Decimal("100.00"), Decimal("33.33")]
                    model.sold = model.due
                continue
            if not model.left:
                continue
            self.prove(model, step, index, amount, now)
            if step == "settle":
                share = min(amount, model.left[index % 2])
                settle(delivery, str(share), now=now, **{f"line{index % 2 + 1}": "10"})
                model.left[index % 2] -= share
                refunds += share
        expected: dict[int, Decimal] = defaultdict(Decimal)
        for model in models:
            if model.due:
                expected[model.grade] += model.due
        assert by_grade() == dict(expected)
        sums = LedgerEntry.objects.aggregate(amount=Sum("amount"))
        assert (sums["amount"] or 0) == sum(model.sold for model in models) - refunds
        for net in (
            LedgerEntry.objects.values("order_line", "grade")
            .annotate(a=Sum("amount"), q=Sum("quantity"), w=Sum("weight_kg"))
            .order_by()
        ):
            assert min(net["a"], net["q"], net["w"]) >= 0
        assert_nothing_differs()

    def prove(self, model: Model, step: str, index: int, amount: Decimal, now: datetime) -> None:
        """Enter evidence or take some back, if there is any or room for it."""
        for word, undo, enter, take_back, kept in (
            ("invoice", "red_letter", invoice, red_letter, model.fapiaos),
            ("pay", "pay_back", pay, pay_back, model.payments),
        ):
            room = model.due - sum(row.amount for row in kept)
            if step == word and room > 0:
                # The second choice is what is left, or no history would cover anything.
                kept.append(enter(model.delivery, str(min(amount, room) if index else room), now))
            elif step == word:
                with pytest.raises(Invalid):
                    enter(model.delivery, "0.01", now)
            elif step == undo and kept:
                take_back(model.delivery, kept.pop(index % len(kept)), now)
