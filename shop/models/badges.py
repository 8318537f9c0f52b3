"""The badge 黔南好物, announced before it holds, and what people say against it meanwhile."""

from datetime import date, timedelta

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet, User
from suppliers.models import SOON

from .products import OwnedByProductQuerySet, Product


class BadgeQuerySet(OwnedByProductQuerySet):
    def on_notice(self, day: date) -> "BadgeQuerySet":
        """Badges that are announced on `day`, or wait for the answer to an objection."""
        return self.filter(
            Q(valid_from__gt=day) | Q(Exists(_open_objections())),
            noticed_from__lte=day,
            valid_until__gte=day,
            withdrawn_on=None,
        )

    def valid(self, day: date) -> "BadgeQuerySet":
        """Badges that products bear on `day`; `valid_until` is the last valid day."""
        return self.filter(
            Q(withdrawn_on=None) | Q(withdrawn_on__gt=day),
            ~Exists(_open_objections()),
            valid_from__lte=day,
            valid_until__gte=day,
        )

    def ending(self, day: date) -> "BadgeQuerySet":
        """Badges that end within SOON and that no other one of the product follows."""
        later = Badge.objects.filter(
            product=OuterRef("product"), withdrawn_on=None, valid_until__gt=OuterRef("valid_until")
        )
        return self.valid(day).filter(~Exists(later), valid_until__lte=day + SOON)


class Badge(models.Model):
    """
    That a product is 黔南好物 for a time.

    It is announced first: from `noticed_from` until `valid_from`, half-open. Who objects
    then keeps it from being valid until the objection is answered.
    """

    product = models.ForeignKey(
        Product, models.PROTECT, related_name="badges", verbose_name=_("product")
    )
    number = models.CharField(_("number"), max_length=30, unique=True)
    noticed_from = models.DateField(_("on public notice from"))
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"))
    withdrawn_on = models.DateField(_("withdrawn on"), null=True, blank=True)
    withdrawn_reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects = BadgeQuerySet.as_manager()

    class Meta:
        verbose_name = _("badge")
        verbose_name_plural = _("badges")
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from__gte=F("noticed_from"), valid_until__gte=F("valid_from")),
                name="badge_days_follow_each_other",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_on=None, withdrawn_reason="")
                | Q(withdrawn_on__isnull=False) & ~Q(withdrawn_reason=""),
                name="badge_withdrawn_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def last_day(self) -> date:
        """The last day of its notice."""
        return self.valid_from - timedelta(days=1)

    def ends_by(self, day: date) -> bool:
        """Whether the product does not bear it any more after `day`."""
        return self.withdrawn_on is not None or self.valid_until <= day

    def takes_objections(self, day: date) -> bool:
        """Whether anybody may still say on `day` why the product should not bear it."""
        return self.noticed_from <= day < self.valid_from and self.withdrawn_on is None


class ObjectionQuerySet(OwnedQuerySet):
    """Of no supplier: who objects is known to the platform's own people only."""

    def open(self) -> "ObjectionQuerySet":
        """Objections that nobody has answered."""
        return self.filter(outcome="")


class Objection(models.Model):
    """
    That somebody says why a product should not bear its badge.

    It is made while the badge is on notice and answered once; until then the badge does not
    hold. The answer is public, the person and the words of the objection are not.
    """

    class Outcome(models.TextChoices):
        UPHELD = "upheld", _("upheld")
        DISMISSED = "dismissed", _("dismissed")

    badge = models.ForeignKey(
        Badge, models.PROTECT, related_name="objections", verbose_name=_("badge")
    )
    name = models.CharField(_("objector"), max_length=40)
    contact = models.CharField(_("phone or e-mail"), max_length=100)
    grounds = models.TextField(_("grounds"), max_length=2000)
    made_at = models.DateTimeField(_("objected at"))
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome, blank=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    answered_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("answered by")
    )
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    objects = ObjectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("objection")
        verbose_name_plural = _("objections")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["made_at"], condition=Q(outcome=""), name="objections_open")
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(contact="") & ~Q(grounds=""),
                name="objection_says_who_and_why",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", answer="", answered_by=None, answered_at=None)
                | Q(outcome__in=["upheld", "dismissed"], answered_by__isnull=False)
                & Q(answered_at__isnull=False)
                & ~Q(answer=""),
                name="objection_answered_by_whom_and_how",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.badge} · {self.made_at:%Y-%m-%d}"


def _open_objections() -> models.QuerySet[Objection]:
    return Objection.objects.open().filter(badge=OuterRef("pk"))
