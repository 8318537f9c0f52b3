"""Whom a supplier delivers to: personal data, told in full only once it has promised to."""

from typing import NamedTuple

from accounts.models import Division, User
from orders.models import Address, Consignment

#: From here on the supplier needs to find the place.
TOLD = (Consignment.Status.CONFIRMED, Consignment.Status.SHIPPED, Consignment.Status.ACCEPTED)


class Contact(NamedTuple):
    """Who takes a delivery, and where."""

    consignee: str
    phone: str
    division: Division
    street: str
    is_masked: bool


def contact_of(consignment: Consignment, address: Address, *, by: User) -> Contact:
    """
    Return whom a consignment goes to as `by` may know it, who may see the consignment.

    `address` is its order's and comes with its division.
    """
    told = consignment.status in TOLD if not by.role else by.sees_all_figures
    return Contact(
        consignee=address.consignee if told else f"{address.consignee[:1]}**",
        phone=address.phone if told else masked_phone(address.phone),
        division=address.division,
        street=address.street if told else f"{address.street[:2]}***",
        is_masked=not told,
    )


def masked_phone(phone: str) -> str:
    """Return a phone number that only its owner recognises: 138****1234."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > 7 else "****"
