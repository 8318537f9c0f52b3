"""What runs by itself: applicants are told what became of their applications."""

from smtplib import SMTPException

import structlog
from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.services.welcoming import welcome_address
from suppliers.models import Application
from suppliers.services.applying import claim_telling, first_person, note_told

log = structlog.get_logger(__name__)


@shared_task
def tell_of_decisions() -> None:
    """Mail each applicant the decision: with the link to choose a password, or with the reason."""
    if not settings.SENDS_MAIL:
        return
    for pk in list(Application.objects.to_tell(timezone.now()).values_list("pk", flat=True)):
        if application := claim_telling(pk, now=timezone.now()):
            _tell(application)


def _tell(application: Application) -> None:
    is_approved = application.decision == Application.Decision.APPROVED
    user = first_person(application) if is_approved else None
    text = render_to_string(
        "suppliers/decision.txt",
        {
            "application": application,
            "user": user,
            "link": user and not user.has_usable_password() and welcome_address(user),
            "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
            "sign_in": f"{settings.PUBLIC_URL}{reverse('admin:login')}",
            "apply": f"{settings.PUBLIC_URL}{reverse('apply')}",
        },
    )
    subject = f"黔南好物：入驻申请{'已通过' if is_approved else '未通过'}"
    try:
        send_mail(subject, text, None, [application.email])
    except (SMTPException, OSError, ValueError) as error:
        # One address that does not work keeps nobody else waiting; it is tried again later.
        log.warning("mail_not_sent", application=application.pk, error=type(error).__name__)
    else:
        note_told(application, now=timezone.now())
