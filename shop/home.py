"""What the home page shows of listings: what waits for review, was returned, or ends."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.admin import SUPPLIER
from accounts.home import Card, Row, age_of, counted, list_of, page_of
from accounts.models import User
from suppliers.models import SOON

from .models import Badge, Confirmation, ListingVersion, Objection, Product, Recognition


def cards(user: User, heading: str, *, now: datetime) -> Iterator[Card]:
    """Yield what listings have for who stands under `heading`."""
    if heading == User.Role.REVIEWER:
        yield from _for_reviewers(user, now=now)
    if heading == SUPPLIER:
        yield from _for_suppliers(user, now=now)


def _for_reviewers(user: User, *, now: datetime) -> Iterator[Card]:
    queue = ListingVersion.objects.waiting().select_related("product__supplier", "reviewer")
    queue = queue.order_by("submitted_at", "pk")

    def row(version: ListingVersion) -> Row:
        said = [version.product.supplier.name, age_of(version.submitted_at, now=now)]
        if version.reviewer and version.reviewer != user:
            said.insert(1, str(version.reviewer))
        return Row(version.product.name, page_of(version), " · ".join(said))

    yield counted(
        _("First listings to review"),
        "new_releases",
        queue.filter(is_first=True),
        row,
        address=list_of(ListingVersion, queue="first"),
        note=_("The oldest first; each takes two reviewers."),
    )
    yield counted(
        _("Changes to review"),
        "difference",
        queue.filter(is_first=False),
        row,
        address=list_of(ListingVersion, queue="changes"),
        note=_("What is on sale stays as it is until then."),
    )
    yield counted(
        _("Reviews that I took up"),
        "person_check",
        queue.filter(reviewer=user),
        row,
        address=list_of(ListingVersion, queue="mine"),
    )
    yield counted(
        _("Objections to answer"),
        "feedback",
        Objection.objects.open().select_related("badge__product").order_by("made_at", "pk"),
        lambda objection: Row(
            objection.badge.product.name,
            page_of(objection),
            age_of(objection.made_at, now=now),
            is_urgent=True,
        ),
        address=list_of(Objection, state="open"),
        note=_("The badge does not hold until they are answered."),
    )
    day = timezone.localdate(now)
    announced = Badge.objects.on_notice(day).select_related("product").order_by("valid_from", "pk")
    card = counted(
        _("Badges on public notice"),
        "campaign",
        announced,
        lambda badge: Row(
            badge.product.name,
            page_of(badge),
            _("until %(day)s") % {"day": f"{badge.last_day:%Y-%m-%d}"},
        ),
        address=list_of(Badge, state="on_notice"),
        note=_("Objections are possible until the badge is valid."),
    )
    yield card.to_know()
    yield counted(
        _("Badges that end soon"),
        "verified",
        Badge.objects.ending(day).select_related("product").order_by("valid_until", "pk"),
        lambda badge: Row(badge.product.name, page_of(badge), f"{badge.valid_until:%Y-%m-%d}"),
        address=list_of(Badge, state="ending"),
        note=_("Announce them anew, so that nothing lies between."),
    )


def _for_suppliers(user: User, *, now: datetime) -> Iterator[Card]:
    versions = ListingVersion.objects.for_actor(user).select_related("product")
    yield counted(
        _("Versions that were returned"),
        "assignment_return",
        versions.returned().order_by("decided_at"),
        lambda version: Row(
            version.product.name,
            page_of(version),
            f"{version.get_reason_display()} · {age_of(version.decided_at, now=now)}",
            is_urgent=True,
        ),
        address=list_of(ListingVersion, queue="returned"),
        note=_("Change them as the selection centre asks, and submit them again."),
    )
    yield counted(
        _("Listings to confirm"),
        "published_with_changes",
        Confirmation.objects.for_actor(user).unanswered().select_related("product"),
        lambda confirmation: _to_confirm(confirmation, may_confirm=not user.role),
        address=list_of(Product, to_do="confirm"),
        note=_("Look at price, stock and text; what nobody confirms goes off sale."),
    )
    yield counted(
        _("Drafts that were never submitted"),
        "edit_note",
        Product.objects.for_actor(user).never_submitted().order_by("updated_at"),
        lambda product: Row(product.name, page_of(product), age_of(product.updated_at, now=now)),
        address=list_of(Product, to_do="drafts"),
    )
    day = timezone.localdate(now)
    yield counted(
        _("Recognitions that end soon"),
        "verified",
        Recognition.objects.for_actor(user).expiring(day).select_related("product"),
        lambda recognition: Row(
            f"{recognition.product.name} {recognition.number}",
            page_of(recognition.product),
            f"{recognition.valid_until:%Y-%m-%d}",
            is_urgent=recognition.valid_until <= day + SOON / 4,
        ),
        address=list_of(Product, to_do="recognition"),
        note=_("Within 30 days."),
    )
    yield counted(
        _("With the selection centre"),
        "hourglass_top",
        versions.waiting().order_by("submitted_at"),
        lambda version: Row(
            version.product.name,
            page_of(version),
            f"{version.get_status_display()} · {age_of(version.submitted_at, now=now)}",
        ),
        address=list_of(ListingVersion, queue="waiting"),
        note=_("What is on sale stays as it is until then."),
    ).to_know()


def _to_confirm(confirmation: Confirmation, *, may_confirm: bool) -> Row:
    product, off = confirmation.product, confirmation.suspended_at
    day = timezone.localdate(off) if off else confirmation.ends_on
    words = _("off sale since %(day)s") if off else _("off sale on %(day)s otherwise")
    confirm = reverse("admin:shop_product_confirm", args=[product.pk])
    return Row(
        product.name,
        page_of(product),
        words % {"day": f"{day:%m-%d}"},
        is_urgent=bool(off),
        does=(confirm, _("Still right")) if may_confirm else None,
    )
