"""What is known of goods on their way: what left when, of which batches, and how cold it was."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet, User
from shop.models import Batch

from .orders import Consignment, OrderLine


class Shipment(models.Model):
    """What of a consignment left at once; it leaves in one or in several. Never changed."""

    consignment = models.ForeignKey(
        Consignment, models.PROTECT, related_name="shipments", verbose_name=_("consignment")
    )
    number = models.PositiveSmallIntegerField(_("number"), help_text=_("From 1 on."))
    carrier = models.CharField(_("carrier"), max_length=60, blank=True)
    tracking = models.CharField(_("tracking number"), max_length=60, blank=True)
    shipped_at = models.DateTimeField(_("shipped at"))

    class Meta:
        verbose_name = _("shipment")
        verbose_name_plural = _("shipments")
        ordering = ["consignment", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["consignment", "number"], name="shipment_number_once_per_consignment"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="shipments_count_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.consignment_id}/{self.number}"


class ShipmentLine(models.Model):
    """How much of an order line left with a shipment, in the line's unit; never changed."""

    shipment = models.ForeignKey(
        Shipment, models.PROTECT, related_name="lines", verbose_name=_("shipment")
    )
    line = models.ForeignKey(
        OrderLine, models.PROTECT, related_name="shipments", verbose_name=_("order line")
    )
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    batch = models.CharField(
        _("batch"), max_length=500, blank=True, help_text=_("As the supplier named it.")
    )

    class Meta:
        verbose_name = _("line of a shipment")
        verbose_name_plural = _("lines of shipments")
        ordering = ["shipment", "line"]
        indexes = [
            models.Index(fields=["batch"], condition=~Q(batch=""), name="shipped_lines_by_batch")
        ]
        constraints = [
            models.UniqueConstraint(fields=["shipment", "line"], name="shipment_has_a_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__range=("0.001", 999999999)),
                name="shipment_line_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shipment_id}: {self.line_id} {self.quantity}"


class LineBatchQuerySet(OwnedQuerySet):
    owner_paths = (
        "line__order__buyer__memberships__user",
        "line__consignment__supplier__members__user",
    )


class LineBatch(models.Model):
    """
    What of an order line left from one batch with a shipment; never changed.

    `quantity` is in the line's unit, `drawn` in the batch's own measure. A batch that the
    system does not know stands as text in `ShipmentLine.batch` only.
    """

    line = models.ForeignKey(
        OrderLine, models.PROTECT, related_name="batches", verbose_name=_("order line")
    )
    batch = models.ForeignKey(
        Batch, models.PROTECT, related_name="shipped", verbose_name=_("batch")
    )
    shipment = models.ForeignKey(
        Shipment, models.PROTECT, related_name="batches", verbose_name=_("shipment")
    )
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    drawn = models.DecimalField(_("taken from the batch"), max_digits=14, decimal_places=3)

    objects = LineBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch of a line")
        verbose_name_plural = _("batches of lines")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["shipment", "line", "batch"], name="shipment_names_a_batch_once_per_line"
            ),
            models.CheckConstraint(
                condition=Q(quantity__range=("0.001", 999999999), drawn__gte=0),
                name="line_batch_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id} ← {self.batch_id}"


class TemperatureReadingQuerySet(OwnedQuerySet):
    owner_paths = (
        "consignment__order__buyer__memberships__user",
        "consignment__supplier__members__user",
    )


class TemperatureReading(models.Model):
    """How cold it was beside the goods of a consignment at a moment; never changed."""

    class Source(models.TextChoices):
        BY_HAND = "by_hand", _("read by hand")
        LOGGER = "logger", _("logger")

    consignment = models.ForeignKey(
        Consignment, models.PROTECT, related_name="readings", verbose_name=_("consignment")
    )
    at = models.DateTimeField(_("at"))
    degrees = models.DecimalField(_("temperature (°C)"), max_digits=4, decimal_places=1)
    source = models.CharField(_("source"), max_length=8, choices=Source)
    entered_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("entered by")
    )
    entered_at = models.DateTimeField(_("entered at"))

    objects = TemperatureReadingQuerySet.as_manager()

    class Meta:
        verbose_name = _("temperature reading")
        verbose_name_plural = _("temperature readings")
        ordering = ["consignment", "at"]
        constraints = [
            models.UniqueConstraint(fields=["consignment", "at"], name="one_reading_at_a_time"),
            models.CheckConstraint(
                condition=Q(degrees__range=(-80, 80)), name="reading_within_bounds"
            ),
            models.CheckConstraint(
                condition=Q(source__in=["by_hand", "logger"]), name="reading_source_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.degrees} °C"
