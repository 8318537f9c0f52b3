"""The demo's products, their packs, prices, stock and proofs."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from accounts.models import User
from shop.models import (
    SKU,
    FreightRate,
    PriceTier,
    Product,
    Recognition,
    Season,
    Stock,
    SupplyPromise,
)
from shop.models.promises import weeks_from
from suppliers.models import Certificate, Producer, Supplier

from .history import midnight
from .pictures import attach_scan

YEAR = timedelta(days=365)
#: Whose certificates end so soon that they are reminded of it.
ENDS_SOON = {"LD-FRUIT": timedelta(days=21), "SD-GRAPE": timedelta(days=5)}
#: What is promised by week, as an example.
PROMISED = ("FQ-PEAR", "LB-POMELO")


class Tax(NamedTuple):
    treatment: SKU.TaxTreatment
    rate: Decimal
    basis: str


TAXES = {
    "exempt": Tax(
        SKU.TaxTreatment.EXEMPT, Decimal(0), "示例：农业生产者销售的自产农产品，增值税法第二十四条"
    ),
    "9": Tax(SKU.TaxTreatment.TAXABLE, Decimal("0.09"), "示例：农产品，增值税法第十条，9%"),
    "13": Tax(SKU.TaxTreatment.TAXABLE, Decimal("0.13"), "示例：加工品，增值税法第十条，13%"),
}


def rows_of(file: str) -> Iterator[dict[str, str]]:
    """Yield the rows of one of the demo's tables."""
    with Path(__file__).with_name(file).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def load_products(*, day: date) -> None:
    """Store all products as they stand on `day`; prices have applied for three years."""
    rows = list(rows_of("products.csv"))
    suppliers = Supplier.objects.in_bulk({row["supplier"] for row in rows}, field_name="code")
    producers = _producers(rows, suppliers)
    products = {
        row["code"]: Product(
            code=row["code"],
            supplier=suppliers[row["supplier"]],
            producer=producers[row["supplier"], row["producer"]],
            category_id=row["category"],
            county_id=row["county"] or suppliers[row["supplier"]].county_id,
            name=row["name"],
            summary=f"示例：{row['summary']}",
            species=row["species"],
            storage=row["storage"],
            is_processed=row["processed"] == "yes",
            shelf_life_days=row["shelf_life_days"] or None,
            status=row["status"],
            is_synthetic=True,
        )
        for row in rows
    }
    Product.objects.bulk_create(products.values())
    Season.objects.bulk_create(
        Season(product=products[row["code"]], starts=starts, ends=ends)
        for row in rows
        if row["season"]
        for starts, ends in [row["season"].split("/")]
    )
    # Small parcels by courier; whatever is sent by the pallet is sold at delivered prices.
    FreightRate.objects.create(
        supplier=suppliers["SD-CRAFT"],
        per_kg=Decimal(12),
        minimum=Decimal(25),
        free_from=Decimal(3000),
    )
    _certify(rows, products, day=day)
    _load_skus(products, day=day)
    _promise(day=day)


def _producers(
    rows: list[dict[str, str]], suppliers: dict[str, Supplier]
) -> dict[tuple[str, str], Producer]:
    """Return the producer by supplier's code and name; an empty name is the supplier itself."""
    Producer.objects.bulk_create(
        Producer(
            supplier=suppliers[row["supplier"]],
            name=row["producer"],
            county_id=row["county"] or suppliers[row["supplier"]].county_id,
            mandate=f"示例-委托-{row['code']}",
        )
        for row in rows
        if row["producer"]
    )
    return {
        (producer.supplier.code, producer.name.removeprefix(producer.supplier.name)): producer
        for producer in Producer.objects.select_related("supplier")
    }


def _certify(rows: list[dict[str, str]], products: dict[str, Product], *, day: date) -> None:
    """Give products their certificates and recognitions; a lapsed one ended half a year ago."""
    kinds = {row["code"]: row["certificates"].split(";") for row in rows if row["certificates"]}
    checker = User.objects.get(username="demo-reviewer")
    certificates = {
        (products[code].supplier_id, kind): Certificate(
            supplier=products[code].supplier,
            kind=kind,
            number=f"示例-{kind.upper()}-{products[code].supplier.code}",
            issuer="示例发证机构",
            valid_from=day - 3 * YEAR,
            valid_until=day + ENDS_SOON.get(products[code].supplier.code, 2 * YEAR),
            checked_by=checker,
            checked_at=midnight(day - YEAR),
        )
        for code in kinds
        for kind in kinds[code]
    }
    for certificate in certificates.values():
        attach_scan(certificate)
    Certificate.objects.bulk_create(certificates.values())
    Product.certificates.through.objects.bulk_create(
        Product.certificates.through(
            product=products[code], certificate=certificates[products[code].supplier_id, kind]
        )
        for code in kinds
        for kind in kinds[code]
    )
    Recognition.objects.bulk_create(
        Recognition(
            product=products[row["code"]],
            number=f"示例-认定-{row['code']}",
            valid_from=day - 3 * YEAR,
            valid_until=day - YEAR / 2 if row["recognised"] == "lapsed" else day + 2 * YEAR,
        )
        for row in rows
        if row["recognised"] != "no"
    )


def _load_skus(products: dict[str, Product], *, day: date) -> None:
    rows = list(rows_of("skus.csv"))
    skus = SKU.objects.bulk_create(_sku(row, products[row["product"]]) for row in rows)
    PriceTier.objects.bulk_create(
        PriceTier(
            sku=sku,
            from_quantity=from_quantity,
            unit_price=unit_price,
            sold_from=day - 3 * YEAR,
        )
        for sku, row in zip(skus, rows, strict=True)
        for tier in row["prices"].split()
        for from_quantity, unit_price in [map(Decimal, tier.split(":"))]
    )
    # The database opened an empty stock row with each SKU.
    Stock.objects.bulk_update(
        [
            Stock(sku=sku, on_hand=Decimal(row["stock"]))
            for sku, row in zip(skus, rows, strict=True)
        ],
        ["on_hand"],
    )


def _promise(*, day: date) -> None:
    """Promise half of the stock of some fruit for each of the next weeks in its season."""
    skus = SKU.objects.filter(product__code__in=PROMISED).select_related("stock")
    SupplyPromise.objects.bulk_create(
        SupplyPromise(sku=sku, week=week, quantity=sku.stock.on_hand)
        for sku in skus.prefetch_related("product__seasons")
        for week in weeks_from(day, 26)
        if any(season.includes(week) for season in sku.product.seasons.all())
    )


def _sku(row: dict[str, str], product: Product) -> SKU:
    tax = TAXES[row["tax"]]
    return SKU(
        product=product,
        code=row["sku"],
        name=row["name"],
        unit=row["unit"],
        net_weight_kg=Decimal(row["net_weight_kg"]),
        is_weighed=bool(row["tolerance_percent"]),
        tolerance_percent=Decimal(row["tolerance_percent"] or 0),
        minimum=Decimal(row["minimum"]),
        multiple=Decimal(row["multiple"]),
        tax_treatment=tax.treatment,
        tax_rate=tax.rate,
        tax_basis=tax.basis,
    )
