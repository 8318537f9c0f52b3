"""Recompute what was stored: totals, stock, acceptances and the seals of closed months."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.db import connection

from reports.models import GRAINS, Month

from .months import seal_of
from .totals import differences

#: How many findings of a kind are listed; one is enough to raise the alarm.
LISTED = 100

Finding = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """Something that must always hold, and where it does not."""

    name: str
    findings: list[Finding]


GRAINS_AGREE = f"""
SELECT month, min(amount) AS least, max(amount) AS most, count(*) AS grains
FROM (
    SELECT month, grain, sum(amount) AS amount, sum(entries) AS entries
    FROM reports_total GROUP BY month, grain
) by_grain
WHERE %(month)s::date IS NULL OR month = %(month)s
GROUP BY month
HAVING min(amount) <> max(amount) OR min(entries) <> max(entries) OR count(*) <> {len(GRAINS)}
ORDER BY month LIMIT {LISTED}
"""  # noqa: S608 - only numbers are put in

NUMBERS_ARE_FINITE = f"""
SELECT id AS entry FROM reports_ledgerentry
WHERE (%(month)s::date IS NULL OR month = %(month)s)
    AND 'NaN'::numeric IN (amount, quantity, weight_kg)
ORDER BY id LIMIT {LISTED}
"""  # noqa: S608

STOCK_HOLDS_RESERVATIONS = f"""
SELECT stock.sku_id AS sku, on_hand, reserved, coalesce(held.quantity, 0) AS reservations
FROM shop_stock stock
LEFT JOIN (
    SELECT sku_id, sum(quantity) AS quantity FROM shop_reservation GROUP BY sku_id
) held ON held.sku_id = stock.sku_id
WHERE reserved <> coalesce(held.quantity, 0) OR NOT reserved BETWEEN 0 AND on_hand
ORDER BY stock.sku_id LIMIT {LISTED}
"""  # noqa: S608

OPEN_LINES_HOLD_STOCK = f"""
SELECT coalesce(line.id, held.line_id) AS line, line.quantity AS ordered, held.quantity AS reserved
FROM (
    SELECT line.id, line.sku_id, line.quantity
    FROM orders_orderline line
    JOIN orders_consignment consignment ON consignment.id = line.consignment_id
    WHERE consignment.status IN ('pending_approval', 'placed', 'confirmed')
) line
FULL JOIN shop_reservation held ON held.line_id = line.id
WHERE (line.sku_id, line.quantity) IS DISTINCT FROM (held.sku_id, held.quantity)
ORDER BY 1 LIMIT {LISTED}
"""  # noqa: S608

ACCEPTED_LINES_ARE_BOOKED = f"""
SELECT coalesce(line.id, entry.order_line_id) AS line, line.accepted_amount AS accepted,
    entry.amount AS booked
FROM (
    SELECT id, accepted_quantity, accepted_amount FROM orders_orderline
    WHERE accepted_quantity > 0
) line
FULL JOIN (
    SELECT order_line_id, quantity, amount FROM reports_ledgerentry WHERE source = 'acceptance'
) entry ON entry.order_line_id = line.id
WHERE (line.accepted_quantity, line.accepted_amount)
    IS DISTINCT FROM (entry.quantity, entry.amount)
ORDER BY 1 LIMIT {LISTED}
"""  # noqa: S608

REFUNDS_ARE_BOOKED = f"""
SELECT coalesce(line.id, entry.order_line_id) AS line, line.refunded_amount AS refunded,
    entry.amount AS booked
FROM (SELECT id, refunded_amount FROM orders_orderline WHERE refunded_amount <> 0) line
FULL JOIN (
    SELECT order_line_id, -sum(amount) AS amount FROM reports_ledgerentry
    WHERE source = 'claim' GROUP BY order_line_id
) entry ON entry.order_line_id = line.id
WHERE line.refunded_amount IS DISTINCT FROM entry.amount
ORDER BY 1 LIMIT {LISTED}
"""  # noqa: S608

RULES_ARE_APPROVED = f"""
SELECT entry.id AS entry, entry.rule_id AS rule FROM reports_ledgerentry entry
JOIN reports_countingrule rule ON rule.version = entry.rule_id AND NOT rule.is_approved
WHERE %(month)s::date IS NULL OR entry.month = %(month)s
ORDER BY entry.id LIMIT {LISTED}
"""  # noqa: S608


def verify(*, month: date | None = None) -> list[Check]:
    """
    Return every check with what it found.

    `month` limits what is checked of totals, entries and seals. Each check looks at one
    moment, so work may go on meanwhile.
    """
    checks: dict[str, Callable[[], list[Finding]]] = {
        "totals and pending totals are the ledger": partial(differences, month=month, limit=LISTED),
        "every grain adds up to the same": partial(_rows, GRAINS_AGREE, month=month),
        "every number is finite": partial(_rows, NUMBERS_ARE_FINITE, month=month),
        "stock holds its reservations": partial(_rows, STOCK_HOLDS_RESERVATIONS),
        "open lines hold their stock": partial(_rows, OPEN_LINES_HOLD_STOCK),
        "accepted lines are booked": partial(_rows, ACCEPTED_LINES_ARE_BOOKED),
        "refunds are booked": partial(_rows, REFUNDS_ARE_BOOKED),
        "every entry carries an approved rule": partial(_rows, RULES_ARE_APPROVED, month=month),
        "closed months are as they were sealed": partial(_broken_seals, month),
    }
    return [Check(name, check()) for name, check in checks.items()]


def _broken_seals(month: date | None) -> list[Finding]:
    sealed = Month.objects.sealed().select_related("follows").order_by("closed_at", "month")
    findings: list[Finding] = []
    if sealed.filter(follows=None).count() > 1:
        findings.append({"chain": "begins more than once"})
    for row in sealed.filter(month=month) if month else sealed:
        now = seal_of(row)
        if now != (row.entries, row.amount, row.sha256):
            findings.append(
                {
                    "month": str(row),
                    "sealed": f"{row.entries} entries, {row.amount} yuan, {row.sha256}",
                    "found": f"{now.entries} entries, {now.amount} yuan, {now.sha256}",
                }
            )
    return findings


def _rows(sql: str, *, month: date | None = None) -> list[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"month": month})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]
