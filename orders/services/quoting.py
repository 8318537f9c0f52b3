"""Price what a buyer asks for, and say everything that stands against ordering it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.api.serializers import money, plain
from accounts.models import User
from accounts.refusals import ErrorItem, Invalid, Refusal
from orders.models import Buyer
from orders.models.orders import MONEY_MAX
from orders.money import amount_of
from shop.services.pricing import Offer, offers_for
from shop.services.stock import available_stock

from .standing import Standing, standing_of


class NotForSale(Refusal):
    """A SKU does not exist, or is not sold today or not in this quantity."""

    code = "not_for_sale"
    detail = _("Some of this is not for sale.")


class OutOfSeason(Refusal):
    """A product is not delivered on the day that was asked for."""

    code = "out_of_season"
    detail = _("Some of this is out of season on the day of delivery.")


class PriceChanged(Refusal):
    """A price differs from the one that the client expects."""

    code = "price_changed"
    detail = _("A price has changed.")


class OutOfStock(Refusal):
    """There is less of a SKU than the order's lines ask for together."""

    code = "out_of_stock"
    detail = _("There is not enough stock.")


class CreditExceeded(Refusal):
    """The buyer would owe more than its credit limit."""

    code = "credit_exceeded"
    detail = _("The order exceeds the credit limit.")


# An order that is refused for several reasons carries the first of these as its code.
REFUSALS: tuple[type[Refusal], ...] = (
    Invalid,
    NotForSale,
    OutOfSeason,
    PriceChanged,
    OutOfStock,
    CreditExceeded,
)


#: By whether it is the week's promise that falls short.
TOO_LITTLE = {
    False: _("There is not so much of it."),
    True: _("Not so much of it is promised for that week."),
}


class WantedLine(NamedTuple):
    """A SKU and a quantity in its unit; `unit_price` is what the client expects, if anything."""

    sku: str
    quantity: Decimal
    unit_price: Decimal | None = None


@dataclass(frozen=True)
class Wish:
    """What a buyer asks for."""

    address: str
    lines: Sequence[WantedLine]
    delivery_date: date | None = None
    payment_term: str = ""
    purchase_order: str = ""
    note: str = ""


@dataclass(frozen=True)
class PricedLine:
    """One asked line with what is offered for it, if anything is."""

    number: int
    wanted: WantedLine
    offer: Offer | None
    amount: Decimal = Decimal(0)


@dataclass(frozen=True)
class Quote:
    """A priced wish; it can be ordered when nothing is refused."""

    standing: Standing
    payment_term: str
    lines: Sequence[PricedLine]
    available: Mapping[int, Decimal]
    goods_amount: Decimal
    freight_by_supplier: Mapping[int, Decimal]
    refused: list[ErrorItem] = field(default_factory=list)

    @property
    def freight_amount(self) -> Decimal:
        return sum(self.freight_by_supplier.values(), Decimal(0))

    @property
    def total_amount(self) -> Decimal:
        return self.goods_amount + self.freight_amount

    @property
    def needs_approval(self) -> bool:
        limit = self.standing.approval_limit
        return limit is not None and self.total_amount > limit

    def refuse(self) -> None:
        """Raise the refusal that all of `refused` amount to, if there is any."""
        codes = {error.code for error in self.refused}
        for refusal in REFUSALS:
            if refusal.code in codes:
                raise refusal(errors=self.refused)


def quote(wish: Wish, *, by: User, now: datetime) -> Quote:
    """Price a wish without ordering it; raise Forbidden when `by` may not order."""
    day = timezone.localdate(now)
    standing = standing_of(by, address=wish.address, day=day)
    available = available_stock([line.sku for line in wish.lines])
    priced = price(wish, standing=standing, available=available, day=day)
    if priced.payment_term == Buyer.PaymentTerm.POSTPAY and standing.credit_limit is not None:
        owed = (standing.credit_used or Decimal(0)) + priced.total_amount
        if owed > standing.credit_limit:
            priced.refused.append(ErrorItem("", CreditExceeded.code, CreditExceeded.detail))
    return priced


