"""Write a supplier's listings as a workbook, one pack a row."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter
from django.utils import translation

from accounts.models import Division
from shop.models import SKU, Category, Product
from shop.services.content import Content, contents_of
from suppliers.models import Supplier

from .columns import COLUMNS, ERRORS, Column
from .planning import Plan

NUMBERS = {"shelf_life_days", "net_weight_kg", "tolerance_percent", "minimum", "multiple",
           "tax_rate", "price", "on_hand"}  # fmt: skip
PALE, GREY = "#E3EFE8", "#F0F0F0"


@translation.override("zh-hans")
def listings_workbook(supplier: Supplier, *, day: date) -> bytes:
    """Return all products of `supplier` but retired ones, as they stand on `day`."""
    products = {
        product.pk: product
        for product in Product.objects.filter(supplier=supplier)
        .exclude(status=Product.Status.RETIRED)
        .order_by("code")
    }
    contents = contents_of(products, day=day)
    stock = dict(SKU.objects.filter(product__in=products).values_list("code", "stock__on_hand"))
    names = {
        "category": dict(Category.objects.values_list("code", "name")),
        "county": dict(Division.objects.counties().values_list("code", "name")),
    }
    rows = [
        _row(product.code, contents[key], code, stock.get(code) or Decimal(0), names)
        for key, product in products.items()
        for code in contents[key]["skus"]
    ]
    return workbook(COLUMNS, rows)


def workbook(
    columns: Iterable[Column], rows: Iterable[list[Any]], *, errors: list[str] | None = None
) -> bytes:
    """Return a workbook of these rows; with `errors`, one more column says what is wrong."""
    file = BytesIO()
    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet("商品")
    head = book.add_format({"bold": True, "bg_color": PALE, "text_wrap": True, "border": 1})
    as_text = book.add_format({"num_format": "@"})
    wrong = book.add_format({"font_color": "#C0392B"})
    headings = [column.heading for column in columns]
    for place, column in enumerate(columns):
        sheet.set_column(place, place, column.width, as_text)
        sheet.write_string(0, place, column.heading, head)
    if errors is not None:
        sheet.set_column(len(headings), len(headings), 60)
        sheet.write_string(0, len(headings), ERRORS, head)
    for number, row in enumerate(rows, 1):
        for place, cell in enumerate(row):
            if isinstance(cell, Decimal):
                sheet.write_number(number, place, cell)
            elif cell:
                sheet.write_string(number, place, cell, as_text)
        if errors and errors[number - 1]:
            sheet.write_string(number, len(headings), errors[number - 1], wrong)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, 0, len(headings) - 1)
    book.close()
    return file.getvalue()


def marked_workbook(plan: Plan) -> bytes:
    """Return the rows of an uploaded file, with a column that says what is wrong in each."""
    columns = [column for column in plan.columns if column]
    places = [place for place, column in enumerate(plan.columns) if column]
    errors: dict[int, list[str]] = {}
    for problem in plan.problems:
        errors.setdefault(problem.row, []).append(
            ": ".join(filter(None, (problem.column, problem.detail)))
        )
    rows = [
        [row.cells[place] if place < len(row.cells) else "" for place in places]
        for row in plan.rows
    ]
    return workbook(columns, rows, errors=["; ".join(errors.get(r.number, ())) for r in plan.rows])


def _row(
    product_code: str, content: Content, code: str, on_hand: Decimal, names: Mapping[str, Any]
) -> list[Any]:
    sku = content["skus"][code]
    first, *more = sorted(
        (price for price in sku["prices"] if not price["sold_from"]),
        key=lambda price: Decimal(price["from_quantity"]),
    ) or [None]
    values = {
        ("product", "code"): product_code,
        **{("product", name): value for name, value in content.items()},
        **{("product", name): names[name].get(content[name], content[name]) for name in names},
        ("product", "seasons"): " ".join(content["seasons"]),
        ("product", "storage"): Product.Storage(content["storage"]).label,
        **{("sku", name): value for name, value in sku.items()},
        ("sku", "code"): code,
        ("sku", "unit"): SKU.Unit(sku["unit"]).label,
        ("sku", "tax_treatment"): SKU.TaxTreatment(sku["tax_treatment"]).label,
        ("price", "price"): first and first["unit_price"],
        ("price", "tiers"): " ".join(f"{p['from_quantity']}:{p['unit_price']}" for p in more),
        ("stock", "on_hand"): on_hand,
    }
    return [_cell(column, values[column.of, column.field]) for column in COLUMNS]


def _cell(column: Column, value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    return Decimal(value) if column.field in NUMBERS else str(value)
