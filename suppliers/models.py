"""Suppliers and what makes them credible: producers, bases, certificates, assistance."""

from datetime import date, datetime, timedelta

from django.core.files.storage import FileSystemStorage
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Division, OwnedQuerySet, User

from .identifiers import validate_uscc

#: How long before its end a document is shown as ending.
SOON = timedelta(days=30)
TELL_AGAIN_AFTER = timedelta(minutes=15)


class OwnedBySupplierQuerySet(OwnedQuerySet):
    owner_paths = ("supplier__members__user",)


class SupplierQuerySet(OwnedQuerySet):
    owner_paths = ("members__user",)

    def selling(self) -> "SupplierQuerySet":
        """Suppliers whose listed products can be bought."""
        return self.filter(status=Supplier.Status.APPROVED)

    def applying(self) -> "SupplierQuerySet":
        """Suppliers about which the county or the selection centre has to decide."""
        return self.filter(status__in=Supplier.APPLYING)


class Supplier(models.Model):
    """
    An organisation that sells on the platform.

    A trading company sells only as an entrusted agent: its products name another
    producer.
    """

    class Kind(models.TextChoices):
        COMPANY = "company", _("producing company")
        COOPERATIVE = "cooperative", _("co-operative")
        FAMILY_FARM = "family_farm", _("family farm")
        COLLECTIVE = "collective", _("village collective")
        WORKSHOP = "workshop", _("assistance workshop")
        AGENT = "agent", _("trading company (agent)")

    class Status(models.TextChoices):
        APPLIED = "applied", _("applied")
        RECOMMENDED = "recommended", _("recommended by the county")
        APPROVED = "approved", _("approved")
        SUSPENDED = "suspended", _("suspended")
        REJECTED = "rejected", _("rejected")

    APPLYING = (Status.APPLIED, Status.RECOMMENDED)

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    uscc = models.CharField(
        _("unified social credit code"), max_length=18, unique=True, validators=[validate_uscc]
    )
    county = models.ForeignKey(
        Division,
        models.PROTECT,
        related_name="+",
        verbose_name=_("county"),
        limit_choices_to={"parent_id": Division.QIANNAN},
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.APPLIED)
    introduction = models.TextField(_("introduction"), max_length=2000, blank=True)
    contact_name = models.CharField(_("contact"), max_length=40, blank=True)
    contact_phone = models.CharField(_("contact phone"), max_length=20, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = SupplierQuerySet.as_manager()

    class Meta:
        verbose_name = _("supplier")
        verbose_name_plural = _("suppliers")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=["applied", "recommended", "approved", "suspended", "rejected"]
                ),
                name="supplier_status_is_known",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_selling(self) -> bool:
        return self.status == self.Status.APPROVED


class SupplierMember(models.Model):
    """A person who works for a supplier; one person works for one supplier."""

    supplier = models.ForeignKey(
        Supplier, models.CASCADE, related_name="members", verbose_name=_("supplier")
    )
    user = models.OneToOneField(
        User, models.CASCADE, related_name="supplier_membership", verbose_name=_("user")
    )

    objects = OwnedBySupplierQuerySet.as_manager()

    class Meta:
        verbose_name = _("supplier member")
        verbose_name_plural = _("supplier members")

    def __str__(self) -> str:
        return f"{self.user} – {self.supplier}"


class Producer(models.Model):
    """
    Who grew or made a product; a supplier that sells its own names itself.

    A village household group has no credit code, so `uscc` may be empty.
    """

    supplier = models.ForeignKey(
        Supplier,
        models.CASCADE,
        related_name="producers",
        verbose_name=_("supplier"),
        help_text=_("The supplier that entered this producer."),
    )
    name = models.CharField(_("name"), max_length=100)
    county = models.ForeignKey(
        Division,
        models.PROTECT,
        related_name="+",
        verbose_name=_("county"),
        limit_choices_to={"parent_id": Division.QIANNAN},
    )
    uscc = models.CharField(
        _("unified social credit code"), max_length=18, blank=True, validators=[validate_uscc]
    )
    mandate = models.CharField(
        _("mandate"),
        max_length=100,
        blank=True,
        help_text=_("Number of the contract that entrusts an agent with the sale."),
    )

    objects = OwnedBySupplierQuerySet.as_manager()

    class Meta:
        verbose_name = _("producer")
        verbose_name_plural = _("producers")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["supplier", "name"], name="producer_named_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Base(models.Model):
    """A growing base; a vegetable-basket base sends every lot tested and with a trace code."""

    supplier = models.ForeignKey(
        Supplier, models.CASCADE, related_name="bases", verbose_name=_("supplier")
    )
    code = models.SlugField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=100)
    county = models.ForeignKey(
        Division,
        models.PROTECT,
        related_name="+",
        verbose_name=_("county"),
        limit_choices_to={"parent_id": Division.QIANNAN},
    )
    area_mu = models.DecimalField(
        _("area (mu)"), max_digits=10, decimal_places=2, validators=[MinValueValidator(0)]
    )
    is_vegetable_basket = models.BooleanField(_("vegetable-basket base"), default=False)

    objects = OwnedBySupplierQuerySet.as_manager()

    class Meta:
        verbose_name = _("base")
        verbose_name_plural = _("bases")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(area_mu__range=(0, 99999999)), name="base_area_within_bounds"
            )
        ]

    def __str__(self) -> str:
        return self.name


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


