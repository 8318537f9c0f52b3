"""The columns of the workbook of listings, and how their cells are read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from unicodedata import normalize

from django.core.validators import slug_re
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from shop.models import SKU, Product

Of = Literal["product", "sku", "price", "stock"]


#: With commas only between thousands: 1,5 would be fifteen. Tiny ones come as 1e-05.
NUMBER = re.compile(
    r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?"
)


class BadCell(Exception):
    """A cell cannot be what its column holds; the text says why."""


@dataclass(frozen=True)
class Column:
    """
    A column: its heading, what it is of, the field that it fills and how a text becomes a value.

    `width` is in characters; a new product or pack must have what is required.
    """

    heading: str
    of: Of
    field: str
    read: Callable[[str], Any]
    width: int = 12
    is_required: bool = False


def text(most: int) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if len(cell) > most:
            raise BadCell(_("At most %(most)d characters.") % {"most": most})
        return cell

    return read


def code(most: int) -> Callable[[str], str]:
    def read(cell: str) -> str:
        cell = normalize("NFKC", cell)
        if not slug_re.match(cell) or len(cell) > most:
            raise BadCell(
                _("At most %(most)d letters, digits, hyphens and underscores.") % {"most": most}
            )
        return cell

    return read


def number(places: int, least: str, most: str) -> Callable[[str], str]:
    """Read a plain number within bounds, as the shortest text that says it."""

    def read(cell: str) -> str:
        plain = normalize("NFKC", cell)
        if not NUMBER.fullmatch(plain):
            raise BadCell(_("Write a plain number, such as 1234.5."))
        value = Decimal(plain.replace(",", ""))
        if not Decimal(least) <= value <= Decimal(most):
            bounds = {"least": least, "most": most}
            raise BadCell(_("The number lies between %(least)s and %(most)s.") % bounds)
        if value != round(value, places):
            raise BadCell(_("This number has too many decimals."))
        return f"{value.normalize():f}"

    return read


def days(cell: str) -> int | None:
    return int(number(0, "1", "32767")(cell)) if cell else None


def choice(choices: list[tuple[str, Any]]) -> Callable[[str], str]:
    """Read one of these choices by its code, or by its name in Chinese or the reader's language."""

    def read(cell: str) -> str:
        for code, label in choices:
            with translation.override("zh-hans"):
                chinese = str(label)
            if cell in (code, chinese, str(label)):
                return code
        names = "、".join(str(label) for _code, label in choices)
        raise BadCell(_("Choose one of: %(names)s.") % {"names": names})

    return read


def yes(cell: str) -> bool:
    if cell in ("是", "yes", "1", "TRUE", "true"):
        return True
    if cell in ("否", "no", "0", "FALSE", "false", ""):
        return False
    raise BadCell(_("Write 是 or 否."))


def seasons(cell: str) -> list[str]:
    """Read windows such as 06-15/11-30, parted by blanks."""
    windows = cell.replace("；", " ").replace(";", " ").split()
    for window in windows:
        starts, slash, ends = window.partition("/")
        if not slash or not all(map(_is_month_day, (starts, ends))):
            raise BadCell(_("Write seasons as 06-15/11-30."))
    if len({window[:5] for window in windows}) < len(windows):
        raise BadCell(_("Two seasons begin on the same day."))
    return windows


def tiers(cell: str) -> dict[str, str]:
    """Read prices from larger quantities on, such as 50:799 200:780."""
    prices = {}
    for tier in normalize("NFKC", cell.replace("，", " ")).replace(";", " ").split():
        quantity, colon, price = tier.partition(":")
        if not colon:
            raise BadCell(_("Write price tiers as 50:799 200:780."))
        quantity = number(3, "0.001", "999999999")(quantity)
        if quantity in prices:
            raise BadCell(_("Two price tiers begin at the same quantity."))
        prices[quantity] = PRICE(price)
    return prices


def _is_month_day(value: str) -> bool:
    month, dash, day = value.partition("-")
    known = dash and month.isascii() and day.isascii() and month.isdigit() and day.isdigit()
    return bool(known) and len(value) == 5 and 1 <= int(month) <= 12 and 1 <= int(day) <= 31


PRICE = number(4, "0.0001", "99999999.9999")

COLUMNS = (
    Column("商品编码", "product", "code", code(30), 20),
    Column("商品名称", "product", "name", text(100), 24, is_required=True),
    Column("摘要", "product", "summary", text(300), 30),
    Column("品类", "product", "category", text(40), 10, is_required=True),
    Column("产地县", "product", "county", text(40), 12, is_required=True),
    Column("生产者", "product", "producer", text(100), 24, is_required=True),
    Column("物种", "product", "species", text(100), 12),
    Column("储存条件", "product", "storage", choice(Product.Storage.choices), 10),
    Column("加工食品", "product", "is_processed", yes, 9),
    Column("保质期（天）", "product", "shelf_life_days", days, 10),
    Column("时令", "product", "seasons", seasons, 16),
    Column("规格编码", "sku", "code", code(40), 22, is_required=True),
    Column("规格名称", "sku", "name", text(100), 20, is_required=True),
    Column("单位", "sku", "unit", choice(SKU.Unit.choices), 8, is_required=True),
    Column("净重（千克）", "sku", "net_weight_kg", number(4, "0.0001", "99999"), 12,
           is_required=True),
    Column("称重", "sku", "is_weighed", yes, 6),
    Column("允差（%）", "sku", "tolerance_percent", number(2, "0", "50"), 9),
    Column("起订量", "sku", "minimum", number(3, "0.001", "999999999"), 9),
    Column("订购倍数", "sku", "multiple", number(3, "0.001", "999999999"), 9),
    Column("税务处理", "sku", "tax_treatment", choice(SKU.TaxTreatment.choices), 10,
           is_required=True),
    Column("税率", "sku", "tax_rate", number(3, "0", "1"), 8),
    Column("税务处理依据", "sku", "tax_basis", text(200), 24, is_required=True),
    Column("在售", "sku", "is_active", yes, 6),
    Column("单价（元）", "price", "price", PRICE, 12),
    Column("阶梯价", "price", "tiers", tiers, 20),
    Column("库存", "stock", "on_hand", number(3, "0", "99999999999"), 12),
)  # fmt: skip

#: What a new product or pack is where its cell is left empty.
BLANK_PRODUCT: dict[str, Any] = {
    "summary": "", "species": "", "storage": Product.Storage.AMBIENT.value,
    "is_processed": False, "shelf_life_days": None, "certificates": [], "seasons": [], "images": [],
}  # fmt: skip
BLANK_SKU = {
    "is_weighed": False, "tolerance_percent": "0", "minimum": "1", "multiple": "1",
    "tax_rate": "0", "is_active": True,
}  # fmt: skip

#: The column that is added where something is wrong; a corrected file may keep it.
ERRORS = "错误"
