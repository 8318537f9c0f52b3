"""Indicators report the same facts many times, each by its own conditions."""

from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client

from reports.models import Indicator
from reports.services.totals import roll_up

from .ledger import NOW, bearer, book, entry, in_month, person, rule
from .test_totals_api import TOTALS, publish

INDICATORS = "/api/v1/indicators/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(client: Client) -> Any:
    """Ask an indicator as the office, after a roll-up."""
    headers = bearer(person("office"))

    def get(code: str, query: str = "") -> Any:
        roll_up(now=NOW)
        return client.get(f"{INDICATORS}{code}/?{query}", headers=headers).json()

    return get


def variety() -> None:
    book(
        in_month(9, amount="1.00"),
        in_month(10, amount="2.00", is_recognised=False),
        in_month(10, amount="4.00", channel="832", grade=0, is_recognised=False),
        in_month(10, amount="8.00", channel="832", grade=3),
        in_month(10, amount="16.00", category_code="handicraft"),
    )


class TestList:
    def test_says_what_each_counts(self, client: Client) -> None:
        results = {row["code"]: row for row in client.get(INDICATORS).json()["results"]}
        assert set(results) == {
            "goods", "goods-and-services", "recognised", "platform-832", "provincial",
        }  # fmt: skip
        assert results["platform-832"]["channels"] == ["832"]
        assert results["provincial"]["least_grade"] == "E2"
        assert results["recognised"]["only_recognised"] is True
        assert [code for code, row in results.items() if row["counts_freight"]] == [
            "goods-and-services"
        ]
        assert results["goods"] == {
            "code": "goods",
            "name": "货物销售额（官方口径）",
            "name_en": "Goods (official figure)",
            "description": results["goods"]["description"],
            "follows_rule": True,
            "channels": [],
            "sectors": ["farm", "handicraft"],
            "only_recognised": False,
            "least_grade": "E0",
            "counts_freight": False,
        }

    def test_refuses_parameters_it_does_not_know(self, client: Client) -> None:
        assert client.get(f"{INDICATORS}?color=red").status_code == 400


class TestIndicator:
    @pytest.mark.parametrize(
        ("code", "amount"),
        [
            ("goods", "31.00"),
            ("goods-and-services", "31.00"),
            ("recognised", "25.00"),
            ("platform-832", "12.00"),
            ("provincial", "27.00"),
        ],
    )
    def test_counts_what_lies_within_it(self, ask: Any, code: str, amount: str) -> None:
        variety()
        for by in ("", "month", "district,supplier", "county,channel", "recognised,category"):
            answer = ask(code, f"by={by}")
            assert (answer["indicator"], answer["total"]["amount"]) == (code, amount)

    def test_answers_like_the_totals(self, ask: Any, client: Client) -> None:
        variety()
        query = "from=2026-10&until=2026-10&by=month,county"
        answer = ask("goods", query)
        assert answer.pop("indicator") == "goods"
        assert answer == client.get(f"{TOTALS}?{query}", headers=bearer(person("other"))).json()

    def test_takes_the_filters_of_the_totals(self, ask: Any) -> None:
        variety()
        assert ask("platform-832", "grade=E3")["total"]["amount"] == "8.00"
        assert ask("provincial", "grade=E0")["total"]["amount"] == "27.00"
        assert ask("recognised", "until=2026-09")["total"]["amount"] == "1.00"

    def test_follows_the_rule_only_where_it_says_so(self, ask: Any) -> None:
        rule(sectors=["farm"], only_recognised=True)
        book(
            in_month(10, amount="1.00", rule_id=2, channel="832"),
            in_month(10, amount="2.00", rule_id=2, channel="832", is_recognised=False),
            in_month(10, amount="4.00", rule_id=2, channel="832", category_code="handicraft"),
            in_month(10, amount="8.00", rule_id=1, channel="832", category_code="handicraft"),
        )
        assert ask("goods")["total"]["amount"] == "9.00"
        assert ask("goods", "by=district")["groups"][0]["amount"] == "9.00"
        assert ask("recognised")["total"]["amount"] == "9.00"
        assert ask("platform-832")["total"]["amount"] == "15.00"
        assert ask("provincial")["total"]["amount"] == "15.00"

    def test_can_leave_out_a_sector(self, ask: Any) -> None:
        variety()
        Indicator.objects.create(
            code="farm", name="农畜牧", name_en="Farm", description="-", sectors=["farm"],
            follows_rule=True,
        )  # fmt: skip
        assert ask("farm", "by=channel")["total"]["amount"] == "15.00"

    @pytest.mark.parametrize(
        "query", ["view=restated", "view=booked", "color=red", "by=amount", "from=2026-13"]
    )
    def test_refuses_what_it_does_not_know(self, client: Client, query: str) -> None:
        headers = bearer(person("office"))
        assert client.get(f"{INDICATORS}goods/?{query}", headers=headers).status_code == 400

    def test_is_not_found_under_another_code(self, client: Client) -> None:
        answer = client.get(f"{INDICATORS}nothing/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_shows_everybody_published_months_and_no_suppliers(self, client: Client) -> None:
        variety()
        publish(9)
        roll_up(now=NOW)
        for code in ("goods", "provincial"):
            answer = client.get(f"{INDICATORS}{code}/?by=month").json()
            assert answer["published_only"] is True
            assert [group["month"] for group in answer["groups"]] == ["2026-09"]
            assert client.get(f"{INDICATORS}{code}/?by=supplier").status_code == 401
            headers = bearer(person(f"reviewer-{code}", "reviewer"))
            hidden = client.get(f"{INDICATORS}{code}/?by=supplier", headers=headers)
            assert hidden.status_code == 403

    def test_takes_as_many_queries_for_one_county_as_for_twelve(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        headers = bearer(person("office"))
        client.get(TOTALS, headers=headers)
        for counties in (1, 12):
            book(*(entry(county_code=f"5227{n:02}", channel="832") for n in range(counties)))
            roll_up(now=NOW)
            with django_assert_num_queries(6):
                client.get(f"{INDICATORS}platform-832/?by=county", headers=headers)

    @pytest.mark.parametrize(
        "conditions", [{"sectors": []}, {"sectors": ["mining"]}, {"least_grade": 5}]
    )
    def test_cannot_ask_for_what_there_is_not(self, conditions: dict[str, Any]) -> None:
        with pytest.raises(IntegrityError):
            Indicator.objects.create(
                code="x", name="-", name_en="-", description="-", follows_rule=True, **conditions
            )
