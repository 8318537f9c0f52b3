"""What suppliers promise to deliver, week by week, and what orders draw of it."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .skus import SKU, OwnedBySKUQuerySet

WEEK = timedelta(days=7)


def week_of(day: date) -> date:
    """Return the Monday of the week that `day` lies in: what names a week here."""
    return day - timedelta(days=day.weekday())


def name_of_week(monday: date) -> str:
    """Return the week's name in ISO 8601, such as 2026-W49."""
    year, week, _day = monday.isocalendar()
    return f"{year}-W{week:02}"


class SupplyPromiseQuerySet(OwnedBySKUQuerySet):
    def ahead(self, day: date) -> "SupplyPromiseQuerySet":
        """Promises for the week of `day` and later ones, the next week first."""
        return self.filter(week__gte=week_of(day)).order_by("week")


class SupplyPromise(models.Model):
    """
    How much of a SKU its supplier promises to deliver in a week, in the SKU's own unit.

    Orders with a delivery date in that week draw on it. A SKU that is promised for this
    week or a later one is delivered in promised weeks only. `taken` is kept by a trigger:
    it is always the sum of what order lines drew. The stock row is the gate of it all.
    """

    sku = models.ForeignKey(SKU, models.PROTECT, related_name="promises", verbose_name=_("SKU"))
    week = models.DateField(_("week"), help_text=_("Its Monday."))
    quantity = models.DecimalField(_("promised"), max_digits=14, decimal_places=3)
    taken = models.DecimalField(
        _("ordered of it"),
        max_digits=14,
        decimal_places=3,
        default=Decimal(0),
        db_default=Decimal(0),
        editable=False,
    )

    objects = SupplyPromiseQuerySet.as_manager()

    class Meta:
        verbose_name = _("supply promise")
        verbose_name_plural = _("supply promises")
        ordering = ["week", "sku"]
        constraints = [
            models.UniqueConstraint(fields=["sku", "week"], name="one_promise_per_sku_and_week"),
            models.CheckConstraint(
                condition=Q(week__iso_week_day=1), name="promised_week_begins_on_monday"
            ),
            models.CheckConstraint(
                condition=Q(quantity__range=(Decimal("0.001"), Decimal("99999999999.999"))),
                name="promise_positive",
            ),
            models.CheckConstraint(
                condition=Q(taken__gte=0, taken__lte=F("quantity")),
                name="promise_taken_within_quantity",
                violation_error_message=_("Orders already took more than this."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku_id} {self.name}: {self.taken} / {self.quantity}"

    @property
    def name(self) -> str:
        """The week's name in ISO 8601."""
        return name_of_week(self.week)

    @property
    def until(self) -> date:
        """The week's Sunday."""
        return self.week + WEEK - timedelta(days=1)

    @property
    def left(self) -> Decimal:
        """What can still be ordered of it."""
        return self.quantity - self.taken


class PromiseDraw(models.Model):
    """
    What an order line draws of a promise, until the line is cancelled or declined.

    `line_id` is the order line's key; the line's own app lies above this one, so there is
    no foreign key. Unlike a reservation it outlives shipping.
    """

    promise = models.ForeignKey(
        SupplyPromise, models.PROTECT, related_name="draws", verbose_name=_("supply promise")
    )
    line_id = models.BigIntegerField(_("order line"), unique=True)
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=3)

    class Meta:
        verbose_name = _("draw on a promise")
        verbose_name_plural = _("draws on promises")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__range=(Decimal("0.001"), Decimal("99999999999.999"))),
                name="promise_draw_positive",
            )
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.quantity}"


def weeks_from(day: date, count: int) -> Sequence[date]:
    """Return the Mondays of `count` weeks, that of `day` first."""
    first = week_of(day)
    return [first + number * WEEK for number in range(count)]
