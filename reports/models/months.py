"""Months and how they are closed."""

from datetime import date

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class MonthQuerySet(models.QuerySet["Month"]):
    def sealed(self) -> "MonthQuerySet":
        """Months that are closed, published or not."""
        return self.filter(status__in=[Month.Status.CLOSED, Month.Status.PUBLISHED])

    def to_publish(self, day: date) -> "MonthQuerySet":
        """Months that are over on `day` and not published yet, the first one first."""
        unpublished = self.exclude(status=Month.Status.PUBLISHED)
        return unpublished.filter(month__lt=day.replace(day=1)).order_by("month")

    def shown_to(self, user: User | AnonymousUser) -> "MonthQuerySet":
        """Published months, and all others too for those who see all figures."""
        if isinstance(user, User) and user.sees_all_figures:
            return self
        return self.filter(status=Month.Status.PUBLISHED)


class Month(models.Model):
    """
    A month of the official figure; it goes open → reviewing → closed → published.

    A closed month never changes. `sha256` is the digest of its entries and of the
    digest of `follows`, the month that was closed before it: one chain over all.
    `audit_head` is the digest of `audit_block`, the last of the audit trail by then.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("not closed")
        REVIEWING = "reviewing", _("reviewing")
        CLOSED = "closed", _("closed")
        PUBLISHED = "published", _("published")

    month = models.DateField(_("month"), primary_key=True, help_text=_("Its first day."))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    requested_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    confirmed_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("confirmed by"),
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    entries = models.BigIntegerField(_("entries"), null=True, blank=True)
    amount = models.DecimalField(
        _("amount (yuan)"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    names = models.JSONField(
        _("names"),
        null=True,
        blank=True,
        help_text=_("Its form, and what codes were called, as it was closed."),
    )
    follows = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="followed_by",
        verbose_name=_("closed after"),
    )

    # No foreign key: it must say that there was such a block when there is none any more.
    audit_block = models.PositiveBigIntegerField(_("audit block"), null=True, blank=True)
    audit_head = models.CharField(
        _("digest of the audit block"), max_length=64, blank=True, db_default=""
    )

    objects = MonthQuerySet.as_manager()

    class Meta:
        verbose_name = _("month")
        verbose_name_plural = _("months")
        ordering = ["-month"]
        constraints = [
            models.CheckConstraint(condition=Q(month__day=1), name="month_is_a_first_day"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "reviewing"], closed_at__isnull=True)
                | Q(
                    status__in=["closed", "published"],
                    closed_at__isnull=False,
                    entries__isnull=False,
                    amount__isnull=False,
                    sha256__regex=r"^[0-9a-f]{64}$",
                ),
                name="closed_month_is_sealed",
            ),
            models.CheckConstraint(
                condition=Q(audit_block__isnull=True, audit_head="")
                | Q(audit_block__isnull=False, audit_head__regex=r"^[0-9a-f]{64}$"),
                name="month_keeps_a_whole_audit_head",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("requested_by")),
                name="month_closed_by_two",
                violation_error_message=_("A second person confirms the close."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"

    @property
    def audit_line(self) -> str:
        """How official files name the head of the audit trail that the month keeps."""
        if not self.audit_head:
            return ""
        return f"审计链头（第 {self.audit_block} 区块）：{self.audit_head}"

    @property
    def is_sealed(self) -> bool:
        return self.status in (self.Status.CLOSED, self.Status.PUBLISHED)
