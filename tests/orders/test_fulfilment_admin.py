"""Suppliers confirm, decline, pack, ship and measure in the admin; nobody else does."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import User
from orders.models import Consignment, LineBatch, OrderEvent, OrderLine, TemperatureReading
from shop.models import Batch, Product
from tests.factories import UserFactory

from .market import Market, Person
from .test_batch_admin import sign_in
from .test_batches import batch_of, recall
from .test_queries import statements

LIST = "/admin/orders/consignment/"
STEPS = ["confirm", "decline", "ship", "readings", "pack-list", "delivery-note"]


@pytest.fixture
def consignment(market: Market) -> Consignment:
    """Ten cases of eggs that wait for Sam."""
    number = market.placed()["consignments"][0]["number"]
    return Consignment.objects.get(number=number)


def page_of(consignment: Consignment, step: str = "change") -> str:
    return f"{LIST}{consignment.pk}/{step}/"


def confirm(market: Market, consignment: Consignment) -> None:
    assert market.confirm(consignment.number).status_code == 200


def text_of(client: Client, consignment: Consignment, paper: str) -> str:
    answer = client.get(page_of(consignment, paper))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)


def shipment(*rows: tuple[str, str], **fields: str) -> dict[str, str]:
    """Return the form of line 1, given as quantities and batches."""
    form = {"carrier": "黔运冷链", "tracking": "QY-1", "shipment": "1", **fields}
    for row, (quantity, batch) in enumerate(rows):
        form |= {f"quantity-1-{row}": quantity, f"batch-1-{row}": batch}
    return form


class TestOthers:
    @pytest.mark.parametrize("step", [*STEPS, "change"])
    def test_find_nothing(
        self, client: Client, market: Market, consignment: Consignment, step: str
    ) -> None:
        for person in (market.stella, market.bob):
            sign_in(client, person)
            hidden = client.get(page_of(consignment, step))
            absent = client.get(f"{LIST}{2**40}/{step}/")
            assert hidden.status_code == absent.status_code
            assert client.post(page_of(consignment, step), {"reason": "-"}).status_code in (
                403,
                404,
            )
        consignment.refresh_from_db()
        assert consignment.status == "placed"

    @pytest.mark.parametrize("step", ["confirm", "decline", "ship", "readings"])
    @pytest.mark.parametrize("role", [User.Role.OFFICE, User.Role.AUDITOR, User.Role.ADMIN])
    def test_of_the_platform_look_but_do_nothing(
        self, client: Client, consignment: Consignment, step: str, role: str
    ) -> None:
        sign_in(client, UserFactory(role=role))
        shown = client.get(page_of(consignment))
        assert shown.status_code == 200
        assert page_of(consignment, "decline") not in shown.content.decode()
        assert client.post(page_of(consignment, step), {"reason": "-"}).status_code == 403

    @pytest.mark.parametrize("step", STEPS)
    def test_sign_in_first(self, client: Client, consignment: Consignment, step: str) -> None:
        assert "/login/" in client.get(page_of(consignment, step))["Location"]

    def test_see_no_order_before_its_approval(self, client: Client, market: Market) -> None:
        limited = market.member("purchaser", approval_limit=1)
        number = market.placed(by=limited)["consignments"][0]["number"]
        pending = Consignment.objects.get(number=number)
        sign_in(client, market.sam)
        for step in STEPS:
            assert client.get(page_of(pending, step)).status_code == 404
        assert number not in client.get(LIST).content.decode()


class TestList:
    def test_begins_with_what_waits(self, client: Client, market: Market) -> None:
        soon = timezone.localdate() + timedelta(9)
        accepted = [market.accepted(), market.accepted()]
        shipped = market.confirmed()["consignments"][0]["number"]
        assert market.ship(shipped, "10").status_code == 200
        later = market.placed(delivery_date=f"{soon + timedelta(9)}")
        first = market.placed(delivery_date=f"{soon}")
        confirmed = market.confirmed()
        sign_in(client, market.sam)
        shown = [row.number for row in client.get(LIST).context["cl"].result_list]
        waiting = [order["consignments"][0]["number"] for order in (first, later, confirmed)]
        assert shown == [*waiting, shipped, *accepted[::-1]]
        only = client.get(LIST, {"status__exact": "confirmed"}).context["cl"].result_list
        assert [row.number for row in only] == [waiting[2]]

    def test_asks_as_often_for_twenty_as_for_one(self, client: Client, market: Market) -> None:
        sign_in(client, market.sam)
        market.placed((market.eggs, "1"))
        client.get(LIST)
        before = statements(lambda: client.get(LIST))
        for _ in range(19):
            market.placed((market.eggs, "1"))
        assert statements(lambda: client.get(LIST)) == before

    def test_of_everybody_begins_with_the_latest(self, client: Client, market: Market) -> None:
        numbers = [market.placed((market.eggs, "1"))["consignments"][0]["number"] for _ in "12"]
        sign_in(client, market.olga)
        shown = [row.number for row in client.get(LIST).context["cl"].result_list]
        assert shown == numbers[::-1]


class TestContact:
    def test_is_masked_until_confirmed_on_page_and_papers(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        sign_in(client, market.sam)

        def everything() -> list[str]:
            page = client.get(page_of(consignment)).content.decode()
            return [page, *(text_of(client, consignment, p) for p in STEPS[4:])]

        for text in everything():
            assert "138****1234" in text
            assert "13812341234" not in text
            assert "陈小明" not in text
        answer = client.post(page_of(consignment, "confirm"))
        assert answer["Location"] == page_of(consignment)
        for text in everything():
            assert "13812341234" in text
            assert "陈小明" in text

    def test_of_declined_ones_stays_masked(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        sign_in(client, market.sam)
        client.post(page_of(consignment, "decline"), {"reason": "无货"})
        page = client.get(page_of(consignment)).content.decode()
        assert "138****1234" in page
        assert "13812341234" not in page

    def test_is_known_to_the_office(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        sign_in(client, market.olga)
        assert "13812341234" in client.get(page_of(consignment)).content.decode()


class TestSteps:
    def test_confirm_once(self, client: Client, market: Market, consignment: Consignment) -> None:
        sign_in(client, market.sam)
        assert client.get(page_of(consignment, "confirm")).status_code == 405
        client.post(page_of(consignment, "confirm"))
        client.post(page_of(consignment, "confirm"))
        assert OrderEvent.objects.filter(kind="confirmed").count() == 1

    def test_decline_with_a_reason(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        sign_in(client, market.sam)
        assert client.get(page_of(consignment, "decline")).status_code == 200
        assert client.post(page_of(consignment, "decline"), {"reason": ""}).status_code == 200
        client.post(page_of(consignment, "decline"), {"reason": "鸡瘟"})
        consignment.refresh_from_db()
        assert consignment.status == "declined"
        assert "鸡瘟" in client.get(page_of(consignment)).content.decode()
        # There is nothing left to decline.
        assert client.post(page_of(consignment, "decline"), {"reason": "又"}).status_code == 200


class TestShipping:
    @pytest.fixture
    def ready(self, client: Client, market: Market, consignment: Consignment) -> Consignment:
        confirm(market, consignment)
        sign_in(client, market.sam)
        return consignment

    def test_stands_filled_in_as_proposed(
        self, client: Client, market: Market, ready: Consignment
    ) -> None:
        batch_of(market.eggs, code="SOON", expires_on=timezone.localdate(), quantity=100)
        batch_of(market.eggs, code="LATE", quantity=50)
        form = client.get(page_of(ready, "ship")).context["form"]
        assert [
            (quantity.value(), batch.value())
            for _line, fields in form.rows()
            for quantity, batch in fields
        ] == [("5", "SOON"), ("2", "LATE"), ("3", ""), ("", "")]

    def test_takes_what_is_written(
        self, client: Client, market: Market, ready: Consignment
    ) -> None:
        for code in ("B-1", "B-2"):
            batch_of(market.eggs, code=code)
        answer = client.post(page_of(ready, "ship"), shipment(("4", "B-1"), ("", ""), ("5", "B-2")))
        assert answer["Location"] == page_of(ready)
        assert list(LineBatch.objects.values_list("quantity", flat=True)) == [4, 5]
        line = OrderLine.objects.get()
        assert (line.shipped_quantity, line.batch) == (9, "B-1, B-2")
        page = client.get(page_of(ready)).content.decode()
        assert f"/admin/shop/batch/{Batch.objects.get(code='B-2').pk}/change/" in page

    def test_takes_a_line_without_batches(
        self, client: Client, market: Market, ready: Consignment
    ) -> None:
        client.post(page_of(ready, "ship"), shipment(("10", "")))
        assert OrderLine.objects.get().shipped_quantity == 10

    @pytest.mark.parametrize(
        ("rows", "field"),
        [
            ([("11", "")], "quantity-1-0"),
            ([("1", "BAD")], "batch-1-0"),
            ([("1", "B-1"), ("", ""), ("1", "BAD")], "batch-1-2"),
            ([("1", "B-1"), ("1", "")], "batch-1-1"),
            ([("1", "B-1"), ("1", "?")], "batch-1-1"),
            ([("-1", "")], "quantity-1-0"),
            ([("", "")], "__all__"),
        ],
    )
    def test_shows_a_refusal_beside_its_field(
        self, client: Client, market: Market, ready: Consignment, rows: Any, field: str
    ) -> None:
        batch_of(market.eggs, code="B-1", quantity=40)
        # So that the form has three rows.
        batch_of(market.eggs, code="B-3", quantity=1000)
        recall(market, batch_of(market.eggs, code="BAD"))
        answer = client.post(page_of(ready, "ship"), shipment(*rows))
        assert answer.status_code == 200
        assert set(answer.context["form"].errors) == {field}
        ready.refresh_from_db()
        assert (ready.status, LineBatch.objects.count()) == ("confirmed", 0)

    def test_is_refused_before_it_is_confirmed(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        sign_in(client, market.sam)
        answer = client.post(page_of(consignment, "ship"), shipment(("10", "")))
        assert set(answer.context["form"].errors) == {"__all__"}
        consignment.refresh_from_db()
        assert consignment.status == "placed"


class TestPapers:
    def test_name_what_is_packed_and_what_it_costs(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        batch_of(market.eggs, code="B-7", quantity=1000)
        confirm(market, consignment)
        sign_in(client, market.sam)
        packed = text_of(client, consignment, "pack-list")
        assert "装箱单" in packed
        assert consignment.number in packed
        assert "建议 B-7" in packed
        assert "720" not in packed
        market.ship(consignment.number, "9")
        note = text_of(client, consignment, "delivery-note")
        assert "送货单" in note
        assert "6,480.00" in note
        assert market.buyer.name in note

    def test_are_data_and_no_commands(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        market.buyer.name = '#panic("x") *粗* $x$'
        market.buyer.save()
        sign_in(client, market.sam)
        assert '#panic("x") *粗* $x$' in text_of(client, consignment, "pack-list")


class TestTemperatures:
    @pytest.fixture
    def cold(self, client: Client, market: Market, consignment: Consignment) -> Consignment:
        Product.objects.update(storage=Product.Storage.COOL)
        confirm(market, consignment)
        order = consignment.order
        order.placed_at -= timedelta(days=2)
        order.save()
        sign_in(client, market.sam)
        return consignment

    def enter(self, client: Client, consignment: Consignment, **fields: Any) -> Any:
        return client.post(page_of(consignment, "readings"), fields)

    def logger(self, client: Client, consignment: Consignment, *rows: str) -> Any:
        file = SimpleUploadedFile("log.csv", "\n".join(["时间,温度(℃)", *rows]).encode())
        return self.enter(client, consignment, file=file)

    def ago(self, hours: int) -> str:
        return f"{timezone.localtime() - timedelta(hours=hours):%Y-%m-%d %H:%M}"

    def test_are_entered_by_hand_and_marked(self, client: Client, cold: Consignment) -> None:
        self.enter(client, cold, at=self.ago(3), degrees="4.5")
        assert "均在范围内" in client.get(page_of(cold)).content.decode()
        self.enter(client, cold, at=self.ago(2), degrees="8.1")
        page = client.get(page_of(cold)).content.decode()
        assert "2 条记录中有 1 条超出范围" in page
        assert page.count("<circle") == 1
        assert list(TemperatureReading.objects.values_list("source", flat=True)) == ["by_hand"] * 2

    def test_come_from_a_logger_and_may_be_read_again(
        self, client: Client, cold: Consignment
    ) -> None:
        rows = [f"{self.ago(hours)},{hours}.0" for hours in (5, 4, 3)]
        self.logger(client, cold, *rows)
        self.logger(client, cold, *rows, f"{self.ago(2)},2.0")
        assert TemperatureReading.objects.filter(source="logger").count() == 4

    def test_are_refused_row_by_row_and_none_is_kept(
        self, client: Client, cold: Consignment
    ) -> None:
        answer = self.logger(client, cold, f"{self.ago(3)},4", "gestern,4", f"{self.ago(2)},warm")
        told = " ".join(answer.context["form"].errors["__all__"])
        assert "第 3 行" in told
        assert "第 4 行" in told
        assert not TemperatureReading.objects.exists()

    def test_are_of_the_time_of_the_order(self, client: Client, cold: Consignment) -> None:
        for hours in (-2, 24 * 30):
            assert self.logger(client, cold, f"{self.ago(hours)},4").status_code == 200
        assert not TemperatureReading.objects.exists()

    def test_do_not_contradict_each_other(self, client: Client, cold: Consignment) -> None:
        self.enter(client, cold, at=self.ago(3), degrees="4")
        answer = self.enter(client, cold, at=self.ago(3), degrees="9")
        assert answer.status_code == 200
        assert TemperatureReading.objects.get().degrees == 4

    def test_need_something_to_enter(self, client: Client, cold: Consignment) -> None:
        for fields in ({}, {"at": self.ago(1)}, {"degrees": "1"}, {"at": "x", "degrees": "1"}):
            assert self.enter(client, cold, **fields).status_code == 200
        assert not TemperatureReading.objects.exists()

    def test_are_not_taken_before_it_is_confirmed(
        self, client: Client, market: Market, consignment: Consignment
    ) -> None:
        sign_in(client, market.sam)
        self.enter(client, consignment, at=self.ago(0), degrees="4")
        assert not TemperatureReading.objects.exists()

    @pytest.mark.parametrize(
        ("who", "sees"), [("sam", 1), ("alice", 1), ("olga", 1), ("stella", 0), ("bob", 0)]
    )
    def test_are_seen_by_both_sides(
        self, client: Client, market: Market, cold: Consignment, who: str, sees: int
    ) -> None:
        self.enter(client, cold, at=self.ago(3), degrees="4")
        person: Person = getattr(market, who)
        assert TemperatureReading.objects.for_actor(person.user).count() == sees
