"""How a listing passes the selection centre: submitted, taken up, approved or returned."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid
from accounts.services.audit import record
from shop.models import SKU, Badge, ListingVersion, Product
from suppliers.models import Certificate, Supplier

from .content import Content, apply_content, content_of
from .documents import missing_documents
from .listing import WrongStatus, confirm, hold_product, lock_stock

Status = ListingVersion.Status

#: Names that stand for protected wild species, and what a listing with one of them needs.
PROTECTED = ("中华鲟", "长江鲟", "达氏鲟", "白鲟")


class VersionWaits(WrongStatus):
    """A version of the product is with the selection centre already."""

    detail = _("A version of this product waits for review; withdraw it to change it.")


class NothingChanged(WrongStatus):
    detail = _("Nothing is different from what is on sale.")


@transaction.atomic
def submit_version(
    product: Product, *, content: Content | None = None, by: User, now: datetime
) -> ListingVersion:
    """
    Ask the selection centre to put a product on sale, or to change one that is.

    `content` is what it shall be, by default what it is. What is on sale stays as it is.
    Raise NotFound or Forbidden unless `by` works for its supplier, WrongStatus for a retired
    one, VersionWaits, NothingChanged, or Invalid where something is missing.
    """
    product = hold_product(product.pk, by=by)
    if product.status == Product.Status.RETIRED:
        raise WrongStatus
    if product.versions.waiting().exists():
        raise VersionWaits
    day = timezone.localdate(now)
    present = content_of(product, day=day)
    content = content or present
    is_first = product.status == Product.Status.DRAFT
    if not is_first and content == present:
        raise NothingChanged
    _refuse_unfit(product, content, day=day)
    last = product.versions.order_by("-number").values_list("number", flat=True).first()
    version = ListingVersion.objects.create(
        product=product,
        number=(last or 0) + 1,
        is_first=is_first,
        content=content,
        submitted_by=by,
        submitted_at=now,
    )
    if is_first:
        _set_status(product, Product.Status.SUBMITTED)
    record("submit_version", product, by=by, now=now, after={"version": version.number})
    return version


@transaction.atomic
def withdraw_version(version: ListingVersion, *, by: User, now: datetime) -> ListingVersion:
    """
    Take a version back that waits for review.

    Raise NotFound or Forbidden unless `by` works for its supplier, WrongStatus when it is decided.
    """
    product = hold_product(version.product_id, by=by)
    version = ListingVersion.objects.select_for_update().get(pk=version.pk)
    return _decide(version, product, Status.WITHDRAWN, by=by, now=now)


@transaction.atomic
def take_version(version: ListingVersion, *, by: User, now: datetime) -> ListingVersion:
    """
    Take a version up for review, also from a colleague.

    Raise Forbidden unless `by` is a reviewer, WrongStatus when it is decided.
    """
    version = _waiting(version, by=by)
    version.status, version.reviewer = Status.IN_REVIEW, by
    version.save(update_fields=["status", "reviewer"])
    if version.is_first:
        _set_status(version.product, Product.Status.IN_REVIEW)
    record("take_version", version.product, by=by, now=now, after={"version": version.number})
    return version


@transaction.atomic
def approve_version(
    version: ListingVersion, *, note: str = "", by: User, now: datetime
) -> ListingVersion:
    """
    Approve a version, which is on sale from then on.

    A first listing needs a second reviewer; until then nothing is on sale. Its badge is
    announced with the second approval. Raise Forbidden unless `by` is a reviewer and not
    who submitted it or approved it first, WrongStatus when it is decided, or Invalid where
    something is missing by now.
    """
    lock_stock(SKU.objects.filter(product=version.product_id).values_list("pk", flat=True))
    version = _waiting(version, by=by)
    product, day = version.product, timezone.localdate(now)
    _refuse_unfit(product, version.content, day=day)
    if version.is_first and version.seconded_by_id is None:
        version.status, version.reviewer, version.seconded_by = Status.IN_REVIEW, by, by
        version.note = note
        version.save()
        _set_status(product, Product.Status.IN_REVIEW)
        record("second_version", product, by=by, now=now, after={"version": version.number})
        return version
    if version.seconded_by_id == by.pk:
        raise Forbidden(_("A second reviewer approves a first listing."))
    if not version.is_first:
        version.before = content_of(product, day=day)
    apply_content(product, version.content, day=day)
    version = _decide(version, product, Status.APPROVED, by=by, now=now, note=note)
    if version.is_first:
        _set_status(product, Product.Status.LISTED)
        _announce_badge(product, by=by, now=now)
    confirm(product, by=by, now=now)
    return version


@transaction.atomic
def return_version(
    version: ListingVersion, *, reason: str, note: str, by: User, now: datetime
) -> ListingVersion:
    """
    Return a version to its supplier, with a reason of ListingVersion.Reason and a note.

    Raise Forbidden unless `by` is a reviewer and not who submitted it, WrongStatus when it is
    decided, or Invalid without a note where the reason says nothing.
    """
    if reason not in ListingVersion.Reason.values:
        raise Invalid(errors=[ErrorItem("/reason", "required", _("Choose a reason."))])
    if reason == ListingVersion.Reason.OTHER and not note.strip():
        raise Invalid(errors=[ErrorItem("/note", "required", _("Say what the reason is."))])
    version = _waiting(version, by=by)
    return _decide(
        version, version.product, Status.RETURNED, by=by, now=now, reason=reason, note=note
    )


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


def _waiting(version: ListingVersion, *, by: User) -> ListingVersion:
    """Lock a version's product and the version; refuse who may not decide about it."""
    if not by.is_reviewer:
        raise Forbidden
    product = Product.objects.select_for_update(no_key=True).get(pk=version.product_id)
    version = ListingVersion.objects.select_for_update().get(pk=version.pk)
    version.product = product
    if version.status not in ListingVersion.WAITING:
        raise WrongStatus
    if version.submitted_by_id == by.pk:
        raise Forbidden(_("Nobody reviews what they submitted themselves."))
    return version


