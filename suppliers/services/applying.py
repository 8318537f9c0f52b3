"""How somebody becomes a supplier: applies, is recommended by the county, and approved."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from accounts.models import Division, User
from accounts.refusals import ErrorItem, Forbidden, Invalid, Refusal
from accounts.services.audit import record
from suppliers.models import Application, Certificate, Producer, Supplier, SupplierMember

from .certificates import check_certificate, enter_certificate

Status = Supplier.Status
Decision = Application.Decision

#: Without letters and digits that are taken for each other on paper.
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
#: What an applicant says of itself, and may say anew after a rejection.
DETAILS = ("name", "kind", "county_id", "introduction", "contact_name", "contact_phone")


class AlreadyKnown(Refusal):
    """A supplier or an application has this credit code; whose it is, is nobody's business."""

    code = "already_known"
    detail = _(
        "There is a supplier or an application with this code already. If it is yours, the"
        " selection centre will tell you how it stands."
    )


class ApplicationDecided(Refusal):
    """The application is not in a state from which this is possible."""

    detail = _("This is not possible in its present state.")


@transaction.atomic
def apply_to_sell(
    supplier: Supplier, *, licence: Certificate, email: str, now: datetime
) -> Application:
    """
    Store an application: who it is, its business licence, and where the answer goes.

    Whoever was rejected may apply again. Raise AlreadyKnown; then nothing is kept.
    """
    known = Supplier.objects.select_for_update().filter(uscc=supplier.uscc).first()
    if known is None:
        supplier.code = f"{supplier.county_id}-{get_random_string(6, LETTERS)}"
        supplier.status = Status.APPLIED
        try:
            with transaction.atomic():
                supplier.save(force_insert=True)
        except IntegrityError as error:
            raise AlreadyKnown from error
    elif known.status == Status.REJECTED:
        for name in DETAILS:
            setattr(known, name, getattr(supplier, name))
        supplier = known
        _set_status(supplier, Status.APPLIED, *DETAILS)
    else:
        raise AlreadyKnown
    _enter_licence(supplier, licence, now)
    return _apply(supplier, email=email, by=None, now=now)


@transaction.atomic
def enter_applicant(supplier: Supplier, *, by: User, now: datetime) -> Application:
    """Store a new supplier that came on paper; it is recommended and approved as any other."""
    supplier.status = Status.APPLIED
    supplier.save(force_insert=True)
    return _apply(supplier, email="", by=by, now=now)


@transaction.atomic
def recommend_supplier(
    application: Application, *, note: str = "", by: User, now: datetime
) -> Application:
    """
    Recommend an applicant to the selection centre, for its county.

    Raise Forbidden unless `by` works for the office of that county or of the prefecture,
    ApplicationDecided when it is recommended or decided.
    """
    application = _waiting(application)
    supplier = application.supplier
    if not may_recommend(by, supplier):
        raise Forbidden(_("The office of the applicant's county recommends it."))
    if application.recommended_at:
        raise ApplicationDecided
    application.recommended_by, application.recommended_at = by, now
    application.recommendation = note
    application.save()
    _set_status(supplier, Status.RECOMMENDED)
    record("recommend_supplier", supplier, by=by, now=now, reason=note)
    return application


def may_recommend(user: User, supplier: Supplier) -> bool:
    """Whether `user` speaks for an applicant's county: its office, or that of the prefecture."""
    of_all = user.division_id == Division.QIANNAN or user.role == User.Role.ADMIN
    return user.is_office and (of_all or user.division_id == supplier.county_id)


@transaction.atomic
def approve_supplier(application: Application, *, by: User, now: datetime) -> User:
    """
    Let an applicant sell, and return the account of its first person, without a password.

    Its business licence counts as checked. Who sells its own names itself as producer.

    Raise Forbidden unless `by` is a reviewer who did not recommend it, ApplicationDecided
    when it is decided or not recommended yet.
    """
    application = _waiting(application, reviewer=by)
    supplier = application.supplier
    if application.recommended_at is None:
        raise ApplicationDecided(_("The county has not recommended it yet."))
    if application.recommended_by_id == by.pk:
        raise Forbidden(_("Who recommends an applicant does not approve it too."))
    _decide(application, Decision.APPROVED, by=by, now=now)
    for licence in supplier.certificates.filter(kind=Certificate.Kind.BUSINESS_LICENCE):
        check_certificate(licence, by=by, now=now)
    if supplier.kind != Supplier.Kind.AGENT:
        Producer.objects.get_or_create(
            supplier=supplier,
            name=supplier.name,
            defaults={"county_id": supplier.county_id, "uscc": supplier.uscc},
        )
    user = User.objects.create_user(
        username_of(supplier),
        application.email,
        last_name=supplier.contact_name,
        is_staff=True,
    )
    SupplierMember.objects.create(supplier=supplier, user=user)
    _set_status(supplier, Status.APPROVED)
    after = {"username": user.username}
    record("approve_supplier", supplier, by=by, now=now, after=after)
    return user


