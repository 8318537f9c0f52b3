"""Twelve months of products at a glance: when they are in season, and what is promised."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Prefetch

from shop.models import SKU, Product, SupplyPromise

MONTHS = 12


@dataclass
class Cell:
    """A month of a SKU: whether it is in season all the month or in part, and its promises."""

    share: str
    promised: Decimal = Decimal(0)
    left: Decimal = Decimal(0)


@dataclass(frozen=True)
class Line:
    sku: SKU
    cells: list[Cell] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """A product with a line for each of its SKUs that are for sale."""

    product: Product
    lines: list[Line]


def months_from(day: date) -> list[date]:
    """Return the first days of twelve months, that of `day` first."""
    first = day.year * 12 + day.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(first, first + MONTHS)]


def twelve_months(products: Sequence[Product], *, day: date) -> list[Page]:
    """Return the twelve months from that of `day` on; costs three statements for all products."""
    months = months_from(day)
    skus: dict[int, list[SKU]] = {}
    promises = SupplyPromise.objects.ahead(day)
    for sku in (
        SKU.objects.filter(product__in=products, is_active=True)
        .order_by("code")
        .prefetch_related(Prefetch("promises", promises))
    ):
        skus.setdefault(sku.product_id, []).append(sku)
    return [
        Page(product, [_line(sku, months, _shares(product, months)) for sku in skus[product.pk]])
        for product in products
        if product.pk in skus
    ]


def _line(sku: SKU, months: Sequence[date], shares: Sequence[str]) -> Line:
    cells = {month: Cell(share) for month, share in zip(months, shares, strict=True)}
    for promise in sku.promises.all():
        # The week that has begun may do so in the month before the first.
        cell = cells.get(max(promise.week.replace(day=1), months[0]))
        if cell:
            cell.promised += promise.quantity
            cell.left += promise.left
    return Line(sku, list(cells.values()))


def _shares(product: Product, months: Collection[date]) -> list[str]:
    """Return for each month whether a product is in season: "all" of it, in "part", or not."""
    seasons = list(product.seasons.all())
    if not seasons:
        return ["all"] * len(months)
    shares = []
    for month in months:
        after = (month + timedelta(days=31)).replace(day=1)
        days = [month + timedelta(days=n) for n in range((after - month).days)]
        delivered = [any(season.includes(day) for season in seasons) for day in days]
        shares.append("all" if all(delivered) else "part" if any(delivered) else "")
    return shares
