"""SKUs: the packs in which a product is sold."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet

from .products import OwnedByProductQuerySet, Product


class OwnedBySKUQuerySet(OwnedQuerySet):
    owner_paths = ("sku__product__supplier__members__user",)


class SKU(models.Model):
    """
    A pack of a product: what an order line names.

    Quantities are in `unit`; `net_weight_kg` converts one unit to kilograms. The
    price of a weighed SKU applies to the accepted weight, which may differ from
    the ordered one by `tolerance_percent`.
    """

    class Unit(models.TextChoices):
        KG = "kg", _("kg")
        JIN = "jin", _("jin")
        TONNE = "t", _("t")
        PIECE = "piece", _("piece")
        BOX = "box", _("box")
        CASE = "case", _("case")
        CARTON = "carton", _("carton")
        BAG = "bag", _("bag")
        TIN = "tin", _("tin")
        SET = "set", _("set")

    class TaxTreatment(models.TextChoices):
        EXEMPT = "exempt", _("exempt")
        ZERO = "zero", _("zero-rated")
        TAXABLE = "taxable", _("taxable")

    product = models.ForeignKey(
        Product, models.PROTECT, related_name="skus", verbose_name=_("product")
    )
    code = models.SlugField(_("SKU"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    unit = models.CharField(_("unit"), max_length=8, choices=Unit)
    net_weight_kg = models.DecimalField(_("net weight (kg)"), max_digits=10, decimal_places=4)
    is_weighed = models.BooleanField(_("weighed at delivery"), default=False)
    tolerance_percent = models.DecimalField(
        _("weight tolerance (%)"), max_digits=5, decimal_places=2, default=Decimal(0)
    )
    minimum = models.DecimalField(
        _("minimum order quantity"), max_digits=12, decimal_places=3, default=Decimal(1)
    )
    multiple = models.DecimalField(
        _("order multiple"), max_digits=12, decimal_places=3, default=Decimal(1)
    )
    tax_treatment = models.CharField(_("tax treatment"), max_length=8, choices=TaxTreatment)
    tax_rate = models.DecimalField(
        _("tax rate"), max_digits=4, decimal_places=3, default=Decimal(0)
    )
    tax_basis = models.CharField(_("legal basis of the tax treatment"), max_length=200)
    is_active = models.BooleanField(_("for sale"), default=True)

    objects = OwnedByProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("SKU")
        verbose_name_plural = _("SKUs")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(net_weight_kg__range=(Decimal("0.0001"), 99999)),
                name="sku_weighs_something",
                violation_error_message=_("The net weight must be more than zero."),
            ),
            models.CheckConstraint(
                condition=Q(
                    minimum__range=(Decimal("0.001"), 999999999),
                    multiple__range=(Decimal("0.001"), 999999999),
                ),
                name="sku_minimum_and_multiple_positive",
                violation_error_message=_("Minimum and multiple must be more than zero."),
            ),
            models.CheckConstraint(
                condition=Q(tolerance_percent__range=(0, 50)),
                name="sku_tolerance_within_bounds",
                violation_error_message=_("The tolerance lies between 0 and 50 %."),
            ),
            models.CheckConstraint(
                condition=Q(tax_treatment="taxable", tax_rate__range=(Decimal("0.001"), 1))
                | Q(tax_treatment__in=["exempt", "zero"], tax_rate=0),
                name="sku_tax_rate_fits_treatment",
                violation_error_message=_("Only a taxable SKU has a tax rate, and it has one."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
