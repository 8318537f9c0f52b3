"""Claims take back at most what was accepted, once, to the fen."""

from decimal import Decimal
from typing import Any

import pytest

from orders.models import Claim, ClaimLine, OrderEvent, OrderLine
from orders.money import shares_of
from reports.models import LedgerEntry

from .market import Market, refused


class TestOpening:
    def test_answers_with_the_claim(self, market: Market) -> None:
        number = market.accepted((market.eggs, "10"))
        answer = market.claim(number, "2.5")
        assert answer.status_code == 201
        claim = answer.json()
        assert answer["Location"] == f"/api/v1/claims/{claim['id']}/"
        assert claim.pop("opened_at").endswith("+08:00")
        assert claim == {
            "id": claim["id"],
            "consignment": number,
            "status": "open",
            "settled_at": None,
            "amount": None,
            "lines": [{"line": 1, "quantity": "2.5", "reason": "破损", "amount": None}],
        }
        assert market.alice.get(f"/claims/{claim['id']}/").json()["lines"] == claim["lines"]

    def test_is_of_at_most_what_was_accepted_over_all_claims(self, market: Market) -> None:
        number = market.accepted((market.eggs, "10"))
        market.claimed(number, "6")
        answer = market.claim(number, "4.001")
        assert refused(answer, 400, "invalid") == {("/lines/0/quantity", "invalid")}
        market.settle(market.claimed(number, "3"), "1")
        assert refused(market.claim(number, "1.001"), 400, "invalid")
        market.claimed(number, "1")
        assert refused(market.claim(number, "0.001"), 400, "invalid")
        assert Claim.objects.count() == 3

    def test_is_of_lines_of_this_consignment(self, market: Market) -> None:
        number = market.accepted((market.eggs, "10"))
        assert refused(market.claim(number, "1", "1"), 400, "invalid") == {
            ("/lines/1/line", "invalid")
        }
        assert not Claim.objects.exists()

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"lines": []}, ("/lines", "empty")),
            (
                {"lines": [{"line": 1, "quantity": "0", "reason": "-"}]},
                ("/lines/0/quantity", "zero"),
            ),
            ({"lines": [{"line": 1, "quantity": "1"}]}, ("/lines/0/reason", "required")),
            ({"lines": [{"line": 1, "quantity": "1", "reason": ""}]}, ("/lines/0/reason", "blank")),
            ({"lines": [{"line": 1, "quantity": "1", "reason": "-"}] * 2}, ("/lines", "repeated")),
            ({"consignment": 1}, ("/consignment", "invalid")),
        ],
    )
    def test_refuses_other_shapes(self, market: Market, change: dict[str, Any], found: Any) -> None:
        body = {
            "consignment": market.accepted(),
            "lines": [{"line": 1, "quantity": "1", "reason": "-"}],
        }
        answer = market.alice.post("/claims/", {**body, **change})
        assert refused(answer, 400, "invalid") == {found}

    @pytest.mark.parametrize("who", ["fay", "vic", "sam", "olga"])
    def test_is_the_buyers(self, market: Market, who: str) -> None:
        number = market.accepted()
        refused(market.claim(number, "1", by=getattr(market, who)), 403, "forbidden")

    def test_may_be_done_by_an_approver(self, market: Market) -> None:
        assert market.claim(market.accepted(), "1", by=market.ada).status_code == 201