class ApplicationQuerySet(OwnedBySupplierQuerySet):
    def waiting(self) -> "ApplicationQuerySet":
        """Applications that the county or the selection centre has to look at."""
        return self.filter(decided_at__isnull=True)

    def to_tell(self, now: datetime) -> "ApplicationQuerySet":
        """Decided applications whose applicant was not told; just tried, one waits for a while."""
        return self.filter(
            Q(tried_at__isnull=True) | Q(tried_at__lt=now - TELL_AGAIN_AFTER),
            decided_at__isnull=False,
            told_at__isnull=True,
        ).exclude(email="")


class Application(models.Model):
    """
    That somebody wants to sell here, and what the county and the selection centre said.

    The county recommends, the centre decides; one person never does both.
    """

    class Decision(models.TextChoices):
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    class Reason(models.TextChoices):
        IDENTITY = "identity", _("licence and details do not agree")
        ORIGIN = "origin", _("sells nothing from Qiannan")
        DOCUMENTS = "documents", _("documents missing or expired")
        OTHER = "other", _("other, see the note")

    supplier = models.ForeignKey(
        Supplier, models.PROTECT, related_name="applications", verbose_name=_("supplier")
    )
    email = models.EmailField(_("e-mail"), blank=True)
    applied_at = models.DateTimeField(_("applied at"))
    recommended_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recommended by"),
    )
    recommended_at = models.DateTimeField(_("recommended at"), null=True, blank=True)
    recommendation = models.CharField(_("recommendation"), max_length=500, blank=True)
    decision = models.CharField(_("decision"), max_length=8, choices=Decision, blank=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    tried_at = models.DateTimeField(_("tried at"), null=True, blank=True)
    told_at = models.DateTimeField(_("told at"), null=True, blank=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["-applied_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["supplier"],
                condition=Q(decided_at__isnull=True),
                name="one_application_waits",
            ),
            models.CheckConstraint(
                condition=Q(recommended_by=None, recommended_at=None)
                | Q(recommended_by__isnull=False, recommended_at__isnull=False),
                name="application_recommended_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_by=None, decided_at=None, reason="")
                | Q(decided_by__isnull=False, decided_at__isnull=False)
                & (
                    Q(decision="approved", reason="", recommended_by__isnull=False)
                    | Q(decision="rejected") & ~Q(reason="")
                ),
                name="application_decision_says_who_and_why",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None)
                | Q(recommended_by=None)
                | ~Q(decided_by=F("recommended_by")),
                name="application_seen_by_two",
            ),
        ]

    def __str__(self) -> str:
        return self.supplier.name


class AssistanceProfile(models.Model):
    """What a supplier did for local households in one year (the benefit linkage)."""

    supplier = models.ForeignKey(
        Supplier, models.CASCADE, related_name="profiles", verbose_name=_("supplier")
    )
    year = models.PositiveSmallIntegerField(_("year"))
    households = models.PositiveIntegerField(_("linked households"), default=0)
    jobs = models.PositiveIntegerField(_("jobs"), default=0)
    land_rent = models.DecimalField(
        _("land rent paid (yuan)"), max_digits=14, decimal_places=2, default=0
    )

    objects = OwnedBySupplierQuerySet.as_manager()

    class Meta:
        verbose_name = _("assistance profile")
        verbose_name_plural = _("assistance profiles")
        ordering = ["-year"]
        constraints = [
            models.UniqueConstraint(fields=["supplier", "year"], name="one_profile_a_year"),
            models.CheckConstraint(
                condition=Q(land_rent__range=(0, 999999999999)), name="land_rent_within_bounds"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supplier} {self.year}"
