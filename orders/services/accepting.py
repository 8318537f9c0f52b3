"""Record what buyers took of what was shipped."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Invalid
from orders.models import Consignment, OrderLine
from orders.money import amount_of, shares_of

from .steps import consignment_for_buyer, hold_consignment, move, note, require

TAKE_LINES = """
    UPDATE orders_orderline line
    SET accepted_quantity = taken.quantity, accepted_amount = taken.amount,
        accepted_freight = taken.freight, shortfall_reason = taken.reason
    FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[], %s::text[])
        AS taken (id, quantity, amount, freight, reason)
    WHERE line.id = taken.id
"""


def record_acceptance(
    number: str, *, accepted: Mapping[int, tuple[Decimal, str]], by: User, now: datetime
) -> list[OrderLine]:
    """
    Record what the buyer took of the consignment `number`; return all its lines.

    `accepted` maps each line's number to the quantity in the line's own unit and the
    reason for taking less than was shipped, in the order of the request. The lines
    come with their consignment, supplier, order and buyer, in the order of their
    numbers. Runs inside the caller's transaction, which counts what was accepted.

    Raise NotFound, Forbidden, WrongState, or Invalid with a pointer to each line that
    is missing, unknown, more than was shipped, or less without a reason.
    """
    key, order_id = consignment_for_buyer(number, by=by)
    consignment, all_of_order = hold_consignment(key, order_id)
    require(consignment, Consignment.Status.ACCEPTED)
    lines = list(OrderLine.objects.filter(consignment=consignment).order_by("number"))
    _check(lines, accepted)
    for line in lines:
        quantity, reason = accepted[line.number]
        line.order, line.consignment = consignment.order, consignment
        line.accepted_quantity = quantity
        line.accepted_amount = amount_of(quantity, line.unit_price)
        line.shortfall_reason = reason
    # Nothing is due for a delivery of which nothing was taken: the shares are all zero then.
    worths = [line.accepted_amount or Decimal(0) for line in lines]
    shares = shares_of(consignment.freight_amount, worths)
    with connection.preparing_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(
            TAKE_LINES,
            [
                [line.pk for line in lines],
                [line.accepted_quantity for line in lines],
                [line.accepted_amount for line in lines],
                shares,
                [line.shortfall_reason for line in lines],
            ],
        )
    consignment.accepted_at = now
    move([consignment], Consignment.Status.ACCEPTED, among=all_of_order, accepted_at=now)
    note("accepted", consignment.order, consignment=consignment, by=by, now=now)
    return lines


def _check(lines: list[OrderLine], accepted: Mapping[int, tuple[Decimal, str]]) -> None:
    line_by_number = {line.number: line for line in lines}
    errors = missing_lines(line_by_number, accepted)
    for index, (number, (quantity, reason)) in enumerate(accepted.items()):
        line = line_by_number.get(number)
        if line is None:
            errors.append(unknown_line(index))
        elif quantity > (shipped := line.shipped_quantity or Decimal(0)):
            errors.append(
                ErrorItem(
                    f"/lines/{index}/quantity", "invalid", _("This is more than was shipped.")
                )
            )
        elif quantity < shipped and not reason:
            errors.append(
                ErrorItem(
                    f"/lines/{index}/reason",
                    "required",
                    _("Taking less than was shipped needs a reason."),
                )
            )
    if errors:
        raise Invalid(errors=errors)


def missing_lines(lines: Mapping[int, OrderLine], named: Mapping[int, object]) -> list[ErrorItem]:
    """Return an error for each of a consignment's lines that the request leaves out."""
    return [
        ErrorItem("/lines", "required", _("Line %(line)d is missing.") % {"line": number})
        for number in lines
        if number not in named
    ]


def unknown_line(index: int) -> ErrorItem:
    """Return the error for a line that the consignment does not have."""
    return ErrorItem(f"/lines/{index}/line", "invalid", _("The consignment has no such line."))
