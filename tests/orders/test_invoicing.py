"""Fapiaos and payments prove at most what is due, by those who may, and stay."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from orders.models import Consignment, Fapiao, OrderEvent, Payment
from tests.factories import UserFactory
from tests.sessions import held_open

from .market import Market, Person, refused

serial = count(1)


def day(days: int = 0) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def invoice(by: Person, consignment: str, amount: str = "100", **fields: Any) -> Any:
    body = {
        "number": f"{next(serial):020}",
        "kind": "electronic",
        "issued_on": day(),
        "amount": amount,
        "buyer_title": "海珠区机关食堂",
        **fields,
    }
    return by.post(f"/consignments/{consignment}/fapiao/", body)


def pay(by: Person, number: str, amount: str = "100", **fields: Any) -> Any:
    body = {"amount": amount, "paid_on": day(), "reference": f"BANK-{next(serial)}", **fields}
    return by.post(f"/consignments/{number}/payments/", body)


def red_letter(by: Person, fapiao: str, **fields: Any) -> Any:
    body = {"number": f"{next(serial):020}", "issued_on": day(), **fields}
    return by.post(f"/fapiao/{fapiao}/reverse/", body)


def pay_back(by: Person, key: int, **fields: Any) -> Any:
    body = {"reference": f"BACK-{next(serial)}", "paid_on": day(), **fields}
    return by.post(f"/payments/{key}/reverse/", body)


def entered(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.fixture
def number(market: Market) -> str:
    """Return an accepted consignment of 7,200 yuan."""
    return market.accepted((market.eggs, "10"))


class TestEnteringAFapiao:
    def test_answers_with_it(self, market: Market, number: str) -> None:
        fapiao = entered(invoice(market.sam, number, "7200", number="1" * 20))
        assert fapiao.pop("entered_at").endswith("+08:00")
        assert fapiao == {
            "number": "1" * 20,
            "consignment": number,
            "kind": "electronic",
            "issued_on": day(),
            "amount": "7200.00",
            "buyer_title": "海珠区机关食堂",
            "reverses": None,
            "reversed_by": None,
        }
        (listed,) = market.alice.get(f"/consignments/{number}/fapiao/").json()["results"]
        assert (listed["number"], listed["amount"]) == ("1" * 20, "7200.00")

    def test_is_kept_in_the_orders_history_and_the_audit_trail(
        self, market: Market, number: str
    ) -> None:
        entered(invoice(market.sam, number, "7200", number="1" * 20))
        event = OrderEvent.objects.latest("id")
        assert (event.kind, event.by, event.consignment.number) == (
            "invoiced",
            market.sam.user,
            number,
        )
        audited = AuditEntry.objects.latest("id")
        assert (audited.action, audited.subject, audited.by) == (
            "enter_fapiao",
            "1" * 20,
            market.sam.user,
        )
        assert audited.after == {"consignment": number, "amount": "7200", "reverses": None}

    @pytest.mark.parametrize("who", ["sam", "olga"])
    def test_is_the_suppliers_and_the_offices(self, market: Market, number: str, who: str) -> None:
        entered(invoice(getattr(market, who), number))

    @pytest.mark.parametrize("who", ["alice", "ada", "fay", "vic"])
    def test_is_not_the_buyers(self, market: Market, number: str, who: str) -> None:
        refused(invoice(getattr(market, who), number), 403, "forbidden")
        assert not Fapiao.objects.exists()

    def test_waits_for_the_acceptance(self, market: Market) -> None:
        number = market.confirmed()["consignments"][0]["number"]
        refused(invoice(market.sam, number), 409, "wrong_state")
        market.ship(number, "10")
        refused(invoice(market.olga, number), 409, "wrong_state")

    def test_is_of_at_most_what_is_due_over_all(self, market: Market, number: str) -> None:
        entered(invoice(market.sam, number, "7000"))
        answer = invoice(market.sam, number, "200.01")
        assert refused(answer, 400, "invalid") == {("/amount", "invalid")}
        assert "200.00" in answer.json()["errors"][0]["detail"]
        market.settle(market.claimed(number), "150")
        assert refused(invoice(market.sam, number, "50.01"), 400, "invalid")
        entered(invoice(market.sam, number, "50"))
        assert refused(invoice(market.sam, number, "0.01"), 400, "invalid")

    def test_has_a_number_of_its_own(self, market: Market, number: str) -> None:
        taken = entered(invoice(market.sam, number))["number"]
        other = market.accepted()
        answer = invoice(market.sam, other, number=taken)
        assert refused(answer, 400, "invalid") == {("/number", "invalid")}

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"number": "1" * 19}, "/number"),
            ({"number": "1" * 21}, "/number"),
            ({"number": "１" * 20}, "/number"),
            ({"number": "1" * 19 + "A"}, "/number"),
            ({"number": 12345678901234567890}, "/number"),
            ({"kind": "paper"}, "/kind"),
            ({"issued_on": "yesterday"}, "/issued_on"),
            ({"issued_on": day(1)}, "/issued_on"),
            ({"amount": "0"}, "/amount"),
            ({"amount": "-1"}, "/amount"),
            ({"amount": "1.001"}, "/amount"),
            ({"amount": "NaN"}, "/amount"),
            ({"buyer_title": ""}, "/buyer_title"),
            ({"buyer_title": "食" * 101}, "/buyer_title"),
        ],
    )
    def test_refuses_other_shapes(
        self, market: Market, number: str, change: dict[str, Any], pointer: str
    ) -> None:
        answer = invoice(market.sam, number, **change)
        assert {found for found, _code in refused(answer, 400, "invalid")} == {pointer}
        assert not Fapiao.objects.exists()

    def test_refuses_unknown_fields(self, market: Market, number: str) -> None:
        refused(invoice(market.sam, number, tax="1"), 400, "unknown_field")


class TestReversingAFapiao:
    def test_is_answered_by_a_red_letter_one_of_the_same_amount(
        self, market: Market, number: str
    ) -> None:
        fapiao = entered(invoice(market.sam, number, "7200", kind="special"))
        red = entered(red_letter(market.sam, fapiao["number"], number="9" * 20))
        assert (red["number"], red["reverses"]) == ("9" * 20, fapiao["number"])
        assert [red[name] for name in ("amount", "kind", "buyer_title")] == [
            "7200.00",
            "special",
            "海珠区机关食堂",
        ]
        listed = market.fay.get(f"/consignments/{number}/fapiao/").json()["results"]
        assert [row["reversed_by"] for row in listed] == [None, "9" * 20]
        assert OrderEvent.objects.latest("id").kind == "invoice_reversed"
        assert AuditEntry.objects.latest("id").action == "reverse_fapiao"

    def test_makes_room_for_the_right_one(self, market: Market, number: str) -> None:
        fapiao = entered(invoice(market.sam, number, "7200"))
        entered(red_letter(market.sam, fapiao["number"]))
        entered(invoice(market.sam, number, "7200"))
        assert Fapiao.objects.all().net_amount() == 7200

    def test_happens_once_and_is_final(self, market: Market, number: str) -> None:
        fapiao = entered(invoice(market.sam, number))
        red = entered(red_letter(market.sam, fapiao["number"]))
        refused(red_letter(market.sam, fapiao["number"]), 409, "wrong_state")
        refused(red_letter(market.sam, red["number"]), 409, "wrong_state")
        assert Fapiao.objects.count() == 2

    def test_refuses_a_taken_number_and_a_day_to_come(self, market: Market, number: str) -> None:
        fapiao = entered(invoice(market.sam, number))["number"]
        for change, pointer in (
            ({"number": fapiao}, "/number"),
            ({"issued_on": day(1)}, "/issued_on"),
        ):
            answer = red_letter(market.sam, fapiao, **change)
            assert refused(answer, 400, "invalid") == {(pointer, "invalid")}

    @pytest.mark.parametrize("who", ["alice", "ada", "fay", "vic"])
    def test_is_not_the_buyers(self, market: Market, number: str, who: str) -> None:
        fapiao = entered(invoice(market.sam, number))["number"]
        refused(red_letter(getattr(market, who), fapiao), 403, "forbidden")


class TestEnteringAPayment:
    def test_answers_with_it(self, market: Market, number: str) -> None:
        payment = entered(pay(market.fay, number, "7200", reference="ICBC-1"))
        assert payment.pop("entered_at").endswith("+08:00")
        assert payment == {
            "id": Payment.objects.get().pk,
            "consignment": number,
            "amount": "7200.00",
            "paid_on": day(),
            "reference": "ICBC-1",
            "reverses": None,
            "reversed_by": None,
        }
        (listed,) = market.sam.get(f"/consignments/{number}/payments/").json()["results"]
        assert (listed["id"], listed["reference"]) == (payment["id"], "ICBC-1")
        assert OrderEvent.objects.latest("id").kind == "paid"
        assert AuditEntry.objects.latest("id").action == "enter_payment"

    @pytest.mark.parametrize("who", ["fay", "alice", "ada", "olga"])
    def test_is_the_buyers_who_pay_and_the_offices(
        self, market: Market, number: str, who: str
    ) -> None:
        entered(pay(getattr(market, who), number))

    @pytest.mark.parametrize("who", ["vic", "sam"])
    def test_is_nobody_elses(self, market: Market, number: str, who: str) -> None:
        refused(pay(getattr(market, who), number), 403, "forbidden")
        assert not Payment.objects.exists()

    def test_waits_for_the_acceptance(self, market: Market) -> None:
        number = market.confirmed()["consignments"][0]["number"]
        refused(pay(market.fay, number), 409, "wrong_state")

    def test_is_of_at_most_what_is_due_over_all(self, market: Market, number: str) -> None:
        market.settle(market.claimed(number), "200")
        entered(pay(market.fay, number, "6999.99"))
        answer = pay(market.fay, number, "0.02")
        assert refused(answer, 400, "invalid") == {("/amount", "invalid")}
        entered(pay(market.fay, number, "0.01"))

    def test_has_a_reference_of_its_own_in_the_consignment(
        self, market: Market, number: str
    ) -> None:
        entered(pay(market.fay, number, reference="ICBC-1"))
        answer = pay(market.fay, number, reference="ICBC-1")
        assert refused(answer, 400, "invalid") == {("/reference", "invalid")}
        entered(pay(market.fay, market.accepted(), reference="ICBC-1"))

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"amount": "0"}, "/amount"),
            ({"amount": "1e2"}, "/amount"),
            ({"paid_on": day(1)}, "/paid_on"),
            ({"paid_on": ""}, "/paid_on"),
            ({"reference": ""}, "/reference"),
            ({"reference": "x" * 61}, "/reference"),
        ],
    )
    def test_refuses_other_shapes(
        self, market: Market, number: str, change: dict[str, Any], pointer: str
    ) -> None:
        answer = pay(market.fay, number, **change)
        assert {found for found, _code in refused(answer, 400, "invalid")} == {pointer}


class TestReversingAPayment:
    def test_is_answered_by_one_of_the_same_amount(self, market: Market, number: str) -> None:
        payment = entered(pay(market.fay, number, "7200"))
        back = entered(pay_back(market.fay, payment["id"]))
        assert (back["reverses"], back["amount"]) == (payment["id"], "7200.00")
        listed = market.fay.get(f"/consignments/{number}/payments/").json()["results"]
        assert [row["reversed_by"] for row in listed] == [None, back["id"]]
        entered(pay(market.fay, number, "7200"))
        assert Payment.objects.all().net_amount() == 7200
        assert OrderEvent.objects.filter(kind="payment_reversed").exists()
        assert AuditEntry.objects.filter(action="reverse_payment").exists()

    def test_happens_once_and_is_final(self, market: Market, number: str) -> None:
        payment = entered(pay(market.fay, number))
        back = entered(pay_back(market.olga, payment["id"]))
        refused(pay_back(market.fay, payment["id"]), 409, "wrong_state")
        refused(pay_back(market.fay, back["id"]), 409, "wrong_state")

    def test_refuses_a_taken_reference_and_a_day_to_come(self, market: Market, number: str) -> None:
        key = entered(pay(market.fay, number, reference="ICBC-1"))["id"]
        for change, pointer in (
            ({"reference": "ICBC-1"}, "/reference"),
            ({"paid_on": day(1)}, "/paid_on"),
        ):
            answer = pay_back(market.fay, key, **change)
            assert refused(answer, 400, "invalid") == {(pointer, "invalid")}

    @pytest.mark.parametrize("who", ["vic", "sam"])
    def test_is_not_everybodys(self, market: Market, number: str, who: str) -> None:
        key = entered(pay(market.fay, number))["id"]
        refused(pay_back(getattr(market, who), key), 403, "forbidden")


class TestStrangers:
    @pytest.mark.parametrize("who", ["stranger", "bob", "stella"])
    def test_find_nothing(self, market: Market, number: str, who: str) -> None:
        market.stranger = Person(UserFactory())
        person = getattr(market, who)
        fapiao = entered(invoice(market.sam, number))["number"]
        payment = entered(pay(market.fay, number))["id"]
        for answer in (
            person.get(f"/consignments/{number}/fapiao/"),
            person.get(f"/consignments/{number}/payments/"),
            person.get("/consignments/nothing/fapiao/"),
            invoice(person, number),
            pay(person, number),
            red_letter(person, fapiao),
            pay_back(person, payment),
            red_letter(person, "8" * 20),
            pay_back(person, 2**70),
        ):
            refused(answer, 404, "not_found")
        assert (Fapiao.objects.count(), Payment.objects.count()) == (1, 1)

    def test_without_a_key_are_told_nothing(self, market: Market, number: str) -> None:
        market.bob.key = "wrong"
        refused(invoice(market.bob, number), 401, "not_authenticated")
        refused(market.bob.get(f"/consignments/{number}/payments/"), 401, "not_authenticated")

    def test_auditors_look_and_enter_nothing(self, market: Market, number: str) -> None:
        auditor = Person(UserFactory(role=User.Role.AUDITOR))
        fapiao = entered(invoice(market.sam, number))["number"]
        payment = entered(pay(market.fay, number))["id"]
        assert len(auditor.get(f"/consignments/{number}/fapiao/").json()["results"]) == 1
        assert len(auditor.get(f"/consignments/{number}/payments/").json()["results"]) == 1
        for answer in (
            invoice(auditor, number),
            pay(auditor, number),
            red_letter(auditor, fapiao),
            pay_back(auditor, payment),
        ):
            refused(answer, 403, "forbidden")


class TestTheAdmin:
    def test_shows_suppliers_their_own_and_lets_nobody_change_any(
        self, market: Market, number: str, client: Client
    ) -> None:
        entered(invoice(market.sam, number, number="5" * 20))
        entered(pay(market.fay, number, reference="ICBC-1"))
        for person, is_seen in ((market.sam, True), (market.stella, False), (market.olga, True)):
            User.objects.filter(pk=person.user.pk).update(is_staff=True)
            client.force_login(User.objects.get(pk=person.user.pk))
            for name, text in (("fapiao", "5" * 20), ("payment", "ICBC-1")):
                listed = client.get(f"/admin/orders/{name}/")
                assert listed.status_code == 200
                assert (text in listed.content.decode()) is is_seen
                key = (Fapiao if name == "fapiao" else Payment).objects.get().pk
                assert client.get(f"/admin/orders/{name}/add/").status_code == 403
                changed = client.post(f"/admin/orders/{name}/{key}/change/", {"amount": "1"})
                assert changed.status_code == 403
        assert Payment.objects.get().amount == 100


class TestLists:
    def test_refuse_unknown_parameters(self, market: Market, number: str) -> None:
        for name in ("fapiao", "payments"):
            answer = market.alice.get(f"/consignments/{number}/{name}/", kind="special")
            assert refused(answer, 400, "invalid") == {("/kind", "unknown_parameter")}

    def test_take_as_many_queries_for_one_as_for_twenty(
        self, market: Market, number: str, django_assert_max_num_queries: Any
    ) -> None:
        for more in (1, 19):
            for _ in range(more):
                entered(invoice(market.sam, number, "1"))
                entered(pay(market.fay, number, "1"))
            for name in ("fapiao", "payments"):
                with django_assert_max_num_queries(5):
                    market.alice.get(f"/consignments/{number}/{name}/")


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    """The second waits for the first, and then sees what it did."""

    def test_invoice_no_more_than_is_due(self, market: Market, number: str) -> None:
        with held_open(lambda: invoice(market.olga, number, "7200")) as second:
            entered(invoice(market.sam, number, "0.01"))
        assert refused(second.result(), 400, "invalid") == {("/amount", "invalid")}

    def test_pay_no_more_than_a_refund_leaves(self, market: Market, number: str) -> None:
        claim = market.claimed(number)
        with held_open(lambda: pay(market.fay, number, "7200")) as second:
            assert market.settle(claim, "0.01").status_code == 200
        assert refused(second.result(), 400, "invalid") == {("/amount", "invalid")}

    def test_reverse_once(self, market: Market, number: str) -> None:
        fapiao = entered(invoice(market.sam, number))["number"]
        with held_open(lambda: red_letter(market.olga, fapiao)) as second:
            entered(red_letter(market.sam, fapiao))
        refused(second.result(), 409, "wrong_state")

    def test_enter_a_number_once_whatever_they_are_for(self, market: Market, number: str) -> None:
        other = market.accepted()
        with held_open(lambda: invoice(market.sam, other, number="4" * 20)) as second:
            entered(invoice(market.sam, number, number="4" * 20))
        refused(second.result(), 409, "wrong_state")


class TestTheDatabase:
    @pytest.fixture
    def fapiao(self, market: Market, number: str) -> Fapiao:
        entered(invoice(market.sam, number))
        return Fapiao.objects.get()

    @pytest.fixture
    def payment(self, market: Market, number: str) -> Payment:
        entered(pay(market.fay, number))
        return Payment.objects.get()

    def insert(self, row: Fapiao | Payment, **changes: Any) -> None:
        """Insert `row` once more, with `changes`, past everything that Python checks."""
        row.pk = None
        for name, value in changes.items():
            setattr(row, name, value)
        row.save()

    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({"number": "1" * 19}, "fapiao_number_has_twenty_digits"),
            ({"number": "1" * 19 + "\n"}, "fapiao_number_has_twenty_digits"),
            ({"kind": "paper"}, "fapiao_kind_is_known"),
            ({"amount": Decimal(0)}, "fapiao_amount_within_bounds"),
            ({"amount": Decimal(-1)}, "fapiao_amount_within_bounds"),
            ({}, "orders_fapiao_number"),
        ],
    )
    def test_refuses_bad_fapiaos(
        self, fapiao: Fapiao, changes: dict[str, Any], constraint: str
    ) -> None:
        if changes and "number" not in changes:
            changes = {"number": "7" * 20, **changes}
        with pytest.raises(IntegrityError, match=constraint):
            self.insert(fapiao, **changes)

    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({"amount": Decimal(0), "reference": "x"}, "payment_amount_within_bounds"),
            ({"reference": ""}, "payment_has_its_reference"),
            ({}, "payment_reference_once_per_consignment"),
        ],
    )
    def test_refuses_bad_payments(
        self, payment: Payment, changes: dict[str, Any], constraint: str
    ) -> None:
        with pytest.raises(IntegrityError, match=constraint):
            self.insert(payment, **changes)

    @pytest.mark.parametrize("table", ["fapiao", "payment"])
    def test_refuses_what_is_not_a_number(self, request: Any, table: str) -> None:
        row = request.getfixturevalue(table)
        name = "number" if table == "fapiao" else "reference"
        columns = [f.column for f in row._meta.concrete_fields][1:]
        values = [getattr(row, f.attname) for f in row._meta.concrete_fields][1:]
        values[columns.index(name)], values[columns.index("amount")] = "7" * 20, "NaN"
        with connection.cursor() as cursor, pytest.raises(IntegrityError, match="within_bounds"):
            cursor.execute(
                f"INSERT INTO {row._meta.db_table} ({', '.join(columns)}) "
                f"VALUES ({', '.join(['%s'] * len(columns))})",
                values,
            )

    @pytest.mark.parametrize("table", ["fapiao", "payment"])
    def test_reverses_the_whole_of_one_row_once(
        self, market: Market, request: Any, table: str
    ) -> None:
        row = request.getfixturevalue(table)
        name = "number" if table == "fapiao" else "reference"
        original = row.pk
        other = Consignment.objects.get(number=market.accepted())
        fresh = {name: "7" * 20, "reverses_id": original}
        for changes in ({"amount": row.amount + 1}, {"consignment": other}):
            kept = {field: getattr(row, field) for field in changes}
            with (
                transaction.atomic(),
                pytest.raises(IntegrityError, match="is not what it reverses"),
                transaction.atomic(),
            ):
                self.insert(row, **fresh, **changes)
            for field, value in kept.items():
                setattr(row, field, value)
        self.insert(row, **fresh)
        red = row.pk
        with (
            transaction.atomic(),
            pytest.raises(IntegrityError, match="is not what it reverses"),
            transaction.atomic(),
        ):
            self.insert(row, **{name: "6" * 20, "reverses_id": red})
        with pytest.raises(IntegrityError, match="reverses_id"):
            self.insert(row, **{name: "6" * 20, "reverses_id": original})

    @pytest.mark.parametrize("table", ["fapiao", "payment"])
    @pytest.mark.parametrize(
        "sql", ["UPDATE {} SET amount = 1", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
    )
    def test_never_changes_a_row(self, request: Any, table: str, sql: str) -> None:
        row = request.getfixturevalue(table)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            with pytest.raises(IntegrityError, match="never changed"):
                cursor.execute(sql.format(row._meta.db_table))
