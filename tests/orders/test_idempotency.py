"""A request that comes again orders nothing twice."""

import json

import pytest

from orders.models import IdempotencyKey, Order
from shop.models import Stock

from .market import Market, wish


class TestIdempotencyKey:
    def test_answers_a_repeat_with_the_same_bytes_and_orders_nothing(self, market: Market) -> None:
        first = market.alice.order((market.eggs, "10"), key="k")
        market.alice.post(f"/orders/{first.json()['number']}/cancel/", {"reason": "-"})
        again = market.alice.order((market.eggs, "10"), key="k")
        assert (again.status_code, again.content) == (201, first.content)
        assert again["Location"] == first["Location"]
        assert (first.get("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (None, "true")
        assert Order.objects.count() == 1

    def test_does_not_care_about_spacing_and_order_of_fields(self, market: Market) -> None:
        body = wish((market.eggs, "10"))
        headers = {"Idempotency-Key": "k"}
        market.alice.post("/orders/", json.dumps(body, indent=3).encode(), **headers)
        turned = dict(reversed(body.items()))
        again = market.alice.post("/orders/", json.dumps(turned).encode(), **headers)
        assert again["Idempotent-Replayed"] == "true"

    def test_refuses_another_body(self, market: Market) -> None:
        market.alice.order((market.eggs, "10"), key="k")
        answer = market.alice.order((market.eggs, "11"), key="k")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert Order.objects.count() == 1

    def test_belongs_to_one_buyer(self, market: Market) -> None:
        assert market.alice.order((market.eggs, "10"), key="k").status_code == 201
        assert market.bob.order((market.eggs, "10"), key="k").status_code == 201
        assert Order.objects.count() == 2

    def test_of_a_refused_order_can_be_used_again(self, market: Market) -> None:
        Stock.objects.update(on_hand=1)
        assert market.alice.order((market.eggs, "10"), key="k").status_code == 409
        Stock.objects.update(on_hand=10)
        assert market.alice.order((market.eggs, "10"), key="k").status_code == 201

    @pytest.mark.parametrize("key", [None, "", "a b", "ключ", "\x7f", "x" * 256])
    def test_must_be_visible_ascii(self, market: Market, key: str | None) -> None:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = market.alice.post("/orders/", wish((market.eggs, "1")), **headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")

    def test_may_be_long(self, market: Market) -> None:
        assert market.alice.order((market.eggs, "1"), key="~" * 255).status_code == 201

    def test_of_a_malformed_request_is_not_kept(self, market: Market) -> None:
        headers = {"Idempotency-Key": "k"}
        answer = market.alice.post("/orders/", b'{"lines": [', **headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
        assert not IdempotencyKey.objects.exists()
        assert market.alice.order((market.eggs, "1"), key="k").status_code == 201

    def test_keeps_nothing_of_people_who_may_not_order(self, market: Market) -> None:
        assert market.vic.order((market.eggs, "1"), key="k").status_code == 403
        assert not IdempotencyKey.objects.exists()

    def test_does_not_show_an_answer_to_those_who_may_not_order(self, market: Market) -> None:
        market.alice.order((market.eggs, "1"), key="k")
        assert market.vic.order((market.eggs, "1"), key="k").status_code == 403
        assert market.ada.order((market.eggs, "1"), key="k").status_code == 201
