"""What suppliers are told of papers that end."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from suppliers.models import Certificate, OwnedBySupplierQuerySet, Supplier

from .products import Product, Recognition

TELL_AGAIN_AFTER = timedelta(minutes=15)


class ReminderQuerySet(OwnedBySupplierQuerySet):
    def to_tell(self, now: datetime) -> "ReminderQuerySet":
        """
        Reminders of which nobody was told, though somebody has an e-mail address.

        One that somebody has just tried to tell of waits for a while.
        """
        readers = User.objects.filter(is_active=True).exclude(email="")
        return self.filter(
            Q(tried_at__isnull=True) | Q(tried_at__lt=now - TELL_AGAIN_AFTER),
            told_at__isnull=True,
            supplier__in=Supplier.objects.filter(members__user__in=readers),
        )


class Reminder(models.Model):
    """
    That a certificate or a recognition ends in so many days, or has ended: 0.

    There is one for each step of a document, and another if it is given another end.
    """

    STEPS = (30, 7, 1, 0)

    supplier = models.ForeignKey(
        Supplier, models.CASCADE, related_name="reminders", verbose_name=_("supplier")
    )
    certificate = models.ForeignKey(
        Certificate,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="reminders",
        verbose_name=_("certificate"),
    )
    recognition = models.ForeignKey(
        Recognition,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="reminders",
        verbose_name=_("recognition"),
    )
    ends_on = models.DateField(_("last valid day"))
    days = models.PositiveSmallIntegerField(_("days before the end"))
    suspended = models.ManyToManyField(
        Product, blank=True, related_name="+", verbose_name=_("taken off sale")
    )
    made_at = models.DateTimeField(_("made at"))
    tried_at = models.DateTimeField(_("tried at"), null=True, blank=True)
    told_at = models.DateTimeField(_("told at"), null=True, blank=True)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ["-made_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "ends_on", "days"], name="certificate_reminded_once_a_step"
            ),
            models.UniqueConstraint(
                fields=["recognition", "ends_on", "days"], name="recognition_reminded_once_a_step"
            ),
            models.CheckConstraint(
                condition=Q(certificate__isnull=False, recognition=None)
                | Q(certificate=None, recognition__isnull=False),
                name="reminder_is_of_one_document",
            ),
            models.CheckConstraint(
                condition=Q(days__in=[30, 7, 1, 0]), name="reminder_step_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["supplier"], name="reminders_to_tell", condition=Q(told_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.document} · {self.ends_on}"

    @property
    def document(self) -> Certificate | Recognition:
        """What ends."""
        document = self.certificate or self.recognition
        assert document is not None  # noqa: S101 - a constraint holds it
        return document
