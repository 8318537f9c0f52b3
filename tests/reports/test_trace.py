"""From any paper of a sale to all others, and to the figures that it is in."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import Division, User
from orders.models import LineBatch, OrderEvent, OrderLine
from reports.models import Declaration, DeclarationRow, LedgerEntry
from reports.services.months import close_month
from reports.services.totals import roll_up
from tests.factories import BatchFactory

from .deliveries import Delivery, shipped
from .ledger import NOW, bearer, book, entry, in_month, person
from .test_booking import accept, settle
from .test_grading import invoice, pay, red_letter

TRACE = "/api/v1/trace/"
PAGE = "/trace/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> User:
    user = person("olga")
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def trace(client: Client, office: User) -> Any:
    """Trace as the office, after a roll-up."""
    headers = bearer(office)

    def get(query: str, status: int = 200) -> Any:
        roll_up(now=NOW)
        answer = client.get(f"{TRACE}?{query}", headers=headers)
        assert answer.status_code == status, answer.content
        return answer.json()

    return get


def sold(*lines: dict[str, Any]) -> Delivery:
    """Return an accepted delivery with two cases of ten refunded, invoiced and paid."""
    delivery = shipped(*(lines or [{"batch": "B-1", "pair_district_code": "440105"}]))
    accept(delivery)
    settle(delivery, "1440", line1="2")
    due = str(7200 * len(delivery.lines) - 1440)
    invoice(delivery, due)
    pay(delivery, due)
    return delivery


def declared(rows: int = 1, **fields: Any) -> Declaration:
    """Store a booked declaration of some rows."""
    declaration = Declaration.objects.create(
        reporter_id="522729", file_name="九月.csv", format="csv", size=1, sha256="ab" * 32,
        status="booked", rows=rows, bad_rows=0, amount=10 * rows, uploaded_at=NOW, booked_at=NOW,
    )  # fmt: skip
    book(*[entry(grade=0) for _ in range(rows)])
    DeclarationRow.objects.bulk_create(
        DeclarationRow(
            entry=booked, declaration=declaration, reporter_code="522729", row=n,
            document_no=f"D-{n}", **fields,
        )
        for n, booked in enumerate(LedgerEntry.objects.order_by("-id")[:rows][::-1], start=2)
    )  # fmt: skip
    return declaration


def figures(found: Any, by: str) -> list[tuple[Any, ...]]:
    return [
        (figure["value"], figure["amount"], len(figure["traced"]))
        for figure in found["figures"]
        if figure["by"] == by
    ]


class TestDown:
    @pytest.mark.parametrize(
        "kind", ["order", "consignment", "fapiao", "payment", "batch", "entry"]
    )
    def test_shows_the_same_sale_from_each_of_its_papers(self, trace: Any, kind: str) -> None:
        delivery = sold()
        accept(shipped())
        line = OrderLine.objects.select_related("order").get(pk=delivery.lines[0].pk)
        consignment = line.consignment
        key = {
            "order": line.order.number,
            "consignment": consignment.number,
            "fapiao": consignment.fapiaos.get().number,
            "payment": consignment.payments.get().pk,
            "batch": "B-1",
            "entry": LedgerEntry.objects.get(source="claim").pk,
        }[kind]
        found = trace(f"{kind}={key}")
        assert found["of"] == {kind: str(key)}
        assert found["is_complete"] is True
        assert [row["number"] for row in found["orders"]] == [line.order.number]
        assert [row["number"] for row in found["consignments"]] == [consignment.number]
        (shown,) = found["lines"]
        assert [shown[name] for name in ("line", "batch", "quantity", "shipped_quantity",
                                         "accepted_quantity", "accepted_amount",
                                         "refunded_amount")] == [
            1, "B-1", "10", "10", "10", "7200.00", "1440.00"
        ]  # fmt: skip
        assert [row["source"]["kind"] for row in found["entries"]] == [
            "acceptance", "claim", "regrade", "regrade", "regrade", "regrade"
        ]  # fmt: skip
        assert [row["kind"] for row in found["events"]] == [
            "accepted", "settled", "invoiced", "paid"
        ]  # fmt: skip
        assert [row["amount"] for row in found["fapiaos"]] == ["5760.00"]
        assert [row["amount"] for row in found["payments"]] == ["5760.00"]
        assert [row["amount"] for row in found["claims"]] == ["1440.00"]
        assert (found["declarations"], found["rows"]) == ([], [])

    @pytest.mark.parametrize("by", ["code", "trace_code"])
    def test_follows_the_link_to_a_batch_too(self, trace: Any, by: str) -> None:
        delivery = sold({"batch": "B-1, B-2"})
        accept(shipped())
        line = OrderLine.objects.select_related("sku__product").get(pk=delivery.lines[0].pk)
        batch = BatchFactory(product=line.sku.product, code="B-2")
        sent = line.shipments.get().shipment
        LineBatch.objects.create(shipment=sent, line=line, batch=batch, quantity=1, drawn=1)
        found = trace(f"batch={getattr(batch, by)}")
        assert [row["number"] for row in found["consignments"]] == [delivery.number]

    def test_shows_an_order_before_anything_of_it_counts(self, trace: Any) -> None:
        delivery = shipped()
        found = trace(f"consignment={delivery.number}")
        assert [row["status"] for row in found["consignments"]] == ["shipped"]
        assert (found["entries"], found["figures"]) == ([], [])

    def test_shows_red_letter_fapiaos(self, trace: Any) -> None:
        delivery = shipped()
        accept(delivery)
        fapiao = invoice(delivery, "100")
        red = red_letter(delivery, fapiao)
        found = trace(f"fapiao={red.number}")["fapiaos"]
        assert [(row["reverses"], row["reversed_by"]) for row in found] == [
            (None, red.number),
            (fapiao.number, None),
        ]

    def test_shows_a_declaration_and_one_of_its_rows(self, trace: Any) -> None:
        declaration = declared(3, fapiao_no="1" * 20)
        found = trace(f"declaration={declaration.pk}")
        assert [row["row"] for row in found["rows"]] == [2, 3, 4]
        assert len(found["entries"]) == 3
        assert found["declarations"][0] | {"reporter": None} == found["declarations"][0] | {
            "id": str(declaration.pk),
            "reporter": None,
            "sha256": "ab" * 32,
            "status": "booked",
        }
        assert (
            found["declarations"][0]["reporter"]["name"] == Division.objects.get(pk="522729").name
        )
        one = trace(f"declaration={declaration.pk}&row=3")
        assert [row["document_no"] for row in one["rows"]] == ["D-3"]
        assert [row["id"] for row in one["entries"]] == [one["rows"][0]["entry"]]
        assert len(trace(f"fapiao={'1' * 20}")["entries"]) == 3
        assert trace(f"entry={one['entries'][0]['id']}")["rows"] == one["rows"]

    def test_shows_a_declaration_that_is_not_booked(self, trace: Any) -> None:
        declaration = Declaration.objects.create(
            reporter_id="522729", file_name="-", format="csv", size=1, sha256="-", uploaded_at=NOW
        )
        found = trace(f"declaration={declaration.pk}")
        assert [row["status"] for row in found["declarations"]] == ["received"]

    def test_shows_corrections_beside_what_they_correct(self, trace: Any) -> None:
        book(entry("10.00"))
        sale = LedgerEntry.objects.get()
        book(entry("-4.00", source="correction", corrects=sale))
        correction = LedgerEntry.objects.latest("id")
        for key in (sale.pk, correction.pk):
            shown = trace(f"entry={key}")["entries"]
            assert [row["id"] for row in shown] == [sale.pk, correction.pk]

    def test_says_when_there_is_more_than_it_shows(
        self, trace: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declaration = declared(4)
        monkeypatch.setattr("reports.services.tracing.SHOWN", 3)
        found = trace(f"declaration={declaration.pk}")
        assert (found["is_complete"], len(found["rows"]), len(found["entries"])) == (False, 3, 3)


class TestUp:
    def test_shows_every_figure_that_an_entry_is_in(self, trace: Any) -> None:
        sold()
        accept(shipped(buyer_kind="wholesale"))
        found = trace("batch=B-1")
        assert found["as_of"] == NOW.isoformat()
        assert figures(found, "month") == [("2026-11", "12960.00", 6)]
        assert figures(found, "county") == [({"code": "522729", "name": "长顺县"}, "12960.00", 6)]
        ((pair, amount, _traced),) = figures(found, "pair")
        assert (pair["code"], amount) == ("440105-522729", "5760.00")
        assert figures(found, "buyer_kind") == [("canteen", "5760.00", 6)]
        assert figures(found, "kind") == [("procured", "5760.00", 6)]
        assert figures(found, "channel") == [("platform", "12960.00", 6)]
        assert figures(found, "recognised") == [(True, "12960.00", 6)]
        assert figures(found, "grade") == [
            ("E2", "12960.00", 3),
            ("E3", "5760.00", 2),
            ("E4", "5760.00", 1),
        ]
        assert {figure["by"] for figure in found["figures"]} >= {"category", "supplier", "district"}

    def test_names_the_seal_of_a_closed_month(self, trace: Any) -> None:
        book(in_month(9))
        for name in ("first", "second"):
            month = close_month(date(2026, 9, 1), by=person(name), now=NOW)
        found = trace(f"entry={LedgerEntry.objects.get().pk}")
        assert {(figure["status"], figure["sha256"]) for figure in found["figures"]} == {
            ("closed", month.sha256)
        }

    def test_gives_the_addresses_that_open_each_figure(
        self, trace: Any, client: Client, office: User
    ) -> None:
        sold()
        book(in_month(11, region_code="", supplier_code="", is_recognised=False, amount="3.00"))
        headers = bearer(office)
        keys = (LedgerEntry.objects.earliest("id").pk, LedgerEntry.objects.latest("id").pk)
        for key in keys:
            found = trace(f"entry={key}")
            assert len(found["figures"]) >= 11
            for figure in found["figures"]:
                total = client.get(figure["totals_at"], headers=headers).json()["total"]
                assert total == {name: figure[name] for name in total}
                behind = client.get(
                    f"{figure['entries_at']}&page_size=100", headers=headers
                ).json()["results"]
                assert {row["id"] for row in behind} >= set(figure["traced"])
                assert sum(Decimal(row["amount"]) for row in behind) == Decimal(figure["amount"])

    def test_shows_figures_of_what_is_not_rolled_up_yet(self, client: Client, office: User) -> None:
        book(entry())
        answer = client.get(f"{TRACE}?entry={LedgerEntry.objects.get().pk}", headers=bearer(office))
        assert {figure["amount"] for figure in answer.json()["figures"]} == {"0.00"}

    def test_takes_as_many_queries_for_one_line_as_for_twenty(
        self, client: Client, office: User, django_assert_max_num_queries: Any
    ) -> None:
        headers = bearer(office)
        for lines in (1, 20):
            delivery = sold(*[{"batch": f"B-{lines}"}] * lines)
            roll_up(now=NOW)
            with django_assert_max_num_queries(54):
                answer = client.get(f"{TRACE}?consignment={delivery.number}", headers=headers)
            assert len(answer.json()["lines"]) == lines


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("", ""),
            ("entry=1&order=2", ""),
            ("row=1", ""),
            ("order=1&row=1", "/row"),
            ("entry=x", "/entry"),
            ("entry=0", "/entry"),
            (f"payment={2**63}", "/payment"),
            ("declaration=x", "/declaration"),
            (f"declaration={uuid.UUID(int=1)}&row=0", "/row"),
            ("batch=", "/batch"),
            ("order=%01", "/order"),
            ("order=1&order=2", "/order"),
            ("tracking=1", "/tracking"),
        ],
    )
    def test_of_questions_that_are_none(self, trace: Any, query: str, pointer: str) -> None:
        errors = trace(query, status=400)["errors"]
        assert [error["pointer"] for error in errors] == [pointer]

    @pytest.mark.parametrize(
        "query",
        [
            "entry=1",
            "order=1",
            "consignment=1",
            "fapiao=1",
            "payment=1",
            "batch=1",
            f"declaration={uuid.UUID(int=1)}",
            f"declaration={uuid.UUID(int=1)}&row=1",
        ],
    )
    def test_of_what_does_not_exist(self, trace: Any, query: str) -> None:
        assert trace(query, status=404)["code"] == "not_found"

    def test_of_all_but_those_who_see_all_figures(self, client: Client) -> None:
        delivery = sold()
        address = f"{TRACE}?consignment={delivery.number}"
        assert client.get(address).status_code == 401
        for user in (delivery.buyer, delivery.supplier, person("rita", "reviewer")):
            assert client.get(address, headers=bearer(user)).status_code == 403
        for role in ("auditor", "admin"):
            assert client.get(address, headers=bearer(person(role, role))).status_code == 200


class TestPage:
    def test_asks_who_is_there(self, client: Client) -> None:
        answer = client.get(PAGE)
        assert answer.status_code == 302
        assert answer["Location"] == f"/admin/login/?next={PAGE}"

    def test_is_not_for_buyers_suppliers_and_reviewers(self, client: Client) -> None:
        delivery = sold()
        for user in (delivery.buyer, delivery.supplier, person("rita", "reviewer")):
            client.force_login(user)
            answer = client.get(PAGE, {"of": "consignment", "key": delivery.number})
            assert answer.status_code == 403
            assert delivery.number not in answer.content.decode()

    def test_shows_a_sale_in_linked_tables(self, client: Client, office: User) -> None:
        delivery = sold()
        OrderEvent.objects.create(
            order=delivery.lines[0].order, kind="<script>", at=NOW, by=delivery.buyer
        )
        roll_up(now=NOW)
        client.force_login(office)
        answer = client.get(
            PAGE, {"of": "consignment", "key": delivery.number}, headers={"Accept-Language": "en"}
        )
        page = answer.content.decode()
        assert answer.status_code == 200
        for text in (
            '<a href="?of=batch&amp;key=B-1">B-1</a>',
            f"?of=order&amp;key={delivery.number[:-2]}",
            "E4",
            "5760.00",
            "Ledger entries",
            "Fapiaos",
            "&lt;script&gt;",
        ):
            assert text in page
        for unsafe in ("<script", "style=", "<style", "onclick"):
            assert unsafe not in page
        assert "script-src" in answer["Content-Security-Policy"]

    def test_takes_a_link_as_the_api_does(self, client: Client, office: User) -> None:
        number = sold().number
        client.force_login(office)
        page = client.get("/trace/", {"consignment": number})
        assert (page.status_code, number in page.content.decode()) == (200, True)

    def test_leads_from_each_figure_to_its_entries(self, client: Client, office: User) -> None:
        sold()
        book(in_month(11, region_code="", supplier_code="", pair_district_code=""))
        roll_up(now=NOW)
        client.force_login(office)
        for booked in (LedgerEntry.objects.earliest("id"), LedgerEntry.objects.latest("id")):
            answer = client.get(PAGE, {"of": "entry", "key": booked.pk})
            (table,) = [t for t in answer.context["tables"] if len(t["headings"]) == 8][:1]
            for row in table["rows"]:
                count, address = row[5]
                listed = client.get(address)
                assert listed.status_code == 200, address
                assert listed.context["cl"].result_count == count, address

    @pytest.mark.parametrize(
        ("of", "key", "row"),
        [
            ("entry", "1", ""),
            ("entry", "abc", ""),
            ("nothing", "1", ""),
            ("row", "1", ""),
            ("order", "\x01", ""),
            ("order", "1", "1"),
            ("declaration", str(uuid.UUID(int=1)), "x"),
        ],
    )
    def test_says_when_there_is_nothing(
        self, client: Client, office: User, of: str, key: str, row: str
    ) -> None:
        client.force_login(office)
        answer = client.get(
            PAGE, {"of": of, "key": key, "row": row}, headers={"Accept-Language": "en"}
        )
        assert answer.status_code == 404
        assert "Nothing is found under this key." in answer.content.decode()

    def test_only_reads(self, client: Client, office: User) -> None:
        client.force_login(office)
        assert client.get(PAGE).status_code == 200
        assert client.post(PAGE).status_code == 405
