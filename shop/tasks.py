"""What runs by itself: papers that end are followed, and their suppliers told."""

from smtplib import SMTPException

import structlog
from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.services.audit import came_in_by
from shop.models import Product, Reminder, RequiredDocument
from shop.services import ending

log = structlog.get_logger(__name__)


@shared_task
def follow_documents() -> None:
    """Take off sale what lacks a document that has ended, and note who is to be told of which."""
    now = timezone.now()
    with came_in_by(AuditEntry.Via.TASK):
        kinds = set(RequiredDocument.objects.of_listings().values_list("kind", flat=True))
        due = Product.objects.with_ended_documents(kinds, timezone.localdate(now))
        for pk in list(due.values_list("pk", flat=True)):
            ending.suspend_lapsed(pk, now=now)
        ending.remind(now=now)


@shared_task
def tell_of_endings() -> None:
    """Mail the people of each supplier what ends, or has ended, and what came of it."""
    if not settings.SENDS_MAIL:
        return
    for pk in list(Reminder.objects.to_tell(timezone.now()).values_list("pk", flat=True)):
        if reminder := ending.claim_telling(pk, now=timezone.now()):
            _tell(reminder)


def _tell(reminder: Reminder) -> None:
    readers = User.objects.filter(
        supplier_membership__supplier=reminder.supplier, is_active=True
    ).exclude(email="")
    text = render_to_string(
        "shop/document_ends.txt",
        {"reminder": reminder, "address": f"{settings.PUBLIC_URL}/admin/"},
    )
    what = f"{reminder.days}天内到期" if reminder.days else "已到期"
    subject = f"黔南好物：{reminder.document}（{what}）"
    try:
        send_mail(subject, text, None, [reader.email for reader in readers])
    except (SMTPException, OSError, ValueError) as error:
        # One address that does not work keeps nobody else waiting; it is tried again later.
        log.warning("mail_not_sent", reminder=reminder.pk, error=type(error).__name__)
    else:
        ending.note_told(reminder, now=timezone.now())
