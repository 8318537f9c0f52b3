"""Close and publish months, and seal what they hold."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditBlock, Division, User
from accounts.refusals import Forbidden, Refusal
from accounts.services.audit import record
from accounts.services.sealing import seal_audit
from orders.models import Buyer
from reports.models import GRAINS, Anomaly, Declaration, LedgerEntry, Month, Total
from shop.models import Category
from suppliers.models import Supplier

from .anomalies import examine
from .files.form import form_as_closed
from .totals import differences, grain_of, roll_up

# Written out field by field, so that neither the session's time zone nor its date style,
# nor a column added later, changes a byte. Freight stands with the amount where there is any,
# since months were closed before there could be.
CANONICAL = """
COPY (
    SELECT id, source, to_char(booked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        to_char(occurred_on, 'YYYY-MM-DD'), rule_id, order_line_id, claim_line_id, corrects_id,
        to_char(corrects_month, 'YYYY-MM'), product_name, category_code, county_code,
        supplier_code, buyer_code, buyer_kind, region_code, pair_district_code, channel, kind,
        CASE WHEN is_recognised THEN 'true' ELSE 'false' END, grade, quantity, unit, weight_kg,
        amount || CASE WHEN freight <> 0 THEN '+' || freight ELSE '' END, reason
    FROM reports_ledgerentry WHERE month = %s ORDER BY id
) TO STDOUT (FORMAT csv, ENCODING 'UTF8')
"""


class MonthInWrongState(Refusal):
    """The month is not in the state from which this step leads on."""


class MonthNotOver(MonthInWrongState):
    detail = _("The month is not over yet.")


class TotalsDiffer(MonthInWrongState):
    """The stored totals are not what the ledger says; nobody may seal that."""

    detail = _("The totals do not agree with the ledger; an administrator must look.")


class DeclarationsUnderWay(MonthInWrongState):
    """Rows of the month are about to be booked or taken back."""

    detail = _("Declarations of this month are being booked or revoked; wait for them.")


class AnomaliesUnanswered(MonthInWrongState):
    """Something in the month looks wrong, and nobody has said what it is."""

    def __init__(self, count: int) -> None:
        detail = _("Anomalies of this month that wait for an answer: %(count)d.")
        super().__init__(detail % {"count": count})


class Seal(NamedTuple):
    """What a closed month is held to."""

    entries: int
    amount: Decimal
    sha256: str


@transaction.atomic
def close_month(month: date, *, by: User, now: datetime) -> Month:
    """
    Ask for the close of a month, or as a second person confirm and seal it.

    Confirming waits for those who are still writing to the month. Then the totals are
    brought up to date and compared with the ledger, the entries are sealed, and the month
    keeps the head of the audit trail: whoever cuts the trail's end finds it named here.

    Raise Forbidden unless `by` is of the office, and for the one who asked;
    MonthNotOver, MonthInWrongState when it is closed, AnomaliesUnanswered where a month
    was examined, DeclarationsUnderWay, TotalsDiffer.
    """
    if not by.is_office:
        raise Forbidden
    if month >= timezone.localdate(now).replace(day=1):
        raise MonthNotOver
    Month.objects.get_or_create(month=month)
    row = Month.objects.select_for_update().get(month=month)
    if row.is_sealed:
        raise MonthInWrongState(_("The month is closed already."))
    if row.status == Month.Status.OPEN:
        row.status, row.requested_by = Month.Status.REVIEWING, by
        row.save()
        record("request_close", row, by=by, now=now)
        return row
    if row.requested_by_id == by.pk:
        raise Forbidden(_("A second person of the office confirms the close."))
    _refuse_unanswered(row)
    if any(declaration.touches(month) for declaration in Declaration.objects.changing()):
        raise DeclarationsUnderWay
    # Its lock also lets one month close at a time, so the chain has one end.
    roll_up(now=now)
    if differences(month=month, limit=1):
        raise TotalsDiffer
    row.follows = Month.objects.sealed().filter(followed_by=None).first()
    row.entries, row.amount, row.sha256 = seal_of(row)
    row.status, row.confirmed_by, row.closed_at = Month.Status.CLOSED, by, now
    row.names = {**names_of(month), "form": form_as_closed(row, by=by, now=now)}
    # Last, because others who seal wait from here to the commit.
    seal_audit(now=now)
    head = AuditBlock.objects.latest()
    row.audit_block, row.audit_head = head.number, head.sha256
    row.save()
    # With all that the row says, so that the trail proves the row as well.
    closed = {
        "sha256": row.sha256,
        "entries": row.entries,
        "amount": f"{row.amount:.2f}",
        "names": row.names,
        "follows": row.follows_id and row.follows_id.isoformat(),
        "audit_block": row.audit_block,
        "audit_head": row.audit_head,
    }
    record("close_month", row, by=by, now=now, after=closed)
    return row


def publish_month(month: Month, *, by: User, now: datetime) -> Month:
    """
    Open a closed month's figures to everybody, after examining them anew.

    Raise Forbidden, MonthInWrongState or AnomaliesUnanswered.
    """
    if not by.is_office:
        raise Forbidden
    if month.status == Month.Status.CLOSED:
        # In a transaction of its own: a refusal keeps what was found, to be answered.
        examine(month, by=by, now=now)
    with transaction.atomic():
        row = Month.objects.select_for_update().get(pk=month.pk)
        if row.status != Month.Status.CLOSED:
            raise MonthInWrongState(_("Only a closed month is published."))
        _refuse_unanswered(row)
        row.status = Month.Status.PUBLISHED
        row.save()
        record("publish_month", row, by=by, now=now)
    return row


def _refuse_unanswered(month: Month) -> None:
    if count := month.anomalies.unanswered().count():
        raise AnomaliesUnanswered(count)


def obstacles_of(months: Iterable[Month], *, day: date) -> dict[date, list[Refusal]]:
    """
    Return what keeps each of `months` from its next step on `day`, by its first day.

    The next step is to close it, or to publish it once it is closed. Whether the totals
    agree is asked only by the close itself: that reads the whole month.
    """
    months = list(months)
    unanswered = dict(
        Anomaly.objects.unanswered()
        .filter(month__in=months)
        .order_by("month")
        .values_list("month")
        .annotate(Count("pk"))
    )
    changing = list(Declaration.objects.changing())

    def obstacles(row: Month) -> Iterator[Refusal]:
        if row.month >= day.replace(day=1):
            yield MonthNotOver()
        if row.month in unanswered:
            yield AnomaliesUnanswered(unanswered[row.month])
        if not row.is_sealed and any(one.touches(row.month) for one in changing):
            yield DeclarationsUnderWay()

    return {row.month: list(obstacles(row)) for row in months}


def seal_of(month: Month) -> Seal:
    """
    Return what the ledger now says of a month: its number of entries, amount and digest.

    The digest covers the digest of the month closed before, the month's name, and
    its entries in the order of their keys as canonical CSV.
    """
    digest = hashlib.sha256()
    digest.update(f"{month.follows.sha256 if month.follows else ''}\n{month}\n".encode())
    with connection.cursor() as cursor, cursor.cursor.copy(CANONICAL, [month.month]) as rows:
        for chunk in rows:
            digest.update(chunk)
    sums = LedgerEntry.objects.filter(month=month.month).aggregate(Count("pk"), Sum("amount"))
    return Seal(sums["pk__count"], sums["amount__sum"] or Decimal(0), digest.hexdigest())


def names_of(month: date) -> dict[str, list[list[str]]]:
    """
    Return what the codes in a month's ledger and statements are called now.

    By what they are the code of, in pairs of code and name.
    """
    entries = LedgerEntry.objects.filter(month=month)
    named = {
        "category": Category.objects.all(),
        "county": Division.objects.counties(),
        "supplier": Supplier.objects.filter(code__in=entries.values("supplier_code")),
        "buyer": Buyer.objects.filter(code__in=entries.values("buyer_code")),
    }
    return {
        kind: [[row.code, row.name] for row in rows.only("code", "name")]
        for kind, rows in named.items()
    }


def with_sums(months: Iterable[Month]) -> list[Month]:
    """Give months that are still open the entries and the amount rolled up so far."""
    months = list(months)
    coarsest = min(GRAINS, key=lambda grain: len(grain))
    cells = Total.objects.filter(
        grain=grain_of(coarsest), month__in=[row.month for row in months if not row.is_sealed]
    )
    sums: dict[date, Any] = {
        row["month"]: row
        for row in cells.values("month").annotate(amount=Sum("amount"), entries=Sum("entries"))
    }
    for row in months:
        if not row.is_sealed:
            so_far = sums.get(row.month, {"entries": 0, "amount": Decimal(0)})
            row.entries, row.amount = so_far["entries"], so_far["amount"]
    return months
