"""What runs by itself: the audit trail is sealed."""

from celery import shared_task
from django.utils import timezone

from accounts.services import heads, sealing


@shared_task
def seal_audit() -> None:
    """Seal what was done since the last time, and keep the new heads outside the database."""
    sealing.seal_audit(now=timezone.now())
    heads.keep_heads()
