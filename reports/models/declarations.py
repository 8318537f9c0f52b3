"""Files of sales made off the platform, and what became of each of their rows."""

import uuid
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Division, MediaType, User

from .ledger import LedgerEntry


class DeclarationQuerySet(models.QuerySet["Declaration"]):
    def due(self) -> "DeclarationQuerySet":
        """Declarations that a worker still has to read, book or revoke, oldest first."""
        return self.filter(status__in=Declaration.DUE).order_by("uploaded_at", "id")

    def of_month(self, month: date) -> "DeclarationQuerySet":
        """Declarations that were read and declare sales of `month`."""
        return self.filter(preview__months__contains=[{"month": f"{month:%Y-%m}"}])

    def waiting(self) -> "DeclarationQuerySet":
        """Declarations that a worker or the office still has to settle, oldest first."""
        waiting = [*Declaration.DUE, Declaration.Status.VALID]
        return self.filter(status__in=waiting).order_by("uploaded_at", "id")

    def changing(self) -> "DeclarationQuerySet":
        """Declarations on their way into the ledger or out of it."""
        return self.filter(status__in=[Declaration.Status.COMMITTING, Declaration.Status.REVOKING])


class Declaration(models.Model):
    """
    A file in which a division's office declares sales made off the platform.

    All its rows are booked or none; the same content is booked once. It goes
    received → valid or bad → committing → booked → revoking → revoked; a file that
    cannot be read at all is refused. The file itself is kept, as the evidence of what was declared.
    """

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")
        VALID = "valid", _("valid")
        BAD = "bad", _("has bad rows")
        REFUSED = "refused", _("refused")
        COMMITTING = "committing", _("committing")
        BOOKED = "booked", _("booked")
        REVOKING = "revoking", _("revoking")
        REVOKED = "revoked", _("revoked")

    #: What waits for a worker, and what holds its content.
    DUE = (Status.RECEIVED, Status.COMMITTING, Status.REVOKING)
    HOLDING = (Status.COMMITTING, Status.BOOKED, Status.REVOKING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reporter = models.ForeignKey(
        Division, models.PROTECT, related_name="+", verbose_name=_("reporter")
    )
    file_name = models.CharField(_("file name"), max_length=100)
    format = models.CharField(_("format"), max_length=4, choices=Format)
    size = models.BigIntegerField(_("size (bytes)"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    is_late = models.BooleanField(
        _("late"), default=False, help_text=_("Rows of closed months are booked in the open month.")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.RECEIVED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    failure = models.CharField(
        _("failure"), max_length=40, blank=True, help_text=_("Why the file was refused.")
    )
    rows = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    bad_rows = models.PositiveIntegerField(_("bad rows"), null=True, blank=True)
    amount = models.DecimalField(
        _("amount (yuan)"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    preview = models.JSONField(_("preview"), default=dict, blank=True)
    uploaded_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("uploaded by")
    )
    uploaded_at = models.DateTimeField(_("uploaded at"))
    booked_at = models.DateTimeField(_("booked at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoke_reason = models.CharField(_("reason of revocation"), max_length=200, blank=True)

    objects = DeclarationQuerySet.as_manager()

    class Meta:
        verbose_name = _("declaration")
        verbose_name_plural = _("declarations")
        ordering = ["-uploaded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["sha256"],
                condition=Q(status__in=["committing", "booked", "revoking"]),
                name="declaration_content_booked_once",
            ),
            models.UniqueConstraint(
                fields=["reporter", "sha256"],
                condition=~Q(status="revoked"),
                name="declaration_content_once_per_reporter",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["booked", "revoking", "revoked"], booked_at__isnull=False)
                | Q(
                    status__in=["received", "valid", "bad", "refused", "committing"],
                    booked_at__isnull=True,
                ),
                name="booked_declaration_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(status="revoked", revoked_at__isnull=False) & ~Q(revoke_reason="")
                | Q(status="revoking", revoked_at__isnull=True) & ~Q(revoke_reason="")
                | ~Q(status__in=["revoking", "revoked"])
                & Q(revoked_at__isnull=True, revoke_reason=""),
                name="revoked_declaration_has_its_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["valid", "booked", "revoking", "revoked"])
                | Q(rows__gt=0, bad_rows=0, amount__isnull=False),
                name="valid_declaration_has_no_bad_rows",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reporter_id} {self.file_name}"

    def touches(self, month: date) -> bool:
        """Whether it has rows of `month`, or is not known to have none."""
        months = self.preview.get("months", [])
        return not self.preview or f"{month:%Y-%m}" in {row["month"] for row in months}

    @property
    def path(self) -> Path:
        """Where the file is kept."""
        return settings.MEDIA_ROOT / "declarations" / f"{self.pk}.{self.format}"

    @property
    def errors_path(self) -> Path:
        """Where the same file with a column of errors is kept, once it has bad rows."""
        return self.path.with_name(f"{self.pk}-errors.{self.format}")


class DeclarationEvidence(models.Model):
    """
    A scan that the office attached to a declaration: a contract, a receipt, a signed list.

    Never changed and never deleted. `sha256` is that of the file as it is kept, under a
    name of our own: pictures are drawn anew, without what their makers wrote beside them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    declaration = models.ForeignKey(
        Declaration, models.PROTECT, related_name="evidence", verbose_name=_("declaration")
    )
    title = models.CharField(_("title"), max_length=100)
    media_type = models.CharField(_("media type"), max_length=15, choices=MediaType)
    size = models.BigIntegerField(_("size (bytes)"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    uploaded_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("uploaded by")
    )
    uploaded_at = models.DateTimeField(_("uploaded at"))

    class Meta:
        verbose_name = _("evidence file")
        verbose_name_plural = _("evidence files")
        ordering = ["uploaded_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["declaration", "sha256"], name="evidence_content_once_per_declaration"
            ),
            models.CheckConstraint(
                condition=~Q(title="")
                & Q(size__gt=0, sha256__regex=r"^[0-9a-f]{64}$")
                & Q(media_type__in=["application/pdf", "image/png", "image/jpeg"]),
                name="evidence_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def file_name(self) -> str:
        """Return the name under which it is kept and served."""
        return f"{self.pk}.{MediaType(self.media_type).suffix}"

    @property
    def path(self) -> Path:
        """Where the file is kept."""
        return settings.MEDIA_ROOT / "evidence" / self.file_name


class DeclarationProblem(models.Model):
    """Why one cell of a declared file cannot be booked; the file's header is row 1."""

    declaration = models.ForeignKey(
        Declaration, models.CASCADE, related_name="problems", verbose_name=_("declaration")
    )
    row = models.PositiveIntegerField(_("row"))
    column = models.CharField(_("column"), max_length=60, blank=True)
    code = models.CharField(_("code"), max_length=40)

    class Meta:
        verbose_name = _("declaration problem")
        verbose_name_plural = _("declaration problems")
        ordering = ["row", "id"]

    def __str__(self) -> str:
        return f"{self.row} {self.column}: {self.code}"


class DeclarationRow(models.Model):
    """
    What a booked row of a declaration says beyond its ledger entry.

    A document's line is declared once by a reporter, unless the declaration was
    revoked; rows are never deleted. That their entries and declarations exist, the
    database checks for all rows of a statement at once: a foreign key would look up
    each of a million.
    """

    entry = models.OneToOneField(
        LedgerEntry,
        models.PROTECT,
        primary_key=True,
        db_constraint=False,
        related_name="declared_row",
        verbose_name=_("ledger entry"),
    )
    declaration = models.ForeignKey(
        Declaration,
        models.PROTECT,
        related_name="booked_rows",
        db_constraint=False,
        verbose_name=_("declaration"),
    )
    reporter_code = models.CharField(_("reporter"), max_length=6)
    row = models.PositiveIntegerField(_("row"))
    document_no = models.CharField(_("document"), max_length=60)
    line_no = models.CharField(_("line"), max_length=20, blank=True)
    fapiao_no = models.CharField(_("fapiao"), max_length=20, blank=True)
    buyer_name = models.CharField(_("buyer's name"), max_length=200, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    is_revoked = models.BooleanField(_("revoked"), default=False)

    class Meta:
        verbose_name = _("declared row")
        verbose_name_plural = _("declared rows")
        constraints = [
            # In this order it also finds what other reporters declared of a document.
            models.UniqueConstraint(
                fields=["document_no", "line_no", "reporter_code"],
                condition=Q(is_revoked=False),
                name="document_line_declared_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["fapiao_no"],
                condition=Q(is_revoked=False) & ~Q(fapiao_no=""),
                name="declared_row_by_fapiao",
            )
        ]

    def __str__(self) -> str:
        return f"{self.document_no} {self.line_no}".rstrip()
