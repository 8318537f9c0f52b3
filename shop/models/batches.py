"""Batches: what was harvested or made at once, and what proves and withdraws it."""

import secrets
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet, User
from suppliers.models import Base, OwnedBySupplierQuerySet, Supplier, private_files

from .products import Product
from .skus import SKU

#: What nobody mistakes for anything else, read from a box and typed into a phone.
TRACE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
TRACE_LENGTH = 12
GRAM = Decimal("0.001")
MOST = Decimal("99999999999.999")


def new_trace_code() -> str:
    """Return a public code that tells nothing and cannot be guessed."""
    return "".join(secrets.choice(TRACE_ALPHABET) for _place in range(TRACE_LENGTH))


class BatchQuerySet(OwnedBySupplierQuerySet):
    def shippable(self, day: date) -> "BatchQuerySet":
        """Batches of which something may leave on `day`; `expires_on` is the last good day."""
        return self.filter(
            Q(expires_on=None) | Q(expires_on__gte=day), recalled_at=None, left__gt=0
        )

    def first_expired_first(self) -> "BatchQuerySet":
        """Batches in the order in which they should leave; what never expires comes last."""
        return self.order_by(F("expires_on").asc(nulls_last=True), "produced_on", "pk")


class Batch(models.Model):
    """
    What a supplier harvested or made of a product at once.

    It is counted in packs of `sku`, or in kilograms where there is none, and `left` falls
    with each shipment. `trace_code` is public: it leads to what anybody may know. Once
    recalled, nothing of it leaves any more.
    """

    supplier = models.ForeignKey(
        Supplier, models.PROTECT, related_name="batches", verbose_name=_("supplier")
    )
    product = models.ForeignKey(
        Product, models.PROTECT, related_name="batches", verbose_name=_("product")
    )
    code = models.CharField(
        _("batch number"), max_length=60, help_text=_("As it stands on the box or in your books.")
    )
    sku = models.ForeignKey(
        SKU,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("counted in packs of"),
        help_text=_("Empty: counted in kilograms, for any pack of the product."),
    )
    base = models.ForeignKey(
        Base,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="batches",
        verbose_name=_("base"),
    )
    produced_on = models.DateField(_("harvested or produced on"))
    expires_on = models.DateField(
        _("good until"),
        null=True,
        blank=True,
        help_text=_("The last good day. Empty: reckoned from the product's shelf life."),
    )
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=3)
    left = models.DecimalField(_("left"), max_digits=14, decimal_places=3, editable=False)
    trace_code = models.CharField(
        _("trace code"), max_length=16, unique=True, default=new_trace_code, editable=False
    )
    recalled_at = models.DateTimeField(_("recalled at"), null=True, blank=True, editable=False)
    recalled_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recalled by"),
        editable=False,
    )
    recall_reason = models.CharField(
        _("reason for the recall"), max_length=500, blank=True, editable=False
    )

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        ordering = ["-produced_on", "-id"]
        indexes = [
            models.Index(fields=["supplier", "-produced_on", "-id"], name="batches_by_supplier"),
            models.Index(
                fields=["product", "expires_on"],
                condition=Q(recalled_at=None, left__gt=0),
                name="batches_to_ship",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                # An auditor asks by the code alone.
                fields=["code", "supplier"],
                name="batch_code_once_per_supplier",
                violation_error_message=_("There is a batch with this number already."),
            ),
            models.CheckConstraint(condition=~Q(code=""), name="batch_has_a_code"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lte=MOST),
                name="batch_quantity_within_bounds",
                violation_error_message=_("The quantity must be more than zero."),
            ),
            models.CheckConstraint(
                condition=Q(left__gte=0, left__lte=F("quantity")),
                name="batch_left_within_quantity",
                violation_error_message=_("More of it has left than this."),
            ),
            models.CheckConstraint(
                condition=Q(expires_on=None) | Q(expires_on__gte=F("produced_on")),
                name="batch_expires_after_it_is_made",
                violation_error_message=_("A batch cannot expire before it is made."),
            ),
            models.CheckConstraint(
                condition=Q(recalled_at=None, recalled_by=None, recall_reason="")
                | Q(recalled_at__isnull=False, recalled_by__isnull=False) & ~Q(recall_reason=""),
                name="batch_recalled_by_somebody_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_recalled(self) -> bool:
        return self.recalled_at is not None

    def has_expired(self, day: date) -> bool:
        """Whether its last good day lies before `day`."""
        return self.expires_on is not None and self.expires_on < day

    def taken_by(self, quantity: Decimal, *, net_weight_kg: Decimal) -> Decimal:
        """Return what `quantity` packs of this weight take of it, to the gram."""
        if self.sku_id:
            return quantity
        return (quantity * net_weight_kg).quantize(GRAM, ROUND_HALF_UP)


class OwnedByBatchQuerySet(OwnedQuerySet):
    owner_paths = ("batch__supplier__members__user",)


class BatchDocument(models.Model):
    """
    What proves something of a batch: its conformity certificate, a test, the cold chain.

    Its kind, number and issuer are public; the file only where the supplier says so.
    `sha256` is that of the file as it is kept.
    """

    class Kind(models.TextChoices):
        CONFORMITY = "conformity", _("conformity certificate")
        TEST_REPORT = "test_report", _("test report")
        COLD_CHAIN = "cold_chain", _("cold-chain record")
        OTHER = "other", _("other")

    batch = models.ForeignKey(
        Batch, models.PROTECT, related_name="documents", verbose_name=_("batch")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    number = models.CharField(_("number"), max_length=60)
    issuer = models.CharField(_("issuer"), max_length=100)
    issued_on = models.DateField(_("date of issue"), null=True, blank=True)
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("The last valid day.")
    )
    file = models.FileField(
        _("file"),
        upload_to="batches/",
        storage=private_files,
        blank=True,
        help_text=_("PDF, PNG or JPEG of at most 20 MB; a photo with a phone is enough."),
    )
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, editable=False)
    is_public = models.BooleanField(
        _("file is public"),
        default=False,
        help_text=_("Whoever scans the box may read the file."),
    )

    objects = OwnedByBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch document")
        verbose_name_plural = _("batch documents")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "kind", "number"],
                name="batch_document_entered_once",
                violation_error_message=_("This document is entered already."),
            ),
            models.CheckConstraint(
                condition=Q(file="", sha256="") | ~Q(file="") & Q(sha256__regex=r"^[0-9a-f]{64}$"),
                name="batch_document_has_a_digest",
            ),
            models.CheckConstraint(
                condition=Q(issued_on=None)
                | Q(valid_until=None)
                | Q(valid_until__gte=F("issued_on")),
                name="batch_document_ends_after_it_starts",
                violation_error_message=_("A document cannot end before it is issued."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"
