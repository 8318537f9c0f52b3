"""Book a declaration's rows into the ledger, and take them back."""

from datetime import datetime
from typing import Any

from django.db import connection

from reports.models import Declaration
from reports.services.reasons import why_booked

from .columns import KG_BY_UNIT

# A row counts in the month of its sale. In a late file, a row of a closed month counts
# now and points back.
BOOK = f"""
WITH rule AS (
    SELECT *,
        lead(in_force_from) OVER (ORDER BY in_force_from) AS in_force_until
    FROM reports_countingrule WHERE is_approved
),
weight (unit, kg) AS (SELECT * FROM unnest(%(units)s::text[], %(kgs)s::numeric[])),
closed AS (SELECT month FROM reports_month WHERE status IN ('closed', 'published'))
INSERT INTO reports_ledgerentry (
    id, source, booked_at, occurred_on, corrects_month, rule_id, product_name, category_code,
    county_code, supplier_code, buyer_code, buyer_kind, region_code, pair_district_code, channel,
    kind, is_recognised, grade, quantity, unit, weight_kg, amount, reason)
SELECT
    d.entry_id, 'declaration',
    CASE WHEN closed.month IS NULL
        THEN timezone('Asia/Shanghai', d.sold_on::timestamp) ELSE %(now)s END,
    d.sold_on, closed.month, rule.version, d.product_name, d.category, d.county_code,
    d.supplier_code, d.buyer_code, d.buyer_kind, d.buyer_region, coalesce(pair.district_id, ''),
    d.channel, rule.kind_by_buyer_kind ->> d.buyer_kind, false, 0, d.quantity, d.unit,
    coalesce(round(d.quantity * weight.kg, 3), 0), d.amount,
    'declared; ' || {why_booked(grade="0", recognised="false", buyer_kind="d.buyer_kind")}
FROM declared d
JOIN rule ON d.sold_on >= rule.in_force_from
    AND (rule.in_force_until IS NULL OR d.sold_on < rule.in_force_until)
LEFT JOIN shop_category category ON category.code = d.category
LEFT JOIN closed ON closed.month = date_trunc('month', d.sold_on)::date
LEFT JOIN weight ON weight.unit = lower(d.unit)
LEFT JOIN accounts_pairing pair
    ON (pair.district_id, pair.county_id) = (d.buyer_region, d.county_code)
    AND daterange(pair.valid_from, pair.valid_to, '[]') @> d.sold_on
"""  # noqa: S608 - only names of columns are put in

KEEP_ROWS = """
INSERT INTO reports_declarationrow (
    entry_id, declaration_id, reporter_code, row, document_no, line_no, fapiao_no, buyer_name,
    note, is_revoked)
SELECT entry_id, %(declaration)s, %(reporter)s, row, document_no, line_no, fapiao_no, buyer_name,
    note, false
FROM declared
"""

# What an open month holds is taken out of that month; what a closed one holds, now.
REVOKE = """
INSERT INTO reports_ledgerentry (
    source, corrects_id, booked_at, occurred_on, corrects_month, rule_id, product_name,
    category_code, county_code, supplier_code, buyer_code, buyer_kind, region_code,
    pair_district_code, channel, kind, is_recognised, grade, quantity, unit, weight_kg, amount,
    reason)
SELECT
    'correction', entry.id,
    CASE WHEN month.status IN ('closed', 'published') THEN %(now)s ELSE entry.booked_at END,
    entry.occurred_on,
    CASE WHEN month.status IN ('closed', 'published')
        THEN coalesce(entry.corrects_month, entry.month) ELSE entry.corrects_month END,
    rule_id, product_name, category_code, county_code, supplier_code, buyer_code, buyer_kind,
    region_code, pair_district_code, channel, kind, is_recognised, grade, -quantity, unit,
    -weight_kg, -entry.amount, %(reason)s
FROM reports_declarationrow row
JOIN reports_ledgerentry entry ON entry.id = row.entry_id
JOIN reports_month month ON month.month = entry.month
WHERE row.declaration_id = %(declaration)s
"""

HOLD_MONTHS = """
SELECT 1 FROM reports_month
WHERE month IN (
    SELECT entry.month FROM reports_declarationrow row
    JOIN reports_ledgerentry entry ON entry.id = row.entry_id
    WHERE row.declaration_id = %s)
ORDER BY month FOR SHARE
"""


def book(declaration: Declaration, *, now: datetime) -> None:
    """Enter the loaded rows in the ledger; they were checked in this transaction."""
    values: dict[str, Any] = {
        "declaration": declaration.pk,
        "reporter": declaration.reporter_id,
        "now": now,
        "units": list(KG_BY_UNIT),
        "kgs": list(KG_BY_UNIT.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(BOOK, values)
        cursor.execute(KEEP_ROWS, values)


def unbook(declaration: Declaration, *, now: datetime) -> None:
    """Enter the opposite of each entry, and let the documents be declared again."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_MONTHS, [declaration.pk])
        cursor.execute(
            REVOKE,
            {
                "declaration": declaration.pk,
                "now": now,
                "reason": declaration.revoke_reason,
            },
        )
    declaration.booked_rows.update(is_revoked=True)
