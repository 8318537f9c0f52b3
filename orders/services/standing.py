"""Where a person stands who wants to order: buyer, role, limits, address, pairings."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from accounts.models import User
from accounts.refusals import Forbidden

from .steps import ORDERING_ROLES

STANDING = """
    SELECT membership.role, membership.approval_limit, buyer.id, buyer.kind, buyer.region_id,
        buyer.payment_term, buyer.is_active, address.id,
        coalesce(address.division_id, ''), credit."limit", credit.used,
        ARRAY(
            SELECT county_id FROM accounts_pairing
            WHERE district_id = buyer.region_id
                AND (valid_from IS NULL OR valid_from <= %s)
                AND (valid_to IS NULL OR valid_to >= %s)
        )
    FROM orders_membership membership
    JOIN orders_buyer buyer ON buyer.id = membership.buyer_id
    LEFT JOIN orders_credit credit ON credit.buyer_id = buyer.id
    LEFT JOIN orders_address address
        ON address.buyer_id = buyer.id AND address.code = %s AND address.is_active
    WHERE membership.user_id = %s
"""


class Standing(NamedTuple):
    """What decides how an order of this person is placed on this day."""

    role: str
    approval_limit: Decimal | None
    buyer_id: int
    buyer_kind: str
    region_code: str
    payment_term: str
    is_active: bool
    address_id: int | None
    destination: str
    credit_limit: Decimal | None
    credit_used: Decimal | None
    paired_counties: list[str]


def standing_of(user: User, *, address: str, day: date) -> Standing:
    """Return where `user` stands; raise Forbidden when it does not order for an active buyer."""
    with connection.preparing_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(STANDING, [day, day, address, user.pk])
        row = cursor.fetchone()
    standing = Standing(*row) if row else None
    if not standing or not standing.is_active or standing.role not in ORDERING_ROLES:
        raise Forbidden
    return standing
