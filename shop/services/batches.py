"""Enter batches, draw them down as they ship, and call them back."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.api.serializers import plain
from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid, NotFound
from accounts.services.audit import record
from accounts.services.uploads import opened_as_kept
from shop.models import Batch, BatchDocument, Category

from .listing import WrongStatus

#: What may be said of a batch, and corrected until something of it has left.
SAID = ("code", "product_id", "sku_id", "base_id", "produced_on", "expires_on", "quantity")
#: What may be corrected afterwards.
ALWAYS_CORRECTED = ("base_id", "expires_on", "quantity")
RECALLED = _("This batch is recalled already.")

DRAW = """
    UPDATE shop_batch SET "left" = "left" - drawn.quantity
    FROM unnest(%s::bigint[], %s::numeric[]) AS drawn (id, quantity)
    WHERE shop_batch.id = drawn.id
"""


@transaction.atomic
def save_batch(batch: Batch, *, by: User, now: datetime) -> Batch:
    """
    Store a new batch, or correct one, with what its fields say.

    Its supplier is the product's, and an empty last good day follows from the shelf life.
    Raise NotFound or Forbidden unless `by` works for the supplier, WrongStatus when it is
    recalled, and Invalid with a pointer to each wrong field.
    """
    stored = None
    if batch.pk:
        stored = _held(batch, by=by)
        if stored.is_recalled:
            raise WrongStatus(RECALLED)
    day = timezone.localdate(now)
    errors = problems_of(batch, stored=stored, by=by, day=day)
    if errors:
        raise Invalid(errors=errors)
    batch.supplier_id = batch.product.supplier_id
    if batch.expires_on is None:
        batch.expires_on = end_of_shelf_life(batch)
    drawn = stored.quantity - stored.left if stored else Decimal(0)
    batch.left = batch.quantity - drawn
    before = {name: _as_json(getattr(stored, name)) for name in SAID} if stored else {}
    after = {name: _as_json(getattr(batch, name)) for name in SAID}
    if before == after:
        return batch
    try:
        with transaction.atomic():
            batch.save()
    except IntegrityError as error:
        if "batch_code_once_per_supplier" not in str(error):
            raise
        raise Invalid(errors=[_taken()]) from error
    changed = {name for name in SAID if before.get(name) != after[name]}
    record(
        "correct_batch" if stored else "enter_batch",
        batch,
        by=by,
        now=now,
        before={name: before[name] for name in changed} if stored else None,
        after={name: after[name] for name in changed},
    )
    return batch


def problems_of(batch: Batch, *, stored: Batch | None, by: User, day: date) -> list[ErrorItem]:
    """
    Return what is wrong with a batch as `by` wants it, with pointers that name its fields.

    Raise NotFound or Forbidden unless `by` works for the product's supplier.
    """
    product = batch.product
    if not product.supplier.members.filter(user=by).exists():
        raise Forbidden if by.role else NotFound
    errors = []

    def wrong(field: str, detail: Any) -> None:
        errors.append(ErrorItem(f"/{field}", "invalid", detail))

    if product.category.sector == Category.Sector.HANDICRAFT:
        wrong("product", _("Handicrafts have no batches."))
    if batch.sku is not None and batch.sku.product_id != product.pk:
        wrong("sku", _("This pack is of another product."))
    if batch.base is not None and batch.base.supplier_id != product.supplier_id:
        wrong("base", _("This base is another supplier's."))
    if batch.produced_on > day:
        wrong("produced_on", _("This day is still to come."))
    if batch.expires_on is not None and batch.expires_on < batch.produced_on:
        wrong("expires_on", _("A batch cannot expire before it is made."))
    if batch.quantity <= 0:
        wrong("quantity", _("The quantity must be more than zero."))
    twins = Batch.objects.filter(supplier=product.supplier_id, code=batch.code)
    if twins.exclude(pk=batch.pk).exists():
        errors.append(_taken())
    if stored is not None and (drawn := stored.quantity - stored.left):
        for name in SAID:
            if name not in ALWAYS_CORRECTED and getattr(batch, name) != getattr(stored, name):
                wrong(name.removesuffix("_id"), _("Something of this batch has left already."))
        if 0 < batch.quantity < drawn:
            wrong("quantity", _("More of it has left than this."))
    return errors


def end_of_shelf_life(batch: Batch) -> date | None:
    """Return the last good day of a batch by its product's shelf life, if that is known."""
    days = batch.product.shelf_life_days
    return None if days is None else batch.produced_on + timedelta(days)


