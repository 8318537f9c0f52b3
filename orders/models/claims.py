"""Claims after acceptance."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet, User

from .orders import MONEY_MAX, Consignment, OrderLine


class ClaimQuerySet(OwnedQuerySet):
    owner_paths = (
        "consignment__order__buyer__memberships__user",
        "consignment__supplier__members__user",
    )


class Claim(models.Model):
    """
    A buyer's complaint about accepted goods.

    Settling it fixes the refund, which counts against the month of settlement.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        SETTLED = "settled", _("settled")

    consignment = models.ForeignKey(
        Consignment, models.PROTECT, related_name="claims", verbose_name=_("consignment")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("opened by")
    )
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    settled_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("settled by")
    )
    amount = models.DecimalField(
        _("refund (yuan)"), max_digits=14, decimal_places=2, null=True, blank=True
    )

    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="open", amount__isnull=True, settled_at__isnull=True)
                | Q(status="settled", amount__range=(0, MONEY_MAX), settled_at__isnull=False),
                name="claim_settled_with_amount_and_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.consignment_id}/{self.pk}"


class ClaimLine(models.Model):
    """The claimed quantity of one line, and its share of the refund once settled."""

    claim = models.ForeignKey(Claim, models.CASCADE, related_name="lines", verbose_name=_("claim"))
    line = models.ForeignKey(
        OrderLine, models.PROTECT, related_name="claim_lines", verbose_name=_("order line")
    )
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    reason = models.CharField(_("reason"), max_length=200)
    amount = models.DecimalField(
        _("refund (yuan)"), max_digits=14, decimal_places=2, null=True, blank=True
    )

    class Meta:
        verbose_name = _("claim line")
        verbose_name_plural = _("claim lines")
        constraints = [
            models.UniqueConstraint(fields=["claim", "line"], name="line_once_per_claim"),
            models.CheckConstraint(
                condition=Q(quantity__range=(Decimal("0.001"), 999999999)),
                name="claim_quantity_positive",
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__range=(0, MONEY_MAX)),
                name="claim_line_amount_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.claim_id}/{self.line_id}"
