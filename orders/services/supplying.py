"""Confirm, decline and ship consignments: what the supplier does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.api.serializers import plain
from accounts.models import User
from accounts.refusals import ErrorItem, Invalid
from accounts.transactions import repeated_atomic
from orders.models import Consignment, OrderLine
from shop.services.stock import take

from .accepting import missing_lines, unknown_line
from .batching import Part, draw_batches
from .quoting import OutOfStock
from .steps import (
    consignment_for_supplier,
    give_back,
    hold_consignment,
    move,
    note,
    require,
)

SHIP_LINES = """
    UPDATE orders_orderline line SET shipped_quantity = sent.quantity, batch = sent.batch
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
) -> Consignment:
    """
    Record what left; the stock falls by it, and what was held is free again.

    `shipped` maps each line's number to its parts, one or one for each batch that it is
    of, in the order of the request; quantities are in the line's own unit. A weighed line
    may exceed what was ordered within its tolerance, any other may not; all may be less,
    but not all zero. Batches that the system knows are drawn down.

    Raise NotFound, Forbidden, WrongState, Invalid with a pointer to each wrong line,
    or OutOfStock where a heavier line would take what is held for others.
    """
    consignment, among = hold_consignment(*consignment_for_supplier(number, by=by))
    require(consignment, Consignment.Status.SHIPPED)
    lines = list(lines_to_ship(consignment))
    _check(lines, shipped)
    quantity_by_line = {line.pk: _sum(shipped[line.number]) for line in lines}
    short = take({line.pk: line.sku_id for line in lines}, quantity_by_line=quantity_by_line)
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
    draw_batches(lines, shipped, supplier_id=consignment.supplier_id, day=timezone.localdate(now))
    with connection.cursor() as cursor:
        cursor.execute(
            SHIP_LINES,
            [
                list(quantity_by_line),
                list(quantity_by_line.values()),
                [_names(shipped[line.number]) for line in lines],
            ],
        )
    consignment.carrier, consignment.tracking, consignment.shipped_at = carrier, tracking, now
    move(
        [consignment],
        Consignment.Status.SHIPPED,
        among=among,
        carrier=carrier,
        tracking=tracking,
        shipped_at=now,
    )
    note("shipped", consignment.order, consignment=consignment, by=by, now=now)
    return consignment


def lines_to_ship(consignment: Consignment) -> QuerySet[OrderLine]:
    """Return the lines of a consignment with their SKUs, in the order of their numbers."""
    lines = OrderLine.objects.filter(consignment=consignment)
    return lines.select_related("sku").order_by("number")


def _sum(parts: Sequence[Part]) -> Decimal:
    return sum((part.quantity for part in parts), Decimal(0))


def _names(parts: Sequence[Part]) -> str:
    return ", ".join(dict.fromkeys(part.batch for part in parts if part.batch))


def _check(lines: list[OrderLine], shipped: Mapping[int, Sequence[Part]]) -> None:
    line_by_number = {line.number: line for line in lines}
    errors = missing_lines(line_by_number, shipped)
    for index, (number, parts) in enumerate(shipped.items()):
        line = line_by_number.get(number)
        if line is None:
            errors.append(unknown_line(index))
        elif _sum(parts) > _most(line):
            detail = _("At most %(most)s can be shipped.") % {"most": plain(_most(line))}
            errors.append(ErrorItem(f"/lines/{index}/quantity", "invalid", detail))
    if not errors and not any(map(_sum, shipped.values())):
        errors.append(ErrorItem("/lines", "invalid", _("Nothing would be shipped.")))
    if errors:
        raise Invalid(errors=errors)


def _most(line: OrderLine) -> Decimal:
    """Return what may be shipped of a line: a weighed one may be heavier within its tolerance."""
    if not line.is_weighed:
        return line.quantity
    return line.quantity * (100 + line.tolerance_percent) / 100
