"""Products: what a supplier offers, where it comes from and when."""

from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Division, Named, OwnedQuerySet
from suppliers.models import SOON, Certificate, Producer, Supplier

MONTH_DAY = r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
month_day = RegexValidator(MONTH_DAY, _("Enter a month and a day: MM-DD."))


class Category(Named):
    """A kind of goods, and the sector of the official figure that it belongs to."""

    class Sector(models.TextChoices):
        FARM = "farm", _("farm and livestock products")
        HANDICRAFT = "handicraft", _("characteristic handicrafts")

    code = models.SlugField(_("code"), max_length=20, primary_key=True)
    name = models.CharField(_("name"), max_length=40)
    name_hant = models.CharField(_("name in traditional script"), max_length=40, db_default="")
    name_en = models.CharField(_("English name"), max_length=60)
    sector = models.CharField(_("sector"), max_length=10, choices=Sector)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.local_name


class OwnedByProductQuerySet(OwnedQuerySet):
    owner_paths = ("product__supplier__members__user",)


class ProductQuerySet(OwnedQuerySet):
    owner_paths = ("supplier__members__user",)

    def on_sale(self) -> "ProductQuerySet":
        """Products that the catalogue shows."""
        return self.filter(status=Product.Status.LISTED, supplier__status=Supplier.Status.APPROVED)

    def with_ended_documents(self, kinds: Collection[str], day: date) -> "ProductQuerySet":
        """Listed products of suppliers with a certificate of `kinds` that ended before `day`."""
        ended = Certificate.objects.filter(kind__in=kinds, valid_until__lt=day)
        return self.filter(status=Product.Status.LISTED, supplier__in=ended.values("supplier"))

    def never_submitted(self) -> "ProductQuerySet":
        """Drafts that the selection centre has not seen yet."""
        return self.filter(status=Product.Status.DRAFT, versions=None)

    def delivered_between(self, first: date, last: date) -> "ProductQuerySet":
        """Products that are in season on some day of this stretch of less than a year."""
        near = Season.objects.touching(first, last)
        return self.filter(Q(seasons=None) | Q(pk__in=near.values("product")))


