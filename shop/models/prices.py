"""Prices per quantity, each valid for a time."""

from datetime import date
from decimal import Decimal

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from .skus import SKU, OwnedBySKUQuerySet


class PriceTierQuerySet(OwnedBySKUQuerySet):
    def in_force(self, day: date) -> "PriceTierQuerySet":
        """Tiers whose price applies on `day`."""
        return self.filter(Q(sold_until__isnull=True) | Q(sold_until__gt=day), sold_from__lte=day)


class PriceTier(models.Model):
    """
    The tax-inclusive price of one unit from a quantity on, in yuan with 4 places.

    Validity is half-open: `sold_until` is the first day on which it no longer applies.
    """

    sku = models.ForeignKey(SKU, models.CASCADE, related_name="tiers", verbose_name=_("SKU"))
    from_quantity = models.DecimalField(_("from quantity"), max_digits=12, decimal_places=3)
    unit_price = models.DecimalField(_("unit price (yuan)"), max_digits=12, decimal_places=4)
    sold_from = models.DateField(_("sold from"))
    sold_until = models.DateField(_("sold until"), null=True, blank=True)

    objects = PriceTierQuerySet.as_manager()

    class Meta:
        verbose_name = _("price tier")
        verbose_name_plural = _("price tiers")
        ordering = ["sku", "from_quantity", "sold_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(unit_price__range=(Decimal("0.0001"), Decimal("99999999.9999"))),
                name="price_positive",
                violation_error_message=_("The price must be more than zero."),
            ),
            models.CheckConstraint(
                condition=Q(from_quantity__range=(0, 999999999)),
                name="price_from_quantity_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(sold_until__isnull=True) | Q(sold_until__gt=F("sold_from")),
                name="price_ends_after_it_starts",
                violation_error_message=_("A price cannot end before it starts."),
            ),
            ExclusionConstraint(
                name="one_price_per_quantity_and_day",
                expressions=[
                    ("sku", RangeOperators.EQUAL),
                    ("from_quantity", RangeOperators.EQUAL),
                    (
                        Func(F("sold_from"), F("sold_until"), Value("[)"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_(
                    "Another price from the same quantity overlaps this one."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"≥ {self.from_quantity}: {self.unit_price}"
