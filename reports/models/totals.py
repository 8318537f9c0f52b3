"""The stored totals, how fine they are, and what still has to be added to them."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

#: The columns that totals tell apart, next to the month, the grade and the rule.
DIMENSIONS = (
    "county_code",
    "region_code",
    "pair_district_code",
    "category_code",
    "supplier_code",
    "kind",
    "buyer_kind",
    "channel",
    "is_recognised",
)

#: The sets of columns that totals are stored by, side by side. The coarse ones hold every two
#: dimensions in a few cells, whatever the ledger's size; the last one answers the rest.
GRAINS = (
    (
        "county_code",
        "pair_district_code",
        "category_code",
        "kind",
        "buyer_kind",
        "channel",
        "is_recognised",
    ),
    ("county_code", "region_code", "pair_district_code"),
    ("region_code", "category_code"),
    ("region_code", "kind", "buyer_kind", "channel", "is_recognised"),
    ("county_code", "category_code", "supplier_code", "is_recognised"),
    ("county_code", "pair_district_code", "supplier_code", "kind", "buyer_kind", "channel"),
    DIMENSIONS,
)


class Cell(models.Model):
    """One combination of what totals are asked by, with its sums."""

    month = models.DateField()
    grade = models.PositiveSmallIntegerField()
    rule_id = models.PositiveSmallIntegerField()
    county_code = models.CharField(max_length=6)
    region_code = models.CharField(max_length=6)
    pair_district_code = models.CharField(max_length=6)
    category_code = models.CharField(max_length=40)
    supplier_code = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)
    buyer_kind = models.CharField(max_length=12)
    channel = models.CharField(max_length=10)
    is_recognised = models.BooleanField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    weight_kg = models.DecimalField(max_digits=18, decimal_places=3)
    freight = models.DecimalField(
        max_digits=18, decimal_places=2, default=Decimal(0), db_default=Decimal(0)
    )
    entries = models.BigIntegerField()

    class Meta:
        abstract = True


class Total(Cell):
    """
    The sums of all ledger entries of a cell that were rolled up so far.

    `grain` says which columns the row tells apart; the others are empty. It is what
    PostgreSQL's GROUPING says of them: one bit a column, set where it is left out.
    Total plus pending always equals the ledger.
    """

    pk = models.CompositePrimaryKey("grain", "month", "grade", "rule_id", *DIMENSIONS)
    grain = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("total")
        verbose_name_plural = _("totals")


class PendingTotal(Cell):
    """
    What one statement that wrote the ledger still adds to the totals.

    A trigger writes these rows in the writer's own transaction; rolling up takes
    them away and adds them to the totals in one transaction, so a sale is added
    exactly once, however often the task runs, is killed, or commits late.
    """

    class Meta:
        verbose_name = _("pending total")
        verbose_name_plural = _("pending totals")


class RollUp(models.Model):
    """
    The one row that says up to when the totals are brought up to date.

    Whoever holds its lock changes the totals; nobody else does meanwhile.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    rolled_up_at = models.DateTimeField(_("rolled up at"))

    class Meta:
        verbose_name = _("roll-up")
        verbose_name_plural = _("roll-ups")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_roll_up_state")]
