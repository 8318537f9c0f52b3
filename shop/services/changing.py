"""Change what a SKU costs and how much of it there is."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Invalid, Refusal, about
from accounts.services.audit import Done, record, record_all
from shop.models import SKU, Confirmation, PriceTier, Stock

from .listing import lock_stock, renewed

COUNT = """
    UPDATE shop_stock SET on_hand = counted.on_hand
    FROM unnest(%s::bigint[], %s::numeric[]) AS counted (sku_id, on_hand)
    WHERE shop_stock.sku_id = counted.sku_id
"""


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
    return set_stocks({sku: on_hand}, by=by, now=now)[0]


@transaction.atomic
def set_stocks(on_hand_by_sku: Mapping[SKU, Decimal], *, by: User, now: datetime) -> list[Stock]:
    """Set what there is of many SKUs, as `set_stock` of one; what it raises says of which."""
    sku_by_pk = {sku.pk: sku for sku in on_hand_by_sku}
    stocks, changed = list(Stock.objects.locked(list(sku_by_pk))), []
    for stock in stocks:
        sku, before = sku_by_pk[stock.pk], stock.on_hand
        stock.on_hand = on_hand_by_sku[sku]
        with about(sku.code):
            _refuse_count(stock)
        if stock.on_hand != before:
            said = {"on_hand": str(before)}, {"on_hand": str(stock.on_hand)}
            changed.append((stock, Done(sku, *said)))
    if changed:
        with connection.cursor() as cursor:
            counted = [stock for stock, _done in changed]
            cursor.execute(COUNT, [[s.pk for s in counted], [s.on_hand for s in counted]])
        record_all("set_stock", [done for _stock, done in changed], by=by, now=now)
    products = {sku.product_id for sku in on_hand_by_sku}
    confirmations = Confirmation.objects.filter(product__in=products, suspended_at=None)
    confirmations.update(**renewed(now))
    return stocks


def _refuse_count(stock: Stock) -> None:
    if stock.on_hand < 0:
        raise Invalid(errors=[ErrorItem("/on_hand", "invalid", _("It cannot be less than zero."))])
    if stock.on_hand < stock.reserved:
        available = {"reserved": str(stock.reserved)}
        raise ReservedAlready(
            errors=[ErrorItem("/on_hand", "invalid", ReservedAlready.detail, available)]
        )


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
