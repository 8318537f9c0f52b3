"""What looks wrong in a month, the rules that find it, and what the office says to it."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from shop.models import Category

from .months import Month

PARAMETER_MAX = 1_000_000_000
DAYS_MAX = 366


class AnomalyRule(models.Model):
    """
    One way in which figures are made to look better than they are, with its measures.

    What the rule asks stands in `reports/services/anomalies.py`; from how much on it
    speaks up is data. Shares and factors are plain numbers, amounts are yuan.
    """

    class Code(models.TextChoices):
        LATE_RETURNS = (
            "late_returns",
            _("Much of what was sold at the end of the month came back right after it."),
        )
        ROUND_TRIP = "round_trip", _("A sale came back in full within days.")
        SAME_CONTACT = (
            "same_contact",
            _("Buyer and supplier share a phone number, a contact or a credit code."),
        )
        FAR_PRICE = "far_price", _("The price is far from the median of its category and unit.")
        OVER_YIELD = "over_yield", _("More was sold this year than the supplier's bases can grow.")
        SPLIT_SALES = (
            "split_sales",
            _("Several sales lie just under the same round amount within days."),
        )
        END_SPIKE = "end_spike", _("The last days make up an unusual share of the month.")

    code = models.CharField(_("rule"), max_length=20, primary_key=True, choices=Code)
    is_active = models.BooleanField(_("active"), default=True)
    parameters = models.JSONField(
        _("parameters"),
        default=dict,
        blank=True,
        help_text=_("Numbers by name: days, shares, factors, amounts in yuan."),
    )

    class Meta:
        verbose_name = _("anomaly rule")
        verbose_name_plural = _("anomaly rules")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.get_code_display()

    def clean(self) -> None:
        """Keep the parameters those that the rule asks for, and their values usable."""
        known = AnomalyRule.objects.filter(pk=self.pk).values_list("parameters", flat=True).first()
        if not isinstance(self.parameters, dict) or set(self.parameters) != set(known or {}):
            raise ValidationError(
                {"parameters": _("The names of the parameters stay as they are.")}
            )
        for name, value in self.parameters.items():
            most = DAYS_MAX if name.endswith("days") else PARAMETER_MAX
            if type(value) not in (int, float) or not 0 < value <= most:
                raise ValidationError(
                    {
                        "parameters": _("%(name)s is a number above 0, at most %(most)d.")
                        % {"name": name, "most": most}
                    }
                )


class AnomalyQuerySet(models.QuerySet["Anomaly"]):
    def unanswered(self) -> "AnomalyQuerySet":
        """Anomalies that nobody has said anything to."""
        return self.filter(answered_at__isnull=True)


class Anomaly(models.Model):
    """
    Something in a month that a rule found and a person must look at.

    It is found once, however often the month is examined, and answered once. It
    changes no figure: what was wrong is corrected in the ledger.
    """

    class Verdict(models.TextChoices):
        EXPLAINED = "explained", _("explained")
        CORRECTED = "corrected", _("corrected")

    month = models.ForeignKey(
        Month, models.PROTECT, related_name="anomalies", verbose_name=_("month")
    )
    rule = models.ForeignKey(
        AnomalyRule, models.PROTECT, related_name="anomalies", verbose_name=_("rule")
    )
    fingerprint = models.CharField(
        _("fingerprint"), max_length=400, help_text=_("The month and the subject, by their codes.")
    )
    subject = models.CharField(_("subject"), max_length=400)
    evidence = models.JSONField(
        _("evidence"), help_text=_("Figures, and keys of ledger entries; no personal data.")
    )
    found_at = models.DateTimeField(_("found at"))
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict, blank=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    answered_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("answered by")
    )
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    #: What it is about in words, once `described`.
    about = ""

    objects = AnomalyQuerySet.as_manager()

    class Meta:
        verbose_name = _("anomaly")
        verbose_name_plural = _("anomalies")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["month"],
                condition=Q(answered_at__isnull=True),
                name="anomalies_to_answer",
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["rule", "fingerprint"], name="anomaly_found_once"),
            models.CheckConstraint(
                condition=Q(
                    verdict="", answer="", answered_by__isnull=True, answered_at__isnull=True
                )
                | Q(
                    ~Q(answer=""),
                    verdict__in=["explained", "corrected"],
                    answered_by__isnull=False,
                    answered_at__isnull=False,
                ),
                name="anomaly_answered_by_somebody_with_a_verdict",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month_id:%Y-%m} {AnomalyRule.Code(self.rule_id).label}"


class Yield(models.Model):
    """How much of a category a mu of land can grow in a year, at most."""

    category = models.OneToOneField(
        Category, models.CASCADE, primary_key=True, verbose_name=_("category"), related_name="+"
    )
    kg_per_mu = models.DecimalField(_("kg per mu and year"), max_digits=10, decimal_places=2)

    class Meta:
        verbose_name = _("yield")
        verbose_name_plural = _("yields")
        ordering = ["category"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kg_per_mu__range=(Decimal("0.01"), Decimal("99999999.99"))),
                name="yield_is_positive",
                violation_error_message=_("A yield is more than zero."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.category}: {self.kg_per_mu}"
