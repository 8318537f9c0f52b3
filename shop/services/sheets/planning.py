"""Read a workbook of listings, and say what it would change."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from django.utils.translation import gettext as _

from accounts.models import Division
from accounts.spreadsheets.reading import format_of, read_rows
from accounts.spreadsheets.refusals import FileRejected
from accounts.spreadsheets.xlsx import SheetRow
from shop.models import SKU, Category, Product
from shop.services.content import Content, Difference, contents_of, differences
from suppliers.models import Supplier

from .columns import BLANK_PRODUCT, BLANK_SKU, COLUMNS, ERRORS, BadCell, Column

MAX_ROWS = 10_000
#: What ten thousand full rows of all columns unpack to, and as much again.
MAX_UNPACKED = 48 * 1024**2
COLUMN_BY_HEADING = {column.heading: column for column in COLUMNS}
FLAWS = {
    "formula": "This cell holds a formula; paste its value.",
    "cell_error": "This cell holds an error of the spreadsheet.",
}


@dataclass(frozen=True)
class Problem:
    """What is wrong in a cell; row 1 is the headings, and a whole row has no column."""

    row: int
    column: str
    detail: str


@dataclass
class Plan:
    """
    What a workbook would change: contents by the code of each product, and stock by SKU.

    `before` holds the contents of the products that there are. Nothing of it counts while
    there are problems.
    """

    rows: list[SheetRow] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    columns: list[Column | None] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    before: dict[str, Content] = field(default_factory=dict)
    after: dict[str, Content] = field(default_factory=dict)
    stock: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    @property
    def new(self) -> list[str]:
        return [code for code in self.after if code not in self.before]

    @property
    def changed(self) -> list[str]:
        return [code for code in self.after if code in self.before]

    def differences(self, code: str) -> list[Difference]:
        return differences(self.before.get(code), self.after[code])

    @property
    def digest(self) -> str:
        """Return what tells this plan from any other, so that what was seen is what is done."""
        stock = {code: str(after) for code, (_before, after) in self.stock.items()}
        return hashlib.sha256(
            orjson.dumps([self.before, self.after, stock], option=orjson.OPT_SORT_KEYS)
        ).hexdigest()


def plan_of(path: Path, *, supplier: Supplier, day: date) -> Plan:
    """
    Read the file and return what it would change of `supplier`'s listings.

    A column that the file leaves out stays as it is, and so does an empty cell of an
    existing row: a sheet of codes and stock changes stock alone. Raise FileRejected for
    what is no table.
    """
    plan = Plan()
    rows = read_rows(path, format_of(path), at_most=MAX_UNPACKED)
    header = next(rows, None)
    if header is None:
        raise FileRejected("empty")
    _read_header(plan, header)
    plan.rows = list(islice(rows, MAX_ROWS + 1))
    if not plan.rows:
        raise FileRejected("empty")
    if len(plan.rows) > MAX_ROWS:
        raise FileRejected("too_many_rows")
    if not plan.problems:
        _Planner(plan, supplier, day).run()
    return plan


def _read_header(plan: Plan, header: SheetRow) -> None:
    seen = set()
    for heading in (cell.strip() for cell in header.cells):
        column = COLUMN_BY_HEADING.get(heading)
        if heading and heading != ERRORS and column is None:
            plan.problems.append(Problem(header.number, heading, _("There is no such column.")))
        if column and heading in seen:
            plan.problems.append(Problem(header.number, heading, _("This column appears twice.")))
        seen.add(heading)
        plan.headings.append(heading)
        plan.columns.append(column)
    if "规格编码" not in seen:
        plan.problems.append(Problem(header.number, "规格编码", _("This column is missing.")))


class _Planner:
    """Reads the rows into a plan, in as many queries for ten thousand rows as for one."""

    def __init__(self, plan: Plan, supplier: Supplier, day: date) -> None:
        self.plan = plan
        self.nameless = {place for place, heading in enumerate(plan.headings) if not heading}
        self.cells = [self._cells(row) for row in plan.rows]
        codes = {cells.get("sku", {}).get("code", "") for _row, cells in self._numbered()}
        product_codes = {c.get("product", {}).get("code", "") for _row, c in self._numbered()}
        # Tuples: ten thousand rows of models take five times the memory.
        self.skus = {
            row.code: row
            for row in SKU.objects.filter(code__in=codes).values_list(
                "code", "product__code", "product__supplier", "stock__on_hand", "stock__reserved",
                named=True,
            )
        }  # fmt: skip
        own = Product.objects.filter(supplier=supplier)
        named = own.filter(code__in=product_codes) | own.filter(skus__code__in=codes)
        key_by_code, self.status = {}, {}
        for code, pk, status in named.values_list("code", "pk", "status"):
            key_by_code[code], self.status[code] = pk, status
        taken = Product.objects.filter(code__in=product_codes).exclude(supplier=supplier)
        self.taken = set(taken.values_list("code", flat=True))
        self.supplier = supplier
        contents = contents_of(key_by_code.values(), day=day)
        self.present = {code: contents[pk] for code, pk in key_by_code.items()}
        self.waiting = set(
            own.filter(versions__status__in=["submitted", "in_review"]).values_list(
                "code", flat=True
            )
        )
        self.category = _by_name(Category.objects.values_list("code", "name"))
        self.county = _by_name(Division.objects.counties().values_list("code", "name"))
        self.producers = set(supplier.producers.values_list("name", flat=True))

    def _numbered(self) -> Iterable[tuple[int, dict[str, Any]]]:
        return zip((row.number for row in self.plan.rows), self.cells, strict=True)

    def _wrong(self, row: int, column: str, detail: str) -> None:
        self.plan.problems.append(Problem(row, column, detail))

    def _cells(self, row: SheetRow) -> dict[str, dict[str, Any]]:
        """Return the values of the filled cells by what they are of; note what is wrong."""
        values: dict[str, dict[str, Any]] = {}
        for place, cell in enumerate(row.cells):
            if place >= len(self.plan.columns) or place in self.nameless:
                if cell.strip() or place in row.flaws:
                    self._wrong(row.number, "", _("This row has more cells than headings."))
                continue
            column = self.plan.columns[place]
            if column is None:
                continue
            if flaw := row.flaws.get(place):
                self._wrong(row.number, column.heading, _(FLAWS[flaw]))
                continue
            # Typed with a Chinese keyboard or copied from a page, a blank is a blank.
            if not (text := cell.replace("\u3000", " ").replace("\xa0", " ").strip()):
                continue
            if not text.isprintable():
                detail = _("This text holds a line break or an invisible character.")
                self._wrong(row.number, column.heading, detail)
                continue
            try:
                values.setdefault(column.of, {})[column.field] = column.read(text)
            except BadCell as error:
                self._wrong(row.number, column.heading, str(error))
        return values

    def run(self) -> None:
        seen: set[str] = set()
        for number, cells in self._numbered():
            code = cells.get("sku", {}).get("code", "")
            if not code:
                self._wrong(number, "规格编码", _("This may not be empty."))
            elif code in seen:
                self._wrong(number, "规格编码", _("An earlier row has the same code."))
            else:
                seen.add(code)
                self._row(number, code, cells)

    def _row(self, number: int, code: str, cells: Mapping[str, dict[str, Any]]) -> None:
        sku = self.skus.get(code)
        if sku is not None and sku.product__supplier != self.supplier.pk:
            return self._wrong(number, "规格编码", _("This code cannot be used."))
        product_code = cells.get("product", {}).get("code") or (sku.product__code if sku else "")
        if not product_code:
            return self._wrong(number, "商品编码", _("A new pack names its product."))
        if sku is not None and product_code != sku.product__code:
            return self._wrong(number, "商品编码", _("This pack belongs to another product."))
        if product_code in self.taken:
            return self._wrong(number, "商品编码", _("This code cannot be used."))
        content = self._content(number, product_code, cells.get("product", {}))
        self._pack(number, content, code, cells)
        if content != self.present.get(product_code):
            self._keep(number, product_code, content)
        if on_hand := cells.get("stock", {}).get("on_hand"):
            self._count(number, code, product_code, Decimal(on_hand))
        return None

    def _count(self, number: int, code: str, product_code: str, on_hand: Decimal) -> None:
        sku, status = self.skus.get(code), self.status.get(product_code, Product.Status.DRAFT)
        before = sku.stock__on_hand if sku else Decimal(0)
        if sku and on_hand < sku.stock__reserved:
            self._wrong(number, "库存", _("Orders already hold more than this."))
        elif sku is None and status != Product.Status.DRAFT and on_hand:
            self._wrong(number, "库存", _("A new pack has stock once it is approved."))
        elif on_hand != before:
            self.plan.stock[code] = (before, on_hand)

    def _keep(self, number: int, product_code: str, content: Content) -> None:
        if self.status.get(product_code) == Product.Status.RETIRED:
            self._wrong(number, "商品编码", _("The product is retired."))
        elif product_code in self.waiting:
            detail = _("A version of this product waits for review; withdraw it to change it.")
            self._wrong(number, "商品编码", detail)
        else:
            self.plan.after[product_code] = content
            if product_code in self.present:
                self.plan.before[product_code] = self.present[product_code]

    def _content(self, number: int, code: str, cells: dict[str, Any]) -> Content:
        """Return what the product is so far in this file, with the cells of this row."""
        earlier, shown = self.plan.after.get(code), self.present.get(code)
        given = {name: value for name, value in cells.items() if name != "code"}
        for name, heading, known in (
            ("category", "品类", self.category),
            ("county", "产地县", self.county),
            ("producer", "生产者", {name: name for name in self.producers}),
        ):
            if name in given:
                if given[name] in known:
                    given[name] = known[given[name]]
                else:
                    self._wrong(number, heading, _("This is not known."))
        # What repeats the present state says nothing: one row of a product is changed, not all.
        given = {name: v for name, v in given.items() if shown is None or shown[name] != v}
        if earlier:
            for name, value in given.items():
                silent = (shown or BLANK_PRODUCT).get(name)
                if earlier.get(name) not in (value, silent):
                    heading = next(c.heading for c in COLUMNS if c.field == name)
                    detail = _("An earlier row says otherwise of this product.")
                    self._wrong(number, heading, detail)
        elif shown is None:
            self._require(number, "product", cells)
        present = earlier or shown or {**BLANK_PRODUCT, "skus": {}}
        return {**present, "skus": dict(present["skus"]), **given}

    def _pack(
        self, number: int, content: Content, code: str, cells: Mapping[str, dict[str, Any]]
    ) -> None:
        given = {n: v for n, v in cells.get("sku", {}).items() if n != "code"}
        present = content["skus"].get(code)
        if present is None:
            self._require(number, "sku", cells.get("sku", {}))
            present = {**BLANK_SKU, "prices": []}
        pack = {**present, **given}
        is_taxable = pack.get("tax_treatment") == SKU.TaxTreatment.TAXABLE
        if is_taxable != bool(Decimal(pack["tax_rate"])):
            self._wrong(number, "税率", _("Only a taxable SKU has a tax rate, and it has one."))
        prices = cells.get("price", {})
        if prices:
            pack["prices"] = self._prices(present["prices"], prices)
            begin = [p["from_quantity"] for p in pack["prices"] if not p["sold_from"]]
            if len(set(begin)) < len(begin):
                detail = _("Two price tiers begin at the same quantity.")
                self._wrong(number, "阶梯价", detail)
        content["skus"][code] = pack

    def _prices(self, present: list[dict[str, Any]], given: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the pack's prices with those of the row; prices to come are kept."""
        applying = sorted(
            (price for price in present if not price["sold_from"]),
            key=lambda price: Decimal(price["from_quantity"]),
        )
        to_come = [price for price in present if price["sold_from"]]
        first, more = applying[:1], applying[1:]
        if "price" in given:
            base = first[0] if first else _price("0", "")
            first = [{**base, "unit_price": given["price"]}]
        if "tiers" in given:
            more = [_price(quantity, price) for quantity, price in given["tiers"].items()]
        return sorted(
            [*first, *more, *to_come],
            key=lambda price: (Decimal(price["from_quantity"]), price["sold_from"] or ""),
        )

    def _require(self, number: int, of: str, cells: Mapping[str, Any]) -> None:
        for column in COLUMNS:
            if column.of == of and column.is_required and column.field not in cells:
                self._wrong(number, column.heading, _("This may not be empty."))


def _price(from_quantity: str, unit_price: str) -> dict[str, Any]:
    return {
        "from_quantity": from_quantity,
        "unit_price": unit_price,
        "sold_from": None,
        "sold_until": None,
    }


def _by_name(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return codes by themselves and by their names."""
    known = {}
    for code, name in rows:
        known[code] = known[name] = code
    return known