class TestSettling:
    def test_fixes_the_refund(self, market: Market) -> None:
        claim = market.claimed(market.accepted((market.eggs, "10")), "2")
        answer = market.settle(claim, "1000.01")
        assert answer.status_code == 200
        settled = answer.json()
        assert (settled["status"], settled["amount"]) == ("settled", "1000.01")
        assert settled["lines"][0]["amount"] == "1000.01"
        assert OrderLine.objects.get().refunded_amount == Decimal("1000.01")
        assert OrderEvent.objects.latest("id").kind == "settled"

    def test_shares_the_refund_without_losing_a_fen(self, market: Market) -> None:
        number = market.accepted(*[(market.sku(price="1"), "1") for _ in range(3)])
        settled = market.settle(market.claimed(number, "1", "1", "1"), "1.00").json()
        assert [line["amount"] for line in settled["lines"]] == ["0.34", "0.33", "0.33"]

    @pytest.mark.parametrize("amount", ["1440.01", "99999999"])
    def test_refuses_more_than_the_claim_is_worth(self, market: Market, amount: str) -> None:
        claim = market.claimed(market.accepted((market.eggs, "10")), "2")
        answer = market.settle(claim, amount)
        assert refused(answer, 400, "invalid") == {("/amount", "invalid")}
        assert Claim.objects.get().status == "open"
        assert OrderLine.objects.get().refunded_amount == 0
        assert market.settle(claim, "1440.00").status_code == 200

    def test_refuses_more_than_is_left_of_a_line(self, market: Market) -> None:
        sku = market.sku(price="0.005", multiple=Decimal("0.1"), minimum=Decimal("0.1"))
        number = market.accepted((sku, "3"))
        assert OrderLine.objects.get().accepted_amount == Decimal("0.02")
        for _ in range(2):
            assert market.settle(market.claimed(number, "1"), "0.01").status_code == 200
        third = market.claimed(number, "1")
        assert refused(market.settle(third, "0.01"), 400, "invalid") == {("/amount", "invalid")}
        assert market.settle(third, "0").status_code == 200

    @pytest.mark.parametrize("amount", ["-1", "1.001", "", "1e2", "NaN", None, True, "１", []])
    def test_refuses_what_is_no_amount(self, market: Market, amount: Any) -> None:
        claim = market.claimed(market.accepted())
        found = refused(market.settle(claim, amount), 400, "invalid")
        assert {pointer for pointer, _code in found} == {"/amount"}

    def test_happens_once(self, market: Market) -> None:
        claim = market.claimed(market.accepted())
        assert market.settle(claim, "1").status_code == 200
        refused(market.settle(claim, "1"), 409, "wrong_state")
        assert OrderLine.objects.get().refunded_amount == 1

    def test_may_be_done_by_the_supplier(self, market: Market) -> None:
        claim = market.claimed(market.accepted())
        assert market.settle(claim, "1", by=market.sam).status_code == 200

    @pytest.mark.parametrize("who", ["alice", "ada", "fay", "vic"])
    def test_is_not_the_buyers(self, market: Market, who: str) -> None:
        claim = market.claimed(market.accepted())
        refused(market.settle(claim, "1", by=getattr(market, who)), 403, "forbidden")

    def test_takes_it_off_the_ledger(self, market: Market) -> None:
        market.settle(market.claimed(market.accepted((market.eggs, "10")), "2"), "720")
        entries = LedgerEntry.objects.order_by("id").values_list("source", "amount", "quantity")
        assert list(entries) == [("acceptance", 7200, 10), ("claim", -720, -1)]


class TestRefundsOfZero:
    def test_leave_the_ledger_alone(self, market: Market) -> None:
        claim = market.claimed(market.accepted())
        assert market.settle(claim, "0").json()["amount"] == "0.00"
        assert ClaimLine.objects.get().amount == 0
        assert LedgerEntry.objects.count() == 1


class TestSharesOf:
    @pytest.mark.parametrize(
        ("amount", "weights", "shares"),
        [
            ("0.01", ["1", "1"], ["0.01", "0"]),
            ("10", ["0", "0"], ["0", "0"]),
            ("0.02", ["0.01", "0.01", "5"], ["0", "0", "0.02"]),
            ("5.02", ["0.01", "0.01", "5"], ["0.01", "0.01", "5"]),
        ],
    )
    def test_are_to_the_fen(self, amount: str, weights: list[str], shares: list[str]) -> None:
        found = shares_of(Decimal(amount), [Decimal(weight) for weight in weights])
        assert found == [Decimal(share) for share in shares]
