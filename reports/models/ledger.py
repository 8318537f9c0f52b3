"""The append-only ledger that every figure is summed from."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from orders.models import Buyer, Channel, ClaimLine, OrderLine

from .rules import ContributionKind, CountingRule, Grade

AMOUNT_MAX = Decimal("999999999999.99")


class MonthOf(Func):
    """The first day of the month in which a moment lies in Asia/Shanghai."""

    template = "(date_trunc('month', timezone('Asia/Shanghai', %(expressions)s)))::date"
    output_field = models.DateField()


class LedgerEntry(models.Model):
    """
    One sale, or one correction of a sale, that the official figure counts.

    Never changed and never deleted: a correction is a new entry that points to
    what it corrects. A regrade is two: what is left of a line, taken from one
    evidence grade and put to another. `booked_at` decides the month, in Asia/Shanghai; the
    database derives it, marks the totals to bring up to date, and refuses
    entries of a closed month. `amount` is of goods, `freight` stands beside it. Codes are
    copied, so nothing that is renamed or moved later reaches a booked figure. An empty code
    means: not known.
    """

    class Source(models.TextChoices):
        ACCEPTANCE = "acceptance", _("acceptance")
        CLAIM = "claim", _("claim")
        DECLARATION = "declaration", _("declaration")
        CORRECTION = "correction", _("correction")
        REGRADE = "regrade", _("change of evidence")

    source = models.CharField(_("source"), max_length=12, choices=Source)
    booked_at = models.DateTimeField(_("booked at"))
    month = models.GeneratedField(
        expression=MonthOf(F("booked_at")), output_field=models.DateField(), db_persist=True
    )
    occurred_on = models.DateField(_("occurred on"))
    # An index on a column with a handful of values, or with none in most rows, would cost
    # every entry and serve no question; the partial ones below serve theirs.
    rule = models.ForeignKey(
        CountingRule,
        models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("counting rule"),
    )
    order_line = models.ForeignKey(
        OrderLine,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="ledger_entries",
        db_index=False,
        verbose_name=_("order line"),
    )
    claim_line = models.OneToOneField(
        ClaimLine,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="ledger_entry",
        verbose_name=_("claim line"),
    )
    corrects = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="corrections",
        db_index=False,
        verbose_name=_("corrects"),
    )
    corrects_month = models.DateField(
        _("corrects the month"),
        null=True,
        blank=True,
        help_text=_("First day of the closed month that this entry belongs to."),
    )
    product_name = models.CharField(_("product"), max_length=210)
    category_code = models.CharField(_("category"), max_length=40)
    county_code = models.CharField(_("county"), max_length=6)
    supplier_code = models.CharField(_("supplier"), max_length=40, blank=True)
    buyer_code = models.CharField(_("buyer"), max_length=40, blank=True)
    buyer_kind = models.CharField(_("buyer kind"), max_length=12, choices=Buyer.Kind)
    region_code = models.CharField(_("buyer region"), max_length=6, blank=True)
    pair_district_code = models.CharField(_("paired district"), max_length=6, blank=True)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    kind = models.CharField(_("contribution"), max_length=12, choices=ContributionKind)
    is_recognised = models.BooleanField(_("recognised"))
    grade = models.PositiveSmallIntegerField(_("evidence grade"), choices=Grade)
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=20)
    weight_kg = models.DecimalField(_("weight (kg)"), max_digits=14, decimal_places=3)
    amount = models.DecimalField(_("amount (yuan)"), max_digits=14, decimal_places=2)
    freight = models.DecimalField(
        _("freight (yuan)"),
        max_digits=14,
        decimal_places=2,
        default=Decimal(0),
        db_default=Decimal(0),
    )
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["month", "id"]
        indexes = [
            models.Index(fields=["month", "id"], name="ledger_by_month"),
            models.Index(
                fields=["order_line"],
                condition=Q(order_line__isnull=False),
                name="ledger_by_order_line",
            ),
            models.Index(
                fields=["corrects"],
                condition=Q(corrects__isnull=False),
                name="ledger_by_corrected",
            ),
            models.Index(
                fields=["corrects_month"],
                condition=Q(corrects_month__isnull=False),
                name="ledger_by_corrected_month",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order_line"],
                condition=Q(source="acceptance"),
                name="order_line_counts_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount__range=(-AMOUNT_MAX, AMOUNT_MAX),
                    freight__range=(-AMOUNT_MAX, AMOUNT_MAX),
                    quantity__range=(Decimal("-99999999999"), Decimal("99999999999")),
                    weight_kg__range=(Decimal("-99999999999"), Decimal("99999999999")),
                ),
                name="entry_amounts_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(source="acceptance", order_line__isnull=False)
                | Q(source="claim", claim_line__isnull=False, corrects__isnull=False)
                | Q(source="correction", corrects__isnull=False)
                | Q(source="regrade", order_line__isnull=False, corrects__isnull=False)
                | Q(source="declaration"),
                name="entry_has_its_source",
            ),
            models.CheckConstraint(
                condition=Q(corrects_month__isnull=True) | Q(corrects_month__day=1),
                name="entry_corrects_a_whole_month",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.amount}"
