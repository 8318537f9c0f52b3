"""The figures over HTTP: who sees which, asked how, and what stands behind them."""

from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from reports.models import Month
from reports.services.figures import COLUMNS
from reports.services.months import close_month, publish_month
from reports.services.totals import roll_up

from .deliveries import shipped
from .ledger import NOW, bearer, book, entry, in_month, person
from .test_booking import accept, settle

TOTALS = "/api/v1/totals/"
ENTRIES = "/api/v1/totals/entries/"


@pytest.fixture
def office(db: None) -> User:
    return person("office")


@pytest.fixture
def ask(client: Client, office: User) -> Any:
    """Ask as the office, after a roll-up."""
    headers = bearer(office)

    def get(query: str = "", address: str = TOTALS) -> Any:
        roll_up(now=NOW)
        return client.get(f"{address}?{query}", headers=headers).json()

    return get


def publish(month: int) -> None:
    people = [User.objects.get_or_create(username=f"p{n}", role="office")[0] for n in (1, 2)]
    for one in people:
        close_month(date(2026, month, 1), by=one, now=NOW)
    publish_month(Month.objects.get(month=date(2026, month, 1)), by=people[0], now=NOW)


def variety() -> None:
    """Book entries that differ in every dimension."""
    book(
        in_month(8, amount="1.00"),
        in_month(9, amount="2.00", pair_district_code="440105"),
        in_month(9, amount="4.00", region_code="", supplier_code=""),
        in_month(10, amount="8.00", buyer_kind="wholesale", kind="helped_sell"),
        in_month(10, amount="16.00", channel="offline", grade=0, is_recognised=False),
        in_month(10, amount="32.00", county_code="522701", category_code="tea"),
        in_month(10, amount="-0.50", supplier_code="S2"),
    )


class TestTotals:
    def test_answers_in_the_agreed_shape(self, ask: Any) -> None:
        book(in_month(10, amount="10.00"), in_month(10, amount="2.50"), in_month(9))
        assert ask("from=2026-10&until=2026-10&by=month,county") == {
            "rule": 1,
            "as_of": NOW.isoformat(),
            "view": "booked",
            "published_only": False,
            "groups": [
                {
                    "month": "2026-10",
                    "county": {"code": "522729", "name": "长顺县"},
                    "amount": "12.50",
                    "freight": "0.00",
                    "weight_kg": "80.000",
                    "entries": 2,
                }
            ],
            "total": {
                "amount": "12.50",
                "freight": "0.00",
                "weight_kg": "80.000",
                "entries": 2,
            },
        }

    def test_includes_the_last_month(self, ask: Any) -> None:
        variety()
        assert ask("from=2026-08&until=2026-09")["total"]["amount"] == "7.00"
        assert ask("from=2026-10")["total"]["amount"] == "55.50"
        assert ask("month=2026-09")["total"]["amount"] == "6.00"

    @pytest.mark.parametrize("by", [*combinations(COLUMNS, 2), tuple(COLUMNS), ()])
    def test_adds_up_to_the_same_by_whatever_it_is_asked(
        self, ask: Any, by: tuple[str, ...]
    ) -> None:
        variety()
        answer = ask(f"by={','.join(by)}")
        assert answer["total"] == {
            "amount": "62.50", "freight": "0.00", "weight_kg": "280.000", "entries": 7,
        }  # fmt: skip
        if by:
            assert sum(Decimal(group["amount"]) for group in answer["groups"]) == Decimal("62.50")
            assert sum(group["entries"] for group in answer["groups"]) == 7

    @pytest.mark.parametrize(
        ("where", "amount"),
        [
            ("county=522701", "32.00"),
            ("district=unassigned", "4.00"),
            ("district=440105", "58.50"),
            ("pair=440105-522729", "2.00"),
            ("pair=440105-522729&county=522701", "0.00"),
            ("pair=unpaired", "60.50"),
            ("category=tea", "32.00"),
            ("kind=helped_sell", "8.00"),
            ("buyer_kind=wholesale", "8.00"),
            ("channel=offline", "16.00"),
            ("supplier=unnamed", "4.00"),
            ("supplier=S2", "-0.50"),
            ("recognised=false", "16.00"),
            ("grade=E2", "46.50"),
            ("grade=E0", "62.50"),
            ("grade=E3", "0.00"),
            ("kind=procured&channel=platform&district=440105&supplier=S1", "35.00"),
        ],
    )
    def test_filters_by_every_dimension(self, ask: Any, where: str, amount: str) -> None:
        variety()
        assert ask(where)["total"]["amount"] == amount
        entries = ask(f"{where}&page_size=100", ENTRIES)["results"]
        assert sum(Decimal(one["amount"]) for one in entries) == Decimal(amount)

    def test_names_what_has_no_code(self, ask: Any) -> None:
        variety()
        groups = ask("by=district,supplier,pair&month=2026-09")["groups"]
        assert [(g["district"], g["supplier"]["code"], g["pair"]) for g in groups] == [
            ({"code": "unassigned", "name": "unassigned"}, "unnamed", None),
            (
                {"code": "440105", "name": "海珠区"},
                "S1",
                {
                    "code": "440105-522729",
                    "district": {"code": "440105", "name": "海珠区"},
                    "county": {"code": "522729", "name": "长顺县"},
                },
            ),
        ]

    def test_counts_what_is_pending_only_after_the_roll_up(
        self, client: Client, office: User
    ) -> None:
        headers = bearer(office)
        book(entry("10.00"))
        answer = client.get(TOTALS, headers=headers).json()
        assert (answer["total"]["amount"], answer["as_of"]) == ("0.00", None)
        roll_up(now=NOW)
        assert client.get(TOTALS, headers=headers).json()["total"]["amount"] == "10.00"

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("color=red", "/color"),
            ("cursor=x", "/cursor"),
            ("by=month,month", "/by"),
            ("by=amount", "/by"),
            ("by=supplier_code", "/by"),
            ("from=2026-13", "/from"),
            ("until=20261", "/until"),
            ("from=2026-10&until=2026-09", "/until"),
            ("month=october", "/month"),
            ("grade=2", "/grade"),
            ("kind=sold", "/kind"),
            ("buyer_kind=", "/buyer_kind"),
            ("channel=email", "/channel"),
            ("county=522799", "/county"),
            ("district=x", "/district"),
            ("pair=440105", "/pair"),
            ("category=eggz", "/category"),
            ("supplier=nobody", "/supplier"),
            ("recognised=1", "/recognised"),
            ("view=monthly", "/view"),
            ("kind=procured&kind=helped_sell", "/kind"),
        ],
    )
    def test_refuses_what_it_does_not_know(
        self, client: Client, office: User, query: str, pointer: str
    ) -> None:
        answer = client.get(f"{TOTALS}?{query}", headers=bearer(office))
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]

    def test_takes_as_many_queries_for_one_county_as_for_twelve(
        self, client: Client, office: User, django_assert_num_queries: Any
    ) -> None:
        headers = bearer(office)
        client.get(TOTALS, headers=headers)
        for counties in (1, 12):
            book(*(entry(county_code=f"5227{n:02}") for n in range(counties)))
            roll_up(now=NOW)
            with django_assert_num_queries(7):
                client.get(f"{TOTALS}?by=county,category,supplier", headers=headers)


