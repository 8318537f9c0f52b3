"""Let the ledger's evidence grades follow what fapiaos and payments prove."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection

from accounts.transactions import repeated_atomic
from orders.models import Fapiao, Payment
from orders.services import invoicing

P = ParamSpec("P")
Entered = TypeVar("Entered", Fapiao, Payment)

# The grade that the evidence of `consignment` gives what is left of it: its fapiaos cover it,
# then its payments too. Where nothing is left, nothing is proved.
GRADE_PROVED = """
    SELECT CASE WHEN due.amount <= 0 OR invoiced.amount < due.amount THEN 2
        WHEN paid.amount < due.amount THEN 3 ELSE 4 END AS grade
    FROM (
        SELECT coalesce(sum(accepted_amount + accepted_freight - refunded_amount), 0) AS amount
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
    freight, reason)
SELECT
    'regrade', %(now)s, timezone('Asia/Shanghai', %(now)s)::date, sale.id,
    CASE WHEN month.status IN ('closed', 'published') THEN sale.month END, sale.rule_id,
    sale.order_line_id, sale.product_name, sale.category_code, sale.county_code,
    sale.supplier_code, sale.buyer_code, sale.buyer_kind, sale.region_code,
    sale.pair_district_code, sale.channel, sale.kind, sale.is_recognised, side.grade,
    side.sign * net.quantity, sale.unit, side.sign * net.weight_kg, side.sign * net.amount,
    side.sign * net.freight,
    format('evidence: E%%s to E%%s', net.grade, proved.grade)
FROM orders_consignment consignment
CROSS JOIN LATERAL ({GRADE_PROVED}) proved
JOIN orders_orderline line ON line.consignment_id = consignment.id
JOIN reports_ledgerentry sale ON sale.order_line_id = line.id AND sale.source = 'acceptance'
JOIN reports_month month ON month.month = sale.month
CROSS JOIN LATERAL (
    SELECT grade, sum(quantity) AS quantity, sum(weight_kg) AS weight_kg, sum(amount) AS amount,
        sum(freight) AS freight
    FROM reports_ledgerentry WHERE order_line_id = line.id GROUP BY grade
) net
CROSS JOIN LATERAL (VALUES (-1, net.grade), (1, proved.grade)) AS side (sign, grade)
WHERE consignment.id = %(consignment)s AND net.grade <> proved.grade
    AND (net.quantity, net.weight_kg, net.amount, net.freight) <> (0, 0, 0, 0)
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


def _grading(enter: Callable[P, Entered]) -> Callable[P, Entered]:
    """Return `enter`, which raises what it raised, and grades its consignment afterwards."""

    @repeated_atomic
    @wraps(enter)
    def graded(*args: P.args, **kwargs: P.kwargs) -> Entered:
        entered = enter(*args, **kwargs)
        regrade(entered.consignment_id, now=entered.entered_at)
        return entered

    return graded


enter_fapiao = _grading(invoicing.enter_fapiao)
reverse_fapiao = _grading(invoicing.reverse_fapiao)
enter_payment = _grading(invoicing.enter_payment)
reverse_payment = _grading(invoicing.reverse_payment)
