"""Let the ledger's evidence grades follow what fapiaos and payments prove."""

from datetime import date, datetime
from decimal import Decimal

from django.db import connection

from accounts.models import User
from accounts.transactions import repeated_atomic
from orders.models import Fapiao, Payment
from orders.services import invoicing

# The grade that the evidence of `consignment` gives what is left of it: its fapiaos cover it,
# then its payments too. Where nothing is left, nothing is proved.
GRADE_PROVED = """
    SELECT CASE WHEN due.amount <= 0 OR invoiced.amount < due.amount THEN 2
        WHEN paid.amount < due.amount THEN 3 ELSE 4 END AS grade
    FROM (
        SELECT coalesce(sum(accepted_amount - refunded_amount), 0) AS amount
        FROM orders_orderline WHERE consignment_id = consignment.id
    ) due, (
        SELECT coalesce(sum(CASE WHEN reverses_id IS NULL THEN amount ELSE -amount END), 0)
            AS amount
        FROM orders_fapiao WHERE consignment_id = consignment.id
    ) invoiced, (
        SELECT coalesce(sum(CASE WHEN reverses_id IS NULL THEN amount ELSE -amount END), 0)
            AS amount
        FROM orders_payment WHERE consignment_id = consignment.id
    ) paid
"""

# What lies at another grade is taken from there and put to the proved one, whatever history
# brought it there. Of each pair the second entry has the grade that holds from now on.
REGRADE = f"""
INSERT INTO reports_ledgerentry (
    source, booked_at, occurred_on, corrects_id, corrects_month, rule_id, order_line_id,
    product_name, category_code, county_code, supplier_code, buyer_code, buyer_kind, region_code,
    pair_district_code, channel, kind, is_recognised, grade, quantity, unit, weight_kg, amount,
    reason)
SELECT
    'regrade', %(now)s, timezone('Asia/Shanghai', %(now)s)::date, sale.id,
    CASE WHEN month.status IN ('closed', 'published') THEN sale.month END, sale.rule_id,
    sale.order_line_id, sale.product_name, sale.category_code, sale.county_code,
    sale.supplier_code, sale.buyer_code, sale.buyer_kind, sale.region_code,
    sale.pair_district_code, sale.channel, sale.kind, sale.is_recognised, side.grade,
    side.sign * net.quantity, sale.unit, side.sign * net.weight_kg, side.sign * net.amount,
    format('evidence: E%%s to E%%s', net.grade, proved.grade)
FROM orders_consignment consignment
CROSS JOIN LATERAL ({GRADE_PROVED}) proved
JOIN orders_orderline line ON line.consignment_id = consignment.id
JOIN reports_ledgerentry sale ON sale.order_line_id = line.id AND sale.source = 'acceptance'
JOIN reports_month month ON month.month = sale.month
CROSS JOIN LATERAL (
    SELECT grade, sum(quantity) AS quantity, sum(weight_kg) AS weight_kg, sum(amount) AS amount
    FROM reports_ledgerentry WHERE order_line_id = line.id GROUP BY grade
) net
CROSS JOIN LATERAL (VALUES (-1, net.grade), (1, proved.grade)) AS side (sign, grade)
WHERE consignment.id = %(consignment)s AND net.grade <> proved.grade
    AND (net.quantity, net.weight_kg, net.amount) <> (0, 0, 0)
ORDER BY line.id, side.sign
"""  # noqa: S608 - only our own SQL is put in


def regrade(consignment_id: int, *, now: datetime) -> int:
    """
    Give what is left of a consignment's lines the grade that its evidence proves now.

    Runs under the order's lock. The figures of all grades together stay as they are.
    Return how many entries that made: two for each line that changed, none for the others.
    """
    with connection.cursor() as cursor:
        cursor.execute(REGRADE, {"consignment": consignment_id, "now": now})
        return cursor.rowcount


@repeated_atomic
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
    """Enter a fapiao and grade its consignment; raise what `invoicing.enter_fapiao` raises."""
    fapiao = invoicing.enter_fapiao(
        number,
        fapiao_number=fapiao_number,
        kind=kind,
        issued_on=issued_on,
        amount=amount,
        buyer_title=buyer_title,
        by=by,
        now=now,
    )
    regrade(fapiao.consignment_id, now=now)
    return fapiao


@repeated_atomic
def reverse_fapiao(
    number: str, *, red_number: str, issued_on: date, by: User, now: datetime
) -> Fapiao:
    """Take a fapiao back and grade anew; raise what `invoicing.reverse_fapiao` raises."""
    red = invoicing.reverse_fapiao(
        number, red_number=red_number, issued_on=issued_on, by=by, now=now
    )
    regrade(red.consignment_id, now=now)
    return red


@repeated_atomic
def enter_payment(
    number: str, *, amount: Decimal, paid_on: date, reference: str, by: User, now: datetime
) -> Payment:
    """Enter a payment and grade its consignment; raise what `invoicing.enter_payment` raises."""
    payment = invoicing.enter_payment(
        number, amount=amount, paid_on=paid_on, reference=reference, by=by, now=now
    )
    regrade(payment.consignment_id, now=now)
    return payment


@repeated_atomic
def reverse_payment(
    payment_id: int, *, reference: str, paid_on: date, by: User, now: datetime
) -> Payment:
    """Take a payment back and grade anew; raise what `invoicing.reverse_payment` raises."""
    back = invoicing.reverse_payment(
        payment_id, reference=reference, paid_on=paid_on, by=by, now=now
    )
    regrade(back.consignment_id, now=now)
    return back
