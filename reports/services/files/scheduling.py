"""Reports that come by themselves, and how far their readers are told of them."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services.audit import record
from reports.models import CountingRule, Report

#: From when on, on MONTHLY_REPORT_DAY, in local time.
HOUR = 8


def month_before(now: datetime) -> date:
    """Return the first day of the month before that of `now`."""
    return (timezone.localdate(now).replace(day=1) - timedelta(days=1)).replace(day=1)


@transaction.atomic
def request_monthly_reports(*, now: datetime) -> list[Report]:
    """
    Ask for the monthly form of the month before, once for each person of the office by mail.

    Before its day nothing is asked for. Safe to repeat, and to run late: what was missed
    is asked for then, the latest month's only.
    """
    due_from = timezone.localtime(now).replace(
        day=settings.MONTHLY_REPORT_DAY, hour=HOUR, minute=0, second=0, microsecond=0
    )
    month = month_before(now)
    if now < due_from or CountingRule.objects.in_force(month) is None:
        return []
    asked = {"kind": Report.Kind.MONTHLY, "month": month, "format": Report.Format.XLSX}
    # Two that run at once would both find the same people without a report.
    people = list(User.objects.office_by_mail().order_by("pk").select_for_update(no_key=True))
    known = set(
        Report.objects.filter(is_scheduled=True, **asked).values_list("requested_by", flat=True)
    )
    reports = Report.objects.bulk_create(
        Report(**asked, is_scheduled=True, requested_by=user, requested_at=now)
        for user in people
        if user.pk not in known
    )
    for report in reports:
        after = {**asked, "month": f"{month:%Y-%m}", "for": report.requested_by.username}
        record("request_report", report, by=None, now=now, after=after)
    return reports


def claim_telling(pk: UUID, *, now: datetime) -> Report | None:
    """
    Return a report whose reader is to be told of it, for the caller alone for a while.

    Whoever fails, or dies, needs to do nothing: when the while is over it is due again.
    """
    if not Report.objects.to_tell(now).filter(pk=pk).update(tried_at=now):
        return None
    return Report.objects.select_related("requested_by").get(pk=pk)


def note_told(report: Report, *, now: datetime) -> None:
    """Remember that the reader of a report was told of it."""
    Report.objects.filter(pk=report.pk, told_at__isnull=True).update(told_at=now)
