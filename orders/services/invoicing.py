"""Enter what proves an accepted delivery, its fapiaos and payments, and take it back."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Invalid, NotFound
from accounts.services.audit import record
from orders.models import Consignment, Fapiao, Membership, OrderLine, Payment
from orders.models.evidence import EvidenceQuerySet

from .steps import (
    ORDERING_ROLES,
    WrongState,
    consignment_for_buyer,
    consignment_for_office,
    consignment_for_supplier,
    hold_consignment,
    note,
)

PAYING_ROLES = (Membership.Role.FINANCE, *ORDERING_ROLES)


def enter_fapiao(
    number: str,
    *,
    fapiao_number: str,
    kind: str,
    issued_on: date,
    amount: Decimal,
    buyer_title: str,
    by: User,
    now: datetime,
) -> Fapiao:
    """
    Enter a fapiao for the consignment `number`.

    Runs inside the caller's transaction, which grades what it proves. Raise NotFound,
    Forbidden unless `by` is of the supplier or the office, WrongState before acceptance,
    or Invalid when the number is taken, the day has not come or more is invoiced than is due.
    """
    consignment = _hold_accepted(*_for_invoicing(number, by=by))
    _check_day("issued_on", issued_on, now=now)
    _check_number(fapiao_number)
    _check_amount(amount, Fapiao.objects.filter(consignment=consignment).net_amount(), consignment)
    fapiao = Fapiao.objects.create(
        consignment=consignment,
        number=fapiao_number,
        kind=kind,
        issued_on=issued_on,
        amount=amount,
        buyer_title=buyer_title,
        entered_by=by,
        entered_at=now,
    )
    _keep("enter_fapiao", fapiao, "invoiced", by=by, now=now)
    return fapiao


def reverse_fapiao(
    number: str, *, red_number: str, issued_on: date, by: User, now: datetime
) -> Fapiao:
    """
    Enter the red-letter fapiao `red_number` that takes back the fapiao `number`; return it.

    Runs inside the caller's transaction. Raise NotFound, Forbidden unless `by` is of the
    supplier or the office, WrongState when it is reversed already or is a reversal, or
    Invalid when the number is taken or the day has not come.
    """
    original = _seen(Fapiao.objects.filter(number=number), by=by)
    consignment = _hold_accepted(*_for_invoicing(original.consignment.number, by=by))
    _check_reversible(original)
    _check_day("issued_on", issued_on, now=now)
    _check_number(red_number)
    red = Fapiao.objects.create(
        consignment=consignment,
        number=red_number,
        kind=original.kind,
        issued_on=issued_on,
        amount=original.amount,
        buyer_title=original.buyer_title,
        reverses=original,
        entered_by=by,
        entered_at=now,
    )
    _keep("reverse_fapiao", red, "invoice_reversed", by=by, now=now)
    return red


def enter_payment(
    number: str, *, amount: Decimal, paid_on: date, reference: str, by: User, now: datetime
) -> Payment:
    """
    Enter what was paid for the consignment `number`.

    Runs inside the caller's transaction, which grades what it proves. Raise NotFound,
    Forbidden unless `by` pays for the buyer or is of the office, WrongState before
    acceptance, or Invalid when the reference is taken, the day has not come or more is
    paid than is due.
    """
    consignment = _hold_accepted(*_for_paying(number, by=by))
    _check_day("paid_on", paid_on, now=now)
    _check_reference(reference, consignment)
    _check_amount(amount, Payment.objects.filter(consignment=consignment).net_amount(), consignment)
    payment = Payment.objects.create(
        consignment=consignment,
        amount=amount,
        paid_on=paid_on,
        reference=reference,
        entered_by=by,
        entered_at=now,
    )
    _keep("enter_payment", payment, "paid", by=by, now=now)
    return payment


def reverse_payment(
    payment_id: int, *, reference: str, paid_on: date, by: User, now: datetime
) -> Payment:
    """
    Enter the payment `reference` that takes back the payment `payment_id`; return it.

    Runs inside the caller's transaction. Raise NotFound, Forbidden unless `by` pays for the
    buyer or is of the office, WrongState when it is reversed already or is a reversal, or
    Invalid when the reference is taken or the day has not come.
    """
    original = _seen(Payment.objects.filter(pk=payment_id), by=by)
    consignment = _hold_accepted(*_for_paying(original.consignment.number, by=by))
    _check_reversible(original)
    _check_day("paid_on", paid_on, now=now)
    _check_reference(reference, consignment)
    back = Payment.objects.create(
        consignment=consignment,
        amount=original.amount,
        paid_on=paid_on,
        reference=reference,
        reverses=original,
        entered_by=by,
        entered_at=now,
    )
    _keep("reverse_payment", back, "payment_reversed", by=by, now=now)
    return back


def _for_invoicing(number: str, *, by: User) -> tuple[int, int]:
    if by.is_office:
        return consignment_for_office(number)
    return consignment_for_supplier(number, by=by)


def _for_paying(number: str, *, by: User) -> tuple[int, int]:
    if by.is_office:
        return consignment_for_office(number)
    return consignment_for_buyer(number, by=by, roles=PAYING_ROLES)


def _seen(rows: EvidenceQuerySet, *, by: User) -> Any:
    row = rows.for_actor(by).select_related("consignment").first()
    if row is None:
        raise NotFound
    return row


def _hold_accepted(key: int, order_id: int) -> Consignment:
    consignment, _all = hold_consignment(key, order_id)
    if consignment.status != Consignment.Status.ACCEPTED:
        raise WrongState(_("Only accepted goods are invoiced and paid."))
    return consignment


def _check_reversible(original: Fapiao | Payment) -> None:
    # Asked under the order's lock, so of two reversals the second is told.
    if original.reverses_id:
        raise WrongState(_("This is a reversal itself."))
    if type(original).objects.filter(reverses=original).exists():
        raise WrongState(_("This is reversed already."))


def _check_day(name: str, day: date, *, now: datetime) -> None:
    if day > timezone.localdate(now):
        raise _invalid(name, _("This day has not come yet."))


def _check_number(number: str) -> None:
    if Fapiao.objects.filter(number=number).exists():
        raise _invalid("number", _("This fapiao is entered already."))


def _check_reference(reference: str, consignment: Consignment) -> None:
    if Payment.objects.filter(consignment=consignment, reference=reference).exists():
        raise _invalid("reference", _("This payment is entered already."))


def _check_amount(amount: Decimal, entered: Decimal, consignment: Consignment) -> None:
    """Refuse more than is due after refunds and what is entered: accepted goods and freight."""
    lines = OrderLine.objects.filter(consignment=consignment)
    due = lines.aggregate(
        due=Sum(F("accepted_amount") + F("accepted_freight") - F("refunded_amount"))
    )["due"]
    if amount > due - entered:
        raise _invalid(
            "amount",
            _("At most %(amount)s yuan are left.") % {"amount": max(due - entered, Decimal(0))},
        )


def _invalid(name: str, detail: Any) -> Invalid:
    return Invalid(errors=[ErrorItem(f"/{name}", "invalid", detail)])


def _keep(action: str, entered: Fapiao | Payment, kind: str, *, by: User, now: datetime) -> None:
    """Write what was entered into the audit trail and the order's history."""
    after = {
        "consignment": entered.consignment.number,
        "amount": str(entered.amount),
        "reverses": str(entered.reverses) if entered.reverses else None,
    }
    record(action, entered, by=by, now=now, after=after)
    note(kind, entered.consignment.order, consignment=entered.consignment, by=by, now=now)
