"""Claims about accepted goods: opening them, and recording what is refunded."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid, NotFound
from accounts.transactions import repeated_atomic
from orders.models import Claim, ClaimLine, Consignment, OrderLine
from orders.money import amount_of, shares_of

from .accepting import unknown_line
from .steps import WrongState, consignment_for_buyer, hold_consignment, hold_order, note

SHARE_REFUND = """
    WITH share AS (
        SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[]) AS share (id, line, amount)
    ),
    shared AS (
        UPDATE orders_claimline SET amount = share.amount
        FROM share WHERE orders_claimline.id = share.id
    )
    UPDATE orders_orderline SET refunded_amount = refunded_amount + share.amount
    FROM share WHERE orders_orderline.id = share.line AND share.amount > 0
"""


@repeated_atomic
def open_claim(
    number: str, *, claimed: Mapping[int, tuple[Decimal, str]], by: User, now: datetime
) -> Claim:
    """
    Open a claim about accepted lines of the consignment `number`.

    `claimed` maps a line's number to the quantity and the reason, in the order of the
    request. Raise NotFound, Forbidden, WrongState before acceptance, or Invalid where
    more is claimed than was accepted and not claimed yet.
    """
    key, order_id = consignment_for_buyer(number, by=by)
    consignment, _all = hold_consignment(key, order_id)
    if consignment.status != Consignment.Status.ACCEPTED:
        raise WrongState(_("Only accepted goods can be claimed."))
    line_by_number = {line.number: line for line in OrderLine.objects.filter(consignment_id=key)}
    before = dict(
        ClaimLine.objects.filter(claim__consignment_id=key)
        .values_list("line_id")
        .annotate(Sum("quantity"))
    )
    errors = []
    for index, (line_number, (quantity, _reason)) in enumerate(claimed.items()):
        line = line_by_number.get(line_number)
        if line is None:
            errors.append(unknown_line(index))
        elif quantity > line.accepted_quantity - before.get(line.pk, 0):
            errors.append(
                ErrorItem(
                    f"/lines/{index}/quantity",
                    "invalid",
                    _("This is more than was accepted and not claimed yet."),
                )
            )
    if errors:
        raise Invalid(errors=errors)
    claim = Claim.objects.create(consignment=consignment, opened_at=now, opened_by=by)
    ClaimLine.objects.bulk_create(
        ClaimLine(claim=claim, line=line_by_number[line_number], quantity=quantity, reason=reason)
        for line_number, (quantity, reason) in claimed.items()
    )
    note("claimed", consignment.order, consignment=consignment, by=by, now=now)
    return claim


def record_settlement(
    claim_id: int, *, amount: Decimal, by: User, now: datetime
) -> list[ClaimLine]:
    """
    Settle a claim with a refund of `amount` yuan; return its lines with their shares.

    The amount is shared in proportion to what each line still is worth, to the fen.
    The lines come with their order line, its consignment, supplier, order and buyer,
    and the claim. Runs inside the caller's transaction, which counts the refund.

    Raise NotFound, Forbidden unless `by` is of the office or the supplier, WrongState
    when it is settled already, or Invalid when the amount is more than the claim is worth.
    """
    claim = Claim.objects.for_actor(by).select_related("consignment").filter(pk=claim_id).first()
    if claim is None:
        raise NotFound
    if not by.is_office and not Consignment.objects.supplied_by(by).filter(pk=claim.consignment_id):
        raise Forbidden
    order, consignments = hold_order(claim.consignment.order_id)
    consignment = next(c for c in consignments if c.pk == claim.consignment_id)
    settled = Claim.objects.filter(pk=claim_id, status=Claim.Status.OPEN).update(
        status=Claim.Status.SETTLED, settled_at=now, settled_by=by, amount=amount
    )
    if not settled:
        raise WrongState(_("This claim is settled already."))
    claim.refresh_from_db(fields=["status", "settled_at", "settled_by", "amount"])
    claim.consignment = consignment
    claim_lines = list(
        ClaimLine.objects.filter(claim_id=claim_id).select_related("line").order_by("pk")
    )
    worths = [_worth(claim_line) for claim_line in claim_lines]
    if amount > sum(worths):
        raise Invalid(
            errors=[
                ErrorItem(
                    "/amount",
                    "invalid",
                    _("The claimed goods are worth %(amount)s yuan at most.")
                    % {"amount": sum(worths)},
                )
            ]
        )
    shares = shares_of(amount, worths)
    for claim_line, share in zip(claim_lines, shares, strict=True):
        claim_line.claim, claim_line.amount = claim, share
        claim_line.line.order, claim_line.line.consignment = order, consignment
        claim_line.line.refunded_amount += share
    with connection.cursor() as cursor:
        cursor.execute(
            SHARE_REFUND,
            [
                [claim_line.pk for claim_line in claim_lines],
                [claim_line.line_id for claim_line in claim_lines],
                shares,
            ],
        )
    note("settled", order, consignment=consignment, by=by, now=now)
    return claim_lines


def _worth(claim_line: ClaimLine) -> Decimal:
    """Return what at most can be refunded for a claimed quantity; never more than is left."""
    line = claim_line.line
    return min(
        amount_of(claim_line.quantity, line.unit_price),
        (line.accepted_amount or Decimal(0)) - line.refunded_amount,
    )
