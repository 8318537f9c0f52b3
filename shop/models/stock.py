"""Stock and the reservations that hold it."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.db import connection, models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .skus import SKU, OwnedBySKUQuerySet

# What `locked` does, for the one place where the time of each statement counts.
LOCK_BY_CODE = """
    SELECT sku_id, on_hand - reserved FROM shop_stock
    WHERE sku_id IN (SELECT id FROM shop_sku WHERE code = ANY(%s::text[]))
    ORDER BY sku_id FOR NO KEY UPDATE
"""


class StockQuerySet(OwnedBySKUQuerySet):
    def locked(self, sku_ids: Collection[int] | models.QuerySet[Any]) -> "StockQuerySet":
        """
        Lock these rows in key order.

        Nobody locks stock in another order, and the stock row is the gate of
        everything that sells a SKU: whoever changes what may be sold (price,
        listing, supplier) takes these locks first, and so does an order before
        it reads any of it.
        """
        return self.select_for_update(no_key=True).filter(pk__in=sku_ids).order_by("pk")

    def lock_by_code(self, codes: Collection[str]) -> dict[int, Decimal]:
        """Lock the stock of the SKUs with these codes; return what is available by SKU key."""
        with connection.preparing_cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(LOCK_BY_CODE, [list(codes)])
            return dict(cursor.fetchall())


class Stock(models.Model):
    """
    How much of a SKU there is, in its own unit.

    A narrow table that nothing refers to, because a row that many orders update
    must not also be the target of their foreign keys. `reserved` is kept by a
    trigger: it is always the sum of the SKU's reservations.
    """

    sku = models.OneToOneField(
        SKU, models.CASCADE, primary_key=True, related_name="stock", verbose_name=_("SKU")
    )
    on_hand = models.DecimalField(_("on hand"), max_digits=14, decimal_places=3, default=Decimal(0))
    reserved = models.DecimalField(
        _("reserved"), max_digits=14, decimal_places=3, default=Decimal(0), editable=False
    )

    objects = StockQuerySet.as_manager()

    class Meta:
        verbose_name = _("stock")
        verbose_name_plural = _("stock")
        constraints = [
            models.CheckConstraint(
                condition=Q(on_hand__range=(0, Decimal("99999999999.999"))),
                name="stock_on_hand_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(reserved__gte=0, reserved__lte=F("on_hand")),
                name="stock_reserved_within_on_hand",
                violation_error_message=_("More is reserved than this."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku_id}: {self.on_hand} / {self.reserved}"

    @property
    def available(self) -> Decimal:
        return self.on_hand - self.reserved


class Reservation(models.Model):
    """
    A quantity of a SKU that is held for one order line until it ships.

    `line_id` is the order line's key; the line's own app lies above this one, so
    there is no foreign key.
    """

    sku = models.ForeignKey(SKU, models.PROTECT, related_name="+", verbose_name=_("SKU"))
    line_id = models.BigIntegerField(_("order line"), unique=True)
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=3)

    objects = OwnedBySKUQuerySet.as_manager()

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__range=(Decimal("0.001"), Decimal("99999999999.999"))),
                name="reservation_positive",
            )
        ]

    def __str__(self) -> str:
        return f"{self.sku_id}: {self.quantity}"
