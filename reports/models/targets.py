"""What the partners agreed to reach in a year."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Division


class Target(models.Model):
    """
    The amount that a year's sales should come to.

    Of one county or of all Qiannan, to one paired district or to all buyers.
    """

    year = models.PositiveSmallIntegerField(_("year"))
    county = models.ForeignKey(
        Division,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("county"),
        limit_choices_to={"parent_id": Division.QIANNAN},
        help_text=_("Empty: all counties."),
    )
    district = models.ForeignKey(
        Division,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("paired district"),
        help_text=_("Empty: all buyers."),
    )
    amount = models.DecimalField(_("amount (yuan)"), max_digits=18, decimal_places=2)

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        ordering = ["-year", "county_id", "district_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["year", "county", "district"],
                nulls_distinct=False,
                name="target_set_once",
                violation_error_message=_("This target is set already."),
            ),
            models.CheckConstraint(
                condition=Q(amount__range=(Decimal("0.01"), Decimal("9999999999999999.99"))),
                name="target_is_positive",
                violation_error_message=_("A target is more than zero."),
            ),
            models.CheckConstraint(
                condition=Q(year__range=(2010, 2999)),
                name="target_year_within_bounds",
                violation_error_message=_("The year lies between 2010 and 2999."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.county_id or ''} {self.district_id or ''}: {self.amount}"
