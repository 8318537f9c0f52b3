"""Proofs that suppliers hold, with their files."""

from datetime import date, timedelta

from django.core.files.storage import FileSystemStorage
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .suppliers import OwnedBySupplierQuerySet, Supplier

#: How long before its end a document is shown as ending.
SOON = timedelta(days=30)


def private_files() -> FileSystemStorage:
    """Return where files lie that only a view hands out, to those who may see their rows."""
    return FileSystemStorage(base_url="/files/")


class CertificateQuerySet(OwnedBySupplierQuerySet):
    def valid(self, day: date) -> "CertificateQuerySet":
        """Certificates valid on `day`; `valid_until` is the last valid day."""
        return self.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=day), valid_from__lte=day
        )

    def expiring(self, day: date) -> "CertificateQuerySet":
        """Certificates that end within a month from `day`, the next to end first."""
        return self.filter(valid_until__range=(day, day + SOON)).order_by("valid_until", "id")

    def shown(self) -> "CertificateQuerySet":
        """Certificates that everybody may see; a business licence tells the credit code."""
        return self.exclude(kind=Certificate.Kind.BUSINESS_LICENCE)


class Certificate(models.Model):
    """
    A proof with a validity, held by a supplier and shown on the products it covers.

    Once the selection centre has checked it, it stays as it is; its successor is a new one.
    """

    class Kind(models.TextChoices):
        GREEN = "green", _("green food")
        ORGANIC = "organic", _("organic")
        GI = "gi", _("geographical indication")
        FOOD_LICENCE = "food_licence", _("food production licence")
        BREEDING_PERMIT = "breeding_permit", _("breeding and use permit")
        BUSINESS_LICENCE = "business_licence", _("business licence")
        CONFORMITY = "conformity", _("conformity certificate")
        TEST_REPORT = "test_report", _("test report")
        TRACE_CODE = "trace_code", _("trace code")
        COLD_CHAIN = "cold_chain", _("cold-chain record")
        OTHER = "other", _("other")

    supplier = models.ForeignKey(
        Supplier, models.CASCADE, related_name="certificates", verbose_name=_("supplier")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    number = models.CharField(_("number"), max_length=60)
    issuer = models.CharField(_("issuer"), max_length=100)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(
        _("valid until"),
        null=True,
        blank=True,
        help_text=_("The last valid day; empty when it does not end."),
    )
    file = models.FileField(
        _("file"),
        upload_to="certificates/",
        storage=private_files,
        blank=True,
        default="",
        db_default="",
        help_text=_("PDF, PNG or JPEG of at most 20 MB; a photo with a phone is enough."),
    )
    sha256 = models.CharField(
        _("SHA-256"), max_length=64, blank=True, default="", db_default="", editable=False
    )
    entered_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("entered by"),
    )
    checked_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("checked by"),
    )
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True, editable=False)

    objects = CertificateQuerySet.as_manager()

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        ordering = ["valid_until", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["supplier", "kind", "number"],
                name="certificate_entered_once",
                violation_error_message=_("This certificate is entered already."),
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="certificate_ends_after_it_starts",
                violation_error_message=_("A certificate cannot end before it starts."),
            ),
            models.CheckConstraint(
                condition=Q(file="", sha256="") | ~Q(file="") & Q(sha256__regex=r"^[0-9a-f]{64}$"),
                name="certificate_file_has_a_digest",
            ),
            models.CheckConstraint(
                condition=Q(checked_by=None, checked_at=None)
                | Q(checked_by__isnull=False, checked_at__isnull=False) & ~Q(file=""),
                name="certificate_checked_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"

    @property
    def is_checked(self) -> bool:
        return self.checked_at is not None
