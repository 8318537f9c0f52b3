"""Who may not see a row finds nothing, exactly as where there is nothing."""

from typing import Any

import pytest

from accounts.models import User
from orders.models import Claim, Consignment, Membership, Order, OrderEvent
from tests.factories import UserFactory

from .market import Market, Person, refused, wish

LINE = {"line": 1, "quantity": "1"}
CLAIMED = {**LINE, "reason": "-"}
REASON = {"reason": "-"}

#: Method, path, body of all that is about one row; the row's name stands for `{}`.
ABOUT_ORDERS = [
    ("GET", "/orders/{}/", None),
    ("GET", "/orders/{}/events/", None),
    ("POST", "/orders/{}/approve/", {}),
    ("POST", "/orders/{}/reject/", REASON),
    ("POST", "/orders/{}/cancel/", REASON),
]
ABOUT_CONSIGNMENTS = [
    ("GET", "/consignments/{}/", None),
    ("POST", "/consignments/{}/accept/", {"lines": [CLAIMED]}),
    ("POST", "/claims/", {"consignment": "{}", "lines": [CLAIMED]}),
    ("POST", "/supply/consignments/{}/confirm/", {}),
    ("POST", "/supply/consignments/{}/decline/", REASON),
    ("POST", "/supply/consignments/{}/ship/", {"carrier": "-", "lines": [LINE]}),
]
ABOUT_CLAIMS = [
    ("GET", "/claims/{}/", None),
    ("POST", "/claims/{}/settle/", {"amount": "1"}),
]
LISTS = ["/orders/", "/supply/consignments/", "/claims/", "/addresses/"]


@pytest.fixture
def world(market: Market) -> Market:
    """A market with one claimed delivery, and a stranger who belongs nowhere."""
    market.consignment = market.accepted((market.eggs, "10"))
    market.order_number = market.consignment.rpartition("-")[0]
    market.claim_id = market.claimed(market.consignment)
    market.stranger = Person(UserFactory())
    return market


def call(person: Person, method: str, path: str, body: Any, name: object) -> Any:
    if body and "consignment" in body:
        body = {**body, "consignment": str(name)}
    path = path.format(name)
    return person.get(path) if method == "GET" else person.post(path, body)


def what_is_stored() -> list[Any]:
    return [
        list(Order.objects.values()),
        list(Consignment.objects.values()),
        list(Claim.objects.values()),
        OrderEvent.objects.count(),
    ]


class TestOthers:
    @pytest.mark.parametrize("who", ["stranger", "bob", "stella"])
    def test_find_what_they_find_where_there_is_nothing(self, world: Market, who: str) -> None:
        person = getattr(world, who)
        before = what_is_stored()
        for endpoints, name, missing in (
            (ABOUT_ORDERS, world.order_number, "20000101000001"),
            (ABOUT_CONSIGNMENTS, world.consignment, "20000101000001-1"),
            (ABOUT_CLAIMS, world.claim_id, 2**40),
        ):
            for method, path, body in endpoints:
                hidden = call(person, method, path, body, name)
                absent = call(person, method, path, body, missing)
                assert hidden.status_code == absent.status_code == 404, (method, path)
                assert told(hidden) == told(absent), (method, path)
                assert told(hidden)["code"] == "not_found"
        assert what_is_stored() == before

    @pytest.mark.parametrize("who", ["stranger", "bob", "stella"])
    @pytest.mark.parametrize("path", ["/orders/", "/supply/consignments/", "/claims/"])
    def test_list_nothing(self, world: Market, who: str, path: str) -> None:
        answer = getattr(world, who).get(path)
        assert (answer.status_code, answer.json()["results"]) == (200, [])

    def test_are_refused_by_a_filter_too(self, world: Market) -> None:
        assert world.bob.get("/orders/", status="accepted").json()["results"] == []

    def test_have_their_own_addresses(self, world: Market) -> None:
        world.address.code = "SECRET"
        world.address.save()
        assert [row["code"] for row in world.bob.get("/addresses/").json()["results"]] == ["MAIN"]
        answer = world.bob.order((world.eggs, "1"), address="SECRET")
        assert refused(answer, 400, "invalid") == {("/address", "invalid")}


