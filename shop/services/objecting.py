"""Object to a badge while it is on public notice, and answer who did."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid
from accounts.services.audit import record
from shop.models import Badge, Objection

from .listing import WrongStatus
from .reviewing import withdraw_badge


class NoticeOver(WrongStatus):
    """The badge is not on public notice any more, or not yet."""

    detail = _("The notice is over; objections are not taken any more.")


@transaction.atomic
def make_objection(
    badge: Badge, *, name: str, contact: str, grounds: str, now: datetime
) -> Objection:
    """Keep what somebody says against a badge. Raise NoticeOver."""
    badge = Badge.objects.select_for_update().get(pk=badge.pk)
    if not badge.takes_objections(timezone.localdate(now)):
        raise NoticeOver
    objection = Objection.objects.create(
        badge=badge, name=name, contact=contact, grounds=grounds, made_at=now
    )
    # The trail is read by many and exported: it says that somebody objected, not who.
    record("make_objection", badge, by=None, now=now, after={"objection": objection.pk})
    return objection


@transaction.atomic
def answer_objection(
    objection: Objection, *, outcome: str, answer: str, by: User, now: datetime
) -> Objection:
    """
    Answer an objection; when it is upheld, its badge is withdrawn.

    Raise Forbidden unless `by` is a reviewer, WrongStatus when it is answered already, or
    Invalid without an answer.
    """
    if not by.is_reviewer:
        raise Forbidden
    if not answer.strip():
        raise Invalid(errors=[ErrorItem("/answer", "required", _("Say what is answered."))])
    badge = Badge.objects.select_for_update().get(pk=objection.badge_id)
    objection = Objection.objects.select_for_update().get(pk=objection.pk)
    if objection.outcome:
        raise WrongStatus
    objection.outcome, objection.answer = outcome, answer
    objection.answered_by, objection.answered_at = by, now
    objection.save()
    after = {"objection": objection.pk, "outcome": outcome}
    record("answer_objection", badge, by=by, now=now, after=after, reason=answer)
    if outcome == Objection.Outcome.UPHELD and badge.withdrawn_on is None:
        withdraw_badge(badge, reason=answer, by=by, now=now)
    return objection
