"""The cast of the order tests, and the API as one of them calls it."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any, cast

from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services.keys import issue_key
from orders.models import Address, Buyer, Consignment, Credit, Membership, Order
from shop.models import SKU, Reservation, Stock
from tests.factories import (
    AddressFactory,
    BuyerFactory,
    MembershipFactory,
    SKUFactory,
    SupplierFactory,
    SupplierMemberFactory,
    UserFactory,
)

serial = count(1)
local = threading.local()


@dataclass
class Person:
    """Somebody who calls the API with an own key."""

    user: User
    key: str = ""

    def __post_init__(self) -> None:
        self.key = issue_key(self.user, by=None, now=timezone.now())

    @property
    def client(self) -> Client:
        """The client of this thread: each thread of a race has its own connection."""
        if not hasattr(local, "client"):
            local.client = Client(raise_request_exception=False)
        return cast(Client, local.client)

    def get(self, path: str, **query: str) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers=self._headers())

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps({} if body is None else body)
        return self.client.post(
            f"/api/v1{path}",
            content,
            content_type="application/json",
            headers={**self._headers(), "Accept-Language": "en", **headers},
        )

    def order(self, *lines: Any, key: str = "", **fields: Any) -> Any:
        """Order lines, given as SKU and quantity or as they stand in the body."""
        key = key or f"key-{next(serial)}"
        return self.post("/orders/", wish(*lines, **fields), **{"Idempotency-Key": key})

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def wish(*lines: Any, **fields: Any) -> dict[str, Any]:
    """Return the body of an order."""
    asked = [
        line if isinstance(line, dict) else {"sku": line[0].code, "quantity": line[1]}
        for line in lines
    ]
    return {"address": "MAIN", "lines": asked, **fields}


def numbered(
    quantities: Sequence[str], first: int = 1, **fields: str
) -> list[dict[str, int | str]]:
    """Return the lines of a request about the lines from `first` on."""
    return [
        {"line": number, "quantity": quantity, **fields}
        for number, quantity in enumerate(quantities, first)
    ]


class Market:
    """
    Alice, Ada, Fay and Vic work for one buyer, Bob for another.

    Sam works for the supplier of eggs, Stella for another one; Olga is of the office.
    """

    def __init__(self) -> None:
        self.buyer: Buyer = BuyerFactory()
        self.address: Address = AddressFactory(buyer=self.buyer)
        self.alice = self.member(Membership.Role.PURCHASER)
        self.ada = self.member(Membership.Role.APPROVER)
        self.fay = self.member(Membership.Role.FINANCE)
        self.vic = self.member(Membership.Role.VIEWER)
        other = BuyerFactory()
        AddressFactory(buyer=other)
        self.bob = Person(MembershipFactory(buyer=other).user)
        self.supplier = SupplierFactory()
        self.sam = Person(SupplierMemberFactory(supplier=self.supplier).user)
        self.other_supplier = SupplierFactory()
        self.stella = Person(SupplierMemberFactory(supplier=self.other_supplier).user)
        self.olga = Person(UserFactory(role=User.Role.OFFICE))
        self.eggs = self.sku()

    def member(self, role: str, **fields: Any) -> Person:
        return Person(MembershipFactory(buyer=self.buyer, role=role, **fields).user)

    def sku(self, **fields: Any) -> SKU:
        return SKUFactory(**{"product__supplier": self.supplier, **fields})

    def fish(self, on_hand: str = "1000") -> SKU:
        """Live fish by the kilogram, weighed at delivery within 5 %."""
        return self.sku(
            price="36.4", on_hand=on_hand, unit=SKU.Unit.KG, net_weight_kg=1, is_weighed=True,
            tolerance_percent=5,
        )  # fmt: skip

    def credit(self, limit: str, used: str = "0") -> Credit:
        return Credit.objects.create(buyer=self.buyer, limit=Decimal(limit), used=Decimal(used))

    def placed(self, *lines: Any, by: Person | None = None, **fields: Any) -> dict[str, Any]:
        """Place an order of ten cases of eggs, or of `lines`."""
        answer = (by or self.alice).order(*(lines or [(self.eggs, "10")]), **fields)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def confirmed(self, *lines: Any) -> dict[str, Any]:
        order = self.placed(*lines)
        for consignment in order["consignments"]:
            answer = self.confirm(consignment["number"])
            assert answer.status_code == 200, answer.content
        return order

    def approve(self, order: str, by: Person | None = None) -> Any:
        return (by or self.ada).post(f"/orders/{order}/approve/")

    def reject(self, order: str, by: Person | None = None) -> Any:
        return (by or self.ada).post(f"/orders/{order}/reject/", {"reason": "太贵"})

    def cancel(self, order: str, by: Person | None = None) -> Any:
        return (by or self.alice).post(f"/orders/{order}/cancel/", {"reason": "不要了"})

    def confirm(self, number: str, by: Person | None = None) -> Any:
        return (by or self.sam).post(f"/supply/consignments/{number}/confirm/")

    def decline(self, number: str, by: Person | None = None) -> Any:
        return (by or self.sam).post(f"/supply/consignments/{number}/decline/", {"reason": "无货"})

    def ship(self, number: str, *quantities: str, first: int = 1, by: Person | None = None) -> Any:
        """Ship quantities of the lines from `first` on."""
        body = {"carrier": "顺丰", "tracking": "SF1", "lines": numbered(quantities, first)}
        return (by or self.sam).post(f"/supply/consignments/{number}/ship/", body)

    def accept(
        self, number: str, *quantities: str, reason: str = "", first: int = 1,
        by: Person | None = None,
    ) -> Any:  # fmt: skip
        """Take quantities of the lines from `first` on."""
        body = {"lines": numbered(quantities, first, reason=reason)}
        return (by or self.alice).post(f"/consignments/{number}/accept/", body)

    def claim(self, number: str, *quantities: str, first: int = 1, by: Person | None = None) -> Any:
        """Claim quantities of the lines from `first` on."""
        lines = numbered(quantities, first, reason="破损")
        return (by or self.alice).post("/claims/", {"consignment": number, "lines": lines})

    def claimed(self, number: str, *quantities: str) -> int:
        """Open a claim, of one case unless `quantities` are given, and return its id."""
        answer = self.claim(number, *(quantities or ("1",)))
        assert answer.status_code == 201, answer.content
        return answer.json()["id"]

    def settle(self, claim: int, amount: str, by: Person | None = None) -> Any:
        return (by or self.olga).post(f"/claims/{claim}/settle/", {"amount": amount})

    def accepted(self, *lines: Any) -> str:
        """Take an order of one supplier to its end; return the consignment's number."""
        lines = lines or ((self.eggs, "10"),)
        number = self.confirmed(*lines)["consignments"][0]["number"]
        quantities = [quantity for _sku, quantity in lines]
        assert self.ship(number, *quantities).status_code == 200
        assert self.accept(number, *quantities).status_code == 200
        return number


def stock_of(sku: SKU) -> tuple[Decimal, Decimal]:
    """Return what is on hand and what of it is reserved."""
    stock = Stock.objects.get(pk=sku.pk)
    return stock.on_hand, stock.reserved


def nothing_was_written() -> bool:
    """Whether no order has left anything anywhere."""
    return not (
        Order.objects.exists()
        or Consignment.objects.exists()
        or Reservation.objects.exists()
        or Stock.objects.exclude(reserved=0).exists()
    )


def errors_of(answer: Any) -> set[tuple[str, str]]:
    """Return the pointer and code of each error in a refusal."""
    return {(error["pointer"], error["code"]) for error in answer.json()["errors"]}


def refused(answer: Any, status: int, code: str) -> set[tuple[str, str]]:
    """Expect a refusal and return its errors."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    return errors_of(answer)