@pytest.mark.django_db
class TestPublic:
    def test_sees_published_months_only(self, client: Client) -> None:
        variety()
        publish(9)
        roll_up(now=NOW)
        answer = client.get(f"{TOTALS}?by=month").json()
        assert answer["published_only"] is True
        assert [group["month"] for group in answer["groups"]] == ["2026-09"]
        assert answer["total"]["amount"] == "6.00"
        assert client.get(f"{TOTALS}?month=2026-10").json()["total"]["entries"] == 0

    @pytest.mark.parametrize("query", ["by=supplier", "by=month,supplier", "supplier=unnamed"])
    def test_never_sees_suppliers(self, client: Client, query: str) -> None:
        assert client.get(f"{TOTALS}?{query}").status_code == 401
        for role in ("", "reviewer"):
            headers = bearer(person(f"one-{role}", role))
            assert client.get(f"{TOTALS}?{query}", headers=headers).status_code == 403

    def test_buyers_and_suppliers_see_what_the_public_sees(self, client: Client) -> None:
        variety()
        publish(9)
        delivery = shipped()
        for one in (delivery.buyer, delivery.supplier, person("reviewer", "reviewer")):
            answer = client.get(f"{TOTALS}?by=month", headers=bearer(one)).json()
            assert [group["month"] for group in answer["groups"]] == ["2026-09"]

    def test_never_sees_entries(self, client: Client) -> None:
        assert client.get(ENTRIES).status_code == 401
        delivery = shipped()
        for one in (delivery.buyer, delivery.supplier, person("reviewer", "reviewer")):
            assert client.get(ENTRIES, headers=bearer(one)).status_code == 403


class TestEntries:
    def test_name_the_order_and_the_claim_they_come_from(self, ask: Any) -> None:
        delivery = shipped()
        (sale,) = accept(delivery)
        settle(delivery, "720.00", line1="1")
        refund, shown = ask(address=ENTRIES)["results"]
        assert shown["source"] == {
            "kind": "acceptance",
            "order": delivery.number.removesuffix("-1"),
            "consignment": delivery.number,
            "line": 1,
        }
        assert (shown["amount"], shown["grade"], shown["corrects"]) == ("7200.00", "E2", None)
        assert refund["source"]["claim"] == delivery.lines[0].claim_lines.get().claim_id
        assert (refund["amount"], refund["corrects"]) == ("-720.00", sale.pk)

    def test_come_in_pages_that_hold_each_once(self, ask: Any, client: Client) -> None:
        variety()
        auditor = bearer(person("auditor", "auditor"))
        address, seen = f"{ENTRIES}?page_size=3", []
        while address:
            page = client.get(address, headers=auditor).json()
            seen += [row["id"] for row in page["results"]]
            address = page["next"]
        assert len(seen) == len(set(seen)) == 7

    def test_takes_as_many_queries_for_one_as_for_twenty(
        self, client: Client, office: User, django_assert_num_queries: Any
    ) -> None:
        headers = bearer(office)
        client.get(ENTRIES, headers=headers)
        for entries in (1, 20):
            accept(shipped(*[{}] * entries))
            with django_assert_num_queries(6):
                client.get(ENTRIES, headers=headers)
