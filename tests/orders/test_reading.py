"""Lists and single rows: narrowed by what is declared, and never an error of ours."""

import pytest

from orders.models import Membership

from .market import Market, refused, wish


class TestOrdersList:
    @pytest.fixture
    def numbers(self, market: Market) -> list[str]:
        return [market.placed((market.eggs, "1"), purchase_order=f"PO-{n}")["number"] for n in "12"]

    def listed(self, market: Market, **query: str) -> list[str]:
        answer = market.alice.get("/orders/", **query)
        assert answer.status_code == 200, answer.content
        return [row["number"] for row in answer.json()["results"]]

    def test_shows_the_latest_first(self, market: Market, numbers: list[str]) -> None:
        assert self.listed(market) == numbers[::-1]

    def test_pages(self, market: Market, numbers: list[str]) -> None:
        page = market.alice.get("/orders/", page_size="1").json()
        assert [row["number"] for row in page["results"]] == numbers[1:]
        assert page["previous"] is None
        answer = market.alice.client.get(
            page["next"], headers={"Authorization": f"Bearer {market.alice.key}"}
        )
        assert [row["number"] for row in answer.json()["results"]] == numbers[:1]
        assert answer.json()["next"] is None

    def test_is_narrowed_by_status(self, market: Market, numbers: list[str]) -> None:
        market.cancel(numbers[0])
        assert self.listed(market, status="cancelled") == numbers[:1]
        assert self.listed(market, status="accepted") == []

    def test_is_narrowed_by_purchase_order(self, market: Market, numbers: list[str]) -> None:
        assert self.listed(market, purchase_order="PO-2") == numbers[1:]

    def test_is_narrowed_by_time_half_open(self, market: Market, numbers: list[str]) -> None:
        second = market.alice.get(f"/orders/{numbers[1]}/").json()["placed_at"]
        assert self.listed(market, placed_from=second) == numbers[1:]
        assert self.listed(market, placed_until=second) == numbers[:1]
        assert self.listed(market, placed_from="2020-01-01", placed_until="2020-01-02") == []
        assert self.listed(market, placed_from="2020-01-01") == numbers[::-1]

    @pytest.mark.parametrize(
        ("name", "value", "code"),
        [
            ("status", "paid", "invalid_choice"),
            ("placed_from", "yesterday", "invalid"),
            ("placed_until", "2026-13-01", "invalid"),
            ("placed_from", "99999-01-01T00:00:00Z", "invalid"),
            ("stauts", "placed", "unknown_parameter"),
        ],
    )
    def test_refuses_other_filters(self, market: Market, name: str, value: str, code: str) -> None:
        answer = market.alice.get("/orders/", **{name: value})
        assert refused(answer, 400, "invalid") == {(f"/{name}", code)}

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("purchase_order", "' OR 1=1 --"),
            ("purchase_order", "🥚" * 500),
            ("placed_from", "0001-01-01T00:00:00+14:00"),
            ("placed_until", "9999-12-31T23:59:59-12:00"),
            ("cursor", "garbage"),
            ("page_size", "-1"),
            ("page_size", "99999999999999999999"),
            ("page_size", "1e1"),
        ],
    )
    def test_is_never_an_error_of_ours(self, market: Market, name: str, value: str) -> None:
        answer = market.alice.get("/orders/", **{name: value})
        assert answer.status_code in (200, 400), answer.content


class TestSupplyList:
    def test_is_narrowed_by_status(self, market: Market) -> None:
        number = market.placed()["consignments"][0]["number"]
        market.confirm(market.placed()["consignments"][0]["number"])
        (row,) = market.sam.get("/supply/consignments/", status="placed").json()["results"]
        assert (row["number"], row["buyer"]["code"]) == (number, market.buyer.code)

    def test_refuses_other_filters(self, market: Market) -> None:
        found = refused(market.sam.get("/supply/consignments/", status="x"), 400, "invalid")
        assert found == {("/status", "invalid_choice")}


class TestHostileAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            "/claims/999999999999999999999/",
            "/claims/9223372036854775808/",
            "/claims/0/",
            "/claims/-1/",
            "/claims/x/",
            "/orders/%20/",
            "/orders/' OR 1=1 --/",
            f"/orders/{'9' * 5000}/",
            "/orders/订单/",
            "/orders/..%2f/",
            f"/consignments/{'x' * 5000}/",
        ],
    )
    def test_find_nothing(self, market: Market, path: str) -> None:
        refused(market.alice.get(path), 404, "not_found")

    def test_find_nothing_to_settle(self, market: Market) -> None:
        for claim in (2**63 - 1, 2**63, 10**30):
            refused(market.settle(claim, "1"), 404, "not_found")

    @pytest.mark.parametrize("path", ["/orders/%00/", "/orders/%ff/", "/orders/?status=%00"])
    def test_that_no_database_could_hold_are_malformed(self, market: Market, path: str) -> None:
        refused(market.alice.get(path), 400, "malformed")


class TestQuotes:
    def test_say_what_everything_costs_and_why(self, market: Market) -> None:
        body = wish((market.eggs, "3"))
        answer = market.alice.post("/quotes/", body).json()
        assert answer == {
            "can_be_ordered": True,
            "needs_approval": False,
            "payment_term": "postpay",
            "goods_amount": "2160.00",
            "freight_amount": "0.00",
            "total_amount": "2160.00",
            "lines": [
                {
                    "line": 1,
                    "sku": market.eggs.code,
                    "quantity": "3",
                    "unit_price": "720.00",
                    "amount": "2160.00",
                    "tier": {"from_quantity": "0", "unit_price": "720.00"},
                    "why": "The price from 0 on.",
                }
            ],
            "errors": [],
        }

    def test_collect_what_stands_against_the_order(self, market: Market) -> None:
        market.credit("100")
        body = wish((market.eggs, "101"), {"sku": "NO-SUCH", "quantity": "1"})
        answer = market.alice.post("/quotes/", body).json()
        assert answer["can_be_ordered"] is False
        assert {(error["pointer"], error["code"]) for error in answer["errors"]} == {
            ("", "credit_exceeded"),
            ("/lines/0/quantity", "out_of_stock"),
            ("/lines/1/sku", "not_for_sale"),
        }
        assert answer["lines"][1]["unit_price"] is None

    def test_foresee_the_approval(self, market: Market) -> None:
        limited = market.member(Membership.Role.PURCHASER, approval_limit=719)
        answer = limited.post("/quotes/", wish((market.eggs, "1"))).json()
        assert (answer["can_be_ordered"], answer["needs_approval"]) == (True, True)

    def test_hold_nothing(self, market: Market) -> None:
        market.alice.post("/quotes/", wish((market.eggs, "60")))
        assert market.placed((market.eggs, "100"))["status"] == "placed"


class TestMe:
    def test_says_what_a_member_may_spend(self, market: Market) -> None:
        market.credit("100000", used="50")
        limited = market.member(Membership.Role.PURCHASER, approval_limit=5000)
        me = limited.get("/me/").json()
        assert me["buyer"] == {
            "code": market.buyer.code,
            "name": market.buyer.name,
            "kind": "canteen",
            "role": "purchaser",
            "approval_limit": "5000.00",
            "credit_limit": "100000.00",
            "credit_used": "50.00",
        }
        assert me["supplier"] is None

    def test_names_the_supplier(self, market: Market) -> None:
        me = market.sam.get("/me/").json()
        assert me["supplier"] == {"code": market.supplier.code, "name": market.supplier.name}
        assert (me["role"], me["buyer"]) == ("", None)

    def test_names_the_role_of_the_platforms_people(self, market: Market) -> None:
        assert market.olga.get("/me/").json()["role"] == "office"
