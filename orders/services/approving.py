"""Approve, reject and cancel orders: what the buyer's own people decide."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import Forbidden
from accounts.transactions import repeated_atomic
from orders.models import Consignment, Membership, Order

from .steps import WrongState, follow, give_back, hold_order, move, note, order_for_buyer

#: What a buyer can still take back.
CANCELLABLE = {
    Consignment.Status.PENDING_APPROVAL,
    Consignment.Status.PLACED,
    Consignment.Status.CONFIRMED,
}


@repeated_atomic
def approve_order(number: str, *, by: User, now: datetime) -> Order:
    """
    Let an order that waits for approval go to its suppliers.

    Raise NotFound, Forbidden unless `by` is an approver and did not place it, or WrongState.
    """
    order, consignments = _waiting(number, by=by)
    move(consignments, Consignment.Status.PLACED, among=consignments)
    note("approved", order, by=by, now=now)
    return order


@repeated_atomic
def reject_order(number: str, *, reason: str, by: User, now: datetime) -> Order:
    """
    Refuse an order that waits for approval, and free what it holds.

    Raise NotFound, Forbidden unless `by` is an approver and did not place it, or WrongState.
    """
    order, consignments = _waiting(number, by=by)
    move(consignments, Consignment.Status.CANCELLED, among=consignments)
    follow(order, Order.Status.REJECTED)
    give_back(consignments)
    note("rejected", order, by=by, now=now, reason=reason)
    return order


@repeated_atomic
def cancel_order(number: str, *, reason: str, by: User, now: datetime) -> Order:
    """
    Take back what of an order was not declined, as long as nothing of it was shipped.

    Raise NotFound, Forbidden, or WrongState.
    """
    order, consignments = hold_order(order_for_buyer(number, by=by))
    live = [c for c in consignments if c.status in CANCELLABLE]
    gone = {c.status for c in consignments if c.status not in CANCELLABLE}
    if not live or gone - {Consignment.Status.DECLINED, Consignment.Status.CANCELLED}:
        raise WrongState
    if any(consignment.has_partly_left for consignment in live):
        raise WrongState(_("Part of the order has left already."))
    move(live, Consignment.Status.CANCELLED, among=consignments)
    give_back(live)
    note("cancelled", order, by=by, now=now, reason=reason)
    return order


def _waiting(number: str, *, by: User) -> tuple[Order, list[Consignment]]:
    key = order_for_buyer(number, by=by, roles=(Membership.Role.APPROVER,))
    order, consignments = hold_order(key)
    if order.status != Order.Status.PENDING_APPROVAL:
        raise WrongState
    if order.purchaser_id == by.pk:
        raise Forbidden
    return order, consignments
