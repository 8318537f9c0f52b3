"""What suppliers ask to put on sale, and what the selection centre said of it."""

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .products import OwnedByProductQuerySet, Product


class ListingVersionQuerySet(OwnedByProductQuerySet):
    def waiting(self) -> "ListingVersionQuerySet":
        """Versions that somebody of the selection centre has to look at."""
        return self.filter(status__in=ListingVersion.WAITING)

    def returned(self) -> "ListingVersionQuerySet":
        """Versions that were returned and that no later one has taken the place of."""
        later = self.model._base_manager.filter(
            product=OuterRef("product"), number__gt=OuterRef("number")
        )
        return self.filter(~Exists(later), status=ListingVersion.Status.RETURNED)


class ListingVersion(models.Model):
    """
    A product as its supplier wants it to be on sale, and what became of that.

    `content` is all that a review is about (see `shop.services.content`), `before` what
    was on sale when it was decided; of a first listing nothing was. What is on sale
    changes only when a version is approved; a first listing takes two reviewers.
    """

    class Status(models.TextChoices):
        SUBMITTED = "submitted", _("submitted")
        IN_REVIEW = "in_review", _("in review")
        APPROVED = "approved", _("approved")
        RETURNED = "returned", _("returned")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Reason(models.TextChoices):
        DOCUMENTS = "documents", _("documents missing or expired")
        ORIGIN = "origin", _("origin not proved")
        PRICE = "price", _("price not explained")
        TEXT = "text", _("text misleading or incomplete")
        PICTURES = "pictures", _("pictures unfit")
        DUPLICATE = "duplicate", _("listed already")
        SPECIES = "species", _("protected species")
        OTHER = "other", _("other, see the note")

    WAITING = (Status.SUBMITTED, Status.IN_REVIEW)

    product = models.ForeignKey(
        Product, models.PROTECT, related_name="versions", verbose_name=_("product")
    )
    number = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.SUBMITTED)
    is_first = models.BooleanField(_("first listing"))
    content = models.JSONField(_("content"))
    before = models.JSONField(_("on sale before"), null=True, blank=True)
    submitted_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("submitted by")
    )
    submitted_at = models.DateTimeField(_("submitted at"))
    reviewer = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reviewer")
    )
    seconded_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved first by"),
    )
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)

    objects = ListingVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("listing version")
        verbose_name_plural = _("listing versions")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["submitted_at"],
                condition=Q(status__in=["submitted", "in_review"]),
                name="versions_waiting",
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["product", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["product"],
                condition=Q(status__in=["submitted", "in_review"]),
                name="one_version_waits",
                violation_error_message=_("A version of this product waits for review already."),
            ),
            models.CheckConstraint(
                condition=Q(status="submitted", reviewer=None, decided_at=None)
                | Q(status="in_review", reviewer__isnull=False, decided_at=None)
                | Q(status="withdrawn", decided_at__isnull=False)
                | Q(status__in=["approved", "returned"], decided_at__isnull=False)
                & Q(decided_by__isnull=False),
                name="version_state_says_who",
            ),
            models.CheckConstraint(
                condition=~Q(status="approved", is_first=True)
                | Q(seconded_by__isnull=False) & ~Q(seconded_by=F("decided_by")),
                name="first_listing_approved_by_two",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "returned"])
                | ~Q(decided_by=F("submitted_by")),
                name="nobody_decides_their_own_version",
            ),
            models.CheckConstraint(
                condition=~Q(status="returned") | ~Q(reason=""),
                name="returned_version_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} · {self.number}"
