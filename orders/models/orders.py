"""Orders, the consignments they split into, their lines and their history."""

from decimal import Decimal

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet, Sealed, User
from shop.models import SKU
from suppliers.models import Supplier

from .buyers import Address, Buyer, Channel, OwnedByBuyerQuerySet

MONEY_MAX = Decimal("999999999999.99")


class Order(models.Model):
    """
    A buyer's bulk order.

    Its status follows from its consignments. Buyer kind, region and channel are
    those of the moment of ordering.
    """

    class Status(models.TextChoices):
        PENDING_APPROVAL = "pending_approval", _("pending approval")
        PLACED = "placed", _("placed")
        CONFIRMED = "confirmed", _("confirmed")
        SHIPPED = "shipped", _("shipped")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        CANCELLED = "cancelled", _("cancelled")
        REJECTED = "rejected", _("rejected")

    number = models.CharField(_("number"), max_length=20, unique=True)
    buyer = models.ForeignKey(Buyer, models.PROTECT, related_name="orders", verbose_name=_("buyer"))
    purchaser = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("purchaser")
    )
    address = models.ForeignKey(
        Address, models.PROTECT, related_name="+", verbose_name=_("address")
    )
    status = models.CharField(_("status"), max_length=16, choices=Status)
    placed_at = models.DateTimeField(_("placed at"))
    delivery_date = models.DateField(_("delivery date"), null=True, blank=True)
    purchase_order = models.CharField(_("purchase order"), max_length=60, blank=True)
    payment_term = models.CharField(_("payment term"), max_length=8, choices=Buyer.PaymentTerm)
    note = models.CharField(_("note"), max_length=500, blank=True)
    goods_amount = models.DecimalField(_("goods amount (yuan)"), max_digits=14, decimal_places=2)
    freight_amount = models.DecimalField(
        _("freight (yuan)"), max_digits=14, decimal_places=2, default=Decimal(0)
    )
    buyer_kind = models.CharField(_("buyer kind"), max_length=12, choices=Buyer.Kind)
    region_code = models.CharField(_("buyer region"), max_length=6)
    channel = models.CharField(
        _("channel"), max_length=10, choices=Channel, default=Channel.PLATFORM
    )
    is_synthetic = models.BooleanField(_("synthetic"), default=False, editable=False)

    objects = OwnedByBuyerQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-placed_at", "-id"]
        indexes = [
            models.Index(fields=["buyer", "-placed_at", "-id"], name="orders_by_buyer"),
            models.Index(fields=["-placed_at", "-id"], name="orders_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    goods_amount__range=(0, MONEY_MAX), freight_amount__range=(0, MONEY_MAX)
                ),
                name="order_amounts_within_bounds",
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def total_amount(self) -> Decimal:
        return self.goods_amount + self.freight_amount


class ConsignmentQuerySet(OwnedQuerySet):
    owner_paths = ("order__buyer__memberships__user", "supplier__members__user")

    def for_actor(self, user: User | AnonymousUser) -> "ConsignmentQuerySet":
        """Rows that `user` may see; a supplier sees nothing of an order before its approval."""
        rows = super().for_actor(user)
        if not isinstance(user, User) or user.role:
            return rows
        return rows.exclude(
            status=Consignment.Status.PENDING_APPROVAL, supplier__members__user=user
        )

    def supplied_by(self, user: User) -> "ConsignmentQuerySet":
        """What the supplier that `user` works for has to deliver."""
        return self.filter(supplier__members__user=user).exclude(
            status=Consignment.Status.PENDING_APPROVAL
        )


class Consignment(models.Model):
    """
    One supplier's part of an order; it travels, in one shipment or several, and is accepted whole.

    Carrier, tracking number and time are those of its latest shipment.
    """

    class Status(models.TextChoices):
        PENDING_APPROVAL = "pending_approval", _("pending approval")
        PLACED = "placed", _("placed")
        CONFIRMED = "confirmed", _("confirmed")
        SHIPPED = "shipped", _("shipped")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        CANCELLED = "cancelled", _("cancelled")

    #: Every move there is; the database refuses any other.
    MOVES = (
        (Status.PENDING_APPROVAL, Status.PLACED),
        (Status.PENDING_APPROVAL, Status.CANCELLED),
        (Status.PLACED, Status.CONFIRMED),
        (Status.PLACED, Status.DECLINED),
        (Status.PLACED, Status.CANCELLED),
        (Status.CONFIRMED, Status.SHIPPED),
        (Status.CONFIRMED, Status.CANCELLED),
        (Status.SHIPPED, Status.ACCEPTED),
    )
    #: While a consignment is in one of these its lines hold stock.
    HOLDING_STOCK = (Status.PENDING_APPROVAL, Status.PLACED, Status.CONFIRMED)

    number = models.CharField(_("number"), max_length=24, unique=True)
    order = models.ForeignKey(
        Order, models.PROTECT, related_name="consignments", verbose_name=_("order")
    )
    supplier = models.ForeignKey(
        Supplier, models.PROTECT, related_name="consignments", verbose_name=_("supplier")
    )
    status = models.CharField(_("status"), max_length=16, choices=Status)
    goods_amount = models.DecimalField(_("goods amount (yuan)"), max_digits=14, decimal_places=2)
    freight_amount = models.DecimalField(
        _("freight (yuan)"),
        max_digits=14,
        decimal_places=2,
        default=Decimal(0),
        db_default=Decimal(0),
    )
    carrier = models.CharField(_("carrier"), max_length=60, blank=True)
    tracking = models.CharField(_("tracking number"), max_length=60, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    shipped_at = models.DateTimeField(_("shipped at"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True)

    objects = ConsignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consignment")
        verbose_name_plural = _("consignments")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["supplier", "status", "-id"], name="consignments_by_supplier"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "supplier"], name="one_consignment_per_order_and_supplier"
            ),
            models.CheckConstraint(
                condition=Q(
                    goods_amount__range=(0, MONEY_MAX), freight_amount__range=(0, MONEY_MAX)
                ),
                name="consignment_amounts_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(shipped_at__isnull=True)
                | Q(status__in=["confirmed", "shipped", "accepted"]),
                name="what_left_is_not_called_off",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def has_partly_left(self) -> bool:
        """Whether some of it is on its way and more is to follow."""
        return self.status == self.Status.CONFIRMED and self.shipped_at is not None

    @property
    def shown_status(self) -> str:
        """Its status as people read it."""
        return str(_("shipped in part")) if self.has_partly_left else self.get_status_display()


class OrderLine(models.Model):
    """
    What was agreed for one SKU, and what became of it.

    Everything that the official figure needs is copied here when the order is
    placed, so later changes of a listing, a supplier or a pairing do not reach
    it. Quantities are in the SKU's unit, amounts in yuan, rounded once. Accepted lines
    share the freight of their consignment.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="lines", verbose_name=_("order"))
    consignment = models.ForeignKey(
        Consignment, models.PROTECT, related_name="lines", verbose_name=_("consignment")
    )
    number = models.PositiveSmallIntegerField(_("line"))
    sku = models.ForeignKey(SKU, models.PROTECT, related_name="+", verbose_name=_("SKU"))
    sku_code = models.CharField(_("SKU code"), max_length=40)
    name = models.CharField(_("name"), max_length=210)
    category_code = models.CharField(_("category"), max_length=20)
    county_code = models.CharField(_("county of origin"), max_length=6)
    pair_district_code = models.CharField(_("paired district"), max_length=6, blank=True)
    is_recognised = models.BooleanField(_("recognised"))
    unit = models.CharField(_("unit"), max_length=8, choices=SKU.Unit)
    net_weight_kg = models.DecimalField(_("net weight (kg)"), max_digits=10, decimal_places=4)
    is_weighed = models.BooleanField(_("weighed at delivery"))
    tolerance_percent = models.DecimalField(
        _("weight tolerance (%)"), max_digits=5, decimal_places=2
    )
    tax_treatment = models.CharField(_("tax treatment"), max_length=8, choices=SKU.TaxTreatment)
    tax_rate = models.DecimalField(_("tax rate"), max_digits=4, decimal_places=3)
    unit_price = models.DecimalField(_("unit price (yuan)"), max_digits=12, decimal_places=4)
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    amount = models.DecimalField(_("amount (yuan)"), max_digits=14, decimal_places=2)
    batch = models.CharField(
        _("batch"), max_length=500, blank=True, help_text=_("As the supplier named it.")
    )
    shipped_quantity = models.DecimalField(
        _("shipped quantity"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    accepted_quantity = models.DecimalField(
        _("accepted quantity"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    accepted_amount = models.DecimalField(
        _("accepted amount (yuan)"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    accepted_freight = models.DecimalField(
        _("share of the freight (yuan)"),
        max_digits=14,
        decimal_places=2,
        default=Decimal(0),
        db_default=Decimal(0),
    )
    shortfall_reason = models.CharField(_("reason for accepting less"), max_length=200, blank=True)
    refunded_amount = models.DecimalField(
        _("refunded (yuan)"), max_digits=14, decimal_places=2, default=Decimal(0)
    )

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["order_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="line_number_once_per_order"),
            models.CheckConstraint(
                condition=Q(
                    quantity__range=(Decimal("0.001"), 999999999),
                    unit_price__range=(Decimal("0.0001"), Decimal("99999999.9999")),
                    amount__range=(0, MONEY_MAX),
                ),
                name="line_amounts_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(shipped_quantity__isnull=True)
                | Q(shipped_quantity__range=(0, 999999999)),
                name="line_shipped_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(accepted_quantity__isnull=True, accepted_amount__isnull=True)
                | Q(
                    accepted_quantity__gte=0,
                    accepted_quantity__lte=F("shipped_quantity"),
                    accepted_amount__range=(0, MONEY_MAX),
                ),
                name="line_accepts_at_most_what_was_shipped",
            ),
            models.CheckConstraint(
                condition=Q(accepted_freight=0)
                | Q(
                    accepted_quantity__isnull=False,
                    accepted_quantity__gt=0,
                    accepted_freight__range=(0, MONEY_MAX),
                ),
                name="line_bears_freight_once_accepted",
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount=0)
                | Q(refunded_amount__gt=0, refunded_amount__lte=F("accepted_amount")),
                name="line_refunds_at_most_what_was_accepted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.number} {self.name}"

    @property
    def left_to_ship(self) -> Decimal:
        """What was ordered and has not left, in the line's unit."""
        return max(self.quantity - (self.shipped_quantity or 0), Decimal(0))


class OrderEvent(Sealed):
    """A step in the life of an order or of one consignment; never changed."""

    sealed_as = (Sealed.SEALED_AT, "order_id", "consignment_id", "kind", "by_id", "reason")

    class Kind(models.TextChoices):
        PLACED = "placed", _("placed")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        CANCELLED = "cancelled", _("cancelled")
        CONFIRMED = "confirmed", _("confirmed")
        DECLINED = "declined", _("declined")
        PART_SHIPPED = "part_shipped", _("shipped in part")
        SHIPPED = "shipped", _("shipped")
        ACCEPTED = "accepted", _("accepted")
        CLAIMED = "claimed", _("claimed")
        SETTLED = "settled", _("settled")
        INVOICED = "invoiced", _("fapiao entered")
        INVOICE_REVERSED = "invoice_reversed", _("fapiao reversed")
        PAID = "paid", _("payment entered")
        PAYMENT_REVERSED = "payment_reversed", _("payment reversed")

    order = models.ForeignKey(Order, models.PROTECT, related_name="events", verbose_name=_("order"))
    consignment = models.ForeignKey(
        Consignment, models.PROTECT, null=True, blank=True, verbose_name=_("consignment")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("order event")
        verbose_name_plural = _("order events")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"
