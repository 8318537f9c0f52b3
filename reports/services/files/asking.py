"""Ask for reports, stop them and have them made again."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid, NotFound, Refusal
from accounts.services.audit import record
from orders.models import Buyer
from reports.models import CountingRule, Report
from suppliers.models import Supplier

from .keeping import ReportCorrupt, ReportNotReady, checked_file

FORMATS = {
    Report.Kind.MONTHLY: {"xlsx", "csv", "pdf"},
    Report.Kind.LEDGER: {"xlsx", "csv"},
    Report.Kind.SUPPLIER_STATEMENT: {"xlsx", "csv", "pdf"},
    Report.Kind.BUYER_CERTIFICATE: {"xlsx", "csv", "pdf"},
    Report.Kind.PAIR_MATRIX: {"xlsx", "csv"},
    Report.Kind.YEAR_BOOK: {"xlsx", "pdf"},
}
#: Whom a report is for, where it is for one of them.
OWNERS: dict[Report.Kind, type[Supplier | Buyer]] = {
    Report.Kind.SUPPLIER_STATEMENT: Supplier,
    Report.Kind.BUYER_CERTIFICATE: Buyer,
}


class ReportInWrongState(Refusal):
    """The report is not in a state in which this can be done."""


@transaction.atomic
def request_report(
    kind: str,
    month: date,
    file_format: str,
    *,
    supplier: str = "",
    buyer: str = "",
    by: User,
    now: datetime,
) -> Report:
    """
    Ask for a report; a worker makes it.

    `supplier` or `buyer` is the code of whom a statement or certificate is for; its
    own people may leave it out. Raise Forbidden for figures that `by` may not see, and
    Invalid for a month that is not counted or a format that the kind does not have.
    """
    subject = _subject(Report.Kind(kind), supplier, buyer, by=by)
    if month > timezone.localdate(now):
        raise _invalid("month", _("The month has not begun."))
    if CountingRule.objects.in_force(month) is None:
        raise _invalid("month", _("No counting rule is in force in this month."))
    if file_format not in FORMATS[Report.Kind(kind)]:
        raise _invalid("format", _("This report is not made in this format."))
    report = Report.objects.create(
        kind=kind,
        month=month,
        format=file_format,
        subject=subject,
        requested_by=by,
        requested_at=now,
    )
    asked = {"kind": kind, "month": f"{month:%Y-%m}", "format": file_format, "subject": subject}
    record("request_report", report, by=by, now=now, after=asked)
    return report


def _subject(kind: Report.Kind, supplier: str, buyer: str, *, by: User) -> str:
    """Return the code of whom the report is for; it is empty for all."""
    if supplier and kind != Report.Kind.SUPPLIER_STATEMENT:
        raise _invalid("supplier", _("This report is not about a supplier."))
    if buyer and kind != Report.Kind.BUYER_CERTIFICATE:
        raise _invalid("buyer", _("This report is not about a buyer."))
    owners = OWNERS.get(kind)
    # Reviewers see the organisations, but no figures; members see their own of both.
    if not by.sees_all_figures and (by.role or owners is None):
        raise Forbidden
    if owners is None:
        return ""
    codes = owners.objects.for_actor(by).values_list("code", flat=True)
    code = supplier or buyer
    if not by.role and not code:
        own = list(codes[:2])
        if not own:
            raise Forbidden
        code = own[0] if len(own) == 1 else ""
    if not codes.filter(code=code).exists():
        raise _invalid(owners._meta.model_name or "", _("There is no such code."))
    return code


def _invalid(field: str, detail: object) -> Invalid:
    return Invalid(errors=[ErrorItem(f"/{field}", "invalid", detail)])  # type: ignore[arg-type]


@transaction.atomic
def cancel_report(pk: UUID, *, by: User, now: datetime) -> Report:
    """
    Stop a report that is not finished; a worker that writes it gives up soon.

    Raise NotFound for a report that `by` may not see, ReportInWrongState for a finished one.
    """
    report = _locked(pk, by=by)
    if not report.is_due:
        raise ReportInWrongState
    report.status, report.failure, report.finished_at = Report.Status.FAILED, "cancelled", now
    report.save()
    record("cancel_report", report, by=by, now=now)
    return report


@transaction.atomic
def retry_report(pk: UUID, *, by: User, now: datetime) -> Report:
    """
    Have a report made again that failed, or whose file is damaged.

    Raise NotFound for a report that `by` may not see, ReportInWrongState for a sound one.
    """
    report = _locked(pk, by=by)
    if report.is_due or not _is_lost(report):
        raise ReportInWrongState
    report.status, report.failure, report.attempts = Report.Status.QUEUED, "", 0
    report.progress, report.finished_at = 0, None
    report.save()
    record("retry_report", report, by=by, now=now)
    return report


def _is_lost(report: Report) -> bool:
    try:
        checked_file(report).close()
    except (ReportCorrupt, ReportNotReady):
        return True
    return False


def _locked(pk: UUID, *, by: User) -> Report:
    report = Report.objects.shown_to(by).select_for_update(of=("self",)).filter(pk=pk).first()
    if report is None:
        raise NotFound
    return report
