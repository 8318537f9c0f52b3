"""Order lines leave from batches, which fall by it; what must not leave is refused."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orders.models import LineBatch, OrderLine
from shop.models import SKU, Batch
from shop.services.batches import recall_batch
from tests.factories import BatchFactory, ProductFactory
from tests.sessions import held_open

from .market import Market, Person, refused, stock_of
from .test_queries import statements


def batch_of(pack: SKU, **fields: Any) -> Batch:
    return BatchFactory(product=pack.product, **fields)


def recall(market: Market, batch: Batch) -> None:
    recall_batch(batch, reason="农残超标", by=market.olga.user, now=timezone.now())


def ship(market: Market, number: str, *lines: dict[str, Any], by: Person | None = None) -> Any:
    """Ship lines given as in the body, numbered in their order."""
    body = {"carrier": "自送", "lines": [{"line": n, **line} for n, line in enumerate(lines, 1)]}
    return (by or market.sam).post(f"/supply/consignments/{number}/ship/", body)


def confirmed(market: Market, *lines: Any) -> str:
    return market.confirmed(*lines)["consignments"][0]["number"]


def links() -> list[tuple[str, Decimal, Decimal]]:
    rows = LineBatch.objects.order_by("line__number", "pk")
    return list(rows.values_list("batch__code", "quantity", "drawn"))


class TestShippingFromBatches:
    def test_takes_the_weight_of_the_packs(self, market: Market) -> None:
        batch = batch_of(market.eggs, code="B-1", quantity=200)
        number = confirmed(market, (market.eggs, "10"))
        assert ship(market, number, {"quantity": "10", "batch": "B-1"}).status_code == 200
        batch.refresh_from_db()
        assert batch.left == 15
        assert links() == [("B-1", 10, 185)]
        assert OrderLine.objects.get().batch == "B-1"

    def test_takes_packs_of_a_batch_that_counts_them(self, market: Market) -> None:
        batch = batch_of(market.eggs, code="B-1", quantity=30, sku=market.eggs)
        number = confirmed(market, (market.eggs, "10"))
        ship(market, number, {"quantity": "9", "batch": "B-1"})
        batch.refresh_from_db()
        assert batch.left == 21

    def test_takes_one_line_from_two_batches(self, market: Market) -> None:
        for code in ("B-1", "B-2"):
            batch_of(market.eggs, code=code)
        number = confirmed(market, (market.eggs, "6"))
        parts = [{"batch": "B-1", "quantity": "4"}, {"batch": "B-2", "quantity": "2"}]
        assert ship(market, number, {"quantity": "6", "batches": parts}).status_code == 200
        assert links() == [("B-1", 4, 74), ("B-2", 2, 37)]
        assert OrderLine.objects.get().batch == "B-1, B-2"
        (shown,) = market.sam.get(f"/supply/consignments/{number}/").json()["lines"]
        assert shown["batches"] == parts
        assert shown["proposed_batches"] == []

    def test_keeps_a_code_that_nobody_entered(self, market: Market) -> None:
        batch_of(market.sku(product__supplier=market.other_supplier), code="B-1")
        number = confirmed(market, (market.eggs, "1"))
        assert ship(market, number, {"quantity": "1", "batch": "B-1"}).status_code == 200
        assert (OrderLine.objects.get().batch, links()) == ("B-1", [])

    def test_takes_nothing_for_a_line_that_does_not_leave(self, market: Market) -> None:
        other = market.sku()
        batch = batch_of(market.eggs, code="B-1")
        number = confirmed(market, (market.eggs, "1"), (other, "1"))
        ship(market, number, {"quantity": "0", "batch": "B-1"}, {"quantity": "1"})
        batch.refresh_from_db()
        assert (batch.left, links()) == (100, [])

    def test_takes_as_many_statements_for_twenty_lines_as_for_one(self, market: Market) -> None:
        skus = [market.sku() for _ in range(20)]
        for sku in skus:
            batch_of(sku, code=f"OF-{sku.code}")

        def asked(lines: int) -> int:
            number = confirmed(market, *[(sku, "1") for sku in skus[:lines]])
            named = [{"quantity": "1", "batch": f"OF-{sku.code}"} for sku in skus[:lines]]
            return statements(lambda: ship(market, number, *named))

        asked(1)
        assert asked(1) == asked(20)


class TestRefusals:
    """Nothing leaves, and the answer names the batch."""

    def refused(self, market: Market, *lines: dict[str, Any], sku: SKU | None = None) -> Any:
        sku = sku or market.eggs
        number = confirmed(market, *[(sku, "10") for _line in lines])
        answer = ship(market, number, *lines)
        found = refused(answer, 400, "invalid")
        assert OrderLine.objects.filter(shipped_quantity=None).exists()
        assert (links(), stock_of(sku)[0]) == ([], 100)
        return found

    def test_of_a_recalled_batch(self, market: Market) -> None:
        recall(market, batch_of(market.eggs, code="B-1"))
        found = self.refused(market, {"quantity": "1", "batch": "B-1"})
        assert found == {("/lines/0/batch", "batch_recalled")}

    def test_of_an_expired_batch(self, market: Market) -> None:
        yesterday = timezone.localdate() - timedelta(1)
        batch_of(market.eggs, code="B-1", produced_on=yesterday, expires_on=yesterday)
        found = self.refused(market, {"quantity": "1", "batch": "B-1"})
        assert found == {("/lines/0/batch", "batch_expired")}

    def test_of_another_products_batch(self, market: Market) -> None:
        batch_of(market.sku(), code="B-1")
        found = self.refused(market, {"quantity": "1", "batch": "B-1"})
        assert found == {("/lines/0/batch", "batch_of_another_product")}

    def test_of_a_batch_of_other_packs(self, market: Market) -> None:
        other = market.sku(product=market.eggs.product)
        batch_of(market.eggs, code="B-1", sku=other)
        found = self.refused(market, {"quantity": "1", "batch": "B-1"})
        assert found == {("/lines/0/batch", "batch_of_another_product")}

    def test_of_more_than_is_left(self, market: Market) -> None:
        batch_of(market.eggs, code="B-1", quantity=50, left=20)
        found = self.refused(market, {"quantity": "2", "batch": "B-1"})
        assert found == {("/lines/0/batch", "batch_short")}

    def test_of_what_two_lines_together_take_too_much_of(self, market: Market) -> None:
        other = market.sku(product=market.eggs.product)
        batch_of(market.eggs, code="B-1", quantity=30)
        number = confirmed(market, (market.eggs, "1"), (other, "1"))
        line = {"quantity": "1", "batch": "B-1"}
        answer = ship(market, number, line, line)
        assert refused(answer, 400, "invalid") == {("/lines/1/batch", "batch_short")}
        assert answer.json()["errors"][0]["left"] == "11.5"

    def test_of_an_unknown_batch_beside_another(self, market: Market) -> None:
        batch_of(market.eggs, code="B-1")
        parts = [{"batch": "B-1", "quantity": "1"}, {"batch": "?", "quantity": "1"}]
        found = self.refused(market, {"quantity": "2", "batches": parts})
        assert found == {("/lines/0/batches/1/batch", "batch_unknown")}

    @pytest.mark.parametrize(
        ("line", "pointer"),
        [
            ({"quantity": "3", "batches": [{"batch": "B", "quantity": "2"}]}, "/lines/0/batches"),
            (
                {"quantity": "2", "batch": "A", "batches": [{"batch": "B", "quantity": "2"}]},
                "/lines/0/batch",
            ),
            ({"quantity": "2", "batches": []}, "/lines/0/batches"),
            (
                {"quantity": "2", "batches": [{"batch": "", "quantity": "2"}]},
                "/lines/0/batches/0/batch",
            ),
            (
                {
                    "quantity": "9",
                    "batches": [{"batch": str(n), "quantity": "1"} for n in range(9)],
                },
                "/lines/0/batches",
            ),
        ],
    )
    def test_of_what_does_not_add_up(self, market: Market, line: Any, pointer: str) -> None:
        assert pointer in {where for where, _code in self.refused(market, line)}


class TestProposals:
    def proposed(self, market: Market, number: str) -> list[list[tuple[str, str]]]:
        lines = market.sam.get(f"/supply/consignments/{number}/").json()["lines"]
        return [
            [(batch["batch"], batch["quantity"]) for batch in line["proposed_batches"]]
            for line in lines
        ]

    def test_take_first_what_expires_first(self, market: Market) -> None:
        today = timezone.localdate()
        batch_of(market.eggs, code="LATE", expires_on=today + timedelta(9), quantity=1000)
        batch_of(market.eggs, code="SOON", expires_on=today, quantity=100)
        batch_of(market.eggs, code="PAST", expires_on=today - timedelta(1), quantity=1000)
        recall(market, batch_of(market.eggs, code="BAD", expires_on=today, quantity=1000))
        batch_of(market.eggs, code="GONE", expires_on=today, quantity=1000, left=0)
        number = confirmed(market, (market.eggs, "8"))
        # A hundred kilograms are five whole cases.
        assert self.proposed(market, number) == [[("SOON", "5"), ("LATE", "3")]]

    def test_share_a_batch_among_lines_and_end_where_it_does(self, market: Market) -> None:
        fish = market.fish()
        fillet = market.sku(product=fish.product, unit=SKU.Unit.KG, net_weight_kg=1)
        batch_of(fish, code="B-1", quantity=Decimal("10.5"))
        number = confirmed(market, (fish, "8"), (fillet, "8"))
        assert self.proposed(market, number) == [[("B-1", "8")], [("B-1", "2.5")]]

    def test_leave_packs_of_another_size_alone(self, market: Market) -> None:
        other = market.sku(product=market.eggs.product)
        batch_of(market.eggs, code="B-1", sku=other)
        batch_of(market.eggs, code="B-2", sku=market.eggs, quantity=3)
        number = confirmed(market, (market.eggs, "8"))
        assert self.proposed(market, number) == [[("B-2", "3")]]

    def test_ask_as_often_for_twenty_lines_as_for_one(self, market: Market) -> None:
        skus = [market.sku() for _ in range(20)]
        for sku in skus:
            batch_of(sku)

        def asked(lines: int) -> int:
            number = confirmed(market, *[(sku, "1") for sku in skus[:lines]])
            return statements(lambda: self.proposed(market, number))

        asked(1)
        assert asked(1) == asked(20)


class TestLinks:
    @pytest.fixture
    def link(self, market: Market) -> LineBatch:
        batch_of(market.eggs, code="B-1")
        ship(market, confirmed(market, (market.eggs, "1")), {"quantity": "1", "batch": "B-1"})
        return LineBatch.objects.get()

    @pytest.mark.parametrize(
        ("who", "sees"), [("sam", 1), ("alice", 1), ("olga", 1), ("stella", 0), ("bob", 0)]
    )
    def test_are_seen_by_both_sides(
        self, market: Market, link: LineBatch, who: str, sees: int
    ) -> None:
        assert LineBatch.objects.for_actor(getattr(market, who).user).count() == sees

    def test_are_never_changed(self, link: LineBatch) -> None:
        rows = LineBatch.objects.filter(pk=link.pk)
        for change in (lambda: rows.update(quantity=2), lambda: rows._raw_delete("default")):
            with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
                change()

    def test_cannot_name_another_products_batch(self, link: LineBatch) -> None:
        with pytest.raises(IntegrityError, match="cannot be of batch"), transaction.atomic():
            LineBatch.objects.create(
                shipment=link.shipment,
                line=link.line,
                batch=BatchFactory(product=ProductFactory()),
                quantity=1,
                drawn=1,
            )


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    @pytest.fixture
    def numbers(self, market: Market) -> list[str]:
        batch_of(market.eggs, code="B-1", quantity=Decimal("18.5"))
        # Of another SKU, so that the stock does not make them wait for each other.
        other = market.sku(product=market.eggs.product)
        return [confirmed(market, (sku, "1")) for sku in (market.eggs, other)]

    def test_the_last_of_a_batch_leaves_once(self, market: Market, numbers: list[str]) -> None:
        line = {"quantity": "1", "batch": "B-1"}
        with held_open(lambda: ship(market, numbers[1], line)) as second:
            assert ship(market, numbers[0], line).status_code == 200
        found = refused(second.result(), 400, "invalid")
        assert found == {("/lines/0/batch", "batch_short")}
        assert Batch.objects.get().left == 0
        assert LineBatch.objects.count() == 1

    def test_a_shipment_waits_for_a_recall_and_is_refused(
        self, market: Market, numbers: list[str]
    ) -> None:
        line = {"quantity": "1", "batch": "B-1"}
        with held_open(lambda: ship(market, numbers[0], line)) as shipment:
            recall(market, Batch.objects.get())
        found = refused(shipment.result(), 400, "invalid")
        assert found == {("/lines/0/batch", "batch_recalled")}

    def test_a_recall_waits_for_a_shipment(self, market: Market, numbers: list[str]) -> None:
        batch = Batch.objects.get()
        with held_open(lambda: recall(market, batch)) as recalled:
            assert ship(market, numbers[0], {"quantity": "1", "batch": "B-1"}).status_code == 200
        recalled.result()
        batch.refresh_from_db()
        assert (batch.is_recalled, batch.left) == (True, 0)
