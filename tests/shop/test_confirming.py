"""Listings that nobody confirms: a reminder once, off sale two weeks later, back by one word."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, User
from accounts.refusals import Forbidden, NotFound
from shop import tasks
from shop.models import Confirmation, Product, Season, Stock
from shop.services.changing import set_stock
from shop.services.confirming import confirm_product, remind_suppliers, suspend_unconfirmed
from shop.services.content import content_of
from shop.services.listing import (
    WrongStatus,
    list_product,
    retire_product,
    suspend_product,
    suspend_supplier,
)
from shop.services.reviewing import approve_version, submit_version
from suppliers.models import SupplierMember
from tests.factories import ProductFactory, SKUFactory, SupplierMemberFactory, UserFactory
from tests.sessions import held_open

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
DAY = timedelta(days=1)


@pytest.fixture
def sam(db: None) -> User:
    return SupplierMemberFactory(user__email="sam@haowu.example").user


@pytest.fixture
def reviewer(db: None) -> User:
    return UserFactory(role=User.Role.REVIEWER)


def product_of(user: User, **fields: Any) -> Product:
    sku = SKUFactory(
        **{f"product__{name}": value for name, value in fields.items()},
        product__supplier=user.supplier_membership.supplier,
    )
    return sku.product


def confirmed(product: Product, *, days: int) -> Confirmation:
    """Say that a product was confirmed so many days ago."""
    known, _new = Confirmation.objects.update_or_create(
        product=product, defaults={"confirmed_at": NOW - days * DAY}
    )
    return known


def reminded(product: Product, *, days: int) -> Confirmation:
    """Say that its supplier was reminded so many days ago."""
    known = confirmed(product, days=days + 91)
    known.reminded_at = NOW - days * DAY
    known.save()
    return known


def of(product: Product) -> Confirmation:
    return Confirmation.objects.get(product=product)


def follow(now: datetime = NOW) -> None:
    for pk in Confirmation.objects.to_suspend(now).values_list("pk", flat=True):
        suspend_unconfirmed(pk, now=now)
    remind_suppliers(now=now)


def status_of(product: Product) -> str:
    return Product.objects.get(pk=product.pk).status


class TestReminder:
    @pytest.mark.parametrize(("days", "is_due"), [(89, False), (90, False), (91, True)])
    def test_is_due_after_ninety_days(self, sam: User, days: int, is_due: bool) -> None:
        product = product_of(sam)
        confirmed(product, days=days)
        assert remind_suppliers(now=NOW) == is_due
        assert of(product).reminded_at == (NOW if is_due else None)

    def test_waits_as_long_as_is_set(self, sam: User, settings: Settings) -> None:
        settings.LISTING_CONFIRMED_DAYS = 30
        confirmed(product_of(sam), days=31)
        assert remind_suppliers(now=NOW) == 1

    def test_comes_once(self, sam: User) -> None:
        product = product_of(sam)
        confirmed(product, days=91)
        assert remind_suppliers(now=NOW) == 1
        assert remind_suppliers(now=NOW + DAY) == 0
        assert of(product).reminded_at == NOW

    @pytest.mark.parametrize("status", ["draft", "submitted", "suspended", "retired"])
    def test_is_not_due_for_what_is_not_on_sale(self, sam: User, status: str) -> None:
        confirmed(product_of(sam, status=status), days=200)
        assert remind_suppliers(now=NOW) == 0

    def test_is_not_due_for_a_suspended_supplier(self, sam: User, reviewer: User) -> None:
        product = product_of(sam)
        confirmed(product, days=200)
        suspend_supplier(product.supplier, reason="-", by=reviewer, now=NOW)
        assert remind_suppliers(now=NOW) == 0

    def test_counts_from_now_where_nobody_knows(self, sam: User) -> None:
        product = product_of(sam)
        product_of(sam, is_synthetic=True)
        assert remind_suppliers(now=NOW) == 0
        assert Confirmation.objects.get().product == product
        assert remind_suppliers(now=NOW + 91 * DAY) == 1

    def test_costs_as_much_for_many_as_for_one(self, sam: User) -> None:
        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert remind_suppliers(now=NOW)
            return len(queries)

        confirmed(product_of(sam), days=91)
        one = statements()
        for _more in range(20):
            confirmed(product_of(sam), days=91)
        assert statements() == one


class TestSeason:
    @pytest.mark.parametrize(
        ("starts", "ends", "is_due"),
        [
            ("11-01", "11-30", True),
            ("11-25", "11-25", True),
            ("08-01", "11-24", False),
            # It begins in two weeks, or a day later.
            ("12-09", "12-31", True),
            ("12-10", "12-31", False),
            # It runs over New Year.
            ("10-01", "02-28", True),
            ("12-20", "02-28", False),
            ("12-05", "01-31", True),
        ],
    )
    def test_gives_what_rests_time_until_it_is_near(
        self, sam: User, starts: str, ends: str, is_due: bool
    ) -> None:
        product = product_of(sam)
        Season.objects.create(product=product, starts=starts, ends=ends)
        confirmed(product, days=200)
        assert remind_suppliers(now=NOW) == is_due

    def test_is_near_over_new_year(self, sam: User) -> None:
        product = product_of(sam)
        Season.objects.create(product=product, starts="01-05", ends="02-28")
        Season.objects.create(product=product, starts="06-01", ends="06-30")
        confirmed(product, days=200)
        assert remind_suppliers(now=NOW.replace(month=12, day=20)) == 0
        assert remind_suppliers(now=NOW.replace(month=12, day=22)) == 1

    def test_takes_nothing_off_sale_by_itself(self, sam: User) -> None:
        product = product_of(sam)
        Season.objects.create(product=product, starts="06-01", ends="06-30")
        confirmed(product, days=200)
        follow()
        follow(NOW + 30 * DAY)
        assert status_of(product) == "listed"


class TestSuspension:
    @pytest.mark.parametrize(("days", "status"), [(13, "listed"), (14, "suspended")])
    def test_follows_two_weeks_later(self, sam: User, days: int, status: str) -> None:
        product = product_of(sam)
        reminded(product, days=days)
        follow()
        assert status_of(product) == status

    def test_is_recorded_with_its_reason(self, sam: User) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        follow()
        entry = AuditEntry.objects.get(action="product_suspended", subject=product.code)
        assert entry.by is None
        assert "2026-08-06" in entry.reason
        assert of(product).suspended_at == NOW

    def test_happens_once(self, sam: User) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        assert suspend_unconfirmed(product.pk, now=NOW)
        assert not suspend_unconfirmed(product.pk, now=NOW + DAY)
        follow(NOW + DAY)
        assert AuditEntry.objects.filter(action="product_suspended").count() == 1

    def test_leaves_what_was_confirmed_meanwhile(self, sam: User) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        confirm_product(product, by=sam, now=NOW)
        assert not suspend_unconfirmed(product.pk, now=NOW)
        assert status_of(product) == "listed"

    def test_leaves_what_is_off_sale_for_another_reason(self, sam: User, reviewer: User) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        suspend_product(product, reason="召回", by=reviewer, now=NOW)
        assert not suspend_unconfirmed(product.pk, now=NOW)
        assert of(product).suspended_at is None


class TestConfirming:
    def test_begins_anew(self, sam: User) -> None:
        product = product_of(sam)
        reminded(product, days=5)
        confirm_product(product, by=sam, now=NOW)
        assert (of(product).confirmed_at, of(product).reminded_at) == (NOW, None)
        entry = AuditEntry.objects.get(action="confirm_product")
        assert (entry.by, entry.subject) == (sam, product.code)
        assert remind_suppliers(now=NOW + 91 * DAY) == 1

    def test_puts_back_what_was_off_for_want_of_it(self, sam: User) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        follow()
        confirm_product(product, by=sam, now=NOW + DAY)
        assert status_of(product) == "listed"
        assert of(product).suspended_at is None
        assert AuditEntry.objects.filter(action="product_listed", by=sam).count() == 1

    def test_does_not_put_back_what_is_off_for_another_reason(
        self, sam: User, reviewer: User
    ) -> None:
        product = product_of(sam)
        reminded(product, days=5)
        suspend_product(product, reason="召回", by=reviewer, now=NOW)
        with pytest.raises(WrongStatus):
            confirm_product(product, by=sam, now=NOW)
        assert status_of(product) == "suspended"

    def test_forgets_an_old_silence_when_it_was_listed_since(
        self, sam: User, reviewer: User
    ) -> None:
        """Off for want of it, listed by hand, then called off: its word does not undo that."""
        product = product_of(sam)
        reminded(product, days=20)
        follow()
        list_product(product, by=reviewer, now=NOW)
        suspend_product(product, reason="召回", by=reviewer, now=NOW)
        with pytest.raises(WrongStatus):
            confirm_product(product, by=sam, now=NOW)

    @pytest.mark.parametrize("status", ["draft", "submitted", "in_review", "retired"])
    def test_is_for_what_is_on_sale(self, sam: User, status: str) -> None:
        with pytest.raises(WrongStatus):
            confirm_product(product_of(sam, status=status), by=sam, now=NOW)

    def test_is_ones_own(self, sam: User, reviewer: User) -> None:
        theirs = ProductFactory()
        reminded(theirs, days=5)
        with pytest.raises(NotFound):
            confirm_product(theirs, by=sam, now=NOW)
        with pytest.raises(Forbidden):
            confirm_product(theirs, by=reviewer, now=NOW)
        assert of(theirs).reminded_at

    def test_is_also_a_count_of_the_stock(self, sam: User) -> None:
        product = product_of(sam)
        reminded(product, days=5)
        # Even one that finds what was there before.
        sku = product.skus.get()
        set_stock(sku, on_hand=Stock.objects.get(sku=sku).on_hand, by=sam, now=NOW)
        assert (of(product).confirmed_at, of(product).reminded_at) == (NOW, None)

    def test_a_count_puts_nothing_back_on_sale(self, sam: User) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        follow()
        set_stock(product.skus.get(), on_hand=Stock.objects.get().on_hand, by=sam, now=NOW)
        assert status_of(product) == "suspended"
        assert of(product).suspended_at

    def test_is_also_an_approval(self, sam: User, reviewer: User) -> None:
        product = product_of(sam, status="draft")
        version = submit_version(product, by=sam, now=NOW)
        approve_version(version, by=reviewer, now=NOW)
        assert not Confirmation.objects.exists()
        approve_version(version, by=UserFactory(role="reviewer"), now=NOW)
        assert of(product).confirmed_at == NOW

    def test_is_also_the_approval_of_a_change(self, sam: User, reviewer: User) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        follow()
        content = content_of(product, day=NOW.date()) | {"name": "新名"}
        version = submit_version(product, content=content, by=sam, now=NOW)
        assert status_of(product) == "suspended"
        approve_version(version, by=reviewer, now=NOW)
        assert status_of(product) == "listed"
        assert of(product).reminded_at is None

    def test_an_approval_brings_nothing_back_that_is_retired(
        self, sam: User, reviewer: User
    ) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        follow()
        content = content_of(product, day=NOW.date()) | {"name": "新名"}
        version = submit_version(product, content=content, by=sam, now=NOW)
        retire_product(product, by=reviewer, now=NOW)
        approve_version(version, by=reviewer, now=NOW)
        assert status_of(product) == "retired"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_suspension_waits_for_a_confirmation(self, sam: User) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        with held_open(lambda: suspend_unconfirmed(product.pk, now=NOW)) as later:
            confirm_product(product, by=sam, now=NOW)
        assert later.result() is False
        assert status_of(product) == "listed"

    def test_a_reminder_waits_for_a_confirmation(self, sam: User) -> None:
        product = product_of(sam)
        confirmed(product, days=91)
        with held_open(lambda: remind_suppliers(now=NOW)) as later:
            confirm_product(product, by=sam, now=NOW)
        assert later.result() == 0
        assert of(product).reminded_at is None


class TestMail:
    @pytest.fixture(autouse=True)
    def _sends_mail(self, settings: Settings) -> None:
        settings.SENDS_MAIL = True

    def tell(self) -> list[Any]:
        mail.outbox.clear()
        tasks.tell_of_confirmations()
        return list(mail.outbox)

    def test_names_all_listings_of_a_supplier_once(self, sam: User) -> None:
        SupplierMember.objects.create(
            supplier=sam.supplier_membership.supplier,
            user=UserFactory(email="sue@haowu.example"),
        )
        for name in ("梨", "桃"):
            reminded(product_of(sam, name=name), days=3)
        stella = SupplierMemberFactory(user__email="stella@haowu.example").user
        reminded(product_of(stella, name="别家的"), days=3)
        mine, theirs = sorted(self.tell(), key=lambda one: len(one.to), reverse=True)
        assert set(mine.to) == {"sam@haowu.example", "sue@haowu.example"}
        assert "梨" in mine.body
        assert "桃" in mine.body
        assert "别家的" not in mine.body
        assert "2026-12-06 前未确认将自动下架" in mine.body
        assert theirs.to == ["stella@haowu.example"]
        assert self.tell() == []

    def test_tells_again_when_it_went_off_sale(self, sam: User) -> None:
        product = product_of(sam)
        reminded(product, days=20)
        assert len(self.tell()) == 1
        follow()
        (message,) = self.tell()
        assert "已于 2026-11-25 自动下架" in message.body
        assert self.tell() == []

    def test_is_tried_again_later(self, sam: User, monkeypatch: pytest.MonkeyPatch) -> None:
        product = product_of(sam)
        reminded(product, days=3)

        def fails(*args: Any) -> None:
            raise OSError

        with monkeypatch.context() as patched:
            patched.setattr(tasks, "send_mail", fails)
            self.tell()
        assert of(product).told_at is None
        assert self.tell() == []
        Confirmation.objects.update(tried_at=timezone.now() - timedelta(minutes=16))
        assert len(self.tell()) == 1

    def test_goes_to_nobody_without_an_address_or_gone(self, sam: User) -> None:
        reminded(product_of(sam), days=3)
        User.objects.filter(pk=sam.pk).update(is_active=False)
        assert self.tell() == []
        User.objects.filter(pk=sam.pk).update(is_active=True, email="")
        assert self.tell() == []

    def test_is_not_sent_where_none_can_be(self, sam: User, settings: Settings) -> None:
        settings.SENDS_MAIL = False
        reminded(product_of(sam), days=3)
        assert self.tell() == []
        assert Confirmation.objects.get().tried_at is None


class TestTask:
    def test_reminds_and_suspends_by_itself(self, sam: User) -> None:
        long_ago = timezone.now() - timedelta(days=120)
        stale, silent = product_of(sam), product_of(sam)
        Confirmation.objects.create(product=stale, confirmed_at=long_ago)
        Confirmation.objects.create(
            product=silent, confirmed_at=long_ago, reminded_at=timezone.now() - 15 * DAY
        )
        for _again in range(2):
            tasks.follow_confirmations()
        assert of(stale).reminded_at
        assert status_of(stale) == "listed"
        assert status_of(silent) == "suspended"
        entry = AuditEntry.objects.get(action="product_suspended")
        assert entry.via == AuditEntry.Via.TASK


class TestPages:
    def client(self, user: User) -> Client:
        user.is_staff = True
        user.save()
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        return client

    def test_home_asks_with_a_button(self, sam: User) -> None:
        product = product_of(sam, name="梨")
        reminded(product, days=3)
        theirs = ProductFactory(name="别家的")
        reminded(theirs, days=3)
        client = self.client(sam)
        page = client.get("/admin/").content.decode()
        button = f'action="/admin/shop/product/{product.pk}/confirm/"'
        assert button in page
        assert "别家的" not in page
        answer = client.post(f"/admin/shop/product/{product.pk}/confirm/", follow=True)
        assert "梨 is confirmed." in answer.content.decode()
        assert button not in answer.content.decode()
        assert of(product).reminded_at is None

    def test_others_have_no_button(self, sam: User, reviewer: User) -> None:
        product = product_of(sam)
        reminded(product, days=3)
        address = f"/admin/shop/product/{product.pk}/confirm/"
        assert self.client(reviewer).post(address).status_code == 403
        stella = SupplierMemberFactory().user
        assert self.client(stella).post(address).status_code == 404
        assert self.client(sam).get(address).status_code == 405
        assert of(product).reminded_at

    def test_list_confirms_several(self, sam: User) -> None:
        products = [product_of(sam), product_of(sam, status="draft")]
        theirs = ProductFactory()
        reminded(products[0], days=3)
        reminded(theirs, days=3)
        chosen = [product.pk for product in (*products, theirs)]
        answer = self.client(sam).post(
            "/admin/shop/product/", {"action": "confirm", "_selected_action": chosen}, follow=True
        )
        assert f"{products[1].code}: This is not possible" in answer.content.decode()
        assert of(products[0]).reminded_at is None
        assert of(theirs).reminded_at

    def test_list_shows_what_is_to_confirm_and_what_rests(self, sam: User) -> None:
        waiting, resting = product_of(sam, name="等确认"), product_of(sam, name="过季")
        reminded(waiting, days=3)
        today = timezone.localdate()
        other = date(2026, (today.month + 5) % 12 + 1, 1)
        Season.objects.create(product=resting, starts=f"{other:%m-%d}", ends=f"{other:%m}-20")
        client = self.client(sam)
        page = client.get("/admin/shop/product/").content.decode()
        assert "out of season" in page
        listed = client.get("/admin/shop/product/?to_do=confirm").context["cl"].queryset
        assert list(listed) == [waiting]

    def test_list_costs_as_much_for_many_as_for_one(self, sam: User) -> None:
        client = self.client(sam)

        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert client.get("/admin/shop/product/").status_code == 200
            return len(queries)

        reminded(product_of(sam), days=3)
        statements()
        one = statements()
        for _more in range(19):
            product = product_of(sam)
            reminded(product, days=3)
            Season.objects.create(product=product, starts="01-01", ends="03-01")
        assert statements() == one
