"""The restated view counts a correction where it belongs; the official figure never does."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import User
from reports.models import LedgerEntry, Month
from reports.services.booking import settle_claim
from reports.services.figures import Question, answer, entries_behind
from reports.services.months import close_month
from reports.services.totals import roll_up

from .deliveries import shipped
from .ledger import NOW, bearer, book, in_month, person, rule
from .test_booking import accept
from .test_months import OCTOBER, close
from .test_totals_api import ENTRIES, TOTALS

NOVEMBER = date(2026, 11, 1)

yuan = st.integers(-10_000_000, 1_000_000_000).map(lambda fen: str(Decimal(fen) / 100))


def by_month(*, restated: bool) -> dict[date, Decimal]:
    """Return the figure of each month, after a roll-up."""
    roll_up(now=NOW)
    groups = answer(Question(by=("month",), restated=restated), day=NOW.date()).groups
    return {group["month"]: group["amount"] for group in groups}


def correction(month: int, amount: str, **fields: Any) -> LedgerEntry:
    return in_month(month, amount=amount, source=LedgerEntry.Source.CORRECTION, **fields)


def late(month: int, amount: str, corrects_month: date) -> LedgerEntry:
    return in_month(month, amount=amount, corrects_month=corrects_month)


class TestAnyHistory(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(
        sales=st.lists(yuan, min_size=1, max_size=5),
        adjustments=st.lists(st.tuples(yuan, st.integers(0, 4) | st.none()), max_size=5),
    )
    def test_closed_total_and_later_adjustments_are_the_restated_total(
        self, sales: list[str], adjustments: list[tuple[str, int | None]]
    ) -> None:
        book(*(in_month(10, amount=amount) for amount in sales))
        booked = list(LedgerEntry.objects.order_by("id"))
        for name in ("first", "second"):
            close_month(OCTOBER, by=person(name), now=NOW)
        closed = Month.objects.get(month=OCTOBER).amount
        for amount, index in adjustments:
            if index is None:
                book(late(11, amount, OCTOBER))
            else:
                book(correction(11, amount, corrects=booked[index % len(booked)]))
        adjusted = sum(Decimal(amount) for amount, _index in adjustments)
        assert by_month(restated=True) == {OCTOBER: closed + adjusted}
        assert by_month(restated=False)[OCTOBER] == closed

    @settings(max_examples=25, deadline=None)
    @given(
        history=st.lists(
            st.tuples(
                st.integers(1, 11),
                yuan,
                st.none() | st.integers(0, 20),
                st.none() | st.integers(1, 11),
                st.sampled_from(["eggs", "handicraft"]),
                st.booleans(),
                st.sampled_from([1, 2]),
            ),
            max_size=12,
        )
    )
    def test_all_months_restated_are_all_months_booked(self, history: list[Any]) -> None:
        rule(sectors=["farm"], only_recognised=True)
        expected: dict[date, Decimal] = {}
        for month, amount, index, corrects_month, category, recognised, version in history:
            booked = list(LedgerEntry.objects.order_by("id"))
            corrected = booked[index % len(booked)] if booked and index is not None else None
            belongs = date(2026, corrects_month, 1) if corrects_month else None
            facts: dict[str, Any] = {
                "category_code": category,
                "is_recognised": recognised,
                "rule_id": version,
                "corrects_month": belongs,
            }
            if corrected:
                book(correction(month, amount, corrects=corrected, **facts))
            else:
                book(in_month(month, amount=amount, **facts))
            if version == 1 or (category == "eggs" and recognised):
                there = belongs or (corrected and corrected.month) or date(2026, month, 1)
                expected[there] = expected.get(there, Decimal(0)) + Decimal(amount)
        restated = by_month(restated=True)
        assert restated == expected
        assert sum(restated.values()) == sum(by_month(restated=False).values())
        for month in expected:
            one = Question(since=month, until=month, restated=True)
            (group,) = answer(one, day=NOW.date()).groups
            assert group["amount"] == expected[month]
            assert sum(entry.amount for entry in entries_behind(one)) == expected[month]


@pytest.mark.django_db
class TestRestated:
    def test_puts_a_refund_where_the_sale_is(self) -> None:
        delivery = shipped()
        accept(delivery, now=NOW.replace(month=10))
        close()
        claim = delivery.claim(line1="1")
        settle_claim(claim.pk, amount=Decimal("720.00"), by=delivery.supplier, now=NOW)
        assert by_month(restated=False) == {OCTOBER: Decimal(7200), NOVEMBER: Decimal(-720)}
        assert by_month(restated=True) == {OCTOBER: Decimal(6480)}

    def test_names_the_view_and_means_the_restated_month(self, client: Client) -> None:
        book(in_month(10, amount="10.00"), in_month(11, amount="5.00"))
        book(late(11, "2.00", OCTOBER))
        roll_up(now=NOW)
        headers = bearer(person("auditor", "auditor"))

        def ask(query: str, address: str = TOTALS) -> Any:
            return client.get(f"{address}?{query}", headers=headers).json()

        for months in ("from=2026-10&until=2026-10", "month=2026-10"):
            shown = ask(f"{months}&view=restated&by=month,county")
            assert (shown["view"], shown["total"]["amount"]) == ("restated", "12.00")
            assert [group["month"] for group in shown["groups"]] == ["2026-10"]
            assert [group["entries"] for group in shown["groups"]] == [2]
            entries = ask(f"{months}&view=restated", ENTRIES)["results"]
            assert [(e["month"], e["restated_month"], e["amount"]) for e in entries] == [
                ("2026-11", "2026-10", "2.00"),
                ("2026-10", "2026-10", "10.00"),
            ]
        official = ask("month=2026-10")
        assert (official["view"], official["total"]["amount"]) == ("booked", "10.00")
        assert official == ask("month=2026-10&view=booked")
        assert "restated_month" not in ask("", ENTRIES)["results"][0]

    def test_filters_and_groups_like_the_official_view(self, client: Client) -> None:
        book(in_month(10, pair_district_code="440105"), in_month(10, grade=0, county_code="522701"))
        book(late(11, "2.00", OCTOBER))
        headers = bearer(person("office"))
        roll_up(now=NOW)
        for query in ("by=pair,kind,supplier", "county=522729&by=month", "grade=E2&by=district"):
            booked, restated = (
                client.get(f"{TOTALS}?{query}&view={view}", headers=headers).json()
                for view in ("booked", "restated")
            )
            assert restated["total"] == booked["total"]

    def test_a_refund_counts_by_the_rule_of_its_sale(self) -> None:
        book(in_month(10, amount="10.00", is_recognised=False))
        rule(in_force_from=NOVEMBER, only_recognised=True)
        sale = LedgerEntry.objects.get()
        book(correction(11, "-4.00", corrects=sale, is_recognised=False))
        book(in_month(11, amount="99.00", rule_id=2, is_recognised=False))
        assert by_month(restated=False) == {OCTOBER: Decimal(10), NOVEMBER: Decimal(-4)}
        assert by_month(restated=True) == {OCTOBER: Decimal(6)}

    @pytest.mark.parametrize("address", [TOTALS, ENTRIES])
    def test_is_for_the_office_and_auditors(self, client: Client, address: str) -> None:
        assert client.get(f"{address}?view=restated").status_code == 401
        delivery = shipped()
        strangers: list[User] = [
            delivery.buyer,
            delivery.supplier,
            person("reviewer", "reviewer"),
        ]
        for one in strangers:
            answered = client.get(f"{address}?view=restated", headers=bearer(one))
            assert (answered.status_code, answered.json()["code"]) == (403, "forbidden")
        for role in ("office", "auditor", "admin"):
            headers = bearer(person(f"one-{role}", role))
            assert client.get(f"{address}?view=restated", headers=headers).status_code == 200

    @pytest.mark.parametrize(("address", "queries"), [(TOTALS, 4), (ENTRIES, 6)])
    def test_takes_as_many_queries_for_one_as_for_twenty(
        self, client: Client, address: str, queries: int, django_assert_num_queries: Any
    ) -> None:
        headers = bearer(person("office"))
        client.get(address, headers=headers)
        for entries in (1, 20):
            book(*(late(11, "1.00", OCTOBER) for _ in range(entries)))
            with django_assert_num_queries(queries):
                client.get(f"{address}?view=restated&from=2026-10", headers=headers)
