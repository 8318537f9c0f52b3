"""When suppliers last said that a listing is still right, and what came of their silence."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from suppliers.models import Supplier

from .products import OwnedByProductQuerySet, Product

#: How long after its reminder a listing that nobody confirms goes off sale.
GRACE = timedelta(days=14)
#: How long before its season a product that rests is asked for again.
AHEAD = timedelta(days=14)
TELL_AGAIN_AFTER = timedelta(minutes=15)


class ConfirmationQuerySet(OwnedByProductQuerySet):
    def of_listed(self) -> "ConfirmationQuerySet":
        """Those of products that are on sale."""
        return self.filter(
            product__status=Product.Status.LISTED,
            product__supplier__status=Supplier.Status.APPROVED,
        )

    def stale(self, now: datetime) -> "ConfirmationQuerySet":
        """Those that are too old, and whose supplier was not reminded yet."""
        return self.filter(
            confirmed_at__lt=now - timedelta(days=settings.LISTING_CONFIRMED_DAYS),
            reminded_at=None,
        )

    def to_remind(self, now: datetime) -> "ConfirmationQuerySet":
        """Stale ones of products on sale; one that rests has time until its season is near."""
        day = timezone.localdate(now)
        awake = Product.objects.delivered_between(day, day + AHEAD)
        return self.of_listed().stale(now).filter(product__in=awake)

    def to_suspend(self, now: datetime) -> "ConfirmationQuerySet":
        """Those of products on sale that nobody has confirmed long after the reminder."""
        return self.of_listed().filter(reminded_at__lte=now - GRACE)

    def lapsed(self) -> "ConfirmationQuerySet":
        """Those of products that are off sale for want of it."""
        return self.filter(product__status=Product.Status.SUSPENDED, suspended_at__isnull=False)

    def unanswered(self) -> "ConfirmationQuerySet":
        """Those that a supplier should renew: on sale still, or off sale for want of it."""
        reminded = self.filter(product__status=Product.Status.LISTED, reminded_at__isnull=False)
        return (reminded | self.lapsed()).order_by("reminded_at", "pk")

    def to_tell(self, now: datetime) -> "ConfirmationQuerySet":
        """
        Unanswered ones of which nobody was told, though somebody has an e-mail address.

        One that somebody has just tried to tell of waits for a while.
        """
        readers = User.objects.filter(is_active=True).exclude(email="")
        return self.unanswered().filter(
            Q(tried_at=None) | Q(tried_at__lt=now - TELL_AGAIN_AFTER),
            told_at=None,
            product__supplier__in=Supplier.objects.filter(members__user__in=readers),
        )


class Confirmation(models.Model):
    """
    When a product was last confirmed: listed, approved, its stock counted, or said to be right.

    A narrow row beside the product, because what the catalogue shows does not change with
    it. `reminded_at` and what follows are of the silence since then.
    """

    product = models.OneToOneField(
        Product,
        models.CASCADE,
        primary_key=True,
        related_name="confirmation",
        verbose_name=_("product"),
    )
    confirmed_at = models.DateTimeField(_("confirmed at"))
    reminded_at = models.DateTimeField(_("reminded at"), null=True, blank=True)
    suspended_at = models.DateTimeField(_("off sale since"), null=True, blank=True)
    tried_at = models.DateTimeField(_("tried at"), null=True, blank=True)
    told_at = models.DateTimeField(_("told at"), null=True, blank=True)

    objects = ConfirmationQuerySet.as_manager()

    class Meta:
        verbose_name = _("confirmation")
        verbose_name_plural = _("confirmations")
        indexes = [
            models.Index(
                fields=["confirmed_at"],
                condition=Q(reminded_at__isnull=True),
                name="confirmations_by_age",
            ),
            models.Index(
                fields=["reminded_at"],
                condition=Q(reminded_at__isnull=False),
                name="confirmations_unanswered",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(suspended_at=None) | Q(reminded_at__isnull=False),
                name="suspended_after_a_reminder",
            )
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.confirmed_at:%Y-%m-%d}"

    @property
    def ends_on(self) -> date | None:
        """The day on which the product goes off sale unless somebody confirms it."""
        return timezone.localdate(self.reminded_at + GRACE) if self.reminded_at else None
