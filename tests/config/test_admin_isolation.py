"""Nobody finds in the admin what belongs to others, whichever address of it they ask."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib import admin

from accounts.admin import Owned
from accounts.models import OwnedQuerySet, User
from shop.models import Product
from suppliers.models import Base, Producer
from tests.factories import UserFactory

from .rivals import OWNED, Rivals
from .walking import (
    Walk,
    addresses,
    ask_everything,
    complete_everything,
    forge_everything,
    search_everything,
)


@pytest.fixture
def world(db: None) -> Iterator[Rivals]:
    # The log would hold each of a thousand refusals.
    logging.disable(logging.CRITICAL)
    yield Rivals()
    logging.disable(logging.NOTSET)


class TestTheWorld:
    def test_has_of_everything_a_row_of_both_suppliers(self, world: Rivals) -> None:
        """A new model that belongs to a supplier joins here, and gets its row in `Rivals`."""
        for model in OWNED:
            for supplier in (world.supplier, world.other_supplier):
                assert world.rows_of(model, supplier).exists(), f"{model._meta.label} has no row."
        assert world.entangled() == []


class TestTheOtherSupplier:
    def test_finds_nothing_at_any_address(self, world: Rivals) -> None:
        walk = Walk(world, world.stella.user)
        ask_everything(walk)
        assert walk.findings == []
        assert walk.asked == {address.route for address in addresses()}

    def test_finds_nothing_by_searching(self, world: Rivals) -> None:
        walk = Walk(world, world.stella.user)
        search_everything(walk)
        complete_everything(walk)
        assert walk.findings == []

    def test_reaches_nothing_through_forms(self, world: Rivals) -> None:
        walk = Walk(world, world.stella.user)
        forge_everything(walk)
        assert walk.findings == []


class TestWhoHasNothingThere:
    @pytest.mark.parametrize("who", ["alice", "nobody", None])
    def test_finds_nothing(self, world: Rivals, who: str | None) -> None:
        walk = Walk(world, who and getattr(world, who).user, pages=OWNED)
        ask_everything(walk)
        complete_everything(walk)
        assert walk.findings == []


class TestThePlatformsOwnPeople:
    @pytest.mark.parametrize("role", User.Role.values)
    def test_open_every_row_that_they_may_list(self, world: Rivals, role: str) -> None:
        walk = Walk(world, UserFactory(role=role, is_staff=True), sees_all=True)
        for model in admin.site._registry:
            url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            if walk.get(url).status == 200 and (row := world.sams(model)):
                assert walk.get(f"{url}{row.pk}/change/").status == 200, url
        assert walk.findings == []


class TestTheWalk:
    """What it would say if the rows were not kept apart."""

    def test_finds_lists_without_a_scope(
        self, world: Rivals, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Owned, "get_queryset", lambda self, request: self.model.objects.all())
        walk = Walk(world, world.stella.user, pages=[Product, Base])
        ask_everything(walk)
        search_everything(walk)
        for page in ("product", "base"):
            assert any(f"{page}/ {{}}: told" in finding for finding in walk.findings)
            assert any(f"{page}/?q: 200" in finding for finding in walk.findings)

    def test_finds_rows_without_an_owner(
        self, world: Rivals, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(OwnedQuerySet, "for_actor", lambda self, user: self.all())
        walk = Walk(world, world.stella.user, pages=[Producer])
        ask_everything(walk)
        complete_everything(walk)
        forge_everything(walk)
        for kind in ("told", "changed a row", "not 302 as for nothing"):
            assert any(kind in finding for finding in walk.findings), kind
