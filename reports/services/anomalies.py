"""
Find what looks wrong in a month, and keep what the office says to it.

Each rule is one statement over `sale` and `refund`, the month's first day `%(month)s`, that
of the month after it `%(next)s`, and the rule's own parameters. A rule names each of its
subjects once; to know a subject again, its codes are enough.
"""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import Forbidden, NotFound, Refusal
from accounts.services.audit import record
from reports.models import Anomaly, AnomalyRule, Month

Code = AnomalyRule.Code

#: How many entries an anomaly names: enough to begin with, however many there are.
NAMED = 50
ENTRIES = f"to_jsonb((array_agg(id ORDER BY id))[1:{NAMED}])"

# Sales right at the end of the month, and what the same buyer returned of them at once.
LATE_RETURNS = f"""
WITH tail AS (
    SELECT * FROM sale
    WHERE month = %(month)s AND occurred_on >= %(next)s::date - %(last_days)s::int
),
sold AS (
    SELECT buyer_code, supplier_code, sum(amount) AS amount, {ENTRIES} AS entries
    FROM tail WHERE buyer_code <> '' AND supplier_code <> '' GROUP BY buyer_code, supplier_code
),
returned AS (
    SELECT buyer_code, supplier_code, -sum(amount) AS amount, {ENTRIES} AS entries
    FROM refund
    WHERE month = %(next)s AND occurred_on < %(next)s::date + %(first_days)s::int
        AND (corrects_id IS NULL OR corrects_id IN (SELECT id FROM tail))
    GROUP BY buyer_code, supplier_code
)
SELECT concat_ws(' ', buyer_code, supplier_code) AS subject,
    jsonb_build_object('sold', sold.amount::text, 'returned', returned.amount::text,
        'entries', sold.entries || returned.entries) AS evidence
FROM sold JOIN returned USING (buyer_code, supplier_code)
WHERE sold.amount >= %(amount)s AND returned.amount >= sold.amount * %(share)s::numeric
"""  # noqa: S608 - only a list of columns is put in

# A refund says which sale it takes back; of declared returns the nearest equal sale is meant.
ROUND_TRIP = """
WITH sold AS (
    SELECT * FROM sale
    WHERE month = %(month)s AND amount >= %(amount)s AND buyer_code <> '' AND supplier_code <> ''
),
returned AS (
    SELECT corrects_id AS sale_id, id, amount, occurred_on FROM refund
    WHERE source = 'claim' AND month BETWEEN %(month)s AND %(next)s::date + %(days)s::int
    UNION ALL
    SELECT sale_id, id, amount, occurred_on FROM (
        SELECT DISTINCT ON (refund.id) sold.id AS sale_id, refund.*
        FROM refund
        JOIN sold USING (buyer_code, supplier_code, product_name, unit)
        WHERE refund.source = 'declaration'
            AND refund.month BETWEEN %(month)s AND %(next)s::date + %(days)s::int
            AND (refund.quantity, refund.amount) = (-sold.quantity, -sold.amount)
            AND refund.occurred_on >= sold.occurred_on
        ORDER BY refund.id, sold.occurred_on DESC, sold.id DESC
    ) nearest
)
SELECT concat_ws(' ', buyer_code, supplier_code, product_name, sold.id) AS subject,
    jsonb_build_object('sold', sold.amount::text, 'sold_on', sold.occurred_on,
        'returned_on', max(returned.occurred_on),
        'entries', to_jsonb(sold.id || array_agg(returned.id ORDER BY returned.id))) AS evidence
FROM sold
JOIN returned ON returned.sale_id = sold.id
    AND returned.occurred_on BETWEEN sold.occurred_on AND sold.occurred_on + %(days)s::int
GROUP BY buyer_code, supplier_code, product_name, sold.id, sold.amount, sold.occurred_on
HAVING -sum(returned.amount) >= sold.amount
"""

# Whose contact it is stays out of the evidence.
SAME_CONTACT = f"""
SELECT concat_ws(' ', buyer_code, supplier_code) AS subject,
    jsonb_build_object('shared', shared.what, 'sold', sold.amount::text,
        'entries', sold.entries) AS evidence
FROM (
    SELECT buyer_code, supplier_code, sum(amount) AS amount, {ENTRIES} AS entries
    FROM sale WHERE month = %(month)s GROUP BY buyer_code, supplier_code
) sold
JOIN orders_buyer buyer ON buyer.code = buyer_code
JOIN suppliers_supplier supplier ON supplier.code = supplier_code
CROSS JOIN LATERAL (
    SELECT array_remove(ARRAY[
        CASE WHEN buyer.uscc = supplier.uscc THEN 'uscc' END,
        CASE WHEN bool_or(regexp_replace(phone, '[^0-9]', '', 'g')
            = nullif(regexp_replace(contact_phone, '[^0-9]', '', 'g'), '')) THEN 'phone' END,
        CASE WHEN bool_or(consignee = nullif(contact_name, '')) THEN 'contact' END
    ], NULL) AS what
    FROM orders_address WHERE buyer_id = buyer.id
) shared
WHERE cardinality(shared.what) > 0
"""  # noqa: S608

