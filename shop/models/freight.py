"""What suppliers charge for delivery."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Division
from suppliers.models import OwnedBySupplierQuerySet, Supplier


class FreightRate(models.Model):
    """
    What a supplier charges for delivering a consignment to a place, in yuan with tax.

    The rate of the district applies before that of its city, and one without a place
    everywhere else. Without any, delivery is in the price of the goods.
    """

    supplier = models.ForeignKey(
        Supplier, models.CASCADE, related_name="freight_rates", verbose_name=_("supplier")
    )
    destination = models.ForeignKey(
        Division,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("destination"),
        help_text=_("Empty: everywhere else."),
    )
    per_kg = models.DecimalField(_("per kg (yuan)"), max_digits=8, decimal_places=4)
    minimum = models.DecimalField(
        _("at least (yuan)"), max_digits=10, decimal_places=2, default=Decimal(0)
    )
    free_from = models.DecimalField(
        _("free from goods worth (yuan)"),
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Empty: never free."),
    )

    objects = OwnedBySupplierQuerySet.as_manager()

    class Meta:
        verbose_name = _("freight rate")
        verbose_name_plural = _("freight rates")
        ordering = ["supplier", "destination"]
        constraints = [
            models.UniqueConstraint(
                fields=["supplier", "destination"],
                nulls_distinct=False,
                name="one_freight_rate_per_destination",
                violation_error_message=_("There is a rate for this destination already."),
            ),
            models.CheckConstraint(
                condition=Q(
                    per_kg__range=(0, Decimal("9999.9999")), minimum__range=(0, 99_999_999)
                ),
                name="freight_rate_within_bounds",
                violation_error_message=_("Freight cannot be less than nothing."),
            ),
            models.CheckConstraint(
                condition=Q(free_from__isnull=True) | Q(free_from__range=(0, 999_999_999_999)),
                name="freight_free_from_within_bounds",
                violation_error_message=_("Freight cannot be less than nothing."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supplier} → {self.destination or '*'}"
