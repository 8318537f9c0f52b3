"""Enter what a buyer accepted, and what a claim takes back, in the ledger."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import connection

from accounts.models import User
from accounts.transactions import repeated_atomic
from orders.models import ClaimLine, OrderLine
from orders.services.accepting import record_acceptance
from orders.services.claiming import record_settlement

from .grading import regrade
from .reasons import why_booked

# The sale is what was accepted, so the amount is the line's own and rounded there already.
BOOK_ACCEPTED = f"""
INSERT INTO reports_ledgerentry (
    source, booked_at, occurred_on, rule_id, order_line_id, product_name, category_code,
    county_code, supplier_code, buyer_code, buyer_kind, region_code, pair_district_code, channel,
    kind, is_recognised, grade, quantity, unit, weight_kg, amount, freight, reason)
SELECT
    'acceptance', consignment.accepted_at, accepted.day, rule.version, line.id, line.name,
    line.category_code, line.county_code, supplier.code, buyer.code, purchase.buyer_kind,
    purchase.region_code, line.pair_district_code, purchase.channel,
    rule.kind_by_buyer_kind ->> purchase.buyer_kind, line.is_recognised, 2,
    line.accepted_quantity, line.unit, round(line.accepted_quantity * line.net_weight_kg, 3),
    line.accepted_amount, line.accepted_freight,
    {why_booked(grade="2", recognised="line.is_recognised", buyer_kind="purchase.buyer_kind")}
FROM orders_consignment consignment
JOIN orders_order purchase ON purchase.id = consignment.order_id
JOIN orders_orderline line ON line.consignment_id = consignment.id
JOIN orders_buyer buyer ON buyer.id = purchase.buyer_id
JOIN suppliers_supplier supplier ON supplier.id = consignment.supplier_id
LEFT JOIN shop_category category ON category.code = line.category_code
CROSS JOIN LATERAL (
    SELECT timezone('Asia/Shanghai', consignment.accepted_at)::date AS day
) accepted
CROSS JOIN LATERAL (
    SELECT * FROM reports_countingrule
    WHERE is_approved AND in_force_from <= accepted.day ORDER BY in_force_from DESC LIMIT 1
) rule
WHERE consignment.id BETWEEN %(first)s AND %(last)s AND line.accepted_quantity > 0
ORDER BY line.id
ON CONFLICT (order_line_id) WHERE source = 'acceptance' DO NOTHING
"""  # noqa: S608 - only names of columns are put in

# Quantity and weight go back in the proportion of the refund to the sale: all refunds so far
# are rounded together, so that what is left of a line never falls below zero. What is left
# lies at the grade of the line's latest entry; the pairs of a regrade add up to nothing.
BOOK_SETTLED = """
INSERT INTO reports_ledgerentry (
    source, booked_at, occurred_on, corrects_id, corrects_month, rule_id, order_line_id,
    claim_line_id, product_name, category_code, county_code, supplier_code, buyer_code,
    buyer_kind, region_code, pair_district_code, channel, kind, is_recognised, grade, quantity,
    unit, weight_kg, amount, reason)
SELECT
    'claim', claim.settled_at, timezone('Asia/Shanghai', claim.settled_at)::date, sale.id,
    CASE WHEN month.status IN ('closed', 'published') THEN sale.month END, sale.rule_id,
    sale.order_line_id, refund.id, sale.product_name, sale.category_code, sale.county_code,
    sale.supplier_code, sale.buyer_code, sale.buyer_kind, sale.region_code,
    sale.pair_district_code, sale.channel, sale.kind, sale.is_recognised, latest.grade,
    earlier.quantity - round(sale.quantity * share.refunded, 3), sale.unit,
    earlier.weight_kg - round(sale.weight_kg * share.refunded, 3), -refund.amount,
    left('claim: ' || refund.reason, 200)
FROM orders_claim claim
JOIN orders_claimline refund ON refund.claim_id = claim.id
JOIN reports_ledgerentry sale
    ON sale.order_line_id = refund.line_id AND sale.source = 'acceptance'
JOIN reports_month month ON month.month = sale.month
CROSS JOIN LATERAL (
    SELECT coalesce(-sum(amount), 0) AS amount, coalesce(-sum(quantity), 0) AS quantity,
        coalesce(-sum(weight_kg), 0) AS weight_kg
    FROM reports_ledgerentry WHERE corrects_id = sale.id
) earlier
CROSS JOIN LATERAL (
    SELECT grade FROM reports_ledgerentry WHERE order_line_id = sale.order_line_id
    ORDER BY id DESC LIMIT 1
) latest
CROSS JOIN LATERAL (
    SELECT (earlier.amount + refund.amount) / nullif(sale.amount, 0) AS refunded
) share
WHERE claim.id = %s AND refund.amount > 0
ORDER BY refund.id
ON CONFLICT (claim_line_id) DO NOTHING
"""


@repeated_atomic
def accept_delivery(
    number: str, *, accepted: Mapping[int, tuple[Decimal, str]], by: User, now: datetime
) -> list[OrderLine]:
    """
    Record what the buyer took of the consignment `number` and enter it in the ledger.

    `accepted` maps each line's number to the quantity in the line's own unit and the
    reason for taking less than was shipped; the whole of a line may be refused. Return
    all lines of the consignment. Raise what `record_acceptance` raises: WrongState for a
    second acceptance, among others.
    """
    lines = record_acceptance(number, accepted=accepted, by=by, now=now)
    book_accepted(lines[0].consignment_id, lines[0].consignment_id)
    return lines


@repeated_atomic
def settle_claim(claim_id: int, *, amount: Decimal, by: User, now: datetime) -> list[ClaimLine]:
    """
    Settle a claim with a refund of `amount` yuan and take it off the ledger.

    The refund counts against the month of settlement, whatever became of the month of
    the sale. Less is due then, so fapiaos and payments may cover it now. Return the
    claim's lines with their shares. Raise what `record_settlement` raises.
    """
    claim_lines = record_settlement(claim_id, amount=amount, by=by, now=now)
    with connection.cursor() as cursor:
        cursor.execute(BOOK_SETTLED, [claim_id])
    regrade(claim_lines[0].claim.consignment_id, now=now)
    return claim_lines


def book_accepted(first: int, last: int) -> int:
    """
    Enter the accepted lines of consignments with keys from `first` to `last`.

    Lines that are in the ledger already are left out. Return how many entries that made.
    """
    # What is best for one consignment is not for thousands, so only that plan is kept.
    is_one = first == last
    with connection.preparing_cursor() if is_one else connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(BOOK_ACCEPTED, {"first": first, "last": last})
        return cursor.rowcount
