"""Recompute what was stored: totals, stock, grades, months, the audit trail, files on disk."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from accounts.rows import rows_of
from accounts.services.heads import kept_heads
from accounts.services.sealing import broken_blocks, late_rows, lost_heads, stray_rows
from accounts.services.uploads import FileCorrupt, opened_as_kept
from reports.models import GRAINS, Declaration, DeclarationEvidence, Month, Report
from shop.models import BatchDocument, ProductImage
from suppliers.models import Certificate

from .files.keeping import path_of
from .grading import GRADE_PROVED
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
    AND 'NaN'::numeric IN (amount, freight, quantity, weight_kg)
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

BATCHES_LOSE_WHAT_SHIPS = f"""
SELECT batch.id AS batch, batch.quantity, batch."left", coalesce(shipped.drawn, 0) AS drawn
FROM shop_batch batch
LEFT JOIN (
    SELECT batch_id, sum(drawn) AS drawn FROM orders_linebatch GROUP BY batch_id
) shipped ON shipped.batch_id = batch.id
WHERE batch."left" <> batch.quantity - coalesce(shipped.drawn, 0)
ORDER BY batch.id LIMIT {LISTED}
"""  # noqa: S608

OPEN_LINES_HOLD_STOCK = f"""
SELECT coalesce(line.id, held.line_id) AS line, line.quantity AS to_ship, held.quantity AS reserved
FROM (
    SELECT line.id, line.sku_id, line.quantity - coalesce(line.shipped_quantity, 0) AS quantity
    FROM orders_orderline line
    JOIN orders_consignment consignment ON consignment.id = line.consignment_id
    WHERE consignment.status IN ('pending_approval', 'placed', 'confirmed')
        AND (line.quantity > coalesce(line.shipped_quantity, 0)
            OR line.accepted_quantity IS NOT NULL)
) line
FULL JOIN shop_reservation held ON held.line_id = line.id
WHERE (line.sku_id, line.quantity) IS DISTINCT FROM (held.sku_id, held.quantity)
ORDER BY 1 LIMIT {LISTED}
"""  # noqa: S608

SHIPMENTS_ADD_UP = f"""
SELECT coalesce(line.id, sent.line_id) AS line, line.shipped_quantity AS shipped,
    sent.quantity AS in_shipments
FROM (SELECT id, shipped_quantity FROM orders_orderline WHERE shipped_quantity > 0) line
FULL JOIN (
    SELECT line_id, sum(quantity) AS quantity FROM orders_shipmentline GROUP BY line_id
) sent ON sent.line_id = line.id
WHERE line.shipped_quantity IS DISTINCT FROM sent.quantity
ORDER BY 1 LIMIT {LISTED}
"""  # noqa: S608

PROMISES_HOLD_WHAT_IS_DRAWN = f"""
SELECT promise.sku_id AS sku, week::text, promise.quantity AS promised, taken,
    drawn.quantity AS drawn
FROM shop_supplypromise promise
LEFT JOIN (
    SELECT promise_id, sum(quantity) AS quantity FROM shop_promisedraw GROUP BY promise_id
) drawn ON drawn.promise_id = promise.id
WHERE taken <> coalesce(drawn.quantity, 0) OR NOT taken BETWEEN 0 AND promise.quantity
ORDER BY promise.id LIMIT {LISTED}
"""  # noqa: S608

# An order from before a week was promised draws on nothing.
DRAWS_ARE_OF_LIVE_LINES = f"""
SELECT draw.line_id AS line, line.quantity AS ordered, draw.quantity AS drawn
FROM shop_promisedraw draw
JOIN shop_supplypromise promise ON promise.id = draw.promise_id
LEFT JOIN (
    SELECT line.id, line.sku_id, line.quantity, placed.delivery_date
    FROM orders_orderline line
    JOIN orders_consignment consignment ON consignment.id = line.consignment_id
    JOIN orders_order placed ON placed.id = line.order_id
    WHERE consignment.status NOT IN ('declined', 'cancelled')
) line ON line.id = draw.line_id
WHERE (line.sku_id, line.quantity) IS DISTINCT FROM (promise.sku_id, draw.quantity)
    OR line.delivery_date NOT BETWEEN promise.week AND promise.week + 6
ORDER BY draw.line_id LIMIT {LISTED}
"""  # noqa: S608

ACCEPTED_LINES_ARE_BOOKED = f"""
SELECT coalesce(line.id, entry.order_line_id) AS line, line.accepted_amount AS accepted,
    entry.amount AS booked
FROM (
    SELECT id, accepted_quantity, accepted_amount, accepted_freight FROM orders_orderline
    WHERE accepted_quantity > 0
) line
FULL JOIN (
    SELECT order_line_id, quantity, amount, freight FROM reports_ledgerentry
    WHERE source = 'acceptance'
) entry ON entry.order_line_id = line.id
WHERE (line.accepted_quantity, line.accepted_amount, line.accepted_freight)
    IS DISTINCT FROM (entry.quantity, entry.amount, entry.freight)
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