def price(wish: Wish, *, standing: Standing, available: Mapping[int, Decimal], day: date) -> Quote:
    """
    Price a wish on `day` and collect everything that stands against it.

    `available` says by SKU key how much there is; whoever orders has locked it.
    """
    offers = offers_for(
        [line.sku for line in wish.lines],
        [line.quantity for line in wish.lines],
        day=day,
        delivered_on=wish.delivery_date,
        destination=standing.destination,
    )
    lines = [
        PricedLine(number, wanted, offer, amount_of(wanted.quantity, offer.unit_price))
        if offer
        else PricedLine(number, wanted, None)
        for number, (wanted, offer) in enumerate(zip(wish.lines, offers, strict=True), start=1)
    ]
    goods_amount = sum((line.amount for line in lines), Decimal(0))
    freight_by_supplier = _freight(lines)
    total_amount = goods_amount + sum(freight_by_supplier.values())
    refused = _against_the_order(wish, standing, total_amount, day)
    wanted_by_sku: dict[int, Decimal] = {}
    for line in lines:
        if line.offer:
            sku_id = line.offer.sku_id
            wanted_by_sku[sku_id] = wanted_by_sku.get(sku_id, Decimal(0)) + line.wanted.quantity
    left = _left(lines, available)
    short = {sku_id for sku_id, wanted in wanted_by_sku.items() if wanted > left[sku_id]}
    for index, line in enumerate(lines):
        refused += _against_the_line(f"/lines/{index}", line, short, left)
    payment_term = wish.payment_term or standing.payment_term
    return Quote(
        standing, payment_term, lines, available, goods_amount, freight_by_supplier, refused
    )


def _left(lines: Sequence[PricedLine], available: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Return what can be ordered by SKU key: what is there, and no more than was promised."""
    left = {}
    for offer in (line.offer for line in lines if line.offer):
        there = available.get(offer.sku_id, Decimal(0))
        left[offer.sku_id] = there if offer.promised is None else min(there, offer.promised)
    return left


def _freight(lines: Sequence[PricedLine]) -> dict[int, Decimal]:
    """Return what each supplier charges for delivery, by its key: by weight, rounded once."""
    freight_by_supplier = {}
    offered = [(line, line.offer) for line in lines if line.offer]
    for supplier_id in {offer.supplier_id for _line, offer in offered}:
        own = [(line, offer) for line, offer in offered if offer.supplier_id == supplier_id]
        _first, rate = own[0]
        if rate.freight_per_kg is None or rate.freight_minimum is None:
            continue
        goods_amount = sum(line.amount for line, _offer in own)
        if rate.freight_free_from is not None and goods_amount >= rate.freight_free_from:
            continue
        weight = sum((line.wanted.quantity * o.net_weight_kg for line, o in own), Decimal(0))
        freight = max(amount_of(weight, rate.freight_per_kg), rate.freight_minimum)
        freight_by_supplier[supplier_id] = freight
    return freight_by_supplier


def _against_the_order(
    wish: Wish, standing: Standing, total_amount: Decimal, day: date
) -> list[ErrorItem]:
    refused = []
    if standing.address_id is None:
        refused.append(ErrorItem("/address", "invalid", _("There is no such address.")))
    if wish.delivery_date and wish.delivery_date < day:
        refused.append(ErrorItem("/delivery_date", "invalid", _("This day is past.")))
    if total_amount > MONEY_MAX:
        refused.append(ErrorItem("/lines", "invalid", _("The order is too large.")))
    return refused


def _against_the_line(
    pointer: str, line: PricedLine, short: set[int], left: Mapping[int, Decimal]
) -> list[ErrorItem]:
    offer, wanted = line.offer, line.wanted
    if offer is None:
        return [ErrorItem(f"{pointer}/sku", NotForSale.code, _("This is not for sale."))]
    refused = []
    if not offer.is_in_season:
        refused.append(
            ErrorItem(f"{pointer}/sku", OutOfSeason.code, _("This is out of season on that day."))
        )
    if wanted.quantity < offer.minimum:
        detail = _("The minimum is %(minimum)s.") % {"minimum": plain(offer.minimum)}
        refused.append(ErrorItem(f"{pointer}/quantity", "invalid", detail))
    if wanted.quantity % offer.multiple:
        detail = _("It must be a multiple of %(multiple)s.") % {"multiple": plain(offer.multiple)}
        refused.append(ErrorItem(f"{pointer}/quantity", "invalid", detail))
    if wanted.unit_price is not None and wanted.unit_price != offer.unit_price:
        refused.append(
            ErrorItem(
                f"{pointer}/unit_price",
                PriceChanged.code,
                _("The price is another one now."),
                {"unit_price": money(offer.unit_price)},
            )
        )
    if offer.sku_id in short:
        # Equal when the week's promise is what falls short.
        too_little = TOO_LITTLE[left[offer.sku_id] == offer.promised]
        refused.append(
            ErrorItem(
                f"{pointer}/quantity",
                OutOfStock.code,
                too_little,
                {"available": plain(left[offer.sku_id])},
            )
        )
    return refused
