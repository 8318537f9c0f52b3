"""What is known of goods on their way: which batches they are of."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet
from shop.models import Batch

from .orders import OrderLine


class LineBatchQuerySet(OwnedQuerySet):
    owner_paths = (
        "line__order__buyer__memberships__user",
        "line__consignment__supplier__members__user",
    )


class LineBatch(models.Model):
    """
    What of an order line left from one batch; never changed.

    `quantity` is in the line's unit, `drawn` in the batch's own measure. A batch that the
    system does not know stands as text in `OrderLine.batch` only.
    """

    line = models.ForeignKey(
        OrderLine, models.PROTECT, related_name="batches", verbose_name=_("order line")
    )
    batch = models.ForeignKey(
        Batch, models.PROTECT, related_name="shipped", verbose_name=_("batch")
    )
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    drawn = models.DecimalField(_("taken from the batch"), max_digits=14, decimal_places=3)

    objects = LineBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch of a line")
        verbose_name_plural = _("batches of lines")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["line", "batch"], name="line_names_a_batch_once"),
            models.CheckConstraint(
                condition=Q(quantity__range=("0.001", 999999999), drawn__gte=0),
                name="line_batch_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id} ← {self.batch_id}"
