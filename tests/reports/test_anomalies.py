"""Anomalies: found where something looks wrong, nowhere else, and answered once."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, User
from accounts.refusals import Forbidden, NotFound
from reports.models import (
    Anomaly,
    AnomalyRule,
    Declaration,
    DeclarationRow,
    LedgerEntry,
    Month,
)
from reports.services.anomalies import AnomalyAnswered, answer_anomaly, examine
from reports.tasks import examine_months
from suppliers.models import Base, Supplier
from tests.factories import CHANGSHUN, AddressFactory, BuyerFactory, SupplierFactory

from .deliveries import shipped
from .ledger import NOW, SHANGHAI, bearer, book, entry, person
from .test_booking import accept, settle
from .test_months import OCTOBER, post
from .test_totals_api import publish

pytestmark = pytest.mark.django_db

ANOMALIES = "/api/v1/anomalies/"


def on(day: str, amount: str = "20000.00", **fields: Any) -> LedgerEntry:
    """Return an unsaved sale, or a return, of a day of 2026: `on("10-31")`."""
    occurred_on = date.fromisoformat(f"2026-{day}")
    booked_at = datetime.combine(occurred_on, datetime.min.time(), SHANGHAI)
    if amount.startswith("-"):
        fields = {"quantity": Decimal(-2), **fields}
    return entry(amount, booked_at=booked_at, occurred_on=occurred_on, **fields)


def found(rule: str, month: date = OCTOBER) -> list[Anomaly]:
    """Examine a month and return what the rule found of it."""
    row, _created = Month.objects.get_or_create(month=month)
    examine(row, by=None, now=NOW)
    return list(Anomaly.objects.filter(rule=rule, month=month).order_by("subject"))


def set_parameters(rule: str, **parameters: Any) -> None:
    row = AnomalyRule.objects.get(pk=rule)
    row.parameters |= parameters
    row.save()


def staff(role: str) -> User:
    return User.objects.create(username=f"staff-{role}", role=role, is_staff=True)


def an_anomaly() -> Anomaly:
    """Let a sale at the end of October come back at once."""
    book(on("10-30"), on("11-02", "-20000.00"))
    (anomaly,) = found("late_returns")
    return anomaly


class TestLateReturns:
    def test_are_found_with_what_was_sold_and_returned(self) -> None:
        book(on("10-30"), on("11-02", "-15000.00"))
        (anomaly,) = found("late_returns")
        assert anomaly.subject == "B1 S1"
        assert anomaly.evidence == {
            "sold": "20000.00",
            "returned": "15000.00",
            "entries": list(LedgerEntry.objects.order_by("id").values_list("id", flat=True)),
        }

    @pytest.mark.parametrize(
        ("sale", "refund"),
        [
            ({"day": "10-15"}, {}),
            ({"amount": "9999.99"}, {}),
            ({"buyer_code": ""}, {"buyer_code": ""}),
            ({}, {"day": "11-06"}),
            ({}, {"amount": "-9999.99"}),
            ({}, {"buyer_code": "B2"}),
            ({}, {"supplier_code": "S2"}),
        ],
        ids=["sold earlier", "small", "unnamed", "late", "small part", "other buyer", "supplier"],
    )
    def test_are_not_found_where_they_mean_nothing(
        self, sale: dict[str, Any], refund: dict[str, Any]
    ) -> None:
        book(
            on(**{"day": "10-30", **sale}), on(**{"day": "11-02", "amount": "-20000.00", **refund})
        )
        assert found("late_returns") == []


class TestRoundTrips:
    def test_are_found_when_a_declared_sale_comes_back(self) -> None:
        book(on("10-05"), on("10-20", "-20000.00"))
        (anomaly,) = found("round_trip")
        sale = LedgerEntry.objects.first()
        assert anomaly.subject == f"B1 S1 长顺绿壳鸡蛋 {sale.pk}"
        assert anomaly.evidence["sold_on"] == "2026-10-05"
        assert anomaly.evidence["returned_on"] == "2026-10-20"

    def test_are_found_when_claims_take_a_whole_delivery_back(self) -> None:
        delivery = shipped()
        (sale,) = accept(delivery)
        set_parameters("round_trip", amount=7000)
        settle(delivery, "7000.00", line1="10")
        assert found("round_trip", sale.month) == []
        settle(delivery, "200.00", line1="0.5")
        (anomaly,) = found("round_trip", sale.month)
        assert anomaly.evidence["entries"] == list(
            LedgerEntry.objects.order_by("id").values_list("id", flat=True)
        )

    def test_pair_a_return_with_the_nearest_sale(self) -> None:
        book(on("10-05"), on("10-07"), on("10-10", "-20000.00"))
        (anomaly,) = found("round_trip")
        assert anomaly.evidence["sold_on"] == "2026-10-07"

    @pytest.mark.parametrize(
        "refund",
        [
            {"day": "10-21"},
            {"day": "10-04"},
            {"amount": "-19999.99"},
            {"product_name": "都匀毛尖"},
            {"buyer_code": "B2"},
            {"supplier_code": "S2"},
        ],
        ids=["late", "before", "part", "other product", "other buyer", "other supplier"],
    )
    def test_are_not_found_where_it_is_another_sale(self, refund: dict[str, Any]) -> None:
        book(on("10-05"), on(**{"day": "10-10", "amount": "-20000.00", **refund}))
        assert found("round_trip") == []


class TestSameContacts:
    @pytest.fixture
    def supplier(self) -> Supplier:
        return SupplierFactory(contact_name="王五", contact_phone="138 5555 0000")

    def trade(self, supplier: Supplier, **address: str) -> None:
        buyer = BuyerFactory()
        AddressFactory(buyer=buyer, **address)
        book(on("10-05", buyer_code=buyer.code, supplier_code=supplier.code))

    @pytest.mark.parametrize(
        ("address", "shared"),
        [
            ({"phone": "138-5555-0000"}, ["phone"]),
            ({"consignee": "王五"}, ["contact"]),
            ({"phone": "13855550000", "consignee": "王五"}, ["phone", "contact"]),
        ],
    )
    def test_are_found_without_naming_them(
        self, supplier: Supplier, address: dict[str, str], shared: list[str]
    ) -> None:
        self.trade(supplier, **address)
        (anomaly,) = found("same_contact")
        assert anomaly.evidence["shared"] == shared
        assert "王五" not in str(anomaly.evidence)
        assert "5555" not in str(anomaly.evidence)

    def test_are_found_by_the_credit_code(self, supplier: Supplier) -> None:
        buyer = BuyerFactory(uscc=supplier.uscc)
        book(on("10-05", buyer_code=buyer.code, supplier_code=supplier.code))
        (anomaly,) = found("same_contact")
        assert anomaly.evidence["shared"] == ["uscc"]

    def test_are_not_found_between_strangers(self, supplier: Supplier) -> None:
        self.trade(supplier)
        self.trade(SupplierFactory(), phone="无", consignee="李四")
        assert found("same_contact") == []

    def test_are_not_found_where_nothing_was_sold(self, supplier: Supplier) -> None:
        AddressFactory(phone="13855550000")
        book(on("10-05", supplier_code=supplier.code))
        assert found("same_contact") == []


class TestFarPrices:
    def test_are_found_above_and_below_the_median(self) -> None:
        usual = [on("10-05", "200.00") for _ in range(20)]
        book(
            *usual,
            on("10-06", "1602.00", supplier_code="S2"),
            on("10-06", "24.00", supplier_code="S3"),
        )
        high, low = found("far_price")
        assert (high.subject, high.evidence["highest"]) == ("S2 eggs 长顺绿壳鸡蛋 case", "801.0000")
        assert (low.evidence["median"], low.evidence["lowest"]) == ("100.0000", "12.0000")

    def test_are_not_found_within_the_factor(self) -> None:
        book(*(on("10-05", "200.00") for _ in range(20)), on("10-06", "1600.00"))
        assert found("far_price") == []

    def test_are_not_found_among_few_or_in_another_unit(self) -> None:
        book(
            *(on("10-05", "200.00") for _ in range(18)),
            on("10-06", "9000.00"),
            on("10-06", "9000.00", unit="box"),
        )
        assert found("far_price") == []


class TestOverYields:
    @pytest.fixture
    def farm(self) -> Supplier:
        farm = SupplierFactory(code="FARM")
        for number, area in enumerate(("1.5", "0.5")):
            Base.objects.create(
                supplier=farm, code=f"B-{number}", name="基地", county_id=CHANGSHUN,
                area_mu=Decimal(area),
            )  # fmt: skip
        return farm

    def sell(self, *kg_by_day: tuple[str, str], category: str = "tea") -> None:
        book(
            *(
                on(day, supplier_code="FARM", category_code=category, weight_kg=Decimal(kg))
                for day, kg in kg_by_day
            )
        )

    def test_are_found_once_the_year_exceeds_the_land(self, farm: Supplier) -> None:
        self.sell(("03-05", "300"), ("10-05", "100"), ("11-05", "1"))
        assert found("over_yield") == []
        (anomaly,) = found("over_yield", date(2026, 11, 1))
        assert anomaly.subject == "FARM tea"
        assert anomaly.evidence == {"sold_kg": "401.000", "area_mu": "2.00", "kg_per_mu": "200.00"}

    def test_count_what_was_returned(self, farm: Supplier) -> None:
        self.sell(("10-05", "401"), ("10-06", "-1"))
        assert found("over_yield") == []

    def test_are_not_found_without_a_yield_or_a_base(self, farm: Supplier) -> None:
        self.sell(("10-05", "99999"), category="handicraft")
        SupplierFactory(code="TRADER")
        book(on("10-05", supplier_code="TRADER", category_code="tea", weight_kg=Decimal(99999)))
        assert found("over_yield") == []


class TestSplitSales:
    def test_are_found_just_under_a_round_amount(self) -> None:
        book(*(on(day, "9990.00") for day in ("10-05", "10-08", "10-11")))
        (anomaly,) = found("split_sales")
        assert anomaly.subject == "B1 S1 10000"
        assert anomaly.evidence["sold"] == "29970.00"
        assert (anomaly.evidence["below"], anomaly.evidence["sales"]) == ("10000.00", 3)

    def test_are_found_among_deliveries_by_their_sum(self) -> None:
        set_parameters("split_sales", round_amount=20_000, margin=6_000, sales=1)
        (sale, *_rest) = accept(shipped(*[{}] * 2))
        (anomaly,) = found("split_sales", sale.month)
        assert anomaly.evidence["sold"] == "14400.00"

    @pytest.mark.parametrize(
        "last",
        [
            {"day": "10-12"},
            {"amount": "10000.00"},
            {"amount": "9499.99"},
            {"amount": "19990.00"},
            {"buyer_code": "B2"},
            {"supplier_code": "S2"},
        ],
        ids=["later", "not under", "far under", "other amount", "other buyer", "other supplier"],
    )
    def test_are_not_found_where_the_third_is_different(self, last: dict[str, Any]) -> None:
        book(
            on("10-05", "9990.00"),
            on("10-05", "9990.00"),
            on(**{"day": "10-11", "amount": "9990.00", **last}),
        )
        assert found("split_sales") == []


class TestEndSpikes:
    def test_are_found_where_the_last_days_stand_out(self) -> None:
        book(on("10-15", "75000.00"), on("10-31", "25000.00"))
        (anomaly,) = found("end_spike")
        assert anomaly.subject == "522729"
        assert anomaly.evidence == {
            "sold": "100000.00",
            "last_days": "25000.00",
            "share": "0.2500",
            "usual_share": "0.0645",
        }

    def test_are_not_found_where_it_is_always_so(self) -> None:
        book(
            on("09-10", "90000.00"),
            on("09-29", "10000.00"),
            on("10-15", "75000.00"),
            on("10-31", "25000.00"),
        )
        assert found("end_spike") == []

    @pytest.mark.parametrize(
        ("middle", "end"),
        [
            (("10-15", "75000.01"), ("10-31", "24999.99")),
            (("10-15", "75000.00"), ("10-29", "25000.00")),
            (("10-15", "74999.99"), ("10-31", "25000.00")),
        ],
        ids=["small share", "earlier day", "small month"],
    )
    def test_are_not_found_in_plain_months(
        self, middle: tuple[str, str], end: tuple[str, str]
    ) -> None:
        book(on(*middle), on(*end))
        assert found("end_spike") == []


class TestExamine:
    def test_finds_nothing_twice(self) -> None:
        anomaly = an_anomaly()
        examine(anomaly.month, by=None, now=NOW)
        assert Anomaly.objects.filter(rule="late_returns").count() == 1

    def test_shows_what_was_found_last_until_it_is_answered(self) -> None:
        anomaly = an_anomaly()
        book(on("10-31", "100.00"))
        assert found("late_returns")[0].evidence["sold"] == "20100.00"
        answer_anomaly(anomaly.pk, verdict="explained", answer="说明", by=person("o"), now=NOW)
        book(on("10-31", "100.00"))
        assert found("late_returns")[0].evidence["sold"] == "20100.00"

    def test_leaves_out_rules_that_are_switched_off(self) -> None:
        AnomalyRule.objects.update(is_active=False)
        book(on("10-30"), on("11-02", "-20000.00"))
        assert found("late_returns") == []

    def test_leaves_out_what_was_declared_and_revoked(self) -> None:
        book(on("10-05"), on("10-20", "-20000.00"))
        sale = LedgerEntry.objects.first()
        declaration = Declaration.objects.create(
            reporter_id="522700", file_name="a.csv", format="csv", size=1, sha256="0" * 64,
            uploaded_at=NOW,
        )  # fmt: skip
        row = DeclarationRow.objects.create(
            entry=sale, declaration=declaration, reporter_code="522700", row=2, document_no="1"
        )
        row.is_revoked = True
        row.save()
        assert found("round_trip") == []

    def test_takes_as_many_queries_for_one_anomaly_as_for_twenty(self) -> None:
        counts = []
        for number in (1, 20):
            book(*(on("10-30", buyer_code=f"B{n}") for n in range(number)))
            book(*(on("11-02", "-20000.00", buyer_code=f"B{n}") for n in range(number)))
            with CaptureQueriesContext(connection) as queries:
                found("late_returns")
            counts.append(len(queries))
        assert Anomaly.objects.filter(rule="late_returns").count() == 20
        # The first time the month is new.
        assert counts[0] >= counts[1]

    def test_asks_each_night_of_the_months_that_are_over_and_not_published(self) -> None:
        book(on("09-30"))
        publish(9)
        book(on("10-01", "-20000.00"), on("10-30"), on("11-02", "-20000.00"))
        book(on("11-05"), on("11-06", "-20000.00"))
        with time_machine.travel(NOW, tick=False):
            examine_months()
        months = Anomaly.objects.values_list("month", flat=True)
        assert set(months) == {OCTOBER}


class TestRules:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"factor": 8},
            {"factor": 8, "entries": 20, "more": 1},
            {"factor": "5", "entries": 20},
            {"factor": True, "entries": 20},
            {"factor": 0, "entries": 20},
            {"factor": 10**10, "entries": 20},
            [5, 20],
        ],
    )
    def test_refuse_parameters_that_they_cannot_use(self, parameters: Any) -> None:
        rule = AnomalyRule.objects.get(pk="far_price")
        rule.parameters = parameters
        with pytest.raises(ValidationError):
            rule.full_clean()

    def test_refuse_more_days_than_a_year_has(self) -> None:
        rule = AnomalyRule.objects.get(pk="late_returns")
        rule.parameters |= {"last_days": 367}
        with pytest.raises(ValidationError):
            rule.full_clean()

    def test_ship_valid(self) -> None:
        rules = AnomalyRule.objects.all()
        assert {rule.code for rule in rules} == set(AnomalyRule.Code)
        for rule in rules:
            rule.full_clean()


class TestAdmin:
    ADDRESS = "/admin/reports/anomalyrule/far_price/change/"

    def test_lets_the_office_set_a_rules_measures(self, client: Client) -> None:
        client.force_login(staff("office"))
        body = {"is_active": "on", "parameters": '{"factor": 4, "entries": 10}'}
        assert client.post(self.ADDRESS, body).status_code == 302
        assert AnomalyRule.objects.get(pk="far_price").parameters["factor"] == 4
        body["parameters"] = '{"factor": 4}'
        assert client.post(self.ADDRESS, body).status_code == 200
        assert AnomalyRule.objects.get(pk="far_price").parameters["entries"] == 10

    @pytest.mark.parametrize("role", ["auditor", "reviewer"])
    def test_lets_nobody_else_set_them(self, client: Client, role: str) -> None:
        client.force_login(staff(role))
        assert client.post(self.ADDRESS, {"parameters": "{}"}).status_code == 403
        assert AnomalyRule.objects.get(pk="far_price").is_active

    def test_adds_no_rules_and_changes_no_anomaly(self, client: Client) -> None:
        anomaly = an_anomaly()
        client.force_login(staff("admin"))
        assert client.get("/admin/reports/anomalyrule/add/").status_code == 403
        address = f"/admin/reports/anomaly/{anomaly.pk}"
        assert client.get(f"{address}/change/").status_code == 200
        assert client.post(f"{address}/change/", {"answer": "一"}).status_code == 403
        assert client.post(f"{address}/delete/", {"post": "yes"}).status_code == 403


class TestAnswerAnomaly:
    def test_is_recorded_with_person_time_and_verdict(self) -> None:
        office = person("office")
        anomaly = answer_anomaly(
            an_anomaly().pk, verdict="explained", answer="包装破损，已换货", by=office, now=NOW
        )
        anomaly.refresh_from_db()
        assert (anomaly.verdict, anomaly.answered_by, anomaly.answered_at) == (
            "explained", office, NOW,
        )  # fmt: skip
        record = AuditEntry.objects.get(action="answer_anomaly")
        assert (record.by, record.reason) == (office, "包装破损，已换货")

    def test_happens_once(self) -> None:
        anomaly, office = an_anomaly(), person("office")
        answer_anomaly(anomaly.pk, verdict="explained", answer="一", by=office, now=NOW)
        with pytest.raises(AnomalyAnswered):
            answer_anomaly(anomaly.pk, verdict="corrected", answer="二", by=office, now=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():
            Anomaly.objects.filter(pk=anomaly.pk).update(answer="二")

    @pytest.mark.parametrize("role", ["auditor", "reviewer", ""])
    def test_is_the_offices_alone(self, role: str) -> None:
        with pytest.raises(Forbidden):
            answer_anomaly(
                an_anomaly().pk, verdict="explained", answer="一", by=person("x", role), now=NOW
            )

    def test_knows_no_other_anomaly(self) -> None:
        with pytest.raises(NotFound):
            answer_anomaly(0, verdict="explained", answer="一", by=person("office"), now=NOW)

    @pytest.mark.parametrize(
        "change",
        [
            {"verdict": "explained"},
            {"answer": "一"},
            {"answered_at": NOW},
            {"verdict": "explained", "answered_at": NOW},
            {"verdict": "nothing", "answer": "一", "answered_at": NOW},
        ],
    )
    def test_is_never_half_an_answer(self, change: dict[str, Any]) -> None:
        anomaly = an_anomaly()
        by = {"answered_by": person("office")} if len(change) == 3 else {}
        with pytest.raises(IntegrityError), transaction.atomic():
            Anomaly.objects.filter(pk=anomaly.pk).update(**change, **by)

    def test_is_never_deleted(self) -> None:
        anomaly = an_anomaly()
        with pytest.raises(IntegrityError), transaction.atomic():
            anomaly.delete()


class TestAnomaliesOverHTTP:
    def answer(
        self, client: Client, pk: int, by: User, body: dict[str, str], status: int = 200
    ) -> Any:
        answer = client.post(
            f"{ANOMALIES}{pk}/answer/", body, content_type="application/json", headers=bearer(by)
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    def test_are_found_on_request_and_listed(self, client: Client) -> None:
        book(on("10-30"), on("11-02", "-20000.00"))
        headers = bearer(person("office"))
        asked = post(client, "/api/v1/months/2026-10/examine/", headers)
        assert asked.json() == {"month": "2026-10", "found": 2, "unanswered": 2}
        seen = client.get(f"{ANOMALIES}?rule=late_returns", headers=headers).json()["results"]
        assert [(one["month"], one["rule"], one["subject"]) for one in seen] == [
            ("2026-10", "late_returns", "B1 S1")
        ]
        assert seen[0]["title"].startswith("月末")
        assert (seen[0]["verdict"], seen[0]["answered_by"], seen[0]["answered_at"]) == (
            "", None, None,
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("", 2),
            ("month=2026-10", 2),
            ("month=2026-09", 0),
            ("rule=round_trip", 1),
            ("answered=true", 1),
            ("answered=false", 1),
        ],
    )
    def test_are_narrowed_by_month_rule_and_answer(
        self, client: Client, query: str, count: int
    ) -> None:
        office = person("office")
        self.answer(client, an_anomaly().pk, office, {"verdict": "explained", "answer": "一"})
        seen = client.get(f"{ANOMALIES}?{query}", headers=bearer(office)).json()
        assert len(seen["results"]) == count

    @pytest.mark.parametrize("query", ["month=october", "rule=x", "answered=1", "color=red"])
    def test_refuse_filters_they_do_not_know(self, client: Client, query: str) -> None:
        answer = client.get(f"{ANOMALIES}?{query}", headers=bearer(person("office")))
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"

    def test_are_answered_by_the_office_once(self, client: Client) -> None:
        office, pk = person("office"), an_anomaly().pk
        body = {"verdict": "corrected", "answer": "已在台账冲回"}
        answered = self.answer(client, pk, office, body)
        assert (answered["verdict"], answered["answered_by"]) == ("corrected", "office")
        assert self.answer(client, pk, office, body, 409)["code"] == "wrong_state"
        assert self.answer(client, 0, office, body, 404)["code"] == "not_found"

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"verdict": "explained"},
            {"verdict": "explained", "answer": " "},
            {"verdict": "fine", "answer": "一"},
            {"verdict": "explained", "answer": "一" * 501},
            {"verdict": "explained", "answer": "一", "by": "me"},
        ],
    )
    def test_refuse_half_an_answer(self, client: Client, body: dict[str, str]) -> None:
        self.answer(client, an_anomaly().pk, person("office"), body, 400)

    def test_are_for_the_office_and_those_who_check_it(self, client: Client) -> None:
        pk = an_anomaly().pk
        assert client.get(ANOMALIES).status_code == 401
        assert client.post(f"{ANOMALIES}{pk}/answer/").status_code == 401
        assert client.post("/api/v1/months/2026-10/examine/").status_code == 401
        body = {"verdict": "explained", "answer": "一"}
        for role, sees in (("auditor", 200), ("reviewer", 403), ("", 403)):
            one = person(f"one-{role}", role)
            assert client.get(ANOMALIES, headers=bearer(one)).status_code == sees
            self.answer(client, pk, one, body, 403)
            asked = post(client, "/api/v1/months/2026-10/examine/", bearer(one))
            assert asked.status_code == 403

    @pytest.mark.parametrize("month", ["2026-09", "2026-13", "october"])
    def test_has_no_other_months_to_examine(self, client: Client, month: str) -> None:
        book()
        answer = post(client, f"/api/v1/months/{month}/examine/", bearer(person("o")))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_take_as_many_queries_for_one_as_for_twenty(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        headers = bearer(person("office"))
        client.get(ANOMALIES, headers=headers)
        for number in (1, 20):
            book(*(on("10-30", buyer_code=f"B{n}") for n in range(number)))
            book(*(on("11-02", "-20000.00", buyer_code=f"B{n}") for n in range(number)))
            found("late_returns")
            with django_assert_num_queries(2):
                client.get(ANOMALIES, headers=headers)
