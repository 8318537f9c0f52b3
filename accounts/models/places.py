"""Administrative divisions and the pairings between them."""

from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

#: Which field names a place or a category, by the reader's language.
NAME_FIELDS = {"en": "name_en", "zh-hant": "name_hant"}


def name_field() -> str:
    """Return the field that names places and categories in the reader's language."""
    return NAME_FIELDS.get(get_language() or "", "name")


class Named(models.Model):
    """What has one name in each language of the product."""

    class Meta:
        abstract = True

    @property
    def local_name(self) -> str:
        """The name in the reader's language."""
        return str(getattr(self, name_field()))


class DivisionQuerySet(models.QuerySet["Division"]):
    def counties(self) -> "DivisionQuerySet":
        """Qiannan's twelve counties, in the order of their codes."""
        return self.filter(parent_id=Division.QIANNAN).order_by("code")


class Division(Named):
    """
    An administrative division, keyed by its GB/T 2260 code.

    Names repeat (there is a 白云区 in Guangzhou and one in Guiyang), codes do not.
    """

    QIANNAN = "522700"

    class Level(models.TextChoices):
        PROVINCE = "province", _("province")
        SAR = "sar", _("special administrative region")
        CITY = "prefecture", _("city or prefecture")
        COUNTY = "county", _("county or district")
        DISTRICT = "district", _("district of a special administrative region")

    code = models.CharField(_("code"), max_length=6, primary_key=True)
    name = models.CharField(_("name"), max_length=40)
    name_hant = models.CharField(_("name in traditional script"), max_length=40, db_default="")
    name_en = models.CharField(_("English name"), max_length=80)
    level = models.CharField(_("level"), max_length=10, choices=Level)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, verbose_name=_("parent")
    )

    objects = DivisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("division")
        verbose_name_plural = _("divisions")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(code__regex=r"^[0-9]{6}$"), name="division_code_has_six_digits"
            )
        ]

    def __str__(self) -> str:
        return f"{self.local_name} {self.code}"


class PairingQuerySet(models.QuerySet["Pairing"]):
    def in_force(self, day: date) -> "PairingQuerySet":
        """Pairings valid on `day`; `valid_to` is the last valid day."""
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=day),
            Q(valid_to__isnull=True) | Q(valid_to__gte=day),
        )


class Pairing(models.Model):
    """
    A Bay Area district that assists a Qiannan county for a time.

    The same two are never paired twice on one day.
    """

    district = models.ForeignKey(
        Division, models.PROTECT, related_name="+", verbose_name=_("district")
    )
    county = models.ForeignKey(
        Division, models.PROTECT, related_name="pairings", verbose_name=_("county")
    )
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=200)

    objects = PairingQuerySet.as_manager()

    class Meta:
        verbose_name = _("pairing")
        verbose_name_plural = _("pairings")
        ordering = ["district_id", "county_id"]
        constraints = [
            ExclusionConstraint(
                name="pairing_in_force_once",
                expressions=[
                    ("district", RangeOperators.EQUAL),
                    ("county", RangeOperators.EQUAL),
                    (
                        Func(
                            F("valid_from"), F("valid_to"), models.Value("[]"), function="daterange"
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("These two are already paired in that time."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.district.local_name} – {self.county.local_name}"
