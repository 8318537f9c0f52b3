"""What proves a sale after its acceptance: fapiaos and payments."""

from decimal import Decimal

from django.db import models
from django.db.models import Case, F, Q, Sum, When
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet, User

from .orders import MONEY_MAX, Consignment

AMOUNT = (Decimal("0.01"), MONEY_MAX)


class EvidenceQuerySet(OwnedQuerySet):
    owner_paths = (
        "consignment__order__buyer__memberships__user",
        "consignment__supplier__members__user",
    )

    def net_amount(self) -> Decimal:
        """What these rows prove together: a reversal takes off what it reverses."""
        signed = Case(When(reverses=None, then=F("amount")), default=-F("amount"))
        return self.aggregate(net=Sum(signed))["net"] or Decimal(0)


class Evidence(models.Model):
    """
    What was entered for an accepted consignment; never changed.

    A wrong one is answered by another of the same amount that `reverses` it.
    """

    consignment = models.ForeignKey(
        Consignment, models.PROTECT, related_name="%(class)ss", verbose_name=_("consignment")
    )
    amount = models.DecimalField(_("amount (yuan)"), max_digits=14, decimal_places=2)
    reverses = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reversed_by",
        verbose_name=_("reverses"),
    )
    entered_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("entered by")
    )
    entered_at = models.DateTimeField(_("entered at"))

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__range=AMOUNT), name="%(class)s_amount_within_bounds"
            )
        ]


class Fapiao(Evidence):
    """A tax invoice; a wrong one is answered by a red-letter fapiao."""

    class Kind(models.TextChoices):
        SPECIAL = "special", _("special VAT fapiao")
        ORDINARY = "ordinary", _("ordinary VAT fapiao")
        ELECTRONIC = "electronic", _("fully digitalised fapiao")

    number = models.CharField(_("number"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    issued_on = models.DateField(_("issued on"))
    buyer_title = models.CharField(_("buyer's title"), max_length=100)

    class Meta(Evidence.Meta):
        verbose_name = _("fapiao")
        verbose_name_plural = _("fapiaos")
        constraints = [
            *Evidence.Meta.constraints,
            models.CheckConstraint(
                condition=Q(number__regex=r"^[0-9]{20}$"), name="fapiao_number_has_twenty_digits"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["special", "ordinary", "electronic"]),
                name="fapiao_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Payment(Evidence):
    """What was paid; `reference` is the bank's."""

    paid_on = models.DateField(_("paid on"))
    reference = models.CharField(_("reference"), max_length=60)

    class Meta(Evidence.Meta):
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            *Evidence.Meta.constraints,
            models.UniqueConstraint(
                fields=["consignment", "reference"], name="payment_reference_once_per_consignment"
            ),
            models.CheckConstraint(condition=~Q(reference=""), name="payment_has_its_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.consignment_id}/{self.reference}"