FAR_PRICE = f"""
WITH priced AS (
    SELECT *, amount / quantity AS price FROM sale WHERE month = %(month)s AND quantity > 0
),
usual AS (
    SELECT category_code, unit,
        (percentile_cont(0.5) WITHIN GROUP (ORDER BY price))::numeric AS median
    FROM priced GROUP BY category_code, unit HAVING count(*) >= %(entries)s
)
SELECT concat_ws(' ', nullif(supplier_code, ''), category_code, product_name, unit) AS subject,
    jsonb_build_object('median', round(median, 4)::text, 'lowest', round(min(price), 4)::text,
        'highest', round(max(price), 4)::text, 'entries', {ENTRIES}) AS evidence
FROM priced JOIN usual USING (category_code, unit)
WHERE price > median * %(factor)s::numeric OR price < median / %(factor)s::numeric
GROUP BY supplier_code, category_code, product_name, unit, median
"""  # noqa: S608

# All land of a supplier counts for each of its categories, so what exceeds it grew elsewhere.
OVER_YIELD = """
SELECT concat_ws(' ', supplier_code, category_code) AS subject,
    jsonb_build_object('sold_kg', sold.kg::text, 'area_mu', land.mu::text,
        'kg_per_mu', yield.kg_per_mu::text) AS evidence
FROM (
    SELECT supplier_code, category_code, sum(weight_kg) AS kg FROM reports_ledgerentry
    WHERE month BETWEEN date_trunc('year', %(month)s::date)::date AND %(month)s
    GROUP BY supplier_code, category_code
) sold
JOIN suppliers_supplier supplier ON supplier.code = supplier_code
JOIN (
    SELECT supplier_id, sum(area_mu) AS mu FROM suppliers_base GROUP BY supplier_id
) land ON land.supplier_id = supplier.id
JOIN reports_yield yield ON yield.category_id = category_code
WHERE sold.kg > land.mu * yield.kg_per_mu * %(factor)s::numeric
"""

# A sale is all that one delivery brought, or one declared document.
SPLIT_SALES = f"""
WITH whole AS (
    SELECT buyer_code, supplier_code, min(occurred_on) AS day, sum(sale.amount) AS amount,
        min(sale.id) AS id
    FROM sale
    LEFT JOIN orders_orderline line ON line.id = sale.order_line_id
    LEFT JOIN reports_declarationrow declared ON declared.entry_id = sale.id
    WHERE month = %(month)s AND buyer_code <> '' AND supplier_code <> ''
    GROUP BY buyer_code, supplier_code, line.consignment_id, declared.reporter_code,
        coalesce(declared.document_no, CASE WHEN line.id IS NULL THEN sale.id::text END)
),
near AS (
    SELECT *, ceil(amount / %(round_amount)s) * %(round_amount)s AS limit_amount FROM whole
),
counted AS (
    SELECT *, count(*) OVER (
        PARTITION BY buyer_code, supplier_code, limit_amount ORDER BY day
        RANGE BETWEEN make_interval(days => %(days)s::int - 1) PRECEDING AND CURRENT ROW
    ) AS together
    FROM near WHERE amount < limit_amount AND amount >= limit_amount - %(margin)s
)
SELECT concat_ws(' ', buyer_code, supplier_code, trim_scale(limit_amount)) AS subject,
    jsonb_build_object('below', round(limit_amount, 2)::text, 'sales', count(*),
        'sold', sum(amount)::text,
        'entries', {ENTRIES}) AS evidence
FROM counted
GROUP BY buyer_code, supplier_code, limit_amount
HAVING max(together) >= %(sales)s
"""  # noqa: S608

