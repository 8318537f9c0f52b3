"""What runs by itself: each task finds its own due rows and calls one service for each."""

from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.services.audit import came_in_by
from reports.models import Declaration, Month
from reports.services.anomalies import examine
from reports.services.declarations.receiving import work_through
from reports.services.files import keeping, making
from reports.services.totals import roll_up as bring_up_to_date


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
def clear_expired() -> None:
    """Delete the report files that are older than they are kept."""
    keeping.clear_expired(now=timezone.now())