@transaction.atomic
def reject_supplier(
    application: Application, *, reason: str, note: str, by: User, now: datetime
) -> Application:
    """
    Turn an applicant down, with a reason of Application.Reason and a note; it may apply again.

    Raise Forbidden unless `by` is a reviewer who did not recommend it, ApplicationDecided, or
    Invalid without a note where the reason says nothing.
    """
    if reason not in Application.Reason.values:
        raise Invalid(errors=[ErrorItem("/reason", "required", _("Choose a reason."))])
    if reason == Application.Reason.OTHER and not note.strip():
        raise Invalid(errors=[ErrorItem("/note", "required", _("Say what the reason is."))])
    application = _waiting(application, reviewer=by)
    if application.recommended_by_id == by.pk:
        raise Forbidden(_("Who recommends an applicant does not decide about it too."))
    application.reason, application.note = reason, note
    _decide(application, Decision.REJECTED, by=by, now=now)
    _set_status(application.supplier, Status.REJECTED)
    after = {"reason": reason}
    record("reject_supplier", application.supplier, by=by, now=now, after=after, reason=note)
    return application


def username_of(supplier: Supplier) -> str:
    """Return what the first person of a supplier is called when signing in."""
    return supplier.code.lower()


def first_person(application: Application) -> User | None:
    """Return who got an account with the approval, unless it was renamed since."""
    return User.objects.filter(username=username_of(application.supplier)).first()


@transaction.atomic
def renew_welcome(application: Application, *, by: User, now: datetime) -> User:
    """
    Return who still has to choose a password, so that a link for it may be handed over again.

    Raise Forbidden unless `by` is a reviewer, ApplicationDecided when there is nobody such.
    """
    if not by.is_reviewer:
        raise Forbidden
    if application.decision != Decision.APPROVED:
        raise ApplicationDecided
    user = first_person(application)
    if user is None or user.has_usable_password():
        raise ApplicationDecided(_("This person has chosen a password already."))
    record("renew_welcome", application.supplier, by=by, now=now, after={"username": user.username})
    return user


def claim_telling(pk: int, *, now: datetime) -> Application | None:
    """
    Return an application whose applicant is to be told, for the caller alone for a while.

    Whoever fails, or dies, needs to do nothing: when the while is over it is due again.
    """
    if not Application.objects.to_tell(now).filter(pk=pk).update(tried_at=now):
        return None
    return Application.objects.select_related("supplier").get(pk=pk)


def note_told(application: Application, *, now: datetime) -> None:
    """Remember that an applicant was told."""
    Application.objects.filter(pk=application.pk, told_at__isnull=True).update(told_at=now)


def _enter_licence(supplier: Supplier, licence: Certificate, now: datetime) -> None:
    licence.supplier, licence.number = supplier, supplier.uscc
    licence.kind = Certificate.Kind.BUSINESS_LICENCE
    known = supplier.certificates.filter(kind=licence.kind, number=licence.number).first()
    # One that was checked stays, and has the same number.
    if known is None or not known.is_checked:
        licence.pk = known.pk if known else None
        enter_certificate(licence, by=None, now=now)


def _apply(supplier: Supplier, *, email: str, by: User | None, now: datetime) -> Application:
    application = Application.objects.create(supplier=supplier, email=email, applied_at=now)
    after = {"name": supplier.name, "uscc": supplier.uscc, "county": supplier.county_id}
    record("apply_to_sell", supplier, by=by, now=now, after=after)
    return application


def _waiting(application: Application, *, reviewer: User | None = None) -> Application:
    """Lock an application and its supplier; refuse who is no reviewer, if it takes one."""
    if reviewer and not reviewer.is_reviewer:
        raise Forbidden
    supplier = Supplier.objects.select_for_update().get(pk=application.supplier_id)
    application = Application.objects.select_for_update().get(pk=application.pk)
    application.supplier = supplier
    if application.decided_at:
        raise ApplicationDecided
    return application


def _decide(application: Application, decision: str, *, by: User, now: datetime) -> None:
    application.decision, application.decided_by, application.decided_at = decision, by, now
    application.save()


def _set_status(supplier: Supplier, status: str, *changed: str) -> None:
    supplier.status = status
    supplier.save(update_fields=["status", *(name.removesuffix("_id") for name in changed)])
