"""A consignment leaves in parts: what is held, what is told, what is refused."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pypdf import PdfReader

from orders.models import Consignment, LineBatch, OrderEvent, OrderLine, Shipment, ShipmentLine
from reports.models import LedgerEntry
from reports.services.verifying import verify
from shop.models import Batch

from .market import Market, errors_of, numbered, refused, stock_of
from .test_batch_admin import sign_in
from .test_batches import batch_of

PART = "/supply/consignments/{}/ship/"


def ship_part(market: Market, number: str, *lines: Any, **fields: Any) -> Any:
    """Ship lines, given by number and quantity or as in the body; more follows unless told."""
    given = [
        line if isinstance(line, dict) else {"line": line[0], "quantity": line[1]} for line in lines
    ]
    body = {"carrier": "黔运", "lines": given, "more_follows": True, "shipment": 1, **fields}
    return market.sam.post(PART.format(number), body)


@pytest.fixture
def number(market: Market) -> str:
    """A confirmed consignment of ten cases of eggs and twenty kilograms of fish."""
    fish = market.fish()
    return market.confirmed((market.eggs, "10"), (fish, "20"))["consignments"][0]["number"]


class TestParts:
    def test_leave_one_after_another_and_are_accepted_together(
        self, market: Market, number: str
    ) -> None:
        first = ship_part(market, number, (1, "4"), tracking="A")
        assert first.status_code == 200, first.content
        shown = first.json()
        assert (shown["status"], shown["tracking"]) == ("confirmed", "A")
        assert [line["shipped_quantity"] for line in shown["lines"]] == ["4", None]
        assert stock_of(market.eggs) == (96, 6)
        refused(market.accept(number, "4", "0"), 409, "wrong_state")
        last = ship_part(
            market, number, (1, "5"), (2, "20.5"), shipment=2, more_follows=False, tracking="B"
        ).json()
        assert (last["status"], last["tracking"]) == ("shipped", "B")
        assert [
            (shipment["number"], shipment["tracking"], shipment["lines"])
            for shipment in last["shipments"]
        ] == [
            (1, "A", [{"line": 1, "quantity": "4", "batch": ""}]),
            (
                2,
                "B",
                [
                    {"line": 1, "quantity": "5", "batch": ""},
                    {"line": 2, "quantity": "20.5", "batch": ""},
                ],
            ),
        ]
        # One case never came; it is free again.
        assert stock_of(market.eggs) == (91, 0)
        assert market.accept(number, "9", "20.5").status_code == 200
        assert sum(entry.quantity for entry in LedgerEntry.objects.all()) == 9 + 20.5
        kinds = OrderEvent.objects.filter(consignment__number=number).order_by("id")
        assert list(kinds.values_list("kind", flat=True)) == [
            "confirmed", "part_shipped", "shipped", "accepted",
        ]  # fmt: skip

    def test_end_without_more(self, market: Market, number: str) -> None:
        ship_part(market, number, (1, "4"))
        answer = ship_part(market, number, (1, "0"), (2, "0"), shipment=2, more_follows=False)
        assert answer.json()["status"] == "shipped"
        assert [line["shipped_quantity"] for line in answer.json()["lines"]] == ["4", "0"]
        assert stock_of(market.eggs) == (96, 0)
        assert Shipment.objects.count() == 1
        assert market.accept(number, "4", "0").status_code == 200

    def test_take_batches_each(self, market: Market, number: str) -> None:
        for code in ("B-1", "B-2"):
            batch_of(market.eggs, code=code, quantity=500)
        ship_part(market, number, {"line": 1, "quantity": "4", "batch": "B-1"})
        both = [{"batch": "B-1", "quantity": "2"}, {"batch": "B-2", "quantity": "4"}]
        answer = ship_part(
            market,
            number,
            {"line": 1, "quantity": "6", "batches": both},
            {"line": 2, "quantity": "20", "batch": "鲟-1"},
            shipment=2,
            more_follows=False,
        )
        assert answer.status_code == 200, answer.content
        links = LineBatch.objects.order_by("shipment__number", "batch__code")
        assert list(links.values_list("shipment__number", "batch__code", "quantity")) == [
            (1, "B-1", 4), (2, "B-1", 2), (2, "B-2", 4),
        ]  # fmt: skip
        assert Batch.objects.get(code="B-1").left == 500 - 6 * market.eggs.net_weight_kg
        assert OrderLine.objects.get(number=1).batch == "B-1, B-2"

    def test_keep_what_verify_compares(self, market: Market, number: str) -> None:
        ship_part(market, number, (1, "4"), (2, "0"))
        ship_part(market, number, (2, "21"), shipment=2)
        call_command("verify")

    def test_never_change(self, market: Market, number: str) -> None:
        ship_part(market, number, (1, "4"))
        for rows in (Shipment.objects.all(), ShipmentLine.objects.all()):
            for change in (lambda: rows.update(id=0), lambda: rows._raw_delete("default")):  # noqa: B023
                with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
                    change()

    def test_have_lines_of_their_own_consignment_only(self, market: Market, number: str) -> None:
        ship_part(market, number, (1, "4"))
        market.placed()
        line = OrderLine.objects.exclude(consignment__number=number).get()
        with pytest.raises(IntegrityError, match="its own consignment"), transaction.atomic():
            ShipmentLine.objects.create(shipment=Shipment.objects.get(), line=line, quantity=1)

    def test_that_do_not_add_up_are_found(self, market: Market, number: str) -> None:
        ship_part(market, number, (1, "4"))
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE orders_shipmentline SET quantity = 3")
            cursor.execute("SET LOCAL session_replication_role = origin")
        found = [check.name for check in verify(now=OrderEvent.objects.latest("id").at)
                 if check.findings]  # fmt: skip
        assert found == ["shipments add up to what left"]


class TestRefusals:
    def test_a_repeat_ships_nothing_twice(self, market: Market, number: str) -> None:
        ship_part(market, number, (1, "4"))
        refused(ship_part(market, number, (1, "4")), 409, "wrong_state")
        refused(ship_part(market, number, (1, "4"), shipment=3), 409, "wrong_state")
        assert stock_of(market.eggs) == (96, 6)

    def test_a_part_says_which_it_is(self, market: Market, number: str) -> None:
        body = {"carrier": "黔运", "lines": numbered(["4"]), "more_follows": True}
        answer = market.sam.post(PART.format(number), body)
        assert refused(answer, 400, "invalid") == {("/shipment", "required")}

    @pytest.mark.parametrize("shipment", [0, "1", 1.0, True, None])
    def test_the_number_is_a_number(self, market: Market, number: str, shipment: Any) -> None:
        answer = ship_part(market, number, (1, "4"), shipment=shipment)
        assert refused(answer, 400, "invalid") <= {
            ("/shipment", "invalid"), ("/shipment", "min_value"), ("/shipment", "null"),
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("quantities", "fields", "pointer"),
        [
            ([(1, "7"), (2, "1")], {}, "/lines/0/quantity"),
            ([(1, "6"), (2, "17")], {}, "/lines/1/quantity"),
            ([(1, "6")], {"more_follows": False}, "/lines"),
            ([(1, "0")], {}, "/lines"),
            ([(3, "1")], {}, "/lines/0/line"),
        ],
    )
    def test_all_together_are_no_more_than_was_ordered(
        self, market: Market, number: str, quantities: Any, fields: Any, pointer: str
    ) -> None:
        ship_part(market, number, (1, "4"), (2, "4.5"))
        answer = ship_part(market, number, *quantities, **{"shipment": 2, **fields})
        assert answer.status_code == 400, answer.content
        assert {where for where, _code in errors_of(answer)} == {pointer}
        assert Shipment.objects.count() == 1

    def test_the_names_of_a_lines_batches_fit_beside_it(self, market: Market, number: str) -> None:
        for n in range(1, 9):
            line = {"line": 1, "quantity": "1", "batch": f"{n}" * 60}
            assert ship_part(market, number, line, shipment=n).status_code == 200
        line = {"line": 1, "quantity": "1", "batch": "9" * 60}
        answer = ship_part(market, number, line, shipment=9)
        assert refused(answer, 400, "invalid") == {("/lines/0/batch", "invalid")}

    def test_a_heavier_part_leaves_what_others_hold(self, market: Market) -> None:
        fish = market.fish(on_hand="30.5")
        mine = market.confirmed((fish, "20"))["consignments"][0]["number"]
        market.confirmed((fish, "10"))
        assert ship_part(market, mine, (1, "12")).status_code == 200
        # Ordered were twenty; half a kilogram is free, and eight are held for this line.
        answer = ship_part(market, mine, (1, "8.6"), shipment=2, more_follows=False)
        assert refused(answer, 409, "out_of_stock") == {("/lines/0/quantity", "out_of_stock")}
        answer = ship_part(market, mine, (1, "8.5"), shipment=2, more_follows=False)
        assert answer.status_code == 200
        assert stock_of(fish) == (10, 10)

    def test_what_partly_left_is_not_cancelled(self, market: Market, number: str) -> None:
        ship_part(market, number, (1, "4"))
        refused(market.cancel(number.rpartition("-")[0]), 409, "wrong_state")
        assert Consignment.objects.get().status == "confirmed"
        with pytest.raises(IntegrityError, match="what_left_is_not"), transaction.atomic():
            Consignment.objects.update(status="cancelled")


class TestPages:
    @pytest.fixture
    def consignment(self, client: Client, market: Market, number: str) -> Consignment:
        sign_in(client, market.sam)
        return Consignment.objects.get(number=number)

    def ship(self, client: Client, consignment: Consignment, **form: str) -> Any:
        page = f"/admin/orders/consignment/{consignment.pk}/ship/"
        return client.post(page, {"carrier": "黔运", **form})

    def page(self, client: Client, consignment: Consignment, step: str = "change") -> Any:
        return client.get(f"/admin/orders/consignment/{consignment.pk}/{step}/")

    def paper(self, client: Client, consignment: Consignment, step: str) -> str:
        content = io.BytesIO(self.page(client, consignment, step).content)
        return "".join(page.extract_text() for page in PdfReader(content).pages)

    def test_ship_a_part_and_then_the_rest(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        batch_of(market.eggs, code="B-1", quantity=500)
        form = {"quantity-1-0": "4", "batch-1-0": "B-1", "more_follows": "on", "shipment": "1"}
        assert self.ship(client, consignment, **form).status_code == 302
        # The same again, as after a click too many.
        assert self.ship(client, consignment, **form).context["form"].errors
        assert OrderLine.objects.get(number=2).shipped_quantity is None
        fields = self.page(client, consignment, "ship").context["form"]
        assert [
            [(quantity.value(), batch.value()) for quantity, batch in rows]
            for _line, rows in fields.rows()
        ] == [[("6", "B-1"), ("", "")], [("20", ""), ("", "")]]
        form = {"quantity-1-0": "6", "quantity-2-0": "20", "shipment": "2"}
        assert self.ship(client, consignment, **form).status_code == 302
        consignment.refresh_from_db()
        assert consignment.status == "shipped"

    def test_show_what_left_with_each(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        ship_part(market, consignment.number, {"line": 1, "quantity": "4", "batch": "甲"})
        shown = self.page(client, consignment).content.decode()
        assert f"{consignment.pk}/delivery-note/1/" in shown
        listed = client.get("/admin/orders/consignment/").content.decode()
        assert "部分发货" in listed
        assert "部分发货" in shown

    def test_print_a_note_of_each(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        number = consignment.number
        ship_part(market, number, {"line": 1, "quantity": "4", "batch": "甲"}, tracking="T-1")
        last = {"line": 1, "quantity": "6", "batch": "乙"}
        ship_part(market, number, last, (2, "20"), shipment=2, more_follows=False, tracking="T-2")
        first, second = (self.paper(client, consignment, f"delivery-note/{n}") for n in (1, 2))
        whole = self.paper(client, consignment, "delivery-note")
        assert ("甲" in first, "乙" in first, "T-1" in first) == (True, False, True)
        assert ("甲" in second, "乙" in second, "T-2" in second) == (False, True, True)
        assert "甲, 乙" in whole
        assert "2,880.00" in first
        assert "2,880.00" not in second
        assert self.page(client, consignment, "delivery-note/3").status_code == 404

    def test_pack_what_has_not_left(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        ship_part(market, consignment.number, (1, "10"))
        text = self.paper(client, consignment, "pack-list")
        assert market.eggs.code not in text
        assert OrderLine.objects.get(number=2).sku_code in text
