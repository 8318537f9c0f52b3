"""Bring products on sale and take them off again, and their suppliers with them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import Forbidden, NotFound, Refusal
from accounts.services.audit import record
from shop.models import SKU, Confirmation, Product, Stock
from suppliers.models import Supplier, SupplierMember

Status = Product.Status

MOVES = {
    Status.LISTED: (Status.DRAFT, Status.SUBMITTED, Status.IN_REVIEW, Status.SUSPENDED),
    Status.SUSPENDED: (Status.LISTED,),
    Status.RETIRED: (
        Status.DRAFT,
        Status.SUBMITTED,
        Status.IN_REVIEW,
        Status.LISTED,
        Status.SUSPENDED,
    ),
}


class WrongStatus(Refusal):
    """The product or the supplier is not in a state from which this is possible."""

    detail = _("This is not possible in its present state.")


@transaction.atomic
def list_product(product: Product, *, by: User, now: datetime) -> Product:
    """
    Put a product on sale; it counts as confirmed from now.

    Listing a listed one changes nothing else. Raise WrongStatus when it is retired.
    """
    product = _move(product, Status.LISTED, by=by, now=now, reason="")
    _renew(product, now=now)
    return product


@transaction.atomic
def suspend_product(product: Product, *, reason: str, by: User | None, now: datetime) -> Product:
    """
    Take a product off sale for a while; `by` is None when the system does.

    Raise WrongStatus unless it is listed.
    """
    return _move(product, Status.SUSPENDED, by=by, now=now, reason=reason)


@transaction.atomic
def retire_product(product: Product, *, reason: str = "", by: User, now: datetime) -> Product:
    """Take a product off sale for good."""
    return _move(product, Status.RETIRED, by=by, now=now, reason=reason)


@transaction.atomic
def suspend_supplier(supplier: Supplier, *, reason: str, by: User, now: datetime) -> Supplier:
    """
    Take everything that a supplier sells off sale; orders already placed go on.

    Raise WrongStatus unless the supplier is approved.
    """
    approved = [Supplier.Status.APPROVED]
    return _move_supplier(supplier, approved, Supplier.Status.SUSPENDED, by, now, reason)


@transaction.atomic
def reinstate_supplier(
    supplier: Supplier, *, reason: str = "", by: User, now: datetime
) -> Supplier:
    """Let a suspended supplier sell again; raise WrongStatus unless it is suspended."""
    suspended = [Supplier.Status.SUSPENDED]
    return _move_supplier(supplier, suspended, Supplier.Status.APPROVED, by, now, reason)


def _move(product: Product, to: str, *, by: User | None, now: datetime, reason: str) -> Product:
    lock_stock(SKU.objects.filter(product=product).values_list("pk", flat=True))
    product = Product.objects.select_for_update(no_key=True).get(pk=product.pk)
    before = product.status
    if before == to:
        return product
    if before not in MOVES[Status(to)]:
        raise WrongStatus
    product.status = to
    product.save(update_fields=["status", "updated_at"])
    record(
        f"product_{to}",
        product,
        by=by,
        now=now,
        before={"status": before},
        after={"status": to},
        reason=reason,
    )
    return product


def _move_supplier(
    supplier: Supplier, moves_from: Sequence[str], to: str, by: User, now: datetime, reason: str
) -> Supplier:
    lock_stock(SKU.objects.filter(product__supplier=supplier).values_list("pk", flat=True))
    supplier = Supplier.objects.select_for_update(no_key=True).get(pk=supplier.pk)
    before = supplier.status
    if before == to:
        return supplier
    if before not in moves_from:
        raise WrongStatus
    supplier.status = to
    supplier.save(update_fields=["status"])
    record(
        f"supplier_{to}",
        supplier,
        by=by,
        now=now,
        before={"status": before},
        after={"status": to},
        reason=reason,
    )
    return supplier


def lock_stock(sku_ids: Iterable[int]) -> None:
    """Close the gate of these SKUs until the transaction ends."""
    len(Stock.objects.locked(list(sku_ids)))


def hold_product(product_id: int, *, by: User) -> Product:
    """Lock a product of `by`'s own supplier; raise NotFound, or Forbidden for everybody else."""
    return hold_products([product_id], by=by)[0]


def hold_products(product_ids: Collection[int], *, by: User) -> list[Product]:
    """Lock products of `by`'s own supplier, in key order; raise NotFound or Forbidden."""
    found = Product.objects.for_actor(by).filter(pk__in=product_ids).select_related("supplier")
    products = list(found.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    if len(products) < len(product_ids):
        raise NotFound
    own = set(SupplierMember.objects.filter(user=by).values_list("supplier", flat=True))
    if not own.issuperset(product.supplier_id for product in products):
        raise Forbidden
    return products


def confirm(product: Product, *, by: User, now: datetime) -> Product:
    """
    Count a product as confirmed at `now`, and list it again if it was off sale for want of that.

    Runs inside the caller's transaction, which has locked the product's stock.
    """
    if Confirmation.objects.lapsed().filter(product=product).exists():
        return list_product(product, by=by, now=now)
    _renew(product, now=now)
    return product


def renewed(now: datetime) -> dict[str, datetime | None]:
    """Return what a confirmation is as soon as somebody has confirmed at `now`."""
    of_silence = ("reminded_at", "suspended_at", "tried_at", "told_at")
    return {"confirmed_at": now, **dict.fromkeys(of_silence)}


def _renew(product: Product, *, now: datetime) -> None:
    Confirmation.objects.update_or_create(product_id=product.pk, defaults=renewed(now))
