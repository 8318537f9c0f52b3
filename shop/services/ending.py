"""Remind suppliers of papers that end, and take off sale what may not be sold without them."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shop.models import SKU, Product, Recognition, Reminder, RequiredDocument
from suppliers.models import Certificate

from .content import content_of
from .documents import missing_documents
from .listing import lock_stock, suspend_product

#: How long before and after its end a document is looked at.
WHILE = timedelta(days=30)


@transaction.atomic
def remind(*, now: datetime) -> None:
    """
    Note of which documents suppliers are to be told today, once for each step.

    Safe to repeat, and to run late: of steps that were missed only the last is noted.
    """
    day = timezone.localdate(now)
    around = (day - WHILE, day + WHILE)
    found = [
        Reminder(supplier_id=supplier_id, certificate_id=pk, ends_on=ends_on)
        for pk, supplier_id, ends_on in Certificate.objects.filter(
            valid_until__range=around
        ).values_list("pk", "supplier_id", "valid_until")
    ]
    found += [
        Reminder(supplier_id=supplier_id, recognition_id=pk, ends_on=ends_on)
        for pk, supplier_id, ends_on in Recognition.objects.filter(
            valid_until__range=around
        ).values_list("pk", "product__supplier_id", "valid_until")
    ]
    for reminder in found:
        reminder.days = step_of((reminder.ends_on - day).days)
        reminder.made_at = now
    Reminder.objects.bulk_create(found, ignore_conflicts=True)


def step_of(days_left: int) -> int:
    """Return the step that a document with so many days left has reached; 0 when it ended."""
    if days_left < 0:
        return 0
    return min(step for step in Reminder.STEPS if step >= max(days_left, 1))


@transaction.atomic
def suspend_lapsed(product_id: int, *, now: datetime) -> bool:
    """
    Take a listed product off sale if a document that it needs has ended before today.

    What the table has only begun to ask for takes nothing off sale. Return whether it was.
    """
    day = timezone.localdate(now)
    # An approval that brings a new document closes the same gate.
    lock_stock(SKU.objects.filter(product=product_id).values_list("pk", flat=True))
    product = Product.objects.select_related("supplier").get(pk=product_id)
    if product.status != Product.Status.LISTED:
        return False
    lapsed = _lapsed(product, day)
    if not lapsed:
        return False
    reason = "; ".join(
        _("%(document)s ended on %(day)s.") % {"document": one, "day": one.valid_until}
        for one in lapsed
    )
    suspend_product(product, reason=reason, by=None, now=now)
    for certificate in lapsed:
        reminder, _made = Reminder.objects.update_or_create(
            certificate=certificate,
            ends_on=certificate.valid_until,  # type: ignore[misc]  # these have an end
            days=0,
            defaults={"told_at": None, "tried_at": None},
            create_defaults={"supplier": product.supplier, "made_at": now},
        )
        reminder.suspended.add(product)
    return True


def _lapsed(product: Product, day: date) -> list[Certificate]:
    """Return the documents that a product needs and that were valid until before `day`."""
    missing = missing_documents(product, content_of(product, day=day), day=day)
    lapsed: dict[int, Certificate] = {}
    for required in missing:
        of_product = required.held_by == RequiredDocument.Holder.PRODUCT
        held = product.certificates if of_product else product.supplier.certificates
        for one in held.filter(kind=required.kind, valid_until__lt=day):
            lapsed[one.pk] = one
    return list(lapsed.values())


def claim_telling(pk: int, *, now: datetime) -> Reminder | None:
    """
    Return a reminder whose supplier is to be told, for the caller alone for a while.

    Whoever fails, or dies, needs to do nothing: when the while is over it is due again.
    """
    if not Reminder.objects.to_tell(now).filter(pk=pk).update(tried_at=now):
        return None
    related = ("supplier", "certificate", "recognition__product")
    return Reminder.objects.select_related(*related).get(pk=pk)


def note_told(reminder: Reminder, *, now: datetime) -> None:
    """Remember that a supplier was told."""
    Reminder.objects.filter(pk=reminder.pk, told_at__isnull=True).update(told_at=now)