class Product(models.Model):
    """
    Something that a supplier offers, with one origin and one producer.

    What is sold are its SKUs. A product that was ever sold is retired, never deleted.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("submitted")
        IN_REVIEW = "in_review", _("in review")
        LISTED = "listed", _("listed")
        SUSPENDED = "suspended", _("suspended")
        RETIRED = "retired", _("retired")

    class Storage(models.TextChoices):
        AMBIENT = "ambient", _("ambient")
        COOL = "cool", _("0–8 °C")
        FROZEN = "frozen", _("−18 °C")
        LIVE = "live", _("live")

    code = models.SlugField(_("code"), max_length=30, unique=True)
    supplier = models.ForeignKey(
        Supplier, models.PROTECT, related_name="products", verbose_name=_("supplier")
    )
    producer = models.ForeignKey(
        Producer, models.PROTECT, related_name="products", verbose_name=_("producer")
    )
    category = models.ForeignKey(
        Category, models.PROTECT, related_name="products", verbose_name=_("category")
    )
    county = models.ForeignKey(
        Division,
        models.PROTECT,
        related_name="+",
        verbose_name=_("county of origin"),
        limit_choices_to={"parent_id": Division.QIANNAN},
    )
    name = models.CharField(_("name"), max_length=100)
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    species = models.CharField(_("species"), max_length=100, blank=True)
    storage = models.CharField(_("storage"), max_length=8, choices=Storage, default=Storage.AMBIENT)
    is_processed = models.BooleanField(
        _("processed food"),
        default=False,
        db_default=False,
        help_text=_("Made and packed in a plant, which needs a food production licence."),
    )
    shelf_life_days = models.PositiveSmallIntegerField(
        _("shelf life (days)"), null=True, blank=True
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    certificates = models.ManyToManyField(
        Certificate,
        blank=True,
        related_name="products",
        verbose_name=_("certificates"),
        limit_choices_to=~Q(kind="business_licence"),
    )
    is_synthetic = models.BooleanField(_("synthetic"), default=False, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "draft",
                        "submitted",
                        "in_review",
                        "listed",
                        "suspended",
                        "retired",
                    ]
                ),
                name="product_status_is_known",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def is_in_season(self, day: date) -> bool:
        """Whether it is delivered on `day`; asks for its seasons unless they were fetched."""
        seasons = list(self.seasons.all())
        return not seasons or any(season.includes(day) for season in seasons)


class SeasonQuerySet(OwnedByProductQuerySet):
    def touching(self, first: date, last: date) -> "SeasonQuerySet":
        """Seasons with a day in this stretch of less than a year."""
        days = [f"{first + timedelta(n):%m-%d}" for n in range((last - first).days + 1)]
        begun = Q(starts__lte=days[0])
        not_over = Q(ends__gte=days[0])
        over_new_year = Q(starts__gt=F("ends"))
        return self.filter(
            (begun & not_over) | (over_new_year & (begun | not_over)) | Q(starts__in=days)
        )


class Season(models.Model):
    """
    A part of the year in which a product is delivered, both days included.

    A product without a season is delivered all year. A window may run over New Year.
    """

    product = models.ForeignKey(
        Product, models.CASCADE, related_name="seasons", verbose_name=_("product")
    )
    starts = models.CharField(_("first day"), max_length=5, validators=[month_day])
    ends = models.CharField(_("last day"), max_length=5, validators=[month_day])

    objects = SeasonQuerySet.as_manager()

    class Meta:
        verbose_name = _("season")
        verbose_name_plural = _("seasons")
        ordering = ["starts"]
        constraints = [
            models.UniqueConstraint(fields=["product", "starts"], name="season_starts_once"),
            models.CheckConstraint(
                condition=Q(starts__regex=MONTH_DAY, ends__regex=MONTH_DAY),
                name="season_names_month_and_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts} – {self.ends}"

    def includes(self, day: date) -> bool:
        """Whether `day` lies in the window."""
        month_day = f"{day:%m-%d}"
        if self.starts <= self.ends:
            return self.starts <= month_day <= self.ends
        return month_day >= self.starts or month_day <= self.ends


#: What a picture that was drawn anew is called: its digest, and letters where the name was taken.
NAMED_BY_DIGEST = r"^products/[0-9a-f]{64}[._]"


class ProductImageQuerySet(OwnedByProductQuerySet):
    def named_by_digest(self) -> "ProductImageQuerySet":
        """Pictures whose names say what they are; others are from before names said so."""
        return self.filter(file__regex=NAMED_BY_DIGEST)


class ProductImage(models.Model):
    """A picture of a product, re-encoded at upload and named by its digest."""

    product = models.ForeignKey(
        Product, models.CASCADE, related_name="images", verbose_name=_("product")
    )
    file = models.ImageField(_("file"), upload_to="products/")
    caption = models.CharField(_("caption"), max_length=100, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    # Empty until `look_at_pictures` has looked at it.
    look = models.BigIntegerField(_("look"), null=True, editable=False)

    objects = ProductImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("product image")
        verbose_name_plural = _("product images")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.caption or str(self.file)

    @property
    def sha256(self) -> str:
        """The digest that its name says."""
        return Path(self.file.path).name[:64]


class RecognitionQuerySet(OwnedByProductQuerySet):
    def valid(self, day: date) -> "RecognitionQuerySet":
        """Recognitions valid on `day`; `valid_until` is the last valid day."""
        return self.filter(valid_from__lte=day, valid_until__gte=day)

    def expiring(self, day: date) -> "RecognitionQuerySet":
        """Recognitions that end within a month from `day`, the next to end first."""
        return self.filter(valid_until__range=(day, day + SOON)).order_by("valid_until", "id")


class Recognition(models.Model):
    """That a product counts as a consumption-assistance product for a time."""

    product = models.ForeignKey(
        Product, models.CASCADE, related_name="recognitions", verbose_name=_("product")
    )
    number = models.CharField(_("number"), max_length=60, unique=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"))

    objects = RecognitionQuerySet.as_manager()

    class Meta:
        verbose_name = _("recognition")
        verbose_name_plural = _("recognitions")
        ordering = ["-valid_until"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gte=F("valid_from")),
                name="recognition_ends_after_it_starts",
                violation_error_message=_("A recognition cannot end before it starts."),
            )
        ]

    def __str__(self) -> str:
        return self.number
