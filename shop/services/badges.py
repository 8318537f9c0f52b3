"""The badge 黔南好物: announced, objected to, answered for, and taken back."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid
from accounts.services.audit import record
from shop.models import Badge, Objection, Product
from suppliers.models import SOON

from .listing import WrongStatus


class NoticeOver(WrongStatus):
    """The badge is not on public notice any more, or not yet."""

    detail = _("The notice is over; objections are not taken any more.")


class BadgeHolds(WrongStatus):
    """The product has a badge that does not end soon, or that is on notice."""

    detail = _("The product has a badge that is on notice or does not end soon.")


def announce_badge(product: Product, *, by: User, now: datetime) -> Badge:
    """
    Put the badge of a product, which the caller has locked, on public notice.

    It begins after the notice, or after the one that the product bears until then.
    """
    day = timezone.localdate(now)
    begins = day + timedelta(settings.BADGE_NOTICE_DAYS)
    borne = Badge.objects.valid(begins).filter(product=product).order_by("valid_until").last()
    if borne:
        begins = borne.valid_until + timedelta(days=1)
    badge = Badge.objects.create(
        product=product,
        number=f"QNHW-{day:%Y%m%d}-{product.pk}",
        noticed_from=day,
        valid_from=begins,
        valid_until=begins + timedelta(settings.BADGE_VALID_DAYS - 1),
    )
    record("announce_badge", badge, by=by, now=now, after={"product": product.code})
    return badge


@transaction.atomic
def renew_badge(badge: Badge, *, by: User, now: datetime) -> Badge:
    """
    Announce a badge anew that has ended, was withdrawn, or ends soon.

    Raise Forbidden unless `by` is a reviewer, WrongStatus unless its product is on sale, or
    BadgeHolds.
    """
    if not by.is_reviewer:
        raise Forbidden
    day = timezone.localdate(now)
    product = Product.objects.select_for_update(no_key=True).get(pk=badge.product_id)
    if product.status != Product.Status.LISTED:
        raise WrongStatus
    others = Badge.objects.filter(product=product)
    announced_today = others.filter(noticed_from=day).exists()
    if announced_today or others.on_notice(day).exists() or others.valid(day + SOON).exists():
        raise BadgeHolds
    return announce_badge(product, by=by, now=now)


@transaction.atomic
def withdraw_badge(badge: Badge, *, reason: str, by: User, now: datetime) -> Badge:
    """Take the badge from a product, also while it is announced. Raise Forbidden, WrongStatus."""
    if not by.is_reviewer:
        raise Forbidden
    badge = Badge.objects.select_for_update().get(pk=badge.pk)
    if badge.withdrawn_on:
        raise WrongStatus
    badge.withdrawn_on, badge.withdrawn_reason = timezone.localdate(now), reason
    badge.save()
    record("withdraw_badge", badge, by=by, now=now, reason=reason)
    return badge


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
