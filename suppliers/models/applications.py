"""How somebody becomes a supplier: what was applied for, recommended and decided."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .suppliers import OwnedBySupplierQuerySet, Supplier

TELL_AGAIN_AFTER = timedelta(minutes=15)


class ApplicationQuerySet(OwnedBySupplierQuerySet):
    def waiting(self) -> "ApplicationQuerySet":
        """Applications that the county or the selection centre has to look at."""
        return self.filter(decided_at__isnull=True)

    def to_tell(self, now: datetime) -> "ApplicationQuerySet":
        """Decided applications whose applicant was not told; just tried, one waits for a while."""
        return self.filter(
            Q(tried_at__isnull=True) | Q(tried_at__lt=now - TELL_AGAIN_AFTER),
            decided_at__isnull=False,
            told_at__isnull=True,
        ).exclude(email="")


class Application(models.Model):
    """
    That somebody wants to sell here, and what the county and the selection centre said.

    The county recommends, the centre decides; one person never does both.
    """

    class Decision(models.TextChoices):
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    class Reason(models.TextChoices):
        IDENTITY = "identity", _("licence and details do not agree")
        ORIGIN = "origin", _("sells nothing from Qiannan")
        DOCUMENTS = "documents", _("documents missing or expired")
        OTHER = "other", _("other, see the note")

    supplier = models.ForeignKey(
        Supplier, models.PROTECT, related_name="applications", verbose_name=_("supplier")
    )
    email = models.EmailField(_("e-mail"), blank=True)
    applied_at = models.DateTimeField(_("applied at"))
    recommended_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recommended by"),
    )
    recommended_at = models.DateTimeField(_("recommended at"), null=True, blank=True)
    recommendation = models.CharField(_("recommendation"), max_length=500, blank=True)
    decision = models.CharField(_("decision"), max_length=8, choices=Decision, blank=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    tried_at = models.DateTimeField(_("tried at"), null=True, blank=True)
    told_at = models.DateTimeField(_("told at"), null=True, blank=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["-applied_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["supplier"],
                condition=Q(decided_at__isnull=True),
                name="one_application_waits",
            ),
            models.CheckConstraint(
                condition=Q(recommended_by=None, recommended_at=None)
                | Q(recommended_by__isnull=False, recommended_at__isnull=False),
                name="application_recommended_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_by=None, decided_at=None, reason="")
                | Q(decided_by__isnull=False, decided_at__isnull=False)
                & (
                    Q(decision="approved", reason="", recommended_by__isnull=False)
                    | Q(decision="rejected") & ~Q(reason="")
                ),
                name="application_decision_says_who_and_why",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None)
                | Q(recommended_by=None)
                | ~Q(decided_by=F("recommended_by")),
                name="application_seen_by_two",
            ),
        ]

    def __str__(self) -> str:
        return self.supplier.name
