"""How a listing passes the selection centre: submitted, taken up, approved or returned."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache, partial

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid, about
from accounts.services.audit import Done, record, record_all
from shop.models import SKU, ListingVersion, Product
from suppliers.models import Certificate, Producer, Supplier

from .badges import announce_badge
from .content import Content, apply_content, content_of, contents_of
from .documents import document_check, missing_of
from .listing import WrongStatus, confirm, hold_product, hold_products, lock_stock

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
    return submit_versions({product.pk: content}, by=by, now=now)[0]


@transaction.atomic
def submit_versions(
    contents: Mapping[int, Content | None], *, by: User, now: datetime
) -> list[ListingVersion]:
    """Submit products by their keys, each as `submit_version`; what it raises says of which."""
    products, day = hold_products(contents, by=by), timezone.localdate(now)
    present = contents_of(contents, day=day)
    known = ListingVersion.objects.filter(product__in=contents)
    waiting = set(known.waiting().values_list("product", flat=True))
    last = dict(known.order_by().values_list("product").annotate(Max("number")))
    errors_of = cache(partial(_unfit, day=day))
    versions = []
    for product in products:
        content = contents[product.pk] or present[product.pk]
        is_first = product.status == Product.Status.DRAFT
        with about(product.code):
            if product.status == Product.Status.RETIRED:
                raise WrongStatus
            if product.pk in waiting:
                raise VersionWaits
            if not is_first and content == present[product.pk]:
                raise NothingChanged
            if errors := errors_of(product.supplier)(content):
                raise Invalid(errors=errors)
        versions.append(
            ListingVersion(
                product=product,
                number=last.get(product.pk, 0) + 1,
                is_first=is_first,
                content=content,
                submitted_by=by,
                submitted_at=now,
            )
        )
    ListingVersion.objects.bulk_create(versions)
    first = [version.product for version in versions if version.is_first]
    Product.objects.filter(pk__in=[product.pk for product in first]).update(
        status=Product.Status.SUBMITTED, updated_at=Now()
    )
    for product in first:
        product.status = Product.Status.SUBMITTED
    done = (Done(version.product, after={"version": version.number}) for version in versions)
    record_all("submit_version", done, by=by, now=now)
    return versions


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
    if errors := _unfit(product.supplier, day=day)(version.content):
        raise Invalid(errors=errors)
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
        announce_badge(product, by=by, now=now)
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


def _unfit(supplier: Supplier, *, day: date) -> Callable[[Content], list[ErrorItem]]:
    """Return what says why no reviewer could approve listings of a supplier with a content."""
    check_documents = document_check(supplier, day=day)
    producers = {producer.name: producer for producer in supplier.producers.all()}

    def errors_of(content: Content) -> list[ErrorItem]:
        errors = []
        priced = [sku for sku in content["skus"].values() if sku["is_active"] and sku["prices"]]
        if not priced:
            errors.append(ErrorItem("/skus", "required", _("Nothing of it has a price.")))
        if _lacks_permit(content):
            permit = _("A protected species is sold only with its breeding and use permit.")
            errors.append(ErrorItem("/species", "invalid", permit))
        if why := _unfit_producer(supplier, producers.get(content["producer"])):
            errors.append(ErrorItem("/producer", "invalid", why))
        for document in missing_of(check_documents(content)):
            missing = _("%(document)s: missing or expired.") % {"document": document}
            errors.append(ErrorItem("/certificates", "document_missing", missing))
        return errors

    return errors_of


def _lacks_permit(content: Content) -> bool:
    names = content["name"] + content["species"]
    permits = [c for c in content["certificates"] if c.startswith(Certificate.Kind.BREEDING_PERMIT)]
    return any(name in names for name in PROTECTED) and not permits


def _unfit_producer(supplier: Supplier, producer: Producer | None) -> str | Promise:
    """Return why a supplier's product cannot name this producer, if it cannot."""
    if producer is None:
        return _("There is no such producer.")
    is_itself = producer.name == supplier.name or producer.uscc == supplier.uscc
    if supplier.kind == Supplier.Kind.AGENT and (is_itself or not producer.mandate):
        return _("An agent names who produces it, with the number of the mandate.")
    if supplier.kind == Supplier.Kind.COMPANY and not is_itself:
        return _("A producing company names itself as producer; an agent applies as agent.")
    return ""
