"""Targets and how far they are reached, what the sales did locally, and what they earn."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from reports.models import Target
from reports.services.rewards import claim_rewards
from reports.services.targets import targets_of
from reports.services.totals import roll_up
from suppliers.models import AssistanceProfile
from tests.factories import CHANGSHUN, HAIZHU, WENGAN, SupplierFactory

from .ledger import NOW, bearer, book, entry, in_month, person
from .test_totals_api import publish

pytestmark = pytest.mark.django_db

DAY = NOW.date()
ENGLISH = {"Accept-Language": "en"}


def sold(*amounts: str, year: int = 2026, month: int = 10, **fields: Any) -> None:
    day = in_month(month).booked_at.replace(year=year)
    book(*(entry(amount, booked_at=day, occurred_on=day.date(), **fields) for amount in amounts))
    roll_up(now=NOW)


def target(amount: str = "1000", **fields: Any) -> Target:
    return Target.objects.create(**{"year": 2026, "amount": Decimal(amount), **fields})


def standing(**options: Any) -> Any:
    return targets_of(2026, **{"day": DAY, "published_only": False, **options})


class TestTargets:
    def test_are_set_once_for_the_same_county_and_district(self) -> None:
        for fields in ({}, {"county_id": WENGAN}, {"county_id": WENGAN, "district_id": HAIZHU}):
            target(**fields)
            with pytest.raises(ValidationError):
                Target(year=2026, amount=1, **fields).full_clean()
            with pytest.raises(IntegrityError), transaction.atomic():
                target(**fields)
            target(year=2025, **fields)

    @pytest.mark.parametrize("fields", [{"amount": "0"}, {"amount": "-1"}, {"year": 2009}])
    def test_are_positive_and_of_our_time(self, fields: dict[str, Any]) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            target(**fields)

    def test_count_what_is_theirs(self) -> None:
        sold("100.00", county_code=WENGAN, pair_district_code=HAIZHU)
        sold("20.00", county_code=WENGAN)
        sold("3.00", county_code=CHANGSHUN)
        target()
        target(county_id=WENGAN)
        target(county_id=WENGAN, district_id=HAIZHU)
        target(district_id=HAIZHU)
        reached = {
            (one.target.county_id, one.target.district_id): one.reached
            for one in standing().targets
        }
        assert reached == {
            (None, None): 123,
            (WENGAN, None): 120,
            (WENGAN, HAIZHU): 100,
            (None, HAIZHU): 100,
        }

    def test_stand_beside_the_same_months_of_the_year_before(self) -> None:
        sold("100.00", year=2025, month=3)
        sold("60.00", year=2025, month=12)
        sold("150.00", month=3)
        target("600")
        (one,) = standing().targets
        assert (one.reached, one.percent, one.before) == (150, 25, 100)

    def test_project_the_year_by_the_share_of_the_months_that_are_over(self) -> None:
        for month in (1, 2, 11, 12):
            sold("100.00", year=2025, month=month)
        sold("150.00", month=1)
        sold("150.00", month=2)
        # The running month is not over: half of it says nothing of the whole.
        sold("10.00", month=11)
        target()
        (one,) = standing().targets
        assert (one.reached, one.projection) == (310, 600)

    def test_project_nothing_without_a_base(self) -> None:
        sold("60.00", year=2025, month=12)
        sold("150.00", month=3)
        target()
        (one,) = standing().targets
        assert (one.reached, one.before, one.projection) == (150, 0, None)

    def test_of_a_past_year_end_where_it_ended(self) -> None:
        sold("100.00", year=2025, month=12)
        sold("150.00", month=12)
        target()
        (one,) = standing(day=date(2027, 1, 1)).targets
        assert one.projection == one.reached == 150

    def test_of_a_year_without_figures_are_not_reached(self) -> None:
        target()
        found = standing()
        assert (found.until, found.targets[0].reached, found.targets[0].projection) == (
            None, 0, None,
        )  # fmt: skip


class TestImpact:
    def test_adds_up_the_suppliers_that_sell_by_county(self) -> None:
        for number, county in enumerate((CHANGSHUN, CHANGSHUN, WENGAN), start=1):
            supplier = SupplierFactory(county_id=county)
            for year in (2025, 2026):
                AssistanceProfile.objects.create(
                    supplier=supplier, year=year, households=number, jobs=10, land_rent="0.50"
                )
        applied = SupplierFactory(status="applied")
        AssistanceProfile.objects.create(supplier=applied, year=2026, households=99)
        assert [tuple(row.values()) for row in standing().impact] == [
            (WENGAN, "瓮安县", 3, 10, Decimal("0.50")),
            (CHANGSHUN, "长顺县", 3, 20, Decimal("1.00")),
        ]


class TestTargetsOverHTTP:
    def test_answer_in_the_agreed_shape(self, client: Client) -> None:
        SupplierFactory(name="x").profiles.create(year=2026, households=7, jobs=2, land_rent=5)
        sold("100.00", year=2025)
        sold("150.00", month=10)
        target("1200", county_id=CHANGSHUN)
        answer = client.get("/api/v1/targets/?year=2026", headers=bearer(person("office"))).json()
        assert answer == {
            "year": 2026,
            "until": "2026-10",
            "as_of": NOW.isoformat(),
            "published_only": False,
            "targets": [
                {
                    "county": {"code": CHANGSHUN, "name": "长顺县"},
                    "district": None,
                    "amount": "1200.00",
                    "reached": "150.00",
                    "percent": "12.5",
                    "before": "100.00",
                    "projection": "150.00",
                }
            ],
            "impact": [
                {
                    "county": {"code": CHANGSHUN, "name": "长顺县"},
                    "households": 7,
                    "jobs": 2,
                    "land_rent": "5.00",
                }
            ],
        }

    def test_show_the_public_what_is_published(self, client: Client) -> None:
        sold("150.00", month=9)
        sold("30.00", month=10)
        publish(9)
        target()
        for headers in ({}, bearer(person("reviewer", "reviewer"))):
            answer = client.get("/api/v1/targets/?year=2026", headers=headers).json()
            assert answer["published_only"] is True
            assert (answer["until"], answer["targets"][0]["reached"]) == ("2026-09", "150.00")
        answer = client.get("/api/v1/targets/?year=2026", headers=bearer(person("a", "auditor")))
        assert answer.json()["targets"][0]["reached"] == "180.00"

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("", "/year"),
            ("year=26", "/year"),
            ("year=２０２６", "/year"),
            ("year=2009", "/year"),
            ("year=2026&county=522725", "/county"),
        ],
    )
    def test_refuse_what_they_do_not_know(self, client: Client, query: str, pointer: str) -> None:
        answer = client.get(f"/api/v1/targets/?{query}")
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]

    def test_take_as_many_queries_for_one_as_for_ten(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        headers = bearer(person("office"))
        client.get("/api/v1/targets/?year=2026", headers=headers)
        counties = ["522701", "522702", "522722", "522723", "522725", "522726"]
        for some in (counties[:1], counties[1:]):
            for county in some:
                target(county_id=county)
                sold("1.00", county_code=county)
                SupplierFactory(county_id=county).profiles.create(year=2026)
            with django_assert_num_queries(6):
                client.get("/api/v1/targets/?year=2026", headers=headers)


class TestAdmin:
    ADDRESS = "/admin/reports/target/add/"
    BODY = {"year": "2026", "county": CHANGSHUN, "district": "", "amount": "1200.00"}

    def test_lets_the_office_set_a_target_once(self, client: Client) -> None:
        client.force_login(User.objects.create(username="o", role="office", is_staff=True))
        for status in (302, 200):
            assert client.post(self.ADDRESS, self.BODY).status_code == status
        assert Target.objects.get().amount == 1200

    @pytest.mark.parametrize("role", ["auditor", "reviewer"])
    def test_lets_nobody_else(self, client: Client, role: str) -> None:
        client.force_login(User.objects.create(username="x", role=role, is_staff=True))
        assert client.post(self.ADDRESS, self.BODY).status_code == 403


class TestDashboard:
    def test_shows_how_far_the_years_target_is_reached(self, client: Client) -> None:
        sold("150.00", month=9)
        publish(9)
        target("1200")
        shown = client.get("/dashboard/?year=2026", headers=ENGLISH).content.decode()
        assert "Target of the year" in shown
        assert "12.5%" in shown

    def test_shows_the_countys_target_where_it_is_narrowed_to_one(self, client: Client) -> None:
        sold("150.00", month=9)
        publish(9)
        target("1200")
        target("300", county_id=CHANGSHUN)
        narrowed = f"/dashboard/?year=2026&county={CHANGSHUN}"
        assert "50.0%" in client.get(narrowed, headers=ENGLISH).content.decode()

    @pytest.mark.parametrize("query", ["year=2025", "year=2026&channel=platform", "county=522701"])
    def test_shows_no_target_where_there_is_none(self, client: Client, query: str) -> None:
        target()
        target(county_id=CHANGSHUN, district_id=HAIZHU)
        shown = client.get(f"/dashboard/?{query}", headers=ENGLISH).content.decode()
        assert "Target of the year" not in shown


class TestRewards:
    def test_are_sales_times_rate_within_the_budget(self) -> None:
        sold("1000.50", "-0.25", supplier_code="S1")
        sold("500.00", supplier_code="S2")
        pack = claim_rewards(2026, budget=Decimal(100), rate=Decimal("0.03"), day=DAY)
        assert [(one.supplier_code, one.sales, one.own, one.approved) for one in pack.rewards] == [
            ("S1", Decimal("1000.25"), Decimal("30.01"), Decimal("30.01")),
            ("S2", Decimal("500.00"), Decimal("15.00"), Decimal("15.00")),
        ]

    def test_shrink_alike_over_the_budget_without_a_rest(self) -> None:
        for code in ("S1", "S2", "S3"):
            sold("100.00", supplier_code=code)
        pack = claim_rewards(2026, budget=Decimal("10.00"), rate=Decimal("0.1"), day=DAY)
        assert [one.approved for one in pack.rewards] == [
            Decimal("3.34"), Decimal("3.33"), Decimal("3.33"),
        ]  # fmt: skip

    def test_leave_out_what_earns_nothing(self) -> None:
        sold("100.00", supplier_code="S1", is_recognised=False)
        sold("100.00", supplier_code="")
        sold("100.00", "-100.00", supplier_code="S2")
        sold("100.00", supplier_code="S3", year=2025)
        pack = claim_rewards(2026, budget=Decimal(10), rate=Decimal("0.1"), day=DAY)
        assert pack.rewards == []


class TestRewardsOverHTTP:
    ADDRESS = "/api/v1/rewards/"

    def test_answer_in_the_agreed_shape(self, client: Client) -> None:
        SupplierFactory(code="S1", name="长顺蛋业")
        sold("1000.00", supplier_code="S1")
        answer = client.get(
            f"{self.ADDRESS}?year=2026&budget=20&rate=0.03", headers=bearer(person("office"))
        )
        assert answer.json() == {
            "year": 2026,
            "budget": "20.00",
            "rate": "0.03",
            "as_of": NOW.isoformat(),
            "own": "30.00",
            "approved": "20.00",
            "suppliers": [
                {
                    "supplier": {"code": "S1", "name": "长顺蛋业"},
                    "sales": "1000.00",
                    "own": "30.00",
                    "approved": "20.00",
                }
            ],
        }

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("budget=1&rate=0.1", "/year"),
            ("year=2026&rate=0.1", "/budget"),
            ("year=2026&budget=1", "/rate"),
            ("year=2026&budget=-1&rate=0.1", "/budget"),
            ("year=2026&budget=1e9&rate=0.1", "/budget"),
            ("year=2026&budget=1.001&rate=0.1", "/budget"),
            ("year=2026&budget=1&rate=0", "/rate"),
            ("year=2026&budget=1&rate=1.1", "/rate"),
            ("year=2026&budget=1&rate=0.1&supplier=S1", "/supplier"),
        ],
    )
    def test_refuse_what_they_do_not_know(self, client: Client, query: str, pointer: str) -> None:
        answer = client.get(f"{self.ADDRESS}?{query}", headers=bearer(person("office")))
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]

    def test_are_the_offices_alone(self, client: Client) -> None:
        address = f"{self.ADDRESS}?year=2026&budget=1&rate=0.1"
        assert client.get(address).status_code == 401
        for role in ("auditor", "reviewer", ""):
            headers = bearer(person(f"one-{role}", role))
            assert client.get(address, headers=headers).status_code == 403