# A county without a past is held to what the days would make up if all were alike.
END_SPIKE = """
WITH by_month AS (
    SELECT county_code, month, sum(amount) AS amount,
        coalesce(sum(amount) FILTER (
            WHERE occurred_on >= (month + interval '1 month')::date - %(days)s::int
        ), 0) AS last_days
    FROM sale
    WHERE month BETWEEN (%(month)s::date - interval '1 year')::date AND %(month)s
    GROUP BY county_code, month
)
SELECT county_code AS subject,
    jsonb_build_object('sold', now.amount::text, 'last_days', now.last_days::text,
        'share', round(now.last_days / now.amount, 4)::text,
        'usual_share', round(usual.share, 4)::text) AS evidence
FROM by_month now
CROSS JOIN LATERAL (
    SELECT greatest(avg(last_days / amount), %(days)s::numeric / (%(next)s - %(month)s)) AS share
    FROM by_month earlier
    WHERE earlier.county_code = now.county_code AND earlier.month < now.month
) usual
WHERE now.month = %(month)s AND now.amount >= %(amount)s
    AND now.last_days >= now.amount * %(share)s::numeric
    AND now.last_days >= now.amount * usual.share * %(factor)s::numeric
"""

FOUND_BY = {
    Code.LATE_RETURNS: LATE_RETURNS,
    Code.ROUND_TRIP: ROUND_TRIP,
    Code.SAME_CONTACT: SAME_CONTACT,
    Code.FAR_PRICE: FAR_PRICE,
    Code.OVER_YIELD: OVER_YIELD,
    Code.SPLIT_SALES: SPLIT_SALES,
    Code.END_SPIKE: END_SPIKE,
}

# What was declared and revoked never was; other corrections are the office's own. An
# anomaly that waits for its answer shows what was found last.
FIND = """
WITH kept AS NOT MATERIALIZED (
    SELECT entry.* FROM reports_ledgerentry entry
    LEFT JOIN reports_declarationrow declared ON declared.entry_id = entry.id
    WHERE entry.source IN ('acceptance', 'claim', 'declaration')
        AND declared.is_revoked IS NOT TRUE
),
sale AS NOT MATERIALIZED (SELECT * FROM kept WHERE amount > 0),
refund AS NOT MATERIALIZED (SELECT * FROM kept WHERE amount < 0),
found AS ({})
INSERT INTO reports_anomaly AS known (
    month_id, rule_id, fingerprint, subject, evidence, found_at, verdict, answer)
SELECT %(month)s, %(rule)s, to_char(%(month)s::date, 'YYYY-MM ') || subject, subject, evidence,
    %(now)s, '', ''
FROM found ORDER BY subject
ON CONFLICT (rule_id, fingerprint) DO UPDATE SET evidence = excluded.evidence
    WHERE known.answered_at IS NULL
"""


class AnomalyAnswered(Refusal):
    """An answer is part of the record; nobody replaces it."""

    detail = _("This anomaly is answered already.")


class Examination(NamedTuple):
    """How many anomalies of a month are known, and how many of them wait for an answer."""

    month: date
    found: int
    unanswered: int


@transaction.atomic
def examine(month: Month, *, by: User | None, now: datetime) -> Examination:
    """
    Store what every active rule finds in `month`; nobody is `by` when it happens by itself.

    Safe to repeat: what was found before is not found again. An anomaly stays, and waits
    for its answer, even if the ledger has changed since.
    """
    with connection.cursor() as cursor:
        for rule in AnomalyRule.objects.filter(is_active=True):
            cursor.execute(
                FIND.format(FOUND_BY[Code(rule.code)]),
                {
                    **rule.parameters,
                    "rule": rule.code,
                    "month": month.month,
                    "next": first_of_next(month.month),
                    "now": now,
                },
            )
    known = month.anomalies.aggregate(
        found=Count("pk"), unanswered=Count("pk", filter=Q(answered_at=None))
    )
    record("examine_month", month, by=by, now=now, after=known)
    return Examination(month.month, **known)


def first_of_next(month: date) -> date:
    """Return the first day of the month after `month`."""
    return (month + timedelta(31)).replace(day=1)


@transaction.atomic
def answer_anomaly(pk: int, *, verdict: str, answer: str, by: User, now: datetime) -> Anomaly:
    """
    Say what an anomaly is: explained, or wrong and corrected in the ledger.

    Raise Forbidden unless `by` is of the office, NotFound, or AnomalyAnswered.
    """
    if not by.is_office:
        raise Forbidden
    answered = (
        Anomaly.objects.unanswered()
        .filter(pk=pk)
        .update(verdict=verdict, answer=answer, answered_by=by, answered_at=now)
    )
    anomaly = Anomaly.objects.select_related("rule", "answered_by").filter(pk=pk).first()
    if anomaly is None:
        raise NotFound
    if not answered:
        raise AnomalyAnswered
    record("answer_anomaly", anomaly, by=by, now=now, after={"verdict": verdict}, reason=answer)
    return anomaly
