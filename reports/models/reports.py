"""Report files and how far they are."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from orders.models import Buyer
from suppliers.models import Supplier

#: How long a notice that could not be sent waits before it is tried again.
TELL_AGAIN_AFTER = timedelta(minutes=15)


class ReportQuerySet(models.QuerySet["Report"]):
    def due(self) -> "ReportQuerySet":
        """
        Reports that are not finished, the earliest first.

        One that failed before lets the others go first.
        """
        return self.filter(status__in=["queued", "running"]).order_by("attempts", "requested_at")

    def kept(self, now: datetime) -> "ReportQuerySet":
        """Reports that are not older than they are kept."""
        return self.filter(requested_at__gte=now - timedelta(days=settings.REPORTS_KEPT_DAYS))

    def to_tell(self, now: datetime) -> "ReportQuerySet":
        """
        Scheduled reports that are ready, and whose reader may still have them and was not told.

        One that somebody has just tried to tell of waits for a while.
        """
        return self.kept(now).filter(
            Q(tried_at__isnull=True) | Q(tried_at__lt=now - TELL_AGAIN_AFTER),
            is_scheduled=True,
            status=Report.Status.READY,
            told_at__isnull=True,
            requested_by__in=User.objects.office_by_mail(),
        )

    def shown_to(self, user: User) -> "ReportQuerySet":
        """Reports whose figures `user` may see now, whoever asked for them."""
        if user.sees_all_figures:
            return self
        return self.filter(
            models.Q(
                kind="supplier_statement",
                subject__in=Supplier.objects.filter(members__user=user).values("code"),
            )
            | models.Q(
                kind="buyer_certificate",
                subject__in=Buyer.objects.filter(memberships__user=user).values("code"),
            )
        )


class Report(models.Model):
    """
    A file that somebody asked for; a worker makes it.

    A ready report has its size and digest, and the file on disk is served only
    while it still matches them. A scheduled one came by itself, once for each reader
    and month; its reader is told of it when it is ready.
    """

    class Kind(models.TextChoices):
        MONTHLY = "monthly", _("monthly form")
        LEDGER = "ledger", _("ledger")
        SUPPLIER_STATEMENT = "supplier_statement", _("supplier statement")
        BUYER_CERTIFICATE = "buyer_certificate", _("buyer certificate")
        PAIR_MATRIX = "pair_matrix", _("pair matrix")
        YEAR_BOOK = "year_book", _("year book")

    class Format(models.TextChoices):
        XLSX = "xlsx", "XLSX"
        CSV = "csv", "CSV"
        PDF = "pdf", "PDF"

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    format = models.CharField(_("format"), max_length=4, choices=Format)
    month = models.DateField(_("month"))
    subject = models.CharField(
        _("subject"),
        max_length=40,
        blank=True,
        help_text=_("Code of the supplier or buyer that a statement or certificate is for."),
    )
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.QUEUED)
    progress = models.PositiveSmallIntegerField(_("progress (%)"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    rows = models.BigIntegerField(_("rows"), null=True, blank=True)
    size = models.BigIntegerField(_("size (bytes)"), null=True, blank=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    failure = models.CharField(_("failure"), max_length=200, blank=True)
    requested_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("requested at"))
    is_scheduled = models.BooleanField(_("came by itself"), default=False, db_default=False)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    tried_at = models.DateTimeField(_("last tried to tell of it at"), null=True, blank=True)
    told_at = models.DateTimeField(_("told of it at"), null=True, blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-requested_at"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="ready")
                | Q(size__isnull=False, rows__isnull=False, sha256__regex=r"^[0-9a-f]{64}$"),
                name="ready_report_has_digest",
            ),
            models.UniqueConstraint(
                fields=["kind", "month", "format", "requested_by"],
                condition=Q(is_scheduled=True),
                name="report_comes_by_itself_once",
            ),
            models.CheckConstraint(
                condition=Q(is_scheduled=True) | Q(tried_at__isnull=True, told_at__isnull=True),
                name="only_scheduled_report_is_told_of",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.month:%Y-%m} {self.format}"

    @property
    def supplier(self) -> str:
        """Code of the supplier that a statement is for."""
        return self.subject if self.kind == self.Kind.SUPPLIER_STATEMENT else ""

    @property
    def buyer(self) -> str:
        """Code of the buyer that a certificate is for."""
        return self.subject if self.kind == self.Kind.BUYER_CERTIFICATE else ""

    @property
    def is_due(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)
