"""What a reviewer ought to know of a version: prices of its like, and what looks listed already."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.rows import rows_of
from shop.models import ListingVersion, Product

from .looks import BLANK, look_of

#: How alike two names are, from 0 to 1, that a person should look at.
ALIKE = 0.5

#: The folder and the digest that a picture's name begins with.
KNOWN_BY = len("products/") + 64
#: In how many of 64 bits the looks of two pictures differ at most that a person should compare.
NEAR = 6

MEDIAN = """
    SELECT count(DISTINCT product.id) AS products,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY tier.unit_price / sku.net_weight_kg) AS per_kg
    FROM shop_product product
    JOIN shop_sku sku ON sku.product_id = product.id AND sku.is_active
    JOIN LATERAL (
        SELECT unit_price FROM shop_pricetier
        WHERE sku_id = sku.id AND sold_from <= %(day)s
            AND (sold_until IS NULL OR sold_until > %(day)s)
        ORDER BY from_quantity LIMIT 1
    ) tier ON true
    WHERE product.status = 'listed' AND product.id <> %(product)s
        AND product.category_id = %(category)s AND product.storage = %(storage)s
"""

TWINS = f"""
    WITH seen AS (
        SELECT product_id, bool_or(left(file, {KNOWN_BY}) = ANY(%(images)s)) AS is_same
        FROM shop_productimage
        WHERE left(file, {KNOWN_BY}) = ANY(%(images)s) OR EXISTS (
            SELECT FROM unnest(%(looks)s::bigint[]) AS wanted (look)
            WHERE shop_productimage.look <> {BLANK}
                AND bit_count((wanted.look # shop_productimage.look)::bit(64)) <= {NEAR}
        )
        GROUP BY product_id
    )
    SELECT product.code, product.name, supplier.name AS supplier,
        similarity(product.name, %(name)s) >= %(alike)s AS same_name,
        coalesce(seen.is_same, false) AS same_image,
        coalesce(NOT seen.is_same, false) AS like_image
    FROM shop_product product
    JOIN suppliers_supplier supplier ON supplier.id = product.supplier_id
    LEFT JOIN seen ON seen.product_id = product.id
    WHERE product.id <> %(product)s AND product.status <> 'retired' AND (
        product.category_id = %(category)s AND similarity(product.name, %(name)s) >= %(alike)s
        OR seen.product_id IS NOT NULL
    )
    ORDER BY seen.is_same DESC NULLS LAST, product.supplier_id = %(supplier)s DESC,
        similarity(product.name, %(name)s) DESC
    LIMIT 10
"""  # noqa: S608 - only numbers are put in


@dataclass(frozen=True)
class PriceHint:
    """The price of one kilogram of a pack, beside the median of its like."""

    sku: str
    per_kg: Decimal
    median: Decimal | None
    products: int

    @property
    def percent(self) -> Decimal | None:
        """Return by how many percent it is above the median."""
        return (self.per_kg / self.median - 1) * 100 if self.median else None


@dataclass(frozen=True)
class Twin:
    """A product that may be the same one: it has a like name, the same picture or a like one."""

    code: str
    name: str
    supplier: str
    same_name: bool
    same_image: bool
    like_image: bool


def price_hints(version: ListingVersion, *, day: date) -> list[PriceHint]:
    """Return what each pack costs a kilogram beside listed products of its category and storage."""
    content = version.content
    values = {
        "day": day,
        "product": version.product_id,
        "category": content["category"],
        "storage": content["storage"],
    }
    (like,) = rows_of(MEDIAN, values)
    median = None if like["per_kg"] is None else Decimal(str(like["per_kg"]))
    return [
        PriceHint(code, _highest(sku["prices"]) / Decimal(sku["net_weight_kg"]), median,
                  like["products"])
        for code, sku in content["skus"].items()
        if sku["prices"]
    ]  # fmt: skip


def twins_of(version: ListingVersion) -> list[Twin]:
    """Return products that look like this one: by their pictures, then those of its supplier."""
    product: Product = version.product
    images = [image["file"] for image in version.content["images"]]
    values = {
        "product": product.pk,
        "supplier": product.supplier_id,
        "category": version.content["category"],
        "name": version.content["name"],
        "images": [name[:KNOWN_BY] for name in images],
        "looks": [look for look in map(look_of, images) if look != BLANK],
        "alike": ALIKE,
    }
    return [Twin(**row) for row in rows_of(TWINS, values)]


def _highest(prices: list[dict[str, str]]) -> Decimal:
    return max(Decimal(price["unit_price"]) for price in prices)
