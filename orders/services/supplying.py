"""Confirm, decline and ship consignments: what the supplier does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.api.serializers import plain
from accounts.models import User
from accounts.refusals import ErrorItem, Invalid
from accounts.transactions import repeated_atomic
from orders.models import Consignment, OrderEvent, OrderLine
from shop.services.stock import take

from .accepting import missing_lines, unknown_line
from .batching import Part, draw_batches
from .quoting import OutOfStock
from .shipments import NAMES_MAX, names_of, record_shipment, sum_of
from .steps import (
    WrongState,
    consignment_for_supplier,
    give_back,
    hold_consignment,
    move,
    note,
    require,
)

#: A line that a shipment says nothing of has not left yet.
SHIP_LINES = """
    UPDATE orders_orderline line
    SET shipped_quantity = coalesce(line.shipped_quantity, 0) + sent.quantity, batch = sent.batch
    FROM unnest(%s::bigint[], %s::numeric[], %s::text[]) AS sent (id, quantity, batch)
    WHERE line.id = sent.id
"""


@repeated_atomic
def confirm_consignment(number: str, *, by: User, now: datetime) -> Consignment:
    """Promise to deliver. Raise NotFound, Forbidden or WrongState."""
    consignment, among = hold_consignment(*consignment_for_supplier(number, by=by))
    move([consignment], Consignment.Status.CONFIRMED, among=among, confirmed_at=now)
    note("confirmed", consignment.order, consignment=consignment, by=by, now=now)
    return consignment


@repeated_atomic
def decline_consignment(number: str, *, reason: str, by: User, now: datetime) -> Consignment:
    """Refuse to deliver, and free what is held. Raise NotFound, Forbidden or WrongState."""
    consignment, among = hold_consignment(*consignment_for_supplier(number, by=by))
    move([consignment], Consignment.Status.DECLINED, among=among)
    give_back([consignment])
    note("declined", consignment.order, consignment=consignment, by=by, now=now, reason=reason)
    return consignment


@repeated_atomic
def ship_consignment(
    number: str,
    *,
    shipped: Mapping[int, Sequence[Part]],
    carrier: str,
    tracking: str,
    by: User,
    now: datetime,
    shipment: int | None = None,
    more_follows: bool = False,
) -> Consignment:
    """
    Record what left; the stock falls by it, and once nothing follows, what was held is free.

    `shipped` maps each line's number to its parts, one or one for each batch that it is
    of, in the order of the request; quantities are in the line's own unit. Where
    `more_follows`, the consignment stays confirmed and lines may be left out. `shipment` is
    the number that this one will have, from 1 on, so that a repeat ships nothing twice.
    All shipments of a weighed line together may exceed what was ordered within its
    tolerance, any other may not; all may be less, but not all zero. Batches that the system
    knows are drawn down.

    Raise NotFound, Forbidden, WrongState, Invalid with a pointer to each wrong line,
    or OutOfStock where a heavier line would take what is held for others.
    """
    consignment, among = hold_consignment(*consignment_for_supplier(number, by=by))
    require(consignment, Consignment.Status.SHIPPED)
    known = consignment.shipments.count()
    if shipment not in (None, known + 1):
        raise WrongState(_("Shipment %(number)d left already.") % {"number": known})
    lines = list(lines_to_ship(consignment))
    _check(lines, shipped, more_follows=more_follows)
    leaving = [line for line in lines if line.number in shipped]
    _take(leaving, shipped, more_follows=more_follows)
    if any(map(sum_of, shipped.values())):
        consignment.carrier, consignment.tracking, consignment.shipped_at = carrier, tracking, now
        sent = record_shipment(consignment, leaving, shipped, number=known + 1, now=now)
        draw_batches(leaving, shipped, shipment=sent)
    with connection.cursor() as cursor:
        cursor.execute(
            SHIP_LINES,
            [
                [line.pk for line in leaving],
                [sum_of(shipped[line.number]) for line in leaving],
                [names_of(shipped[line.number], before=line.batch) for line in leaving],
            ],
        )
    what_left = {name: getattr(consignment, name) for name in ("carrier", "tracking", "shipped_at")}
    if more_follows:
        consignment.save(update_fields=what_left)
    else:
        move([consignment], Consignment.Status.SHIPPED, among=among, **what_left)
    kind = OrderEvent.Kind.PART_SHIPPED if more_follows else OrderEvent.Kind.SHIPPED
    note(kind, consignment.order, consignment=consignment, by=by, now=now)
    return consignment


def _take(
    lines: Sequence[OrderLine], shipped: Mapping[int, Sequence[Part]], *, more_follows: bool
) -> None:
    short = take(
        {line.pk: line.sku_id for line in lines},
        quantity_by_line={line.pk: sum_of(shipped[line.number]) for line in lines},
        more_follows=more_follows,
    )
    if short:
        index_by_number = {n: index for index, n in enumerate(shipped)}
        raise OutOfStock(
            errors=[
                ErrorItem(
                    f"/lines/{index_by_number[line.number]}/quantity",
                    OutOfStock.code,
                    _("There is not so much of it."),
                    {"available": plain(short[line.sku_id])},
                )
                for line in lines
                if line.sku_id in short
            ]
        )


def lines_to_ship(consignment: Consignment) -> QuerySet[OrderLine]:
    """Return the lines of a consignment with their SKUs, in the order of their numbers."""
    lines = OrderLine.objects.filter(consignment=consignment)
    return lines.select_related("sku").order_by("number")


def _check(
    lines: list[OrderLine], shipped: Mapping[int, Sequence[Part]], *, more_follows: bool
) -> None:
    line_by_number = {line.number: line for line in lines}
    errors = [] if more_follows else missing_lines(line_by_number, shipped)
    for index, (number, parts) in enumerate(shipped.items()):
        line = line_by_number.get(number)
        if line is None:
            errors.append(unknown_line(index))
        elif (quantity := sum_of(parts)) and quantity > (most := _most(line)):
            detail = _("At most %(most)s can be shipped.") % {"most": plain(most)}
            errors.append(ErrorItem(f"/lines/{index}/quantity", "invalid", detail))
        elif len(names_of(parts, before=line.batch)) > NAMES_MAX:
            too_long = _("The names of all batches of this line are too long together.")
            errors.append(ErrorItem(f"/lines/{index}/batch", "invalid", too_long))
    # That nothing follows what left before can be said without shipping more.
    may_be_nothing = not more_follows and any(line.shipped_quantity for line in lines)
    if not errors and not may_be_nothing and not any(map(sum_of, shipped.values())):
        errors.append(ErrorItem("/lines", "invalid", _("Nothing would be shipped.")))
    if errors:
        raise Invalid(errors=errors)


def _most(line: OrderLine) -> Decimal:
    """Return what may still leave of a line: a weighed one may be heavier within its tolerance."""
    tolerance = line.tolerance_percent if line.is_weighed else 0
    most = line.quantity * (100 + tolerance) / 100
    return max(most - (line.shipped_quantity or 0), Decimal(0))
