"""The public page shows published figures, each of which opens to those below it."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from reports.models import Month
from reports.services.months import close_month, publish_month
from reports.services.totals import roll_up
from tests.browser import needs_browser, opened

from .ledger import NOW, book, entry, in_month, person


def shown(client: Client, **parameters: str) -> str:
    response = client.get("/dashboard/", parameters, headers={"Accept-Language": "en"})
    assert response.status_code == 200
    return response.content.decode()


def publish(month: Month) -> None:
    first, second = person("first"), person("second")
    close_month(month.month, by=first, now=NOW)
    publish_month(close_month(month.month, by=second, now=NOW), by=first, now=NOW)


@pytest.mark.django_db
class TestDashboard:
    def test_says_that_there_are_no_figures_yet(self, client: Client) -> None:
        book(entry("987654.32"))
        roll_up(now=NOW)
        assert "No figures yet." in shown(client)

    def test_shows_everybody_what_is_published_and_the_office_all(self, client: Client) -> None:
        book(in_month(9, amount="1230000.00"), in_month(10, amount="9990000.00"))
        publish(Month.objects.get(month="2026-09-01"))
        assert "123.00" in shown(client)
        assert "1,122.00" not in shown(client)
        client.force_login(person("office"))
        assert "1,122.00" in shown(client)

    def test_begins_with_the_last_year_that_has_figures(self, client: Client) -> None:
        book(in_month(9))
        publish(Month.objects.get())
        assert "<title>" in (page := shown(client))
        assert "· 2026</title>" in page
        assert "No figures yet." in shown(client, year="2025")

    def test_names_no_supplier(self, client: Client) -> None:
        book(in_month(9, supplier_code="SECRET-1"))
        publish(Month.objects.get())
        assert "SECRET-1" not in shown(client)

    def test_narrows_to_what_was_chosen(self, client: Client) -> None:
        book(
            in_month(9, county_code="522722", amount="20000.00"),
            in_month(9, county_code="522731", amount="30000.00"),
        )
        publish(Month.objects.get())
        page = shown(client, county="522722")
        assert "2.00" in page
        assert "惠水县" not in page

    def test_opens_each_figure_to_its_entries_for_the_office_only(self, client: Client) -> None:
        book(
            in_month(9, county_code="522722", amount="20000.00"),
            in_month(9, county_code="522731", product_name="别处的"),
        )
        publish(Month.objects.get())
        assert "/admin/" not in shown(client)
        client.force_login(User.objects.create_user("olga", role="office", is_staff=True))
        links = re.findall(r'href="(/admin/reports/ledgerentry/[^"]*522722[^"]*)"', shown(client))
        listed = client.get(unescape(links[0])).content.decode()
        assert "长顺绿壳鸡蛋" in listed
        assert "别处的" not in listed

    @pytest.mark.parametrize("value", ["x", "522731'", "九" * 100, "%00"])
    @pytest.mark.parametrize("name", ["year", "county", "kind", "something"])
    def test_survives_what_people_type(self, client: Client, name: str, value: str) -> None:
        assert client.get("/dashboard/", {name: value}).status_code == 200

    def test_asks_as_often_for_one_cell_as_for_twenty(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        client.force_login(person("office"))
        for number in (1, 20):
            book(*(in_month(9, category_code=f"c{n}") for n in range(number)))
            roll_up(now=NOW)
            with django_assert_max_num_queries(45):
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
        for month in Month.objects.order_by("month"):
            people = [person(f"{month}-1"), person(f"{month}-2")]
            close_month(month.month, by=people[0], now=NOW)
            publish_month(close_month(month.month, by=people[1], now=NOW), by=people[0], now=NOW)

    @pytest.mark.parametrize("width", [1280, 390])
    def test_draws_its_charts_within_the_screen(self, live_server: Any, width: int) -> None:
        with opened(f"{live_server.url}/dashboard/", width=width) as page:
            for chart in ("months", "map", "pairs"):
                page.wait_for_selector(f"#{chart} svg")
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(overflow) == 0

    def test_opens_a_county_from_its_row(self, live_server: Any) -> None:
        with opened(f"{live_server.url}/dashboard/") as page:
            page.get_by_role("link", name="瓮安县").click()
            page.wait_for_url("**county=522725**")
            assert "15.00" in page.locator(".headline").inner_text()

    @pytest.mark.parametrize(
        ("language", "title"),
        [("zh-CN", "消费协作"), ("zh-HK", "消費協作"), ("en-GB", "Consumption assistance")],
    )
    def test_speaks_the_readers_language(self, live_server: Any, language: str, title: str) -> None:
        with opened(f"{live_server.url}/dashboard/", language=language) as page:
            assert title in page.get_by_role("heading", level=1).inner_text()
