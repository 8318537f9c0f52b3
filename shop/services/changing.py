"""Change what a SKU costs and how much of it there is."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Invalid, Refusal
from accounts.services.audit import record
from shop.models import SKU, Confirmation, PriceTier, Stock

from .listing import lock_stock, renewed


class ReservedAlready(Refusal):
    """Orders hold more than the stock that was to be set."""

    detail = _("Orders already hold more than this.")


@transaction.atomic
def set_stock(sku: SKU, *, on_hand: Decimal, by: User, now: datetime) -> Stock:
    """
    Set what there is of a SKU after a count, in its own unit.

    Counting confirms that the listing is still right, but puts nothing back on sale.
    Raise ReservedAlready when orders hold more than that.
    """
    stock = Stock.objects.locked([sku.pk]).get()
    if on_hand < 0:
        raise Invalid(errors=[ErrorItem("/on_hand", "invalid", _("It cannot be less than zero."))])
    if on_hand < stock.reserved:
        available = {"reserved": str(stock.reserved)}
        raise ReservedAlready(
            errors=[ErrorItem("/on_hand", "invalid", ReservedAlready.detail, available)]
        )
    before, stock.on_hand = stock.on_hand, on_hand
    if before != on_hand:
        stock.save(update_fields=["on_hand"])
        record(
            "set_stock",
            sku,
            by=by,
            now=now,
            before={"on_hand": str(before)},
            after={"on_hand": str(on_hand)},
        )
    confirmation = Confirmation.objects.filter(product=sku.product_id, suspended_at=None)
    confirmation.update(**renewed(now))
    return stock


@transaction.atomic
def change_price(
    sku: SKU,
    *,
    unit_price: Decimal,
    sold_from: date,
    from_quantity: Decimal = Decimal(0),
    by: User,
    now: datetime,
) -> PriceTier:
    """
    Let a price apply from a day on, in place of what applied from that quantity.

    The price of before ends on that day; prices that were to begin later are dropped.
    """
    lock_stock([sku.pk])
    tiers = PriceTier.objects.filter(sku=sku, from_quantity=from_quantity)
    tiers.filter(sold_from__gte=sold_from).delete()
    before = tiers.filter(Q(sold_until__isnull=True) | Q(sold_until__gt=sold_from)).first()
    if before is not None:
        before.sold_until = sold_from
        before.save(update_fields=["sold_until"])
    tier = PriceTier.objects.create(
        sku=sku, from_quantity=from_quantity, unit_price=unit_price, sold_from=sold_from
    )
    record(
        "change_price",
        sku,
        by=by,
        now=now,
        before=before and {"unit_price": str(before.unit_price)},
        after={
            "unit_price": str(unit_price),
            "from_quantity": str(from_quantity),
            "sold_from": sold_from.isoformat(),
        },
    )
    return tier