# Months closed before a closing said more than the digest only have that compared.
MONTHS_ARE_AS_RECORDED = f"""
WITH step AS (
    SELECT DISTINCT ON (subject, action) subject, action, at, by_id, after
    FROM accounts_auditentry
    WHERE subject_type = 'reports.month'
        AND action IN ('request_close', 'close_month', 'publish_month')
    ORDER BY subject, action, id
)
SELECT coalesce(to_char(month, 'YYYY-MM'), left(closed.subject, 7)) AS month,
    'is not as the audit trail says' AS wrong
FROM (SELECT * FROM reports_month WHERE status IN ('closed', 'published')) sealed
FULL JOIN (SELECT * FROM step WHERE action = 'close_month') closed
    ON closed.subject = to_char(month, 'YYYY-MM-DD')
LEFT JOIN step requested
    ON (requested.subject, requested.action) = (closed.subject, 'request_close')
LEFT JOIN step published
    ON (published.subject, published.action) = (closed.subject, 'publish_month')
WHERE (
    (closed_at, confirmed_by_id, requested_by_id, status = 'published') IS DISTINCT FROM
        (closed.at, closed.by_id, requested.by_id, published.subject IS NOT NULL)
    OR closed.after NOT IN (
        jsonb_build_object('sha256', sha256),
        jsonb_build_object('sha256', sha256, 'entries', entries, 'amount', amount::text,
            'names', names, 'follows', to_char(follows_id, 'YYYY-MM-DD'),
            'audit_block', audit_block, 'audit_head', audit_head))
) AND (%(month)s::date IS NULL OR month = %(month)s)
ORDER BY 1 LIMIT {LISTED}
"""  # noqa: S608

EVIDENCE_IS_AS_RECORDED = f"""
SELECT coalesce(evidence.id::text, attached.id) AS evidence,
    'is not as the audit trail says' AS wrong
FROM reports_declarationevidence evidence
FULL JOIN (
    SELECT after ->> 'evidence' AS id, after ->> 'title' AS title, after ->> 'sha256' AS sha256,
        subject, by_id, at
    FROM accounts_auditentry
    WHERE subject_type = 'reports.declaration' AND action = 'attach_evidence'
) attached ON attached.id = evidence.id::text
LEFT JOIN reports_declaration declaration
    ON declaration.id::text = coalesce(evidence.declaration_id::text, attached.subject)
WHERE (attached.subject, attached.title, attached.sha256, attached.by_id, attached.at)
        IS DISTINCT FROM (evidence.declaration_id::text, evidence.title, evidence.sha256,
            evidence.uploaded_by_id, evidence.uploaded_at)
    AND (%(month)s::date IS NULL OR jsonb_path_exists(preview, '$.months[*] ? (@.month == $month)',
        jsonb_build_object('month', to_char(%(month)s::date, 'YYYY-MM'))))
ORDER BY 1 LIMIT {LISTED}
"""  # noqa: S608

GRADES_FOLLOW_EVIDENCE = f"""
SELECT consignment.number AS consignment, net.grade AS booked, proved.grade AS proved
FROM (
    SELECT DISTINCT line.consignment_id, net.grade
    FROM (
        SELECT order_line_id, grade FROM reports_ledgerentry WHERE order_line_id IS NOT NULL
        GROUP BY order_line_id, grade
        HAVING (sum(quantity), sum(weight_kg), sum(amount), sum(freight)) <> (0, 0, 0, 0)
    ) net
    JOIN orders_orderline line ON line.id = net.order_line_id
) net
JOIN orders_consignment consignment ON consignment.id = net.consignment_id
CROSS JOIN LATERAL ({GRADE_PROVED}) proved
WHERE net.grade <> proved.grade
ORDER BY consignment.id, net.grade LIMIT {LISTED}
"""  # noqa: S608

RULES_ARE_APPROVED = f"""
SELECT entry.id AS entry, entry.rule_id AS rule FROM reports_ledgerentry entry
JOIN reports_countingrule rule ON rule.version = entry.rule_id AND NOT rule.is_approved
WHERE %(month)s::date IS NULL OR entry.month = %(month)s
ORDER BY entry.id LIMIT {LISTED}
"""  # noqa: S608


