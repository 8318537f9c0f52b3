"""What counts: the dated rules of the official figure, and the indicators beside it."""

from datetime import date
from typing import Any, Optional

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, ExpressionWrapper, F, Q, Value, When
from django.db.models.expressions import Combinable
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from orders.models import Channel
from shop.models import Category


class ContributionKind(models.TextChoices):
    """The two kinds of contribution that the official figure tells apart."""

    PROCURED = "procured", _("procured")
    HELPED_SELL = "helped_sell", _("helped to sell")


class Grade(models.IntegerChoices):
    """How well a sale is evidenced; each grade includes those below it."""

    E0 = 0, _("E0 declared only")
    E1 = 1, _("E1 order and contract")
    E2 = 2, _("E2 delivery and acceptance")
    E3 = 3, _("E3 fapiao")
    E4 = 4, _("E4 payment")


def all_sectors() -> list[str]:
    return list(Category.Sector.values)


class Scope(models.Model):
    """
    Which facts of the ledger a figure counts.

    Freight stands beside the goods and is among them only where `counts_freight` says so.
    """

    sectors = ArrayField(
        models.CharField(max_length=10, choices=Category.Sector),
        default=all_sectors,
        verbose_name=_("sectors"),
    )
    only_recognised = models.BooleanField(_("recognised products only"), default=False)
    least_grade = models.PositiveSmallIntegerField(
        _("least evidence"), choices=Grade, default=Grade.E0
    )
    counts_freight = models.BooleanField(_("counts freight"), default=False)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(sectors__contained_by=["farm", "handicraft"], sectors__len__gt=0),
                name="%(class)s_sectors_are_known",
            ),
            models.CheckConstraint(
                condition=Q(least_grade__range=(0, 4)), name="%(class)s_grade_is_known"
            ),
        ]

    @property
    def columns(self) -> set[str]:
        """Return the columns, next to the grade, that tell what counts from what does not."""
        columns = set()
        if set(self.sectors) < set(Category.Sector.values):
            columns.add("category_code")
        if self.only_recognised:
            columns.add("is_recognised")
        return columns

    def amount(self) -> Combinable:
        """Return the yuan that a total or an entry counts with, if it counts."""
        return F("amount") + F("freight") if self.counts_freight else F("amount")

    def counts(self) -> Q:
        """Return the condition on totals and entries that count."""
        condition = Q()
        if "category_code" in self.columns:
            others = Category.objects.exclude(sector__in=self.sectors)
            condition &= ~Q(category_code__in=others.values("code"))
        if self.only_recognised:
            condition &= Q(is_recognised=True)
        if self.least_grade:
            condition &= Q(grade__gte=self.least_grade)
        return condition


class CountingRuleQuerySet(models.QuerySet["CountingRule"]):
    def approved(self) -> "CountingRuleQuerySet":
        """Rules that count, now or later; all others are proposals."""
        return self.filter(is_approved=True)

    def in_force(self, day: date) -> Optional["CountingRule"]:
        """Return the rule by which a sale of `day` is booked; None before the first."""
        return self.approved().filter(in_force_from__lte=day).order_by("-in_force_from").first()

    def counted(self) -> Q:
        """Return the condition on totals and entries that count by the rule that they carry."""
        condition = Q()
        for rule in self:
            if counts := rule.counts():
                condition &= ~Q(rule_id=rule.pk) | counts
        return condition

    def amount(self) -> Combinable:
        """Return the yuan that a total or an entry counts with by the rule that it carries."""
        with_freight = [rule.pk for rule in self if rule.counts_freight]
        if not with_freight:
            return F("amount")
        return F("amount") + Case(
            When(rule_id__in=with_freight, then="freight"),
            default=Value(0),
            output_field=models.DecimalField(),
        )

    def columns(self) -> set[str]:
        """Return the columns that `counted` looks at, next to rule and grade."""
        return set().union(*(rule.columns for rule in self))


class CountingRule(Scope):
    """
    A dated version of what counts, as data.

    `kind_by_buyer_kind` says which contribution a buyer of each kind makes. A rule is a
    proposal until two people have approved it; what it says never changes. Rule 1 ships
    with the product and needs nobody.
    """

    class Event(models.TextChoices):
        ACCEPTED = "accepted", _("acceptance")
        INVOICED = "invoiced", _("fapiao")
        PAID = "paid", _("payment")

    class Refunds(models.TextChoices):
        SETTLEMENT_MONTH = "settlement_month", _("in the month of settlement")
        SALE_MONTH = "sale_month", _("in the month of the sale")

    version = models.PositiveSmallIntegerField(_("version"), primary_key=True)
    in_force_from = models.DateField(_("in force from"))
    event = models.CharField(_("counts at"), max_length=10, choices=Event, default=Event.ACCEPTED)
    refunds = models.CharField(
        _("refunds count"), max_length=20, choices=Refunds, default=Refunds.SETTLEMENT_MONTH
    )
    kind_by_buyer_kind = models.JSONField(_("contribution by buyer kind"))
    description = models.TextField(_("description"))
    approved_by_first = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    approved_by_second = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by, second"),
    )
    # Derived, so that no path can put a rule in force that two people did not approve.
    is_approved = models.GeneratedField(
        expression=ExpressionWrapper(
            Q(version=1) | Q(approved_by_first__isnull=False, approved_by_second__isnull=False),
            output_field=models.BooleanField(),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
        verbose_name=_("approved"),
    )

    objects = CountingRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("counting rule")
        verbose_name_plural = _("counting rules")
        ordering = ["-in_force_from"]
        constraints = [
            *Scope.Meta.constraints,
            models.UniqueConstraint(
                fields=["in_force_from"],
                condition=Q(is_approved=True),
                name="one_rule_begins_on_a_day",
            ),
            models.CheckConstraint(
                condition=Q(approved_by_second__isnull=True)
                | Q(approved_by_first__isnull=False)
                & ~Q(approved_by_second=F("approved_by_first")),
                name="rule_approved_by_two",
            ),
            models.CheckConstraint(
                condition=Q(event="accepted")
                | Q(event="invoiced", least_grade__gte=Grade.E3.value)
                | Q(event="paid", least_grade__gte=Grade.E4.value),
                name="rule_grade_proves_its_event",
            ),
            models.CheckConstraint(
                condition=Q(refunds__in=["settlement_month", "sale_month"]),
                name="rule_refunds_are_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} ({self.in_force_from})"


class Indicator(Scope):
    """
    A figure of its own over the same facts: fill once, report many.

    One that `follows_rule` counts only what the rule of each fact counts, and of that what
    lies within its own scope; any other is for a form with its own rules.
    """

    code = models.SlugField(_("code"), max_length=40, primary_key=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=80)
    description = models.TextField(_("description"))
    channels = ArrayField(
        models.CharField(max_length=10, choices=Channel),
        default=list,
        blank=True,
        verbose_name=_("channels"),
        help_text=_("None: all."),
    )
    follows_rule = models.BooleanField(_("follows the counting rule"))

    class Meta:
        verbose_name = _("indicator")
        verbose_name_plural = _("indicators")
        ordering = ["code"]
        constraints = [*Scope.Meta.constraints]

    def __str__(self) -> str:
        return self.name

    @property
    def columns(self) -> set[str]:
        return super().columns | ({"channel"} if self.channels else set())

    def counts(self) -> Q:
        channels: dict[str, Any] = {"channel__in": self.channels} if self.channels else {}
        return super().counts() & Q(**channels)
