"""Whoever holds an official file can compare its seal, and learns no figure by it."""

import pytest
from django.test import Client

from reports.models import Month
from reports.services.months import publish_month

from .ledger import NOW, book, in_month, person
from .test_months import close


def asked(client: Client, month: str, seal: str) -> str:
    parameters = {"month": month, "seal": seal}
    response = client.get("/seal/", parameters, headers={"Accept-Language": "en"})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.django_db
class TestSeal:
    @pytest.fixture
    def october(self) -> Month:
        book(in_month(10, amount="1230000.00"))
        return close()

    def test_is_known_for_a_closed_month_without_its_figures(
        self, client: Client, october: Month
    ) -> None:
        page = asked(client, "2026-10", october.sha256)
        assert "This is the seal of 2026-10." in page
        assert "123.00" not in page

    def test_shows_the_figures_of_a_published_month(self, client: Client, october: Month) -> None:
        publish_month(october, by=person("office"), now=NOW)
        assert "123.00" in asked(client, "2026-10", october.sha256.upper())

    @pytest.mark.parametrize("month", ["2026-09", "2026-11", "2026-13", "x", ""])
    def test_is_not_that_of_another_month(self, client: Client, october: Month, month: str) -> None:
        assert "No month was sealed with this." in asked(client, month, october.sha256)

    @pytest.mark.parametrize("seal", ["0" * 64, "x", "<script>", "é" * 100])
    def test_is_not_any_other_text(self, client: Client, october: Month, seal: str) -> None:
        page = asked(client, "2026-10", seal)
        assert "No month was sealed with this." in page
        assert "<script>" not in page.partition("<main>")[2]

    def test_is_asked_for_when_none_is_given(self, client: Client) -> None:
        assert "Enter the month" in asked(client, "", "")
