"""Every endpoint that writes leaves its row in the audit trail; what is refused leaves none."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import AuditEntry, User
from orders.models import Buyer, Membership, OrderEvent
from reports.models import Anomaly
from reports.services.declarations.receiving import work_through
from tests.factories import UserFactory
from tests.files import picture
from tests.orders.market import Market, Person

from .test_declarations import text

pytestmark = pytest.mark.django_db

#: Prices an order without placing it.
ONLY_READS = {"quotes"}


def writing_views(patterns: list[Any]) -> Iterator[str]:
    """Return the names of addresses that take a POST of the API."""
    for pattern in patterns:
        match pattern:
            case URLResolver():
                yield from writing_views(pattern.url_patterns)
            case URLPattern() if hasattr(getattr(pattern.callback, "cls", None), "post"):
                yield pattern.name


@pytest.fixture
def market(db: None) -> Market:
    return Market()


def rows() -> int:
    """Return how many rows the trail has, sealed or not."""
    return AuditEntry.objects.count() + OrderEvent.objects.count()


def test_every_endpoint_that_writes_leaves_a_row(market: Market) -> None:
    left: dict[str, int] = {}
    second = Person(UserFactory(role=User.Role.OFFICE))

    def step(call: Callable[[], Any]) -> Any:
        before = rows()
        answer = call()
        assert answer.status_code < 300, answer.content
        left[answer.resolver_match.url_name] = rows() - before
        return answer.json()

    def placed() -> tuple[str, str]:
        order = step(lambda: market.alice.order((market.eggs, "1")))
        return order["number"], order["consignments"][0]["number"]

    _order, delivered = placed()
    step(lambda: market.confirm(delivered))
    step(lambda: market.ship(delivered, "1"))
    step(lambda: market.accept(delivered, "1"))
    day = f"{timezone.localdate()}"
    bill = {"kind": "ordinary", "amount": "1.00", "issued_on": day, "buyer_title": "食堂"}
    first, red = "1" * 20, "2" * 20
    step(lambda: market.sam.post(f"/consignments/{delivered}/fapiao/", {**bill, "number": first}))
    step(lambda: market.sam.post(f"/fapiao/{first}/reverse/", {"number": red, "issued_on": day}))
    paid = {"amount": "1.00", "paid_on": day, "reference": "P-1"}
    payment = step(lambda: market.alice.post(f"/consignments/{delivered}/payments/", paid))["id"]
    back = {"paid_on": day, "reference": "P-2"}
    step(lambda: market.alice.post(f"/payments/{payment}/reverse/", back))
    claim = step(lambda: market.claim(delivered, "1"))
    step(lambda: market.settle(claim["id"], "1"))
    step(lambda: market.decline(placed()[1]))
    order, _consignment = placed()
    step(lambda: market.cancel(order))
    Membership.objects.filter(user=market.alice.user).update(approval_limit=0)
    approved, rejected = placed()[0], placed()[0]
    step(lambda: market.approve(approved))
    step(lambda: market.reject(rejected))

    today = timezone.localdate()
    rule = {
        "in_force_from": f"{today}", "event": "accepted", "sectors": ["farm", "handicraft"],
        "kind_by_buyer_kind": dict.fromkeys(Buyer.Kind.values, "procured"), "description": "试行",
    }  # fmt: skip
    version = step(lambda: market.olga.post("/rules/", rule))["version"]
    step(lambda: second.post(f"/rules/{version}/approve/"))

    last = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    step(lambda: market.olga.post(f"/months/{last}/close/"))
    step(lambda: market.olga.post(f"/months/{last}/examine/"))
    anomaly = Anomaly.objects.create(
        month_id=date.fromisoformat(f"{last}-01"), rule_id="end_spike", subject="-",
        found_at=timezone.now(), fingerprint="-", evidence={},
    )  # fmt: skip
    answer = {"verdict": "explained", "answer": "说明"}
    step(lambda: market.olga.post(f"/anomalies/{anomaly.pk}/answer/", answer))
    step(lambda: second.post(f"/months/{last}/close/"))
    step(lambda: market.olga.post(f"/months/{last}/publish/"))
    asked = {"kind": "ledger", "month": last, "format": "csv"}
    report = step(lambda: market.olga.post("/reports/", asked))["id"]
    step(lambda: market.olga.post(f"/reports/{report}/cancel/"))
    step(lambda: market.olga.post(f"/reports/{report}/retry/"))

    def upload() -> Any:
        file = SimpleUploadedFile("sales.csv", text({"sold_on": f"{today}"}).encode())
        return market.olga.client.post(
            "/api/v1/declarations/",
            {"file": file, "reporter": "440105"},
            headers={"Authorization": f"Bearer {market.olga.key}"},
        )

    def attach() -> Any:
        file = SimpleUploadedFile("scan.png", picture("PNG"))
        return market.olga.client.post(
            f"/api/v1/declarations/{declaration}/evidence/",
            {"file": file, "title": "签收单"},
            headers={"Authorization": f"Bearer {market.olga.key}"},
        )

    declaration = step(upload)["id"]
    step(attach)
    step(lambda: market.olga.post(f"/declarations/{declaration}/commit/"))
    work_through(declaration, now=timezone.now())
    step(lambda: market.olga.post(f"/declarations/{declaration}/revoke/", {"reason": "重复"}))

    assert set(left) == set(writing_views(get_resolver().url_patterns)) - ONLY_READS
    assert [name for name, more in left.items() if more < 1] == []


def test_what_is_refused_leaves_none(market: Market) -> None:
    number = market.accepted()
    claim = market.claimed(number)
    before = rows()
    for answer in (
        market.alice.order((market.eggs, "1000")),
        market.bob.order({"sku": "nothing", "quantity": "1"}),
        market.confirm(number, by=market.stella),
        market.accept(number, "1", by=market.bob),
        market.settle(claim, "1000000"),
        market.settle(claim, "1", by=market.bob),
        market.olga.post("/months/2999-01/close/"),
        market.sam.post("/months/2026-10/close/"),
    ):
        assert answer.status_code >= 400
    assert rows() == before
