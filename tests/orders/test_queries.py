"""The number of statements does not depend on how much there is."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Consignment

from .market import Market


def statements(call: Callable[[], object]) -> int:
    """Return how many statements `call` sends, its transaction's own among them."""
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)


class TestPlacing:
    def test_five_hundred_lines_takes_as_few_as_one(self, market: Market) -> None:
        market.credit("999999999")
        skus = [
            market.sku(on_hand="1000", product__supplier=supplier)
            for supplier in (market.supplier, market.other_supplier)
            for _ in range(10)
        ]

        def place(lines: int) -> int:
            return statements(lambda: market.placed(*[(skus[n % 20], "1") for n in range(lines)]))

        place(1)
        first, *others = [place(lines) for lines in (1, 20, 500)]
        assert others == [first, first]
        assert first <= 15


class TestSteps:
    def test_of_many_lines_take_as_few_as_of_one(self, market: Market) -> None:
        skus = [market.sku() for _ in range(20)]

        def live(lines: int) -> list[int]:
            number = market.placed(*[(sku, "2") for sku in skus[:lines]])["consignments"][0][
                "number"
            ]
            quantities, ones = ["2"] * lines, ["1"] * lines
            confirm = f"/supply/consignments/{number}/confirm/"
            counts = [
                statements(lambda: market.sam.post(confirm)),
                statements(lambda: market.ship(number, *quantities)),
                statements(lambda: market.accept(number, *quantities)),
                statements(lambda: market.claim(number, *ones)),
            ]
            claim = market.claimed(number, *ones)
            assert Consignment.objects.get(number=number).status == "accepted"
            return [*counts, statements(lambda: market.settle(claim, "9"))]

        live(1)
        few = live(1)
        assert live(20) == few

    def test_of_cancelling_too(self, market: Market) -> None:
        skus = [market.sku() for _ in range(20)]

        def cancel(count: int) -> int:
            number = market.placed(*[(sku, "1") for sku in skus[:count]])["number"]
            return statements(
                lambda: market.alice.post(f"/orders/{number}/cancel/", {"reason": "-"})
            )

        cancel(1)
        assert cancel(20) == cancel(1)


class TestLists:
    @pytest.mark.parametrize(
        ("who", "path"),
        [
            ("alice", "/orders/"),
            ("olga", "/orders/"),
            ("sam", "/supply/consignments/"),
            ("alice", "/claims/"),
        ],
    )
    def test_take_as_few_for_twenty_rows_as_for_one(
        self, market: Market, who: str, path: str
    ) -> None:
        person = getattr(market, who)

        def listed() -> tuple[int, int]:
            with CaptureQueriesContext(connection) as queries:
                answer = person.get(path, page_size="50")
            return len(answer.json()["results"]), len(queries)

        more = market.placed if path != "/claims/" else lambda *lines: market.claimed(number)
        number = market.accepted((market.eggs, "40"))
        market.claimed(number)
        listed()
        rows, few = listed()
        assert rows == 1
        for _ in range(19):
            more((market.eggs, "1"))
        assert listed() == (20, few)

    def test_take_as_few_for_events(self, market: Market) -> None:
        number = market.accepted((market.eggs, "5"))
        path = f"/orders/{number.rpartition('-')[0]}/events/"
        market.alice.get(path)
        few = statements(lambda: market.alice.get(path))
        for _ in range(5):
            market.claimed(number)
        assert statements(lambda: market.alice.get(path)) == few
