"""Ask suppliers whether their listings are still right, and take off sale what nobody confirms."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.audit import record
from shop.models import SKU, Confirmation, Product

from .listing import WrongStatus, confirm, hold_product, lock_stock, suspend_product


@transaction.atomic
def confirm_product(product: Product, *, by: User, now: datetime) -> Product:
    """
    Note that a listing is still right, and put it back on sale if it was off for want of that.

    Raise NotFound or Forbidden unless `by` works for its supplier, WrongStatus when it is not
    on sale for another reason.
    """
    lock_stock(SKU.objects.filter(product=product).values_list("pk", flat=True))
    product = hold_product(product.pk, by=by)
    lapsed = Confirmation.objects.lapsed().filter(product=product)
    if product.status != Product.Status.LISTED and not lapsed.exists():
        raise WrongStatus
    product = confirm(product, by=by, now=now)
    record("confirm_product", product, by=by, now=now)
    return product


@transaction.atomic
def remind_suppliers(*, now: datetime) -> int:
    """
    Note which listings their suppliers have to confirm; return how many there are.

    Safe to repeat: each is noted once until it is confirmed. A listed product of which nobody
    knows when it was confirmed begins to count now; of synthetic ones nobody is asked.
    """
    unknown = Product.objects.filter(
        status=Product.Status.LISTED, confirmation=None, is_synthetic=False
    )
    Confirmation.objects.bulk_create(
        [
            Confirmation(product_id=pk, confirmed_at=now)
            for pk in unknown.values_list("pk", flat=True)
        ],
        batch_size=5000,
        ignore_conflicts=True,
    )
    due = Confirmation.objects.to_remind(now).values("pk")
    # Said again of the row itself, since somebody may confirm it meanwhile.
    return Confirmation.objects.stale(now).filter(pk__in=due).update(reminded_at=now)


@transaction.atomic
def suspend_unconfirmed(product_id: int, *, now: datetime) -> bool:
    """Take a product off sale if nobody has confirmed it since its reminder; say whether."""
    lock_stock(SKU.objects.filter(product=product_id).values_list("pk", flat=True))
    known = Confirmation.objects.select_for_update(of=("self",)).select_related("product")
    confirmation = known.to_suspend(now).filter(pk=product_id).first()
    if confirmation is None:
        return False
    since = timezone.localdate(confirmation.confirmed_at)
    reason = _("Not confirmed by its supplier since %(day)s.") % {"day": since}
    suspend_product(confirmation.product, reason=reason, by=None, now=now)
    confirmation.suspended_at = now
    # Its supplier is told again, of this.
    confirmation.tried_at = confirmation.told_at = None
    confirmation.save()
    return True


def claim_telling(supplier_id: int, *, now: datetime) -> list[Confirmation]:
    """
    Return what a supplier's people are to be told, for the caller alone for a while.

    Whoever fails, or dies, needs to do nothing: when the while is over it is due again.
    """
    due = Confirmation.objects.to_tell(now).filter(product__supplier=supplier_id)
    with transaction.atomic():
        # Whoever claims them at the same time finds none left.
        pks = list(due.select_for_update(of=("self",), skip_locked=True).values_list("pk"))
        found = Confirmation.objects.filter(pk__in=[pk for (pk,) in pks])
        found.update(tried_at=now)
    return list(found.select_related("product").order_by("product__code"))


def note_told(confirmations: Sequence[Confirmation], *, now: datetime) -> None:
    """Remember that the people of a supplier were told."""
    told = Confirmation.objects.filter(pk__in=[one.pk for one in confirmations])
    told.filter(reminded_at__isnull=False).update(told_at=now)
