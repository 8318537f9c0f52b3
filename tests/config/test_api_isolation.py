"""Nobody finds through the API what belongs to others, whichever address of it they ask."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver

from accounts.models import OwnedQuerySet
from config.urls import api
from orders.models import Claim, Consignment, Fapiao, Payment
from tests.orders.market import Person

from .rivals import NUMBER, WORD, Rivals

SECRET = re.compile(f"{WORD}|{NUMBER}", re.IGNORECASE)
#: What everybody may read: what is on sale, and who sells it.
PUBLIC = {"products", "product", "product-calendar", "suppliers", "supplier", "schema", "docs"}
NO_UUID = "00000000-0000-0000-0000-000000000000"


def addresses() -> Iterator[tuple[str, str]]:
    """Yield the name and the route of every address of the API that is not open to everybody."""

    def walk(patterns: Any, before: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern) and pattern.name not in PUBLIC:
                yield str(pattern.name), f"/{route}"

    return walk(api, "")


def names_in(world: Rivals, route: str) -> tuple[object, object]:
    """Return what names a row of Sam's in this place, and what names none."""
    if "<uuid:" in route:
        return NO_UUID, NO_UUID
    consignment = world.rows_of(Consignment, world.supplier).get(status="accepted")
    known = {
        "/orders/": (consignment.order.number, "20000101000001"),
        "/consignments/": (consignment.number, "20000101000001-1"),
        "/supply/consignments/": (consignment.number, "20000101000001-1"),
        "/claims/": (world.sams(Claim).pk, 2**40),
        "/fapiao/": (world.sams(Fapiao).number, "0" * 20),
        "/payments/": (world.sams(Payment).pk, 2**40),
        "/months/": ("2026-01", "2026-01"),
        "/rules/": (1, 1),
        "/indicators/": ("-", "-"),
        "/anomalies/": (1, 1),
    }
    before = route.partition("<")[0]
    assert before in known, f"Say in `names_in` what stands for the parameter of {route}."
    return known[before]


def told(answer: Any) -> Any:
    return answer.status_code, re.sub(r'"request_id": "[^"]*"', "", answer.content.decode())


def findings(world: Rivals, person: Person) -> list[str]:
    """Return each address that told or changed too much."""
    found, before = [], world.stored()
    for name, route in addresses():
        hidden, absent = names_in(world, route) if "<" in route else ("", "")
        answers = []
        for stands in (hidden, absent):
            path = re.sub(r"<[^>]*>", str(stands), route)
            for answer in (person.get(path), person.post(path, **{"Idempotency-Key": path})):
                text = told(answer)[1].replace(str(stands), "…")
                if answer.status_code >= 500 or SECRET.search(text):
                    found.append(f"{name}: {answer.status_code} {text}")
                answers.append((answer.status_code, text))
        if answers[:2] != answers[2:]:
            found.append(f"{name}: not as for nothing")
    if world.stored() != before:
        found.append("changed a row")
    return found


@pytest.fixture
def world(db: None) -> Rivals:
    return Rivals()


@pytest.mark.parametrize("who", ["stella", "bob", "nobody"])
def test_finds_nothing_at_any_address(world: Rivals, who: str) -> None:
    assert findings(world, getattr(world, who)) == []


def test_would_find_rows_without_an_owner(world: Rivals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OwnedQuerySet, "for_actor", lambda self, user: self.all())
    found = findings(world, world.stella)
    for name in ("order: 200", "consignment: not as for nothing", "claim: not as for nothing"):
        assert any(finding.startswith(name) for finding in found), found
