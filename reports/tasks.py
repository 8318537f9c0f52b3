"""What runs by itself: each task finds its own due rows and calls one service for each."""

from smtplib import SMTPException

import structlog
from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.services.audit import came_in_by
from reports.models import Declaration, Month, Report
from reports.services.anomalies import examine
from reports.services.declarations.receiving import work_through
from reports.services.files import keeping, making, scheduling
from reports.services.totals import roll_up as bring_up_to_date

log = structlog.get_logger(__name__)


@shared_task
def roll_up() -> None:
    """Bring the totals up to date."""
    bring_up_to_date(now=timezone.now())


def roll_up_soon() -> None:
    """
    Ask for a roll-up in a second; whoever asks meanwhile is served by the same one.

    For edges, after the commit. Without cache or broker the schedule's next tick does it.
    """
    if cache.add("roll-up-asked-for", True, timeout=1):
        roll_up.apply_async(countdown=1)


@shared_task
def read_declarations() -> None:
    """Check, book or revoke every declaration that waits for it."""
    with came_in_by(AuditEntry.Via.TASK):
        for pk in list(Declaration.objects.due().values_list("pk", flat=True)):
            work_through(pk, now=timezone.now())


@shared_task
def examine_months() -> None:
    """Find what looks wrong in the months that are over and not published yet."""
    now = timezone.now()
    for month in Month.objects.to_publish(timezone.localdate(now)):
        examine(month, by=None, now=now)


@shared_task
def make_reports() -> None:
    """Make one report that waits for it, and come back for the next: each has its own time."""
    if making.make_next_report(now=timezone.now()):
        make_reports.delay()


@shared_task
def request_monthly_reports() -> None:
    """Ask for the form of the month before, for each person of the office by mail."""
    with came_in_by(AuditEntry.Via.TASK):
        scheduling.request_monthly_reports(now=timezone.now())


@shared_task
def tell_of_reports() -> None:
    """Mail each reader the link to the report that came by itself and is ready."""
    if not settings.SENDS_MAIL:
        return
    for pk in list(Report.objects.to_tell(timezone.now()).values_list("pk", flat=True)):
        if report := scheduling.claim_telling(pk, now=timezone.now()):
            _tell(report)


def _tell(report: Report) -> None:
    address = reverse("report-page", kwargs={"pk": report.pk})
    title = keeping.TITLES[Report.Kind(report.kind)]
    period = f"{report.month.year}年{report.month.month}月"
    text = render_to_string(
        "reports/report_ready.txt",
        {
            "report": report,
            "title": title,
            "period": period,
            "address": f"{settings.PUBLIC_URL}{address}",
            "days": settings.REPORTS_KEPT_DAYS,
        },
    )
    try:
        send_mail(f"黔南好物：{period}{title}已生成", text, None, [report.requested_by.email])
    except (SMTPException, OSError, ValueError) as error:
        # One address that does not work keeps nobody else waiting; it is tried again later.
        log.warning("mail_not_sent", report=str(report.pk), error=type(error).__name__)
    else:
        scheduling.note_told(report, now=timezone.now())


@shared_task
def clear_expired() -> None:
    """Delete the report files that are older than they are kept."""
    keeping.clear_expired(now=timezone.now())
