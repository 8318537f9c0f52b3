"""Suppliers, their people, producers and bases, and what they do for local households."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Division, OwnedQuerySet, User
from suppliers.identifiers import validate_uscc


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
