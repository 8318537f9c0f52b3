"""Which papers goods need, by what they are and where they go."""

from collections.abc import Collection

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from suppliers.models import Certificate

from .products import Category


class RequiredDocumentQuerySet(models.QuerySet["RequiredDocument"]):
    def asked_of(
        self, *, category: str, forms: Collection[str], destination: str
    ) -> "RequiredDocumentQuerySet":
        """What goods of a category in these forms need to go to a destination."""
        return self.filter(
            Q(category=None) | Q(category=category),
            form__in=["", *forms],
            destination__in=["", destination],
        )

    def of_listings(self) -> "RequiredDocumentQuerySet":
        """What a listing needs; papers of batches are asked for when these are shipped."""
        return self.exclude(held_by=RequiredDocument.Holder.BATCH)


class RequiredDocument(models.Model):
    """
    A paper that some goods need; what no row asks for is not needed.

    An empty category, form or destination means any.
    """

    class Form(models.TextChoices):
        UNPROCESSED = "unprocessed", _("unprocessed")
        PROCESSED = "processed", _("processed food")
        AMBIENT = "ambient", _("ambient")
        COOL = "cool", _("0–8 °C")
        FROZEN = "frozen", _("−18 °C")
        LIVE = "live", _("live")

    class Destination(models.TextChoices):
        MAINLAND = "mainland", _("mainland")
        HK_MACAU = "hk_macau", _("Hong Kong and Macau")
        EXPORT = "export", _("export")

    class Holder(models.TextChoices):
        SUPPLIER = "supplier", _("supplier")
        PRODUCT = "product", _("product")
        BATCH = "batch", _("batch")

    category = models.ForeignKey(
        Category,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("category"),
        help_text=_("Empty: any."),
    )
    form = models.CharField(
        _("form"), max_length=12, choices=Form, blank=True, help_text=_("Empty: any.")
    )
    destination = models.CharField(
        _("destination"), max_length=10, choices=Destination, blank=True, help_text=_("Empty: any.")
    )
    from_basket_base = models.BooleanField(
        _("only from vegetable-basket bases"), default=False, help_text=_("For batches only.")
    )
    held_by = models.CharField(
        _("belongs to"), max_length=8, choices=Holder, default=Holder.PRODUCT
    )
    kind = models.CharField(_("required paper"), max_length=16, choices=Certificate.Kind)
    basis = models.CharField(_("legal basis"), max_length=200, blank=True)

    objects = RequiredDocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("required document")
        verbose_name_plural = _("required documents")
        ordering = ["held_by", "kind", "category", "form", "destination"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "held_by", "category", "form", "destination", "from_basket_base"],
                nulls_distinct=False,
                name="document_required_once",
                violation_error_message=_("This is required already."),
            ),
            models.CheckConstraint(
                condition=Q(from_basket_base=False) | Q(held_by="batch"),
                name="only_batches_come_from_a_base",
                violation_error_message=_("Only a batch comes from a base."),
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
