"""Counting rules are proposed, approved by two, and decide what each new entry counts for."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.refusals import Forbidden, Invalid, NotFound, Refusal
from orders.models import Buyer
from reports.models import CountingRule, LedgerEntry
from reports.services.comparing import compare
from reports.services.figures import Question, answer
from reports.services.months import close_month
from reports.services.rules import (
    MonthClosed,
    RuleInWrongState,
    approve_rule,
    propose_rule,
)
from reports.services.totals import differences, roll_up
from tests.sessions import held_open

from .deliveries import shipped
from .ledger import NOW, bearer, book, in_month, person, rule
from .test_booking import accept, settle
from .test_months import OCTOBER, close
from .test_restated import NOVEMBER, correction

RULES = "/api/v1/rules/"
DECEMBER = date(2026, 12, 1)
JANUARY = NOW.replace(year=2027, month=1)

pytestmark = pytest.mark.django_db


def proposal(**fields: Any) -> dict[str, Any]:
    """Return what a rule says that differs from rule 1 in `fields`."""
    return {
        "in_force_from": DECEMBER,
        "event": "accepted",
        "counts_freight": False,
        "refunds": "settlement_month",
        "sectors": ["farm", "handicraft"],
        "least_grade": 0,
        "only_recognised": False,
        "kind_by_buyer_kind": dict.fromkeys(Buyer.Kind.values, "procured"),
        "description": "-",
        **fields,
    }


def as_json(**fields: Any) -> dict[str, Any]:
    body = proposal(in_force_from="2999-12-01", **fields)
    return {name: value for name, value in body.items() if name != "least_grade"} | {
        name: value for name, value in fields.items() if name == "least_grade"
    }


def refusal_of(version: int, by: User) -> str:
    """Return why an approval is refused; empty when it is not."""
    try:
        approve_rule(version, by=by, now=NOW)
    except Refusal as refusal:
        return refusal.code
    return ""


def official(**asked: Any) -> Decimal:
    roll_up(now=NOW)
    groups = answer(Question(**asked), day=NOW.date()).groups
    return sum((group["amount"] for group in groups), Decimal(0))


class TestProposeRule:
    def test_makes_the_next_version_and_puts_nothing_in_force(self) -> None:
        made = propose_rule(**proposal(), by=person("office"), now=NOW)
        assert (made.version, made.is_approved) == (2, False)
        assert CountingRule.objects.in_force(date(2027, 1, 1)).version == 1
        assert AuditEntry.objects.get().action == "propose_rule"

    @pytest.mark.parametrize("role", ["auditor", "reviewer", ""])
    def test_is_the_offices_alone(self, role: str) -> None:
        with pytest.raises(Forbidden):
            propose_rule(**proposal(), by=person("other", role), now=NOW)

    @pytest.mark.parametrize("day", ["2026-10-31", "2026-10-01", "2026-09-30"])
    def test_refuses_to_begin_in_or_before_a_closed_month(self, day: str) -> None:
        book()
        close()
        begins = proposal(in_force_from=date.fromisoformat(day))
        with pytest.raises(MonthClosed):
            propose_rule(**begins, by=person("office"), now=NOW)
        propose_rule(**proposal(in_force_from=NOVEMBER), by=person("another"), now=NOW)

    @pytest.mark.parametrize(("event", "grade"), [("invoiced", 2), ("paid", 3)])
    def test_refuses_evidence_that_does_not_prove_the_event(self, event: str, grade: int) -> None:
        with pytest.raises(Invalid):
            propose_rule(**proposal(event=event, least_grade=grade), by=person("office"), now=NOW)

    def test_refuses_a_day_on_which_another_rule_begins(self) -> None:
        rule()
        with pytest.raises(RuleInWrongState):
            propose_rule(**proposal(), by=person("office"), now=NOW)


class TestApproveRule:
    def test_takes_two_people(self) -> None:
        rule(approved=False)
        first, second = person("first"), person("second")
        assert not approve_rule(2, by=first, now=NOW).is_approved
        with pytest.raises(Forbidden):
            approve_rule(2, by=first, now=NOW)
        assert CountingRule.objects.in_force(DECEMBER).version == 1
        assert approve_rule(2, by=second, now=NOW).is_approved
        assert CountingRule.objects.in_force(DECEMBER).version == 2
        assert CountingRule.objects.in_force(DECEMBER - timedelta(1)).version == 1
        assert list(
            AuditEntry.objects.order_by("id").values_list("action", "by__username", "subject")
        ) == [("approve_rule", "first", "2"), ("approve_rule", "second", "2")]

    @pytest.mark.parametrize("role", ["auditor", "reviewer", ""])
    def test_is_the_offices_alone(self, role: str) -> None:
        rule(approved=False)
        with pytest.raises(Forbidden):
            approve_rule(2, by=person("other", role), now=NOW)

    def test_refuses_a_rule_that_there_is_not(self) -> None:
        for version in (2, 99_999):
            with pytest.raises(NotFound):
                approve_rule(version, by=person(f"office-{version}"), now=NOW)

    def test_refuses_a_rule_that_is_approved(self) -> None:
        rule()
        for version in (1, 2):
            with pytest.raises(RuleInWrongState):
                approve_rule(version, by=person(f"office-{version}"), now=NOW)

    def test_refuses_when_the_month_was_closed_meanwhile(self) -> None:
        rule(approved=False, in_force_from=OCTOBER)
        book()
        approve_rule(2, by=person("office"), now=NOW)
        close()
        with pytest.raises(MonthClosed):
            approve_rule(2, by=person("another"), now=NOW)

    def test_refuses_the_second_of_two_for_one_day(self) -> None:
        rule(2, approved=False)
        rule(3)
        with pytest.raises(RuleInWrongState):
            approve_rule(2, by=person("office"), now=NOW)


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_proposals_are_two_versions(self) -> None:
        office = person("office")
        other = proposal(in_force_from=date(2027, 1, 1))
        with held_open(lambda: propose_rule(**other, by=office, now=NOW).version) as second:
            assert propose_rule(**proposal(), by=office, now=NOW).version == 2
        assert second.result() == 3

    def test_approvals_by_one_person_are_one(self) -> None:
        rule(approved=False)
        office = person("office")
        with held_open(lambda: refusal_of(2, office)) as second:
            approve_rule(2, by=office, now=NOW)
        assert second.result() == "forbidden"
        assert not CountingRule.objects.get(version=2).is_approved

    def test_an_approval_waits_for_a_close_and_is_refused(self) -> None:
        rule(approved=False, in_force_from=OCTOBER)
        book()
        approve_rule(2, by=person("office"), now=NOW)
        another = person("another")
        close_month(OCTOBER, by=another, now=NOW)
        with held_open(lambda: refusal_of(2, another)) as second:
            close_month(OCTOBER, by=person("third"), now=NOW)
        assert second.result() == "month_closed"
        assert not CountingRule.objects.get(version=2).is_approved


class TestDatabase:
    @pytest.mark.parametrize(
        "change",
        [
            {"description": "x"},
            {"in_force_from": OCTOBER},
            {"least_grade": 4},
            {"kind_by_buyer_kind": {}},
            {"sectors": ["farm"]},
            {"approved_by_first": None},
        ],
    )
    @pytest.mark.parametrize("version", [1, 2, 3])
    def test_keeps_what_a_rule_says(self, version: int, change: dict[str, Any]) -> None:
        rule(2)
        rule(3, approved=False)
        CountingRule.objects.filter(version=3).update(approved_by_first=person("first"))
        rows = CountingRule.objects.filter(version=version)
        with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
            rows.update(**change)
        with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
            rows.delete()

    def test_does_not_take_one_person_for_two(self) -> None:
        one = person("one")
        with pytest.raises(IntegrityError, match="rule_approved_by_two"), transaction.atomic():
            rule(approved=False, approved_by_first=one, approved_by_second=one)
        with pytest.raises(IntegrityError, match="rule_approved_by_two"), transaction.atomic():
            rule(approved=False, approved_by_second=one)

    def test_lets_one_rule_begin_on_a_day(self) -> None:
        rule(2)
        rule(3, approved=False)
        with pytest.raises(IntegrityError, match="one_rule_begins_on_a_day"):
            rule(4)

    @pytest.mark.parametrize(
        "fields",
        [
            {"event": "invoiced", "least_grade": 2},
            {"event": "paid", "least_grade": 3},
            {"event": "ordered"},
            {"refunds": "never"},
            {"sectors": []},
            {"sectors": ["mining"]},
            {"least_grade": 5},
        ],
    )
    def test_refuses_a_rule_that_makes_no_sense(self, fields: dict[str, Any]) -> None:
        with pytest.raises(IntegrityError):
            rule(**fields)


class TestBooking:
    def test_never_picks_a_proposal(self) -> None:
        rule(approved=False, in_force_from=OCTOBER)
        (entry,) = accept(shipped())
        assert entry.rule_id == 1
        assert answer(Question(), day=NOW.date()).rule == 1

    def test_takes_the_rule_in_force_and_says_so(self) -> None:
        rule()
        (entry,) = accept(shipped(), now=JANUARY)
        assert (entry.rule_id, entry.reason) == (
            2,
            "counts: buyer kind canteen is procured (rule 2)",
        )

    @pytest.mark.parametrize(
        ("fields", "line", "verdict"),
        [
            ({"sectors": ["farm"]}, {"category_code": "handicraft"}, ", sector handicraft"),
            ({"only_recognised": True}, {"is_recognised": False}, ", not recognised"),
            ({"event": "paid", "least_grade": 4}, {}, " below E4"),
        ],
    )
    def test_keeps_what_does_not_count_as_a_fact(
        self, fields: dict[str, Any], line: dict[str, Any], verdict: str
    ) -> None:
        rule(in_force_from=NOVEMBER, **fields)
        (entry,) = accept(shipped(line))
        assert entry.reason == (f"does not count{verdict}: buyer kind canteen is procured (rule 2)")
        assert official() == official(by=("district", "supplier")) == 0
        assert compare(NOVEMBER, rule=CountingRule.objects.get(version=1)).total.recomputed == 7200

    def test_a_refund_counts_as_its_sale_does(self) -> None:
        delivery = shipped({"is_recognised": False})
        accept(delivery, now=NOW.replace(month=10))
        rule(in_force_from=NOVEMBER, only_recognised=True)
        settle(delivery, "720.00", line1="1")
        assert official() == 6480
        assert official(since=NOVEMBER) == -720

    def test_leaves_totals_that_are_the_ledger(self) -> None:
        rule(only_recognised=True)
        book(in_month(10), in_month(10, rule_id=2), in_month(10, rule_id=2, is_recognised=False))
        roll_up(now=NOW)
        assert differences() == []
        assert official() == 20


class TestRulesOverHTTP:
    def post(self, client: Client, address: str, headers: Any, body: Any = None) -> Any:
        return client.post(address, data=body, content_type="application/json", headers=headers)

    def test_two_people_approve_what_one_proposed(self, client: Client) -> None:
        first, second = bearer(person("first")), bearer(person("second"))
        made = self.post(client, RULES, first, as_json(event="paid", sectors=["farm"]))
        assert made.status_code == 201
        assert made.json() == {
            "version": 2,
            "in_force_from": "2999-12-01",
            "is_approved": False,
            "approved_by": [],
            "event": "paid",
            "counts_freight": False,
            "refunds": "settlement_month",
            "sectors": ["farm"],
            "least_grade": "E4",
            "only_recognised": False,
            "kind_by_buyer_kind": dict.fromkeys(Buyer.Kind.values, "procured"),
            "description": "-",
        }
        answers = [
            self.post(client, f"{RULES}2/approve/", who) for who in (first, first, second, second)
        ]
        assert [one.status_code for one in answers] == [200, 403, 200, 409]
        assert answers[2].json()["approved_by"] == ["first", "second"]
        assert answers[2].json()["is_approved"] is True
        shown = client.get(RULES, headers=bearer(person("auditor", "auditor"))).json()["results"]
        assert [(one["version"], one["is_approved"]) for one in shown] == [(2, True), (1, True)]

    def test_a_rule_in_a_closed_month_is_month_closed(self, client: Client) -> None:
        book()
        close()
        body = as_json() | {"in_force_from": "2026-10-01"}
        refused = self.post(client, RULES, bearer(person("office")), body)
        assert (refused.status_code, refused.json()["code"]) == (409, "month_closed")

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"event": "ordered"}, "/event"),
            ({"refunds": "never"}, "/refunds"),
            ({"sectors": []}, "/sectors"),
            ({"sectors": ["mining"]}, "/sectors/0"),
            ({"least_grade": "E5"}, "/least_grade"),
            ({"event": "paid", "least_grade": "E3"}, "/least_grade"),
            ({"kind_by_buyer_kind": {"canteen": "procured"}}, "/kind_by_buyer_kind"),
            (
                {"kind_by_buyer_kind": dict.fromkeys(Buyer.Kind.values, "given")},
                "/kind_by_buyer_kind/canteen",
            ),
            ({"description": ""}, "/description"),
            ({"color": "red"}, "/color"),
            ({"version": 7}, "/version"),
        ],
    )
    def test_refuses_what_makes_no_sense(
        self, client: Client, fields: dict[str, Any], pointer: str
    ) -> None:
        refused = self.post(client, RULES, bearer(person("office")), as_json(**fields))
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == pointer
        assert CountingRule.objects.count() == 1

    def test_is_the_offices_and_auditors_only_look(self, client: Client) -> None:
        rule(approved=False)
        steps = [(RULES, as_json()), (f"{RULES}2/approve/", None)]
        for address, body in steps:
            assert self.post(client, address, {}, body).status_code == 401
        assert client.get(RULES).status_code == 401
        delivery = shipped()
        auditor = person("auditor", "auditor")
        for one in (delivery.buyer, delivery.supplier, person("reviewer", "reviewer"), auditor):
            headers = bearer(one)
            for address, body in steps:
                assert self.post(client, address, headers, body).status_code == 403
            seen = client.get(RULES, headers=headers).status_code
            assert seen == (200 if one == auditor else 403)
        assert CountingRule.objects.get(version=2).approved_by_first is None

    def test_has_nothing_to_approve_at_other_addresses(self, client: Client) -> None:
        headers = bearer(person("office"))
        for version in ("7", "99999", "x"):
            assert self.post(client, f"{RULES}{version}/approve/", headers).status_code == 404

    def test_takes_as_many_queries_for_one_rule_as_for_twenty(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        headers = bearer(person("office"))
        client.get(RULES, headers=headers)
        for versions in (range(2, 3), range(3, 22)):
            for version in versions:
                rule(version, in_force_from=date(2030, 1, version))
            with django_assert_num_queries(2):
                client.get(f"{RULES}?page_size=100", headers=headers)


class TestCompare:
    def test_derives_the_contribution_anew_and_leaves_the_official_figure(self) -> None:
        book(
            in_month(10, amount="10.00"),
            in_month(10, amount="4.00", buyer_kind="wholesale", kind="helped_sell"),
        )
        proposed = rule(approved=False)
        before = official(by=("kind",))
        found = compare(OCTOBER, rule=proposed)
        assert {
            kind: (part.official, part.recomputed, part.difference)
            for kind, part in found.by_kind.items()
        } == {"procured": (10, 14, 4), "helped_sell": (4, 0, -4)}
        assert (found.total.official, found.total.difference) == (14, 0)
        assert official(by=("kind",)) == before
        assert LedgerEntry.objects.filter(rule_id=2).count() == 0

    def test_leaves_out_what_the_rule_does_not_count(self) -> None:
        book(
            in_month(10, amount="1.00"),
            in_month(10, amount="2.00", is_recognised=False),
            in_month(10, amount="4.00", category_code="handicraft", county_code="522701"),
            in_month(10, amount="8.00", grade=0),
        )
        strict = rule(
            approved=False, sectors=["farm"], only_recognised=True, event="accepted", least_grade=2
        )
        found = compare(OCTOBER, rule=strict)
        assert (found.total.official, found.total.recomputed) == (15, 1)
        assert {code: part.difference for code, part in found.by_county.items()} == {
            "522729": -10,
            "522701": -4,
        }

    @pytest.mark.parametrize(("event", "least", "amount"), [("invoiced", 3, 6), ("paid", 4, 4)])
    def test_takes_the_grade_for_the_event(self, event: str, least: int, amount: int) -> None:
        book(*(in_month(10, amount=str(grade), grade=grade) for grade in range(5)))
        book(in_month(10, amount="-1.00", grade=3))
        found = compare(OCTOBER, rule=rule(approved=False, event=event, least_grade=least))
        assert found.total.recomputed == amount

    def test_moves_refunds_to_the_month_of_the_sale(self) -> None:
        book(in_month(9, amount="100.00"), in_month(10, amount="50.00"))
        september, october = LedgerEntry.objects.order_by("month")
        book(
            correction(10, "-7.00", corrects=september),
            correction(11, "-5.00", corrects=october),
            in_month(11, amount="3.00", corrects_month=OCTOBER),
        )
        moved = rule(approved=False, refunds="sale_month")
        found = {n: compare(date(2026, n, 1), rule=moved).total for n in (9, 10, 11)}
        assert {n: (part.official, part.recomputed) for n, part in found.items()} == {
            9: (100, 93),
            10: (43, 48),
            11: (-2, 0),
        }

    def test_under_the_rule_in_force_differs_in_nothing(self) -> None:
        book(in_month(10), in_month(10, kind="helped_sell", buyer_kind="importer", grade=0))
        found = compare(OCTOBER, rule=CountingRule.objects.get(version=1))
        parts = [found.total, *found.by_county.values(), *found.by_kind.values()]
        assert {part.difference for part in parts} == {0}

    def test_answers_the_office_and_auditors(self, client: Client) -> None:
        book(in_month(10, amount="10.00"))
        rule(approved=False, least_grade=3)
        address = "/api/v1/months/2026-10/compare/"
        assert client.get(f"{address}?rule=2").status_code == 401
        delivery = shipped()
        for one in (delivery.buyer, delivery.supplier, person("reviewer", "reviewer")):
            assert client.get(f"{address}?rule=2", headers=bearer(one)).status_code == 403
        parts = {"official": "10.00", "recomputed": "0.00", "difference": "-10.00"}
        for role in ("office", "auditor"):
            headers = bearer(person(f"one-{role}", role))
            assert client.get(f"{address}?rule=2", headers=headers).json() == {
                "month": "2026-10",
                "rule": 2,
                "is_approved": False,
                "total": parts,
                "by_county": [{"county": {"code": "522729", "name": "长顺县"}, **parts}],
                "by_kind": [{"kind": "procured", **parts}],
            }

    @pytest.mark.parametrize("query", ["", "rule=", "rule=9", "rule=x", "rule=99999", "rules=1"])
    def test_refuses_a_rule_that_there_is_not(self, client: Client, query: str) -> None:
        book()
        headers = bearer(person("office"))
        refused = client.get(f"/api/v1/months/2026-10/compare/?{query}", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid")

    def test_has_nothing_of_a_month_that_is_not_known(self, client: Client) -> None:
        headers = bearer(person("office"))
        for month in ("2026-09", "2026-13"):
            address = f"/api/v1/months/{month}/compare/?rule=1"
            assert client.get(address, headers=headers).status_code == 404

    def test_takes_as_many_queries_for_one_county_as_for_twelve(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        headers = bearer(person("office"))
        client.get(RULES, headers=headers)
        for counties in (1, 12):
            book(*(in_month(10, county_code=f"5227{n:02}") for n in range(counties)))
            with django_assert_num_queries(6):
                client.get("/api/v1/months/2026-10/compare/?rule=1", headers=headers)


class TestAdmin:
    @pytest.mark.parametrize("model", ["countingrule", "indicator"])
    def test_shows_counters_what_counts_and_lets_nobody_change_it(
        self, client: Client, model: str
    ) -> None:
        address = f"/admin/reports/{model}/"
        for role in ("office", "auditor", "admin", "reviewer"):
            one = person(f"one-{role}", role)
            one.is_staff = True
            one.save()
            client.force_login(one)
            assert client.get(address).status_code == (403 if role == "reviewer" else 200)
            assert client.get(f"{address}add/").status_code == 403
