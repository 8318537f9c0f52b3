"""How an order and its consignments move: held, checked, noted."""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import Forbidden, NotFound, Refusal
from orders.models import Buyer, Consignment, Credit, Membership, Order, OrderEvent, OrderLine
from shop.services.stock import release

ORDERING_ROLES = (Membership.Role.PURCHASER, Membership.Role.APPROVER)

# From the least to the most advanced; an order is as far as its slowest live consignment.
LIVE = (
    Consignment.Status.PENDING_APPROVAL,
    Consignment.Status.PLACED,
    Consignment.Status.CONFIRMED,
    Consignment.Status.SHIPPED,
    Consignment.Status.ACCEPTED,
)


class WrongState(Refusal):
    """The order or consignment is not in a state from which this step leads on."""

    detail = _("This is not possible in the present state.")


def order_for_buyer(number: str, *, by: User, roles: Collection[str] = ORDERING_ROLES) -> int:
    """
    Return the key of the order `number` of `by`'s own buyer.

    Raise NotFound when `by` may not see it, and Forbidden when the role is not in `roles`.
    """
    found = (
        Order.objects.filter(number=number, buyer__memberships__user=by)
        .values_list("pk", "buyer__memberships__role")
        .first()
    )
    if found is None:
        raise _not_mine(Order.objects.for_actor(by).filter(number=number).exists())
    key, role = found
    if role not in roles:
        raise Forbidden
    return key


def consignment_for_buyer(
    number: str, *, by: User, roles: Collection[str] = ORDERING_ROLES
) -> tuple[int, int]:
    """
    Return the keys of the consignment `number` and of its order, which `by`'s buyer placed.

    Raise NotFound when `by` may not see it, and Forbidden when the role is not in `roles`.
    """
    found = (
        Consignment.objects.filter(number=number, order__buyer__memberships__user=by)
        .values_list("pk", "order_id", "order__buyer__memberships__role")
        .first()
    )
    if found is None:
        raise _not_mine(Consignment.objects.for_actor(by).filter(number=number).exists())
    key, order_id, role = found
    if role not in roles:
        raise Forbidden
    return key, order_id


def consignment_for_supplier(number: str, *, by: User) -> tuple[int, int]:
    """
    Return the keys of the consignment `number` and of its order, which `by`'s supplier delivers.

    Raise NotFound when `by` may not see it, and Forbidden when it is another's to deliver.
    """
    found = (
        Consignment.objects.supplied_by(by).filter(number=number).values_list("pk", "order_id")
    ).first()
    if found is None:
        raise _not_mine(Consignment.objects.for_actor(by).filter(number=number).exists())
    return found


def consignment_for_office(number: str) -> tuple[int, int]:
    """Return the keys of the consignment `number` and of its order. Raise NotFound."""
    found = Consignment.objects.filter(number=number).values_list("pk", "order_id").first()
    if found is None:
        raise NotFound
    return found


def _not_mine(visible: bool) -> Refusal:
    return Forbidden() if visible else NotFound()


def hold_order(order_id: int) -> tuple[Order, list[Consignment]]:
    """
    Lock an order and then its consignments in key order.

    Whatever changes an order begins here, inside a transaction; stock comes after it.
    """
    order = (
        Order.objects.select_for_update(no_key=True, of=("self",))
        .select_related("buyer")
        .get(pk=order_id)
    )
    consignments = list(
        Consignment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("supplier")
        .filter(order_id=order_id)
        .order_by("pk")
    )
    for consignment in consignments:
        consignment.order = order
    return order, consignments


def hold_consignment(key: int, order_id: int) -> tuple[Consignment, list[Consignment]]:
    """Lock an order and return one of its consignments, and all of them."""
    _order, consignments = hold_order(order_id)
    return next(c for c in consignments if c.pk == key), consignments


def require(consignment: Consignment, status: str) -> None:
    """Raise WrongState unless the consignment can move to `status`."""
    if (consignment.status, status) not in Consignment.MOVES:
        raise WrongState(
            _("The consignment is in the state “%(state)s”.")
            % {"state": consignment.get_status_display()}
        )


def move(
    moving: Iterable[Consignment],
    status: str,
    *,
    among: Iterable[Consignment],
    **fields: Any,
) -> None:
    """
    Move held consignments to `status` and let their order follow.

    `among` are all consignments of the order. Raise WrongState when one of those
    moving cannot.
    """
    moving = list(moving)
    for consignment in moving:
        require(consignment, status)
    before = {consignment.status for consignment in moving}
    moved = Consignment.objects.filter(
        pk__in=[consignment.pk for consignment in moving], status__in=before
    ).update(status=status, **fields)
    if moved != len(moving):
        raise WrongState
    for consignment in moving:
        consignment.status = status
    order = moving[0].order
    follow(order, status_of_order({consignment.status for consignment in among}))


def status_of_order(statuses: Collection[str]) -> str:
    """Return how far an order is whose consignments have these statuses."""
    for status in LIVE:
        if status in statuses:
            return Order.Status(status)
    if Consignment.Status.CANCELLED in statuses:
        return Order.Status.CANCELLED
    return Order.Status.DECLINED


def follow(order: Order, status: str) -> None:
    """Give the held order its status."""
    if order.status != status:
        order.status = status
        Order.objects.filter(pk=order.pk).update(status=status)


def give_back(consignments: Iterable[Consignment]) -> None:
    """Free the stock and the credit that held consignments will not need."""
    consignments = list(consignments)
    order = consignments[0].order
    lines = OrderLine.objects.filter(consignment__in=consignments).values_list("pk", "sku_id")
    release(dict(lines))
    if order.payment_term == Buyer.PaymentTerm.POSTPAY:
        amount = sum(c.goods_amount + c.freight_amount for c in consignments)
        # A credit opened after the order was placed never held its amount.
        Credit.objects.filter(buyer_id=order.buyer_id).update(
            used=Greatest(F("used") - amount, Decimal(0))
        )


def note(
    kind: str,
    order: Order,
    *,
    by: User,
    now: datetime,
    consignment: Consignment | None = None,
    reason: str = "",
) -> None:
    """Write a step into the order's history."""
    OrderEvent.objects.create(
        order=order, consignment=consignment, kind=kind, at=now, by=by, reason=reason
    )
