"""What the demo's buyers decide to buy: when, and how much of what."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.utils import timezone

from orders.models import Buyer
from shop.models import SKU, Product

GROWTH_A_YEAR = 1.25
# Spring Festival and the autumn feasts fill the canteens' and unions' orders.
DEMAND_BY_MONTH = (1.35, 0.7, 0.85, 0.9, 0.95, 1.0, 0.95, 1.0, 1.25, 1.1, 1.0, 1.2)
ORDERS_A_MONTH: dict[str, int] = {
    Buyer.Kind.WHOLESALE: 12,
    Buyer.Kind.SUPERMARKET: 10,
    Buyer.Kind.ECOMMERCE: 9,
    Buyer.Kind.CATERER: 8,
    Buyer.Kind.CANTEEN: 7,
}
OTHERS_ORDERS_A_MONTH = 5
KITCHEN = {"aquatic", "eggs", "fruit", "grain", "vegetables"}
CATEGORIES: dict[str, set[str]] = {
    Buyer.Kind.CANTEEN: KITCHEN | {"tea"},
    Buyer.Kind.SCHOOL: KITCHEN,
    Buyer.Kind.HOSPITAL: KITCHEN,
    Buyer.Kind.CATERER: KITCHEN | {"roxburgh"},
    Buyer.Kind.UNION: {"eggs", "fruit", "roxburgh", "tea", "handicraft"},
    Buyer.Kind.IMPORTER: {"aquatic", "roxburgh", "tea", "handicraft"},
}
PAIRED_WEIGHT = 4
TYPICAL_LINE_AMOUNT = 7_500
LEAD_DAYS = 5


class Purchase(NamedTuple):
    """An order as it is about to be placed."""

    buyer: Buyer
    placed_at: datetime
    quantity_by_sku: dict[SKU, Decimal]


def purchases_of(
    month: date,
    *,
    since: date,
    buyers: list[Buyer],
    skus: list[SKU],
    pairs: set[tuple[str, str]],
) -> Iterator[Purchase]:
    """
    Yield what is bought in `month`, in no order; demand has grown from `since` on.

    The same arguments always give the same purchases. `skus` come with their product,
    its seasons and their price tiers; `pairs` are districts with the counties they
    assist, whose goods they buy more often.
    """
    dice = random.Random(f"{month:%Y-%m}")  # noqa: S311 - the demo is meant to repeat itself
    years = (month - since).days / 365
    demand = DEMAND_BY_MONTH[month.month - 1] * GROWTH_A_YEAR**years
    for buyer in buyers:
        number = round(ORDERS_A_MONTH.get(buyer.kind, OTHERS_ORDERS_A_MONTH) * demand)
        for _ in range(number):
            placed_at = _working_hour(month, dice)
            on_offer = _on_offer(skus, buyer=buyer, day=placed_at.date() + timedelta(LEAD_DAYS))
            weights = [
                PAIRED_WEIGHT if (buyer.region_id, sku.product.county_id) in pairs else 1
                for sku in on_offer
            ]
            # A SKU that is drawn twice makes the order one line shorter.
            chosen = dice.choices(on_offer, weights, k=dice.randint(2, 6))
            yield Purchase(
                buyer, placed_at, {sku: _quantity(sku, demand=demand, dice=dice) for sku in chosen}
            )


def unit_price(sku: SKU, quantity: Decimal) -> Decimal:
    """Return the price of the tier that `quantity` reaches."""
    return max(
        (tier for tier in sku.tiers.all() if tier.from_quantity <= quantity),
        key=lambda tier: tier.from_quantity,
    ).unit_price


def _working_hour(month: date, dice: random.Random) -> datetime:
    day = month.replace(day=dice.randint(1, 28))
    # What falls on a weekend is ordered on the Friday before, or on the month's first Monday.
    if day.weekday() > 4:
        day += timedelta(7 - day.weekday() if day.day < 3 else 4 - day.weekday())
    minutes = dice.randint(0, 9 * 60)
    return datetime.combine(day, time(8, 30), timezone.get_current_timezone()) + timedelta(
        minutes=minutes
    )


def _on_offer(skus: list[SKU], *, buyer: Buyer, day: date) -> list[SKU]:
    """Return what a buyer of this kind finds that can be delivered on `day`."""
    wanted = CATEGORIES.get(buyer.kind)
    return [
        sku
        for sku in skus
        if (wanted is None or sku.product.category_id in wanted) and _in_season(sku.product, day)
    ]


def _in_season(product: Product, day: date) -> bool:
    seasons = product.seasons.all()
    return not seasons or any(season.includes(day) for season in seasons)


def _quantity(sku: SKU, *, demand: float, dice: random.Random) -> Decimal:
    """Return a quantity that is worth about as much as lines usually are."""
    amount = Decimal(TYPICAL_LINE_AMOUNT * demand * dice.lognormvariate(0, 0.7))
    wished = max(amount / unit_price(sku, sku.minimum), sku.minimum)
    return sku.multiple * max(round(wished / sku.multiple), 1)