def _decide(
    version: ListingVersion,
    product: Product,
    status: Status,
    *,
    by: User,
    now: datetime,
    reason: str = "",
    note: str = "",
) -> ListingVersion:
    if version.status not in ListingVersion.WAITING:
        raise WrongStatus
    version.status, version.reason, version.note = status, reason, note or version.note
    version.decided_by, version.decided_at = by, now
    version.save()
    if version.is_first and status != Status.APPROVED:
        _set_status(product, Product.Status.DRAFT)
    record(
        f"version_{status}",
        product,
        by=by,
        now=now,
        after={"version": version.number, "reason": reason},
        reason=note,
    )
    return version


def _set_status(product: Product, status: str) -> None:
    product.status = status
    product.save(update_fields=["status", "updated_at"])


def _announce_badge(product: Product, *, by: User, now: datetime) -> None:
    day = timezone.localdate(now)
    begins = day + timedelta(settings.BADGE_NOTICE_DAYS)
    badge = Badge.objects.create(
        product=product,
        number=f"QNHW-{day:%Y%m%d}-{product.pk}",
        noticed_from=day,
        valid_from=begins,
        valid_until=begins + timedelta(settings.BADGE_VALID_DAYS - 1),
    )
    record("announce_badge", badge, by=by, now=now, after={"product": product.code})


def _refuse_unfit(product: Product, content: Content, *, day: date) -> None:
    """Refuse what no reviewer could approve."""
    errors = []
    priced = [sku for sku in content["skus"].values() if sku["is_active"] and sku["prices"]]
    if not priced:
        errors.append(ErrorItem("/skus", "required", _("Nothing of it has a price.")))
    names = content["name"] + content["species"]
    permits = [c for c in content["certificates"] if c.startswith(Certificate.Kind.BREEDING_PERMIT)]
    if any(name in names for name in PROTECTED) and not permits:
        errors.append(
            ErrorItem(
                "/species",
                "invalid",
                _("A protected species is sold only with its breeding and use permit."),
            )
        )
    if why := _unfit_producer(product.supplier, content["producer"]):
        errors.append(ErrorItem("/producer", "invalid", why))
    for document in missing_documents(product, content, day=day):
        why = _("%(document)s: missing or expired.") % {"document": document}
        errors.append(ErrorItem("/certificates", "document_missing", why))
    if errors:
        raise Invalid(errors=errors)


def _unfit_producer(supplier: Supplier, name: str) -> str | Promise:
    """Return why a supplier's product cannot name this producer, if it cannot."""
    producer = supplier.producers.filter(name=name).first()
    if producer is None:
        return _("There is no such producer.")
    is_itself = producer.name == supplier.name or producer.uscc == supplier.uscc
    if supplier.kind == Supplier.Kind.AGENT and (is_itself or not producer.mandate):
        return _("An agent names who produces it, with the number of the mandate.")
    if supplier.kind == Supplier.Kind.COMPANY and not is_itself:
        return _("A producing company names itself as producer; an agent applies as agent.")
    return ""