def verify(*, now: datetime, month: date | None = None) -> list[Check]:
    """
    Return every check with what it found.

    `month` limits what is checked of totals, entries, seals and files. Each check looks at
    one moment, so work may go on meanwhile.
    """
    values = {"month": month}
    checks: dict[str, Callable[[], list[Finding]]] = {
        "totals and pending totals are the ledger": partial(differences, month=month, limit=LISTED),
        "every grain adds up to the same": partial(rows_of, GRAINS_AGREE, values),
        "every number is finite": partial(rows_of, NUMBERS_ARE_FINITE, values),
        "stock holds its reservations": partial(rows_of, STOCK_HOLDS_RESERVATIONS, values),
        "batches lose what ships": partial(rows_of, BATCHES_LOSE_WHAT_SHIPS, values),
        "open lines hold their stock": partial(rows_of, OPEN_LINES_HOLD_STOCK, values),
        "shipments add up to what left": partial(rows_of, SHIPMENTS_ADD_UP, values),
        "promises hold what is drawn": partial(rows_of, PROMISES_HOLD_WHAT_IS_DRAWN, values),
        "draws are of live lines": partial(rows_of, DRAWS_ARE_OF_LIVE_LINES, values),
        "accepted lines are booked": partial(rows_of, ACCEPTED_LINES_ARE_BOOKED, values),
        "refunds are booked": partial(rows_of, REFUNDS_ARE_BOOKED, values),
        "grades follow the evidence": partial(rows_of, GRADES_FOLLOW_EVIDENCE, values),
        "every entry carries an approved rule": partial(rows_of, RULES_ARE_APPROVED, values),
        "closed months are as they were sealed": partial(_broken_seals, month),
        "the audit trail is as it was sealed": _broken_trail,
        "evidence files are as they were attached": partial(_damaged_evidence, month),
        "declared files are as they were received": partial(_damaged_declarations, month),
        "report files are as they were made": partial(_damaged_reports, month, now),
        # Those of applicants are among them.
        "certificate files are as they were entered": partial(
            _unlike, "certificate", Certificate.objects.exclude(file=""), month
        ),
        "batch documents are as they were entered": partial(
            _unlike, "batch_document", BatchDocument.objects.exclude(file=""), month
        ),
        "pictures are as they were drawn": partial(
            _unlike, "picture", ProductImage.objects.named_by_digest(), month
        ),
    }
    return [Check(name, check()) for name, check in checks.items()]


def _broken_seals(month: date | None) -> list[Finding]:
    sealed = Month.objects.sealed().select_related("follows").order_by("closed_at", "month")
    findings = rows_of(MONTHS_ARE_AS_RECORDED, {"month": month})
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


def _broken_trail() -> list[Finding]:
    # The heads first: what they name stays in the chain while it grows.
    heads = list(kept_heads())
    for month in Month.objects.exclude(audit_block=None).order_by("audit_block"):
        heads.append((f"month {month}", month.audit_block or 0, month.audit_head))
    findings = broken_blocks() + stray_rows() + late_rows() + lost_heads(heads)
    return findings[:LISTED]


def _damaged_evidence(month: date | None) -> list[Finding]:
    rows = DeclarationEvidence.objects.order_by("uploaded_at", "id")
    if month:
        rows = rows.filter(declaration__in=Declaration.objects.of_month(month))
    findings = rows_of(EVIDENCE_IS_AS_RECORDED, {"month": month})
    return (findings + _damaged("evidence", ((row, row.path) for row in rows.iterator())))[:LISTED]


def _damaged_declarations(month: date | None) -> list[Finding]:
    rows = Declaration.objects.of_month(month) if month else Declaration.objects.all()
    files = rows.order_by("uploaded_at", "id").defer("preview").iterator()
    return _damaged("declaration", ((row, row.path) for row in files))


def _damaged_reports(month: date | None, now: datetime) -> list[Finding]:
    # Those about to expire are cleared while the others are read.
    rows = Report.objects.kept(now + timedelta(days=1)).filter(status=Report.Status.READY)
    rows = rows.filter(month=month) if month else rows
    files = rows.order_by("requested_at", "id").iterator()
    return _damaged("report", ((row, path_of(row)) for row in files))


def _unlike(kind: str, rows: QuerySet[Any], month: date | None) -> list[Finding]:
    """Return the rows whose file is not the one with their digest; none of them is of a month."""
    if month:
        return []
    damaged = (
        {kind: row.pk, "wrong": "is missing or another file"}
        for row in rows.order_by("id").iterator()
        if _is_damaged(Path(row.file.path), row.sha256)
    )
    return list(islice(damaged, LISTED))


def _is_damaged(path: Path, sha256: str) -> bool:
    try:
        opened_as_kept(path, sha256).close()
    except (FileCorrupt, OSError):
        return True
    return False


def _damaged(
    kind: str, files: Iterable[tuple[DeclarationEvidence | Declaration | Report, Path]]
) -> list[Finding]:
    """Return the files that are gone, or are not of the size and digest that their rows say."""
    findings = (
        {kind: row.pk, "wrong": wrong} for row, path in files if (wrong := _wrong_with(row, path))
    )
    return list(islice(findings, LISTED))


def _wrong_with(row: DeclarationEvidence | Declaration | Report, path: Path) -> str:
    try:
        with path.open("rb") as file:
            sha256, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if (size, sha256) == (row.size, row.sha256):
        return ""
    return f"is another file: {size} bytes, {sha256}"
