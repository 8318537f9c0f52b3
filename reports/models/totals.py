"""The stored totals and what still has to be added to them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Cell(models.Model):
    """One combination of everything that totals are asked by, with its sums."""

    month = models.DateField()
    county_code = models.CharField(max_length=6)
    region_code = models.CharField(max_length=6)
    pair_district_code = models.CharField(max_length=6)
    category_code = models.CharField(max_length=40)
    supplier_code = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)
    buyer_kind = models.CharField(max_length=12)
    channel = models.CharField(max_length=10)
    is_recognised = models.BooleanField()
    grade = models.PositiveSmallIntegerField()
    rule_id = models.PositiveSmallIntegerField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    weight_kg = models.DecimalField(max_digits=18, decimal_places=3)
    entries = models.BigIntegerField()

    #: The columns that identify a cell.
    DIMENSIONS = (
        "month",
        "county_code",
        "region_code",
        "pair_district_code",
        "category_code",
        "supplier_code",
        "kind",
        "buyer_kind",
        "channel",
        "is_recognised",
        "grade",
        "rule_id",
    )

    class Meta:
        abstract = True


class Total(Cell):
    """
    The sums of all ledger entries of a cell that were rolled up so far.

    Total plus pending always equals the ledger.
    """

    class Meta:
        verbose_name = _("total")
        verbose_name_plural = _("totals")
        constraints = [
            models.UniqueConstraint(
                fields=list(Cell.DIMENSIONS), name="one_total_per_cell", nulls_distinct=False
            )
        ]


class PendingTotal(Cell):
    """
    What one statement that wrote the ledger still adds to a cell.

    A trigger writes these rows in the writer's own transaction; rolling up takes
    them away and adds them to the totals in one transaction, so a sale is added
    exactly once, however often the task runs, is killed, or commits late.
    """

    class Meta:
        verbose_name = _("pending total")
        verbose_name_plural = _("pending totals")
