"""Batches are entered, corrected and called back by those who may, and by nobody else."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry, User
from accounts.refusals import Forbidden, Invalid, NotFound
from shop.models import Batch, Product
from shop.models.batches import TRACE_ALPHABET
from shop.services.batches import recall_batch, save_batch
from shop.services.listing import WrongStatus
from suppliers.models import Base
from tests.factories import (
    BatchFactory,
    ProductFactory,
    SKUFactory,
    SupplierFactory,
    SupplierMemberFactory,
    UserFactory,
)

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
TODAY = date(2026, 11, 25)


@pytest.fixture
def product(db: None) -> Product:
    return ProductFactory(shelf_life_days=30)


@pytest.fixture
def sam(product: Product) -> User:
    return SupplierMemberFactory(supplier=product.supplier).user


@pytest.fixture
def stella(db: None) -> User:
    """Of another supplier."""
    return SupplierMemberFactory().user


def batch_of(product: Product, **fields: Any) -> Batch:
    given = {"code": "B-1", "produced_on": TODAY, "quantity": Decimal(500)}
    return Batch(product=product, **(given | fields))


def base_of(supplier: Any) -> Base:
    return Base.objects.create(
        supplier=supplier, code=f"base-{supplier.pk}", name="基地", county_id="522729", area_mu=10
    )


def refused(batch: Batch, by: User) -> dict[str, str]:
    """Expect a batch to be wrong; return what by the pointers' fields."""
    with pytest.raises(Invalid) as refusal:
        save_batch(batch, by=by, now=NOW)
    return {error.pointer: str(error.code) for error in refusal.value.errors}


class TestSaveBatch:
    def test_reckons_the_last_good_day_and_what_is_left(self, product: Product, sam: User) -> None:
        batch = save_batch(batch_of(product), by=sam, now=NOW)
        batch.refresh_from_db()
        assert (batch.supplier, batch.left) == (product.supplier, 500)
        assert batch.expires_on == date(2026, 12, 25)
        assert len(batch.trace_code) == 12
        assert set(batch.trace_code) <= set(TRACE_ALPHABET)
        entry = AuditEntry.objects.get(action="enter_batch")
        assert (entry.by, entry.after["quantity"]) == (sam, "500")

    def test_keeps_a_given_last_day_and_none_without_a_shelf_life(
        self, product: Product, sam: User
    ) -> None:
        given = save_batch(batch_of(product, expires_on=date(2026, 12, 1)), by=sam, now=NOW)
        assert given.expires_on == date(2026, 12, 1)
        product.shelf_life_days = None
        assert save_batch(batch_of(product, code="B-2"), by=sam, now=NOW).expires_on is None

    def test_is_not_for_handicrafts(self, product: Product, sam: User) -> None:
        product.category_id = "handicraft"
        assert refused(batch_of(product), sam) == {"/product": "invalid"}

    def test_names_every_wrong_field(self, product: Product, sam: User) -> None:
        wrong = batch_of(
            product,
            sku=SKUFactory(),
            base=base_of(SupplierFactory()),
            produced_on=date(2026, 11, 26),
            expires_on=date(2026, 11, 1),
            quantity=Decimal(0),
        )
        assert refused(wrong, sam) == dict.fromkeys(
            ["/sku", "/base", "/produced_on", "/expires_on", "/quantity"], "invalid"
        )
        assert not Batch.objects.exists()

    def test_takes_a_number_once_per_supplier(self, product: Product, sam: User) -> None:
        save_batch(batch_of(product), by=sam, now=NOW)
        assert refused(batch_of(product), sam) == {"/code": "invalid"}
        other = ProductFactory()
        works_there = SupplierMemberFactory(supplier=other.supplier).user
        save_batch(batch_of(other), by=works_there, now=NOW)
        assert Batch.objects.count() == 2

    def test_is_refused_to_everybody_else(self, product: Product, stella: User) -> None:
        with pytest.raises(NotFound):
            save_batch(batch_of(product), by=stella, now=NOW)
        for role in User.Role:
            with pytest.raises(Forbidden):
                save_batch(batch_of(product), by=UserFactory(role=role), now=NOW)
        assert not Batch.objects.exists()


class TestCorrectBatch:
    def test_is_recorded_with_what_changed(self, product: Product, sam: User) -> None:
        batch = save_batch(batch_of(product), by=sam, now=NOW)
        batch.quantity = Decimal(600)
        save_batch(batch, by=sam, now=NOW)
        assert Batch.objects.get().left == 600
        entry = AuditEntry.objects.get(action="correct_batch")
        assert (entry.before, entry.after) == ({"quantity": "500"}, {"quantity": "600"})

    def test_leaves_no_trace_when_nothing_changed(self, product: Product, sam: User) -> None:
        batch = save_batch(batch_of(product), by=sam, now=NOW)
        save_batch(Batch.objects.get(pk=batch.pk), by=sam, now=NOW)
        assert not AuditEntry.objects.filter(action="correct_batch").exists()

    def test_keeps_what_boxes_say_once_something_left(self, product: Product, sam: User) -> None:
        batch = BatchFactory(product=product, quantity=100, left=40)
        batch.code, batch.produced_on = "B-9", date(2026, 11, 2)
        assert refused(batch, sam) == {"/code": "invalid", "/produced_on": "invalid"}
        batch = Batch.objects.get()
        batch.quantity = Decimal(59)
        assert refused(batch, sam) == {"/quantity": "invalid"}
        batch.quantity = Decimal(70)
        save_batch(batch, by=sam, now=NOW)
        assert Batch.objects.get().left == 10

    def test_is_refused_for_a_recalled_one_and_a_strangers(
        self, product: Product, sam: User, stella: User
    ) -> None:
        batch = BatchFactory(product=product)
        with pytest.raises(NotFound):
            save_batch(batch, by=stella, now=NOW)
        recall_batch(batch, reason="农残超标", by=sam, now=NOW)
        batch.quantity = Decimal(999)
        with pytest.raises(WrongStatus):
            save_batch(batch, by=sam, now=NOW)
        assert Batch.objects.get().quantity == 100


