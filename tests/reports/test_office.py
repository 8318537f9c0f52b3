"""The office's page shows all months' figures, and what waits for the office."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from reports.models import Anomaly, Month, Report, Target
from reports.services.anomalies import answer_anomaly, examine
from reports.services.files.asking import request_report
from reports.services.months import close_month, publish_month
from reports.services.totals import roll_up
from tests.browser import needs_browser, opened
from tests.factories import SupplierFactory, SupplierMemberFactory

from .ledger import NOW, book, in_month, person
from .reporting import OCTOBER, made
from .test_months import a_declaration, an_anomaly

QUERIES = 55


def staff(role: str = "office", username: str = "olga") -> User:
    return User.objects.create_user(
        username, password="a long secret", role=role, is_staff=True, last_name=f"Name-{username}"
    )


def shown(client: Client, **parameters: str) -> str:
    response = client.get("/office/", parameters, headers={"Accept-Language": "en"})
    assert response.status_code == 200
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def row_of(page: str, name: str) -> str:
    """Return the text of the first table row that begins with `name`."""
    rows = (row.split("</tr>")[0] for row in page.split("<tr>")[1:])
    texts = (re.sub(r"(\s|<[^>]+>)+", " ", row).strip() for row in rows)
    return next(text for text in texts if text.startswith(name))


@pytest.fixture(autouse=True)
def _a_day_in_november(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.REPORTS_DIR = tmp_path
    with time_machine.travel(NOW):
        yield


@pytest.mark.django_db
class TestAccess:
    def test_asks_strangers_to_sign_in_and_leads_them_back(self, client: Client) -> None:
        staff()
        answer = client.get("/office/")
        assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/office/")
        form = {"username": "olga", "password": "a long secret", "next": "/office/"}
        assert client.post(answer["Location"], form)["Location"] == "/office/"

    @pytest.mark.parametrize("role", ["office", "auditor", "admin"])
    def test_lets_those_in_who_see_all_figures(self, client: Client, role: str) -> None:
        client.force_login(staff(role))
        assert "No figures yet." in shown(client)

    @pytest.mark.parametrize("role", ["reviewer", ""])
    def test_refuses_everybody_else(self, client: Client, role: str) -> None:
        client.force_login(staff(role))
        assert client.get("/office/").status_code == 403

    def test_refuses_suppliers(self, client: Client) -> None:
        client.force_login(SupplierMemberFactory().user)
        assert client.get("/office/").status_code == 403

    def test_only_reads(self, client: Client) -> None:
        client.force_login(staff())
        assert client.post("/office/").status_code == 405


@pytest.mark.django_db
class TestFigures:
    @pytest.fixture(autouse=True)
    def _signed_in(self, client: Client) -> None:
        client.force_login(staff())

    def test_show_all_months(self, client: Client) -> None:
        book(in_month(9, amount="1230000.00"), in_month(10, amount="9990000.00"))
        roll_up(now=NOW)
        assert "1,122.00" in shown(client)

    def test_name_suppliers(self, client: Client) -> None:
        SupplierFactory(code="S1", name="长顺蛋业")
        book(in_month(9, amount="20000.00"), in_month(9, amount="70000.00", supplier_code="S2"))
        roll_up(now=NOW)
        page = shown(client)
        assert "2.00" in row_of(page, "长顺蛋业")
        assert "7.00" in row_of(page, "S2")
        assert "S2" not in shown(client, supplier="S1").split("</header>")[1]

    def test_show_the_largest_of_many(self, client: Client) -> None:
        book(*(in_month(9, supplier_code=f"MANY-{n:02}", amount=f"{n}0000") for n in range(1, 23)))
        roll_up(now=NOW)
        page = shown(client)
        assert "MANY-03<" in page
        assert "MANY-02<" not in page
        assert "Smaller ones that are left out: 2." in page

    def test_are_divided_by_evidence(self, client: Client) -> None:
        book(
            in_month(9, amount="20000.00", grade=2),
            in_month(9, amount="30000.00", grade=3),
            in_month(9, amount="70000.00", grade=0),
        )
        roll_up(now=NOW)
        page = shown(client)
        for grade, amount in (("E0", "7.00"), ("E2", "2.00"), ("E3", "3.00")):
            assert amount in row_of(page, grade)
        assert page.index("E0 declared") < page.index("E2 delivery") < page.index("E3 fapiao")
        assert "3.00 10,000 yuan" in shown(client, grade="E3")
        assert "12.00 10,000 yuan" in shown(client, grade="E9")

    @pytest.mark.parametrize(
        ("heading", "column", "value"),
        [
            ("Huishui County", "county_code", "522731"),
            ("S2", "supplier_code", "S2"),
            ("E4", "grade", "4"),
            ("Baiyun District – Huishui County", "pair_district_code", "440111"),
            ("2026-08", "month__gte", "2026-08-01"),
        ],
    )
    def test_open_to_their_entries(
        self, client: Client, heading: str, column: str, value: str
    ) -> None:
        book(
            in_month(9, product_name="别处的"),
            in_month(8, product_name="这里的", county_code="522731", supplier_code="S2", grade=4,
                     pair_district_code="440111", amount="5.00"),
        )  # fmt: skip
        roll_up(now=NOW)
        tables = shown(client).split('class="tables"')[1]
        row = next(row for row in tables.split("<tr>") if f">{heading}" in row)
        (address,) = re.findall(r'href="(/admin/reports/ledgerentry/[^"]*)"', row)
        assert f"{column}={value}" in address
        listed = client.get(address).content.decode()
        assert "这里的" in listed
        assert ">2026-08<" in listed
        assert "别处的" not in listed

    @pytest.mark.parametrize("value", ["x", "E", "-", "九" * 100])
    @pytest.mark.parametrize("name", ["year", "month", "pair", "grade", "supplier"])
    def test_survive_what_people_type(self, client: Client, name: str, value: str) -> None:
        book()
        roll_up(now=NOW)
        assert client.get("/office/", {name: value}).status_code == 200


@pytest.mark.django_db
class TestMonths:
    @pytest.fixture(autouse=True)
    def _signed_in(self, client: Client) -> None:
        client.force_login(staff())

    def test_say_what_stands_in_the_way(self, client: Client) -> None:
        an_anomaly()
        book(in_month(8), in_month(7), in_month(11))
        roll_up(now=NOW)
        a_declaration("committing", months=["2026-08"])
        page = shown(client)
        assert row_of(page, "2026-07").endswith("It can be closed.")
        assert "Declarations of this month are being booked" in row_of(page, "2026-08")
        assert "wait for an answer: 2." in row_of(page, "2026-10")
        assert "The month is not over yet." in row_of(page, "2026-11")

    def test_say_who_asked_for_the_close_and_what_sealed_it(self, client: Client) -> None:
        book(in_month(8, amount="20000.00"), in_month(9))
        first, second = staff(username="first"), staff(username="second")
        close_month(date(2026, 9, 1), by=first, now=NOW)
        close_month(date(2026, 8, 1), by=first, now=NOW)
        sealed = close_month(date(2026, 8, 1), by=second, now=NOW)
        page = shown(client)
        assert "reviewing" in row_of(page, "2026-09")
        assert "Name-first" in row_of(page, "2026-09")
        assert row_of(page, "2026-09").endswith("A second person confirms the close.")
        assert f"1 2.00 Name-first 2026-11-24 12:00 {sealed.sha256[:12]}… " in row_of(
            page, "2026-08"
        )
        assert row_of(page, "2026-08").endswith("It can be published.")
        seal = re.search(r'href="(/seal/[^"]+)"', page)
        assert seal
        assert "✓" in client.get(seal[1]).content.decode()
        listed = client.get("/admin/reports/month/").content.decode()
        assert f">{sealed.sha256[:16]}<" in listed
        publish_month(sealed, by=first, now=NOW)
        assert "can be" not in row_of(shown(client), "2026-08")

    def test_are_those_of_the_year(self, client: Client) -> None:
        book(in_month(8))
        Month.objects.create(month=date(2025, 8, 1))
        assert "2025-08" not in shown(client, year="2026")
        assert "2025-08" in shown(client, year="2025")


@pytest.mark.django_db
class TestWaiting:
    @pytest.fixture(autouse=True)
    def _signed_in(self, client: Client) -> None:
        client.force_login(staff())

    def test_anomalies_lead_to_the_admin(self, client: Client) -> None:
        anomaly = an_anomaly()
        page = shown(client)
        address = f"/admin/reports/anomaly/{anomaly.pk}/change/"
        assert address in page
        assert client.get(address).status_code == 200
        assert 'answered_at__isnull=True">2</a>' in page
        for pk in Anomaly.objects.values_list("pk", flat=True):
            answer_anomaly(
                pk, verdict="explained", answer="说明", by=staff(username=f"o{pk}"), now=NOW
            )
        assert "/admin/reports/anomaly/" not in shown(client).replace("anomaly/?answered", "")
        listed = client.get("/admin/reports/anomaly/?answered_at__isnull=True")
        assert address not in listed.content.decode()

    @pytest.mark.parametrize(
        ("status", "waits"),
        [("valid", True), ("committing", True), ("revoking", True), ("booked", False)],
    )
    def test_declarations_lead_to_the_trace(self, client: Client, status: str, waits: bool) -> None:
        declaration = a_declaration(status, months=["2026-10"])
        address = f"/trace/?of=declaration&key={declaration.pk}"
        assert (address in shown(client)) == waits
        assert client.get(address).status_code == 200


@pytest.mark.django_db(transaction=True)
class TestReports:
    def test_are_downloaded_while_they_are_kept(self, client: Client) -> None:
        client.force_login(staff())
        book()
        report = made(by=person("somebody"))
        address = f"/reports/{report.pk}/download/"
        assert address in shown(client)
        assert client.get(address).getvalue()
        Report.objects.update(requested_at=NOW - timedelta(days=31))
        assert address not in shown(client)

    def test_are_not_downloaded_before_they_are_ready(self, client: Client) -> None:
        client.force_login(staff())
        report = request_report("monthly", OCTOBER, "xlsx", by=person("somebody"), now=NOW)
        assert "queued" in row_of(shown(client), "Monthly form 2026-10")
        assert f"/reports/{report.pk}/download/" not in shown(client)


@pytest.mark.django_db
class TestTargets:
    def test_stand_beside_what_was_reached(self, client: Client) -> None:
        client.force_login(staff())
        sold = {"county_code": "522725", "pair_district_code": "440105"}
        book(
            in_month(9, amount="60000.00", **sold),
            in_month(10, amount="20000.00", county_code="522725"),
        )
        roll_up(now=NOW)
        for county, district in ((None, None), ("522725", None), ("522725", "440105")):
            Target.objects.create(
                year=2026, county_id=county, district_id=district, amount="160000"
            )
        Target.objects.create(year=2026, district_id="440105", amount="160000")
        page = shown(client)
        for name, reached in (
            ("All counties", "8.00 50.0%"),
            ("Weng'an County", "8.00 50.0%"),
            ("Haizhu District – Weng'an County", "6.00 37.5%"),
            ("Haizhu District", "6.00 37.5%"),
        ):
            assert row_of(page, name).startswith(f"{name} 16.00 {reached}")
        order = ("All counties", ">Weng'an County", ">Haizhu District – Weng'an County")
        assert sorted(order, key=page.index) == list(order)
        assert 'href="?year=2026&pair=440105-522725"' in page


@pytest.mark.django_db
class TestQueries:
    def test_are_as_many_for_one_row_as_for_twenty(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        client.force_login(staff())
        book(in_month(10))
        request_report("monthly", OCTOBER, "xlsx", by=person("one"), now=NOW)
        roll_up(now=NOW)
        with django_assert_num_queries(QUERIES):
            shown(client)
        for number in range(20):
            book(
                in_month(1 + number % 9, supplier_code=f"S{number}", grade=number % 5,
                         product_name=f"P{number}", amount="-10.00" if number % 2 else "10.00")
            )  # fmt: skip
            by = person(f"reader-{number}")
            request_report("monthly", OCTOBER, "xlsx", by=by, now=NOW)
        for month in Month.objects.all():
            examine(month, by=None, now=NOW)
        an_anomaly()
        roll_up(now=NOW)
        with django_assert_num_queries(QUERIES):
            shown(client)


@needs_browser
@pytest.mark.django_db(transaction=True)
class TestInABrowser:
    @pytest.mark.parametrize("width", [1280, 390])
    def test_signs_in_and_fits_the_screen(self, live_server: Any, width: int) -> None:
        staff()
        an_anomaly()
        book(in_month(9, county_code="522725", pair_district_code="440105", amount="150000.00"))
        Target.objects.create(year=2026, amount="160000")
        roll_up(now=NOW)
        with opened(f"{live_server.url}/office/", width=width) as page:
            page.fill("[name=username]", "olga")
            page.fill("[name=password]", "a long secret")
            page.press("[name=password]", "Enter")
            page.wait_for_url("**/office/")
            for chart in ("months", "pairs"):
                page.wait_for_selector(f"#{chart} svg")
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(overflow) == 0
            page.get_by_role("link", name="海珠区 – 瓮安县").last.click()
            page.wait_for_url("**pair=440105-522725")
            assert "15.00" in page.locator(".headline").inner_text()
            page.get_by_role("link", name="台账条目").click()
            page.wait_for_url("**/admin/reports/ledgerentry/**")
            assert "150000.00" in page.locator("#result_list").inner_text()
