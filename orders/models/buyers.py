"""Buyers, their people, addresses and credit."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Division, OwnedQuerySet, User
from suppliers.identifiers import validate_uscc


class Channel(models.TextChoices):
    """The way in which goods reached the market, as the statistics name it."""

    PLATFORM = "platform", _("this platform")
    P832 = "832", _("832 platform")
    COUNTER = "counter", _("counter")
    HALL = "hall", _("hall")
    ZONE = "zone", _("zone")
    TRAIN = "train", _("train")
    STATION = "station", _("station")
    FAIR = "fair", _("fair")
    LIVE = "live", _("live stream")
    OFFLINE = "offline", _("offline")
    EXPORT = "export", _("export")


class BuyerQuerySet(OwnedQuerySet):
    owner_paths = ("memberships__user",)


class OwnedByBuyerQuerySet(OwnedQuerySet):
    owner_paths = ("buyer__memberships__user",)


class Buyer(models.Model):
    """An organisation of the Greater Bay Area that buys in bulk."""

    class Kind(models.TextChoices):
        CANTEEN = "canteen", _("canteen")
        BUDGET_UNIT = "budget_unit", _("budget unit")
        UNION = "union", _("trade union")
        STATE_FIRM = "state_firm", _("state firm")
        SCHOOL = "school", _("school")
        HOSPITAL = "hospital", _("hospital")
        COMPANY = "company", _("company")
        CATERER = "caterer", _("group caterer")
        SUPERMARKET = "supermarket", _("supermarket")
        WHOLESALE = "wholesale", _("wholesale market")
        ECOMMERCE = "ecommerce", _("e-commerce firm")
        IMPORTER = "importer", _("importer")

    class PaymentTerm(models.TextChoices):
        PREPAY = "prepay", _("prepay")
        POSTPAY = "postpay", _("pay after delivery")

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    region = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name=_("region"))
    uscc = models.CharField(
        _("unified social credit code"),
        max_length=18,
        unique=True,
        null=True,
        blank=True,
        validators=[validate_uscc],
    )
    foreign_id = models.CharField(_("registration outside the mainland"), max_length=40, blank=True)
    payment_term = models.CharField(
        _("payment term"), max_length=8, choices=PaymentTerm, default=PaymentTerm.POSTPAY
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = BuyerQuerySet.as_manager()

    class Meta:
        verbose_name = _("buyer")
        verbose_name_plural = _("buyers")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(uscc__isnull=False) ^ ~Q(foreign_id=""),
                name="buyer_has_one_kind_of_id",
                violation_error_message=_(
                    "A buyer has either a unified social credit code or a registration "
                    "outside the mainland."
                ),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Credit(models.Model):
    """
    How much a buyer may owe, and what its open pay-after-delivery orders use of it.

    A narrow row of its own, like stock, so that orders of one buyer meet only here.
    """

    buyer = models.OneToOneField(
        Buyer, models.CASCADE, primary_key=True, related_name="credit", verbose_name=_("buyer")
    )
    limit = models.DecimalField(_("limit (yuan)"), max_digits=14, decimal_places=2)
    used = models.DecimalField(
        _("used (yuan)"), max_digits=14, decimal_places=2, default=Decimal(0), editable=False
    )

    objects = OwnedByBuyerQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit")
        verbose_name_plural = _("credits")
        constraints = [
            models.CheckConstraint(
                condition=Q(limit__range=(0, Decimal("999999999999.99"))),
                name="credit_limit_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(used__range=(0, Decimal("999999999999.99"))),
                name="credit_used_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used} / {self.limit}"


class Membership(models.Model):
    """A person's role with a buyer; a purchaser orders up to a limit without approval."""

    class Role(models.TextChoices):
        PURCHASER = "purchaser", _("purchaser")
        APPROVER = "approver", _("approver")
        FINANCE = "finance", _("finance")
        VIEWER = "viewer", _("viewer")

    buyer = models.ForeignKey(
        Buyer, models.CASCADE, related_name="memberships", verbose_name=_("buyer")
    )
    user = models.OneToOneField(
        User, models.CASCADE, related_name="buyer_membership", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role)
    approval_limit = models.DecimalField(
        _("orders without approval up to (yuan)"),
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Empty: no limit."),
    )

    objects = OwnedByBuyerQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.CheckConstraint(
                condition=Q(approval_limit__isnull=True)
                | Q(approval_limit__range=(0, Decimal("999999999999.99"))),
                name="approval_limit_within_bounds",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} – {self.buyer} ({self.get_role_display()})"


class Address(models.Model):
    """Where a buyer takes deliveries. Personal data: masked in lists and logs."""

    buyer = models.ForeignKey(
        Buyer, models.CASCADE, related_name="addresses", verbose_name=_("buyer")
    )
    code = models.SlugField(_("code"), max_length=30)
    division = models.ForeignKey(
        Division, models.PROTECT, related_name="+", verbose_name=_("division")
    )
    street = models.CharField(_("street address"), max_length=200)
    consignee = models.CharField(_("consignee"), max_length=40)
    phone = models.CharField(_("phone"), max_length=20)
    is_active = models.BooleanField(_("active"), default=True)

    objects = OwnedByBuyerQuerySet.as_manager()

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(F("buyer"), F("code"), name="address_code_once_per_buyer")
        ]

    def __str__(self) -> str:
        return self.code