class TestRecallBatch:
    @pytest.mark.parametrize("role", [User.Role.REVIEWER, User.Role.OFFICE, User.Role.ADMIN, ""])
    def test_is_done_by_the_platform_and_the_supplier(
        self, product: Product, sam: User, role: str
    ) -> None:
        batch = BatchFactory(product=product)
        by = UserFactory(role=role) if role else sam
        recall_batch(batch, reason=" 农残超标 ", by=by, now=NOW)
        batch.refresh_from_db()
        assert (batch.recalled_by, batch.recall_reason) == (by, "农残超标")
        assert not Batch.objects.shippable(TODAY).exists()
        assert AuditEntry.objects.get(action="recall_batch").reason == "农残超标"

    def test_is_refused_to_auditors_and_strangers(self, product: Product, stella: User) -> None:
        batch = BatchFactory(product=product)
        for by, refusal in (
            (UserFactory(role=User.Role.AUDITOR), Forbidden),
            (stella, NotFound),
            (UserFactory(), NotFound),
        ):
            with pytest.raises(refusal):
                recall_batch(batch, reason="-", by=by, now=NOW)
        assert not Batch.objects.get().is_recalled

    def test_needs_a_reason_and_happens_once(self, product: Product, sam: User) -> None:
        batch = BatchFactory(product=product)
        with pytest.raises(Invalid):
            recall_batch(batch, reason="  ", by=sam, now=NOW)
        recall_batch(batch, reason="农残超标", by=sam, now=NOW)
        with pytest.raises(WrongStatus):
            recall_batch(batch, reason="又来", by=sam, now=NOW)
        assert Batch.objects.get().recall_reason == "农残超标"


@pytest.mark.django_db
class TestDatabase:
    """What no path can write."""

    def broken(self, batch: Batch, constraint: str, **fields: Any) -> None:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Batch.objects.filter(pk=batch.pk).update(**fields)

    def test_keeps_a_batch_whole(self) -> None:
        batch = BatchFactory()
        self.broken(batch, "batch_left_within_quantity", left=101)
        self.broken(batch, "batch_left_within_quantity", left=-1)
        self.broken(batch, "batch_quantity_within_bounds", quantity=0, left=0)
        self.broken(batch, "batch_has_a_code", code="")
        self.broken(batch, "batch_expires_after_it_is_made", expires_on=date(2026, 10, 1))
        self.broken(batch, "batch_recalled_by_somebody_for_a_reason", recalled_at=NOW)
        self.broken(batch, "rows of shop_batch are never changed", trace_code="X")

    def test_keeps_it_with_its_supplier(self) -> None:
        batch = BatchFactory()
        self.broken(batch, "batch_of_own_product", product=ProductFactory())
        self.broken(batch, "batch_of_own_sku", sku=SKUFactory())
        self.broken(batch, "batch_of_own_base", base=base_of(SupplierFactory()))

    def test_keeps_a_recall(self) -> None:
        batch = recall_batch(
            BatchFactory(), reason="-", by=UserFactory(role=User.Role.OFFICE), now=NOW
        )
        stays = "rows of shop_batch are never changed"
        self.broken(batch, stays, left=1)
        self.broken(batch, stays, recalled_at=None, recalled_by=None, recall_reason="")


class TestQuestions:
    def test_what_may_leave_comes_in_the_order_of_expiry(self, product: Product) -> None:
        def made(expires_on: date | None, **fields: Any) -> Batch:
            return BatchFactory(product=product, expires_on=expires_on, **fields)

        never, late, soon = made(None), made(date(2026, 12, 9)), made(TODAY)
        made(date(2026, 11, 24))
        made(date(2026, 12, 1), left=0)
        recall_batch(
            made(date(2026, 12, 2)), reason="-", by=UserFactory(role=User.Role.OFFICE), now=NOW
        )
        shippable = Batch.objects.shippable(TODAY).first_expired_first()
        assert list(shippable) == [soon, late, never]

    def test_whose_they_are(self, product: Product, sam: User, stella: User) -> None:
        batch = BatchFactory(product=product)
        assert list(Batch.objects.for_actor(sam)) == [batch]
        assert not Batch.objects.for_actor(stella).exists()
        assert Batch.objects.for_actor(UserFactory(role=User.Role.REVIEWER)).exists()

    def test_what_packs_take_of_one(self, product: Product) -> None:
        by_weight = BatchFactory.build(product=product)
        assert by_weight.taken_by(Decimal(3), net_weight_kg=Decimal("0.3333")) == Decimal("1.000")
        by_pack = BatchFactory.build(product=product, sku_id=1)
        assert by_pack.taken_by(Decimal(3), net_weight_kg=Decimal("0.3333")) == 3
