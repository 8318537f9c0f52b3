"""The public page shows published figures, each of which opens to those below it."""

from typing import Any

import pytest
from django.test import Client

from reports.models import Month
from reports.services.months import close_month, publish_month
from reports.services.totals import roll_up
from reports.views.figures_page import PLACES
from tests.browser import needs_browser, opened
from tests.factories import SupplierFactory

from .ledger import NOW, book, entry, in_month, person

QUERIES = 28


def shown(client: Client, **parameters: str) -> str:
    response = client.get("/dashboard/", parameters, headers={"Accept-Language": "en"})
    assert response.status_code == 200
    return response.content.decode()


def publish(*months: Month) -> None:
    """Close and publish months, by default all that are not published."""
    for month in months or Month.objects.filter(status="open").order_by("month"):
        first, second = person(f"{month}-1"), person(f"{month}-2")
        close_month(month.month, by=first, now=NOW)
        publish_month(close_month(month.month, by=second, now=NOW), by=first, now=NOW)


@pytest.mark.django_db
class TestDashboard:
    def test_says_that_there_are_no_figures_yet(self, client: Client) -> None:
        book(entry("987654.32"))
        roll_up(now=NOW)
        assert "No figures yet." in shown(client)

    def test_shows_everybody_what_is_published_and_nobody_more(self, client: Client) -> None:
        book(in_month(9, amount="1230000.00"), in_month(10, amount="9990000.00"))
        publish(Month.objects.get(month="2026-09-01"))
        for role in ("", "reviewer", "auditor", "office", "admin"):
            page = shown(client)
            assert "123.00" in page
            assert "1,122.00" not in page
            assert "999.00" not in page
            client.force_login(person(f"one-{role}", role))

    def test_begins_with_the_last_year_that_has_figures(self, client: Client) -> None:
        book(in_month(9))
        publish()
        assert "<title>" in (page := shown(client))
        assert "· 2026</title>" in page
        assert "No figures yet." in shown(client, year="2025")

    def test_names_no_supplier(self, client: Client) -> None:
        SupplierFactory(code="SECRET-1", name="保密供应商")
        book(in_month(9, supplier_code="SECRET-1"))
        publish()
        client.force_login(person("office"))
        assert "SECRET-1" not in shown(client)
        for parameters in ({}, {"supplier": "SECRET-1"}, {"grade": "E3"}):
            page = shown(client, **parameters)
            assert "保密供应商" not in page
            assert "E2 delivery" not in page
            assert "<h2>Channels</h2>" in page
            assert "<h2>Suppliers</h2>" not in page
            assert "<h2>Evidence</h2>" not in page
            assert '<p class="amount">0.0000<' in page
            assert "Remove" not in page

    def test_narrows_to_what_was_chosen(self, client: Client) -> None:
        book(
            in_month(9, county_code="522722", amount="20000.00"),
            in_month(9, county_code="522731", amount="30000.00"),
        )
        publish()
        page = shown(client, county="522722")
        assert "2.00" in page
        assert "Huishui County" not in page

    def test_narrows_to_a_pairing_and_to_a_month(self, client: Client) -> None:
        paired = {"county_code": "522725", "pair_district_code": "440105"}
        book(
            in_month(8, amount="10000.00", **paired),
            in_month(9, amount="20000.00", **paired),
            in_month(9, amount="40000.00", county_code="522725"),
        )
        publish()
        assert "Haizhu District – Weng&#x27;an County" in shown(client)
        for parameters, total in (
            ({"pair": "440105-522725"}, "0.0003"),
            ({"month": "9"}, "0.0006"),
            ({"pair": "440105-522725", "month": "9"}, "0.0002"),
            ({"pair": "440105-522725", "county": "522731"}, "0.0003"),
            ({"month": "10"}, "0.0000"),
            ({"month": "13"}, "0.0007"),
        ):
            assert f'<p class="amount">{total}<' in shown(client, **parameters)

    def test_opens_to_no_entries(self, client: Client) -> None:
        book(in_month(9))
        publish()
        client.force_login(person("office"))
        assert "ledgerentry" not in shown(client)

    def test_leads_those_who_see_all_to_the_offices_page(self, client: Client) -> None:
        for role, is_led in (("", False), ("reviewer", False), ("auditor", True)):
            client.force_login(person(f"one-{role}", role))
            assert ('href="/office/"' in shown(client)) == is_led

    @pytest.mark.parametrize("value", ["x", "522731'", "九" * 100, "%00", "1-2-3"])
    @pytest.mark.parametrize("name", ["year", "month", "county", "pair", "kind", "something"])
    def test_survives_what_people_type(self, client: Client, name: str, value: str) -> None:
        assert client.get("/dashboard/", {name: value}).status_code == 200

    def test_asks_as_often_for_one_cell_as_for_twenty(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        book(in_month(9))
        publish()
        roll_up(now=NOW)
        with django_assert_num_queries(QUERIES):
            shown(client)
        book(*(in_month(10, county_code=c, category_code=f"c{c}") for c in PLACES))
        publish()
        with django_assert_num_queries(QUERIES):
            shown(client)


@needs_browser
@pytest.mark.django_db(transaction=True)
class TestInABrowser:
    @pytest.fixture(autouse=True)
    def _figures(self) -> None:
        book(
            in_month(8, county_code="522725", pair_district_code="440105", amount="150000.00"),
            in_month(9, county_code="522731", region_code="440103", amount="250000.00"),
        )
        publish()

    @pytest.mark.parametrize(
        ("width", "language"), [(1280, "zh-CN"), (390, "zh-CN"), (390, "en-GB")]
    )
    def test_draws_its_charts_within_the_screen(
        self, live_server: Any, width: int, language: str
    ) -> None:
        with opened(f"{live_server.url}/dashboard/", width=width, language=language) as page:
            for chart in ("months", "map", "pairs"):
                page.wait_for_selector(f"#{chart} svg")
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(overflow) == 0

    def test_opens_a_county_from_its_row(self, live_server: Any) -> None:
        with opened(f"{live_server.url}/dashboard/") as page:
            page.get_by_role("link", name="瓮安县", exact=True).click()
            page.wait_for_url("**county=522725**")
            assert "15.00" in page.locator(".headline").inner_text()

    @pytest.mark.parametrize(
        ("language", "title"),
        [("zh-CN", "消费协作"), ("zh-HK", "消費協作"), ("en-GB", "Consumption assistance")],
    )
    def test_speaks_the_readers_language(self, live_server: Any, language: str, title: str) -> None:
        with opened(f"{live_server.url}/dashboard/", language=language) as page:
            assert title in page.get_by_role("heading", level=1).inner_text()
