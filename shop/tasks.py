"""What runs by itself: documents that end, and listings that nobody has confirmed for long."""

from smtplib import SMTPException
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.services.audit import came_in_by
from shop.models import Confirmation, Product, Reminder, RequiredDocument
from shop.services import confirming, ending, leftovers, looks
from suppliers.models import Supplier

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
            what = f"{reminder.days}天内到期" if reminder.days else "已到期"
            subject = f"黔南好物：{reminder.document}（{what}）"
            if _mail(reminder.supplier, subject, "shop/document_ends.txt", {"reminder": reminder}):
                ending.note_told(reminder, now=timezone.now())


@shared_task
def follow_confirmations() -> None:
    """Note which listings have to be confirmed, and take off sale what nobody has confirmed."""
    now = timezone.now()
    with came_in_by(AuditEntry.Via.TASK):
        for pk in list(Confirmation.objects.to_suspend(now).values_list("pk", flat=True)):
            confirming.suspend_unconfirmed(pk, now=now)
        confirming.remind_suppliers(now=now)


@shared_task
def tell_of_confirmations() -> None:
    """Mail the people of each supplier which listings they have to confirm."""
    if not settings.SENDS_MAIL:
        return
    now = timezone.now()
    waiting = Confirmation.objects.to_tell(now).values("product__supplier")
    for supplier in Supplier.objects.filter(pk__in=waiting):
        if confirmations := confirming.claim_telling(supplier.pk, now=now):
            subject = f"黔南好物：请确认 {len(confirmations)} 个商品的信息仍然有效"
            context = {"supplier": supplier, "confirmations": confirmations}
            if _mail(supplier, subject, "shop/listings_to_confirm.txt", context):
                confirming.note_told(confirmations, now=timezone.now())


@shared_task
def look_at_pictures() -> None:
    """Note how new pictures look, so that reviewers find those that are like them."""
    while looks.look_at_pictures() == looks.AT_ONCE:
        pass


@shared_task
def clear_leftovers() -> None:
    """Delete the pictures of uploads that were undone, and workbooks that nobody took over."""
    now = timezone.now()
    leftovers.clear_pictures(now=now)
    leftovers.clear_sheets(now=now)


def _mail(supplier: Supplier, subject: str, template: str, context: dict[str, Any]) -> bool:
    """Mail the people of a supplier; return whether it went out."""
    readers = User.objects.filter(supplier_membership__supplier=supplier, is_active=True)
    addresses = [reader.email for reader in readers.exclude(email="")]
    text = render_to_string(template, {**context, "address": f"{settings.PUBLIC_URL}/admin/"})
    try:
        send_mail(subject, text, None, addresses)
    except (SMTPException, OSError, ValueError) as error:
        # One address that does not work keeps nobody else waiting; it is tried again later.
        log.warning("mail_not_sent", supplier=supplier.code, error=type(error).__name__)
        return False
    return True