def named_batches(supplier_id: int, codes: Collection[str]) -> dict[str, Batch]:
    """
    Lock those of a supplier's batches that have these codes; return them by code.

    In key order, as everybody who locks several.
    """
    named = Batch.objects.filter(supplier=supplier_id, code__in=codes).order_by("pk")
    return {batch.code: batch for batch in named.select_for_update(no_key=True)}


def draw_down(quantity_by_batch: Mapping[int, Decimal]) -> None:
    """Take these quantities, in each batch's own measure, from batches that are locked."""
    with connection.cursor() as cursor:
        cursor.execute(DRAW, [list(quantity_by_batch), list(quantity_by_batch.values())])


@transaction.atomic
def recall_batch(batch: Batch, *, reason: str, by: User, now: datetime) -> Batch:
    """
    Call a batch back, for good: nothing of it leaves any more, and its public page says so.

    Raise NotFound for another supplier's, Forbidden unless `by` is a reviewer, of the
    office or the supplier's, Invalid without a reason, WrongStatus when it is recalled.
    """
    held = _held(batch, by=by)
    if by.role and not (by.is_reviewer or by.is_office):
        raise Forbidden
    if not reason.strip():
        raise Invalid(
            errors=[ErrorItem("/reason", "required", _("Say why the batch is called back."))]
        )
    if held.is_recalled:
        raise WrongStatus(RECALLED)
    held.recalled_at, held.recalled_by, held.recall_reason = now, by, reason.strip()
    held.save(update_fields=["recalled_at", "recalled_by", "recall_reason"])
    after = {"trace_code": held.trace_code}
    record("recall_batch", held, by=by, now=now, after=after, reason=held.recall_reason)
    return held


@transaction.atomic
def save_document(document: BatchDocument, *, by: User, now: datetime) -> BatchDocument:
    """
    Store a document of a batch, new or corrected, with the digest of its file.

    Its file has passed `accounts.forms.UploadField`; one that it replaces stays on the
    disk. Raise NotFound or Forbidden unless `by` works for the supplier.
    """
    batch = _held(document.batch, by=by)
    if not batch.supplier.members.filter(user=by).exists():
        raise Forbidden
    known = batch.documents.filter(pk=document.pk).first() if document.pk else None
    if document.pk and known is None:
        raise NotFound
    if not document.file:
        document.sha256 = ""
    elif known is None or document.file != known.file:
        with document.file.open() as file:
            document.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    document.save()
    after = {
        "document": str(document),
        "valid_until": _as_json(document.valid_until),
        "is_public": document.is_public,
        "sha256": document.sha256,
    }
    action = "correct_batch_document" if known else "enter_batch_document"
    record(action, batch, by=by, now=now, after=after)
    return document


def file_of(document: BatchDocument) -> BinaryIO:
    """Return its file, open for reading, as it was taken in. Raise FileCorrupt."""
    return opened_as_kept(Path(document.file.path), document.sha256)


def _held(batch: Batch, *, by: User) -> Batch:
    """Lock a batch that `by` may see; raise NotFound for any other."""
    visible = Batch.objects.for_actor(by).filter(pk=batch.pk)
    held = visible.select_for_update(no_key=True, of=("self",)).first()
    if held is None:
        raise NotFound
    return held


def _taken() -> ErrorItem:
    return ErrorItem("/code", "invalid", _("There is a batch with this number already."))


def _as_json(value: Any) -> Any:
    match value:
        case Decimal():
            return plain(value)
        case date():
            return value.isoformat()
    return value
