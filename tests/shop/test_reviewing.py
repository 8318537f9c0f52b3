"""What is on sale changes only when the selection centre approves it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.refusals import Forbidden, Invalid, NotFound
from shop.models import SKU, Badge, ListingVersion, PriceTier, Product
from shop.services.badges import withdraw_badge
from shop.services.content import Content, apply_content, content_of, differences
from shop.services.listing import WrongStatus, retire_product
from shop.services.reviewing import (
    NothingChanged,
    VersionWaits,
    approve_version,
    return_version,
    submit_version,
    take_version,
    withdraw_version,
)
from suppliers.models import Certificate, Supplier, SupplierMember

from .conftest import MakeProduct

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 11, 24)


@pytest.fixture
def sam(supplier: Supplier) -> User:
    """Sam works for the supplier."""
    user = User.objects.create_user("sam")
    SupplierMember.objects.create(supplier=supplier, user=user)
    return user


@pytest.fixture
def rita(reviewer: User) -> User:
    return reviewer


@pytest.fixture
def rolf() -> User:
    return User.objects.create_user("rolf", role=User.Role.REVIEWER)


def changed(product: Product, **fields: Any) -> Content:
    """Return what is on sale, changed in `fields`; `price` is of its only pack."""
    content = content_of(product, day=DAY)
    if price := fields.pop("price", None):
        (sku,) = content["skus"].values()
        sku["prices"][0]["unit_price"] = price
    return {**content, **fields}


def price_of(product: Product) -> Decimal:
    (tier,) = PriceTier.objects.filter(sku__product=product).in_force(DAY)
    return tier.unit_price


def listed(product: Product, sam: User, *reviewers: User) -> ListingVersion:
    version = submit_version(product, by=sam, now=NOW)
    for reviewer in reviewers:
        version = approve_version(version, by=reviewer, now=NOW)
    return version


class TestContent:
    def test_comes_back_as_it_was(self, make_product: MakeProduct) -> None:
        product = make_product()
        PriceTier.objects.create(
            sku=product.skus.get(), from_quantity=100, unit_price=40, sold_from=DAY + timedelta(9)
        )
        product.seasons.create(starts="06-15", ends="11-30")
        content = content_of(product, day=DAY)
        apply_content(product, content, day=DAY)
        assert content_of(Product.objects.get(), day=DAY) == content
        assert PriceTier.objects.count() == 2

    def test_ends_old_prices_and_starts_new_ones_on_the_day(
        self, make_product: MakeProduct
    ) -> None:
        product = make_product(price="44")
        apply_content(product, changed(product, price="50"), day=DAY)
        tiers = PriceTier.objects.filter(sku__product=product)
        assert [t.unit_price for t in tiers.in_force(DAY)] == [50]
        assert [t.unit_price for t in tiers.in_force(DAY - timedelta(1))] == [44]

    def test_lets_a_price_that_was_to_begin_earlier_begin_on_the_day(
        self, make_product: MakeProduct
    ) -> None:
        product = make_product(price="44")
        content = changed(product, price="50")
        content["skus"]["P1-KG"]["prices"][0]["sold_from"] = "2026-11-20"
        apply_content(product, content, day=DAY)
        assert price_of(product) == 50

    def test_adds_packs_and_takes_others_off_sale(self, make_product: MakeProduct) -> None:
        product = make_product()
        content = content_of(product, day=DAY)
        content["skus"]["P1-NEW"] = {**content["skus"].pop("P1-KG"), "name": "冰鲜"}
        apply_content(product, content, day=DAY)
        active = dict(SKU.objects.values_list("code", "is_active"))
        assert active == {"P1-KG": False, "P1-NEW": True}
        assert SKU.objects.get(code="P1-NEW").stock.on_hand == 0

    def test_says_what_is_different_in_words(self, make_product: MakeProduct) -> None:
        product = make_product()
        before = content_of(product, day=DAY)
        after = changed(product, price="50", county="522722", storage="live")
        told = {(d.before, d.after) for d in differences(before, after)}
        assert told == {("44", "50"), ("惠水县", "荔波县"), ("常温", "鲜活")}
        assert differences(before, before) == []
        assert all(d.before == "" for d in differences(None, after))


class TestFirstListing:
    def test_takes_two_reviewers(
        self, make_product: MakeProduct, sam: User, rita: User, rolf: User, client: Client
    ) -> None:
        product = make_product(status="draft")
        version = submit_version(product, by=sam, now=NOW)
        product.refresh_from_db()
        assert (product.status, version.is_first) == ("submitted", True)
        take_version(version, by=rita, now=NOW)
        approve_version(version, by=rita, now=NOW)
        product.refresh_from_db()
        assert product.status == "in_review"
        with pytest.raises(Forbidden):
            approve_version(version, by=rita, now=NOW)
        approved = approve_version(version, by=rolf, now=NOW)
        product.refresh_from_db()
        assert (product.status, approved.status) == ("listed", "approved")
        assert (approved.seconded_by, approved.decided_by) == (rita, rolf)
        actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
        assert list(actions) == [
            "submit_version", "take_version", "second_version", "version_approved",
            "announce_badge",
        ]  # fmt: skip

    def test_announces_the_badge_before_it_holds(
        self, make_product: MakeProduct, sam: User, rita: User, rolf: User
    ) -> None:
        listed(make_product(status="draft"), sam, rita, rolf)
        badge = Badge.objects.get()
        assert list(Badge.objects.on_notice(DAY)) == [badge]
        assert not Badge.objects.valid(DAY + timedelta(6)).exists()
        assert list(Badge.objects.valid(DAY + timedelta(7))) == [badge]
        withdraw_badge(badge, reason="异议成立", by=rita, now=NOW)
        assert not Badge.objects.on_notice(DAY).exists()
        assert not Badge.objects.valid(DAY + timedelta(7)).exists()
        with pytest.raises(WrongStatus):
            withdraw_badge(badge, reason="再次", by=rita, now=NOW)

    def test_comes_back_as_a_draft_with_the_reason(
        self, make_product: MakeProduct, sam: User, rita: User
    ) -> None:
        product = make_product(status="draft")
        version = listed(product, sam)
        version = return_version(version, reason="text", note="请写明规格", by=rita, now=NOW)
        product.refresh_from_db()
        assert (product.status, version.status, version.reason) == ("draft", "returned", "text")
        assert submit_version(product, by=sam, now=NOW).number == 2

    def test_needs_a_price(self, make_product: MakeProduct, sam: User) -> None:
        product = make_product(status="draft", price=None)
        with pytest.raises(Invalid) as refusal:
            submit_version(product, by=sam, now=NOW)
        assert refusal.value.errors[0].pointer == "/skus"
        assert not ListingVersion.objects.exists()

    @pytest.mark.parametrize("fields", [{"name": "中华鲟鱼片"}, {"species": "中华鲟"}])
    def test_of_a_protected_species_needs_its_permit(
        self, make_product: MakeProduct, sam: User, fields: dict[str, str]
    ) -> None:
        product = make_product(status="draft", **fields)
        with pytest.raises(Invalid):
            submit_version(product, by=sam, now=NOW)
        permit = Certificate.objects.create(
            supplier=product.supplier, kind="breeding_permit", number="1", issuer="-",
            valid_from=DAY,
        )  # fmt: skip
        product.certificates.add(permit)
        assert submit_version(product, by=sam, now=NOW).status == "submitted"


class TestChange:
    def test_waits_while_the_old_one_sells(
        self, make_product: MakeProduct, sam: User, rita: User
    ) -> None:
        product = make_product(price="44")
        version = submit_version(product, content=changed(product, price="50"), by=sam, now=NOW)
        assert price_of(product) == 44
        version = approve_version(version, by=rita, now=NOW)
        assert price_of(product) == 50
        assert version.before["skus"]["P1-KG"]["prices"][0]["unit_price"] == "44"
        assert not Badge.objects.exists()

    def test_is_one_at_a_time(self, make_product: MakeProduct, sam: User) -> None:
        product = make_product()
        version = submit_version(product, content=changed(product, price="50"), by=sam, now=NOW)
        with pytest.raises(VersionWaits):
            submit_version(product, content=changed(product, price="60"), by=sam, now=NOW)
        withdraw_version(version, by=sam, now=NOW)
        assert submit_version(product, content=changed(product, price="60"), by=sam, now=NOW)

    def test_of_nothing_is_refused(self, make_product: MakeProduct, sam: User) -> None:
        with pytest.raises(NothingChanged):
            submit_version(make_product(), by=sam, now=NOW)

    def test_of_a_retired_product_is_refused(
        self, make_product: MakeProduct, sam: User, rita: User
    ) -> None:
        product = make_product()
        content = changed(product, price="50")
        retire_product(product, by=rita, now=NOW)
        with pytest.raises(WrongStatus):
            submit_version(product, content=content, by=sam, now=NOW)

    def test_does_not_bring_a_suspended_product_back(
        self, make_product: MakeProduct, sam: User, rita: User
    ) -> None:
        product = make_product(status="suspended")
        version = submit_version(product, content=changed(product, price="50"), by=sam, now=NOW)
        approve_version(version, by=rita, now=NOW)
        product.refresh_from_db()
        assert (product.status, price_of(product)) == ("suspended", 50)


class TestWho:
    def test_others_may_not_submit(
        self, make_product: MakeProduct, make_supplier: Callable[..., Supplier], rita: User
    ) -> None:
        product = make_product(status="draft")
        stella = User.objects.create_user("stella")
        SupplierMember.objects.create(supplier=make_supplier("other"), user=stella)
        with pytest.raises(NotFound):
            submit_version(product, by=stella, now=NOW)
        with pytest.raises(Forbidden):
            submit_version(product, by=rita, now=NOW)

    @pytest.mark.parametrize("role", ["", "office", "auditor"])
    def test_only_reviewers_decide(self, make_product: MakeProduct, sam: User, role: str) -> None:
        version = listed(make_product(status="draft"), sam)
        other = User.objects.create_user("other", role=role)
        for act in (take_version, approve_version):
            with pytest.raises(Forbidden):
                act(version, by=other, now=NOW)
        with pytest.raises(Forbidden):
            return_version(version, reason="text", note="", by=other, now=NOW)

    def test_nobody_reviews_their_own(self, make_product: MakeProduct, sam: User) -> None:
        version = listed(make_product(status="draft"), sam)
        sam.role = User.Role.REVIEWER
        sam.save()
        with pytest.raises(Forbidden):
            approve_version(version, by=sam, now=NOW)

    def test_what_is_decided_stays(self, make_product: MakeProduct, sam: User, rita: User) -> None:
        version = listed(make_product(status="draft"), sam)
        return_version(version, reason="price", note="", by=rita, now=NOW)
        with pytest.raises(WrongStatus):
            approve_version(version, by=rita, now=NOW)
        with pytest.raises(WrongStatus):
            withdraw_version(version, by=sam, now=NOW)

    @pytest.mark.parametrize(("reason", "note"), [("", "x"), ("mood", "x"), ("other", " ")])
    def test_a_return_says_why(
        self, make_product: MakeProduct, sam: User, rita: User, reason: str, note: str
    ) -> None:
        version = listed(make_product(status="draft"), sam)
        with pytest.raises(Invalid):
            return_version(version, reason=reason, note=note, by=rita, now=NOW)


class TestGuards:
    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"status": "returned", "reason": "text"}, "version_state_says_who"),
            ({"status": "returned", "decided_at": NOW, "decided_by": "sam", "reason": "text"},
             "nobody_decides"),
            ({"status": "returned", "decided_at": NOW, "decided_by": "rita"}, "has_a_reason"),
            ({"status": "approved", "decided_at": NOW, "decided_by": "rita"}, "by_two"),
            ({"status": "approved", "decided_at": NOW, "decided_by": "rita",
              "seconded_by": "rita"}, "by_two"),
        ],
    )  # fmt: skip
    def test_refuse_what_no_service_would_write(
        self, make_product: MakeProduct, sam: User, rita: User, fields: dict[str, Any],
        constraint: str,
    ) -> None:  # fmt: skip
        version = listed(make_product(status="draft"), sam)
        people = {"sam": sam, "rita": rita}
        values = {name: people.get(str(value), value) for name, value in fields.items()}
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            ListingVersion.objects.filter(pk=version.pk).update(**values)