def told(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


class TestWithoutAKey:
    def test_nothing_is_told(self, world: Market) -> None:
        world.stranger.key = "wrong"
        for method, path, body in ABOUT_ORDERS + ABOUT_CONSIGNMENTS + ABOUT_CLAIMS:
            name = world.claim_id if "/claims/{}" in path else world.order_number
            refused(call(world.stranger, method, path, body, name), 401, "not_authenticated")
        for path in [*LISTS, "/me/"]:
            refused(world.stranger.get(path), 401, "not_authenticated")
            assert world.stranger.client.get(f"/api/v1{path}").status_code == 401
        refused(world.stranger.post("/quotes/", wish((world.eggs, "1"))), 401, "not_authenticated")

    def test_nothing_is_told_to_a_closed_account(self, world: Market) -> None:
        User.objects.filter(pk=world.alice.user.pk).update(is_active=False)
        refused(world.alice.get("/orders/"), 401, "not_authenticated")


class TestSuppliedConsignments:
    """What its supplier needs to deliver is nobody else's."""

    @pytest.mark.parametrize(
        ("who", "status", "code"),
        [
            ("stranger", 404, "not_found"),
            ("bob", 404, "not_found"),
            ("stella", 404, "not_found"),
            ("alice", 403, "forbidden"),
            ("olga", 403, "forbidden"),
        ],
    )
    def test_are_refused(self, world: Market, who: str, status: int, code: str) -> None:
        answer = getattr(world, who).get(f"/supply/consignments/{world.consignment}/")
        refused(answer, status, code)

    def test_are_refused_before_their_approval(self, world: Market) -> None:
        limited = world.member(Membership.Role.PURCHASER, approval_limit=1)
        number = world.placed(by=limited)["consignments"][0]["number"]
        refused(world.sam.get(f"/supply/consignments/{number}/"), 404, "not_found")

    def test_tell_the_contact_once_confirmed(self, world: Market) -> None:
        number = world.placed()["consignments"][0]["number"]

        def contact() -> tuple[str, str, str, bool]:
            told = world.sam.get(f"/supply/consignments/{number}/").json()["contact"]
            return told["consignee"], told["phone"], told["street"], told["is_masked"]

        assert contact() == ("陈**", "138****1234", "新港***", True)
        world.confirm(number)
        assert contact() == ("陈小明", "13812341234", "新港东路1号", False)

    def test_of_declined_ones_stay_masked(self, world: Market) -> None:
        number = world.placed()["consignments"][0]["number"]
        world.decline(number)
        answer = world.sam.get(f"/supply/consignments/{number}/").content.decode()
        assert "13812341234" not in answer
        assert "陈小明" not in answer


class TestSeeingIsNotDoing:
    """Who sees a row but may not take the step hears so."""

    @pytest.mark.parametrize("who", ["fay", "vic", "olga"])
    def test_for_readers(self, world: Market, who: str) -> None:
        before = what_is_stored()
        person = getattr(world, who)
        for endpoints, name in (
            (ABOUT_ORDERS, world.order_number),
            (ABOUT_CONSIGNMENTS, world.consignment),
        ):
            for method, path, body in endpoints:
                answer = call(person, method, path, body, name)
                if method == "GET":
                    assert answer.status_code == 200, path
                else:
                    refused(answer, 403, "forbidden")
        refused(person.post("/quotes/", wish((world.eggs, "1"))), 403, "forbidden")
        assert what_is_stored() == before

    def test_for_the_buyer_with_the_suppliers_steps(self, world: Market) -> None:
        number = world.placed()["consignments"][0]["number"]
        for step in (world.confirm, world.decline):
            refused(step(number, by=world.alice), 403, "forbidden")
        refused(world.ship(number, "10", by=world.alice), 403, "forbidden")

    def test_for_the_supplier_with_orders(self, world: Market) -> None:
        for method, path, body in ABOUT_ORDERS:
            answer = call(world.sam, method, path, body, world.order_number)
            refused(answer, 404, "not_found")
        assert world.sam.get("/orders/").json()["results"] == []

    def test_for_suppliers_of_the_same_order(self, world: Market) -> None:
        other = world.sku(product__supplier=world.other_supplier)
        order = world.placed((world.eggs, "1"), (other, "1"))["number"]
        refused(world.sam.get(f"/consignments/{order}-2/"), 404, "not_found")
        refused(world.confirm(f"{order}-2"), 404, "not_found")
        assert "total_amount" not in world.sam.get(f"/consignments/{order}-1/").json()


class TestPendingOrders:
    def test_are_not_their_suppliers_business(self, world: Market) -> None:
        limited = world.member(Membership.Role.PURCHASER, approval_limit=1)
        number = world.placed(by=limited)["consignments"][0]["number"]
        refused(world.sam.get(f"/consignments/{number}/"), 404, "not_found")
        for method, path, body in ABOUT_CONSIGNMENTS:
            refused(call(world.sam, method, path, body, number), 404, "not_found")
        listed = world.sam.get("/supply/consignments/").json()["results"]
        assert [row["number"] for row in listed] == [world.consignment]
        everything = world.sam.get("/supply/consignments/", status="pending_approval").json()
        assert everything["results"] == []
        assert world.olga.get(f"/consignments/{number}/").status_code == 200


class TestMethods:
    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_that_do_not_exist_are_refused(self, world: Market, method: str) -> None:
        headers = {"Authorization": f"Bearer {world.alice.key}"}
        for path in (
            "/orders/",
            f"/orders/{world.order_number}/",
            f"/consignments/{world.consignment}/",
            f"/claims/{world.claim_id}/",
            "/me/",
        ):
            answer = getattr(world.alice.client, method)(f"/api/v1{path}", headers=headers)
            assert answer.status_code == 405, path
            assert answer.json()["code"] == "method_not_allowed"


class TestPersonalData:
    def test_is_masked(self, world: Market) -> None:
        (row,) = world.alice.get("/addresses/").json()["results"]
        assert (row["consignee"], row["phone"]) == ("陈**", "138****1234")

    @pytest.mark.parametrize(
        ("phone", "shown"), [("110", "****"), ("1234567", "****"), ("85212345678", "852****5678")]
    )
    def test_of_short_numbers_is_masked_wholly(self, world: Market, phone: str, shown: str) -> None:
        world.address.phone = phone
        world.address.save()
        assert world.alice.get("/addresses/").json()["results"][0]["phone"] == shown

    def test_stays_away_from_suppliers(self, world: Market) -> None:
        shown = world.sam.get(f"/consignments/{world.consignment}/").content.decode()
        assert "陈小明" not in shown
        assert world.address.phone not in shown
