"""What a reader may ask the catalogue for."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from psycopg import sql
from rest_framework.exceptions import ValidationError

from accounts.api.serializers import MoneyField
from accounts.refusals import ErrorItem, Invalid
from suppliers.models import Certificate

from .models import Listing, Product
from .spelling import search_query

LONGEST_SEARCH = 100

Condition = tuple[str, list[Any]]

_price = MoneyField(places=4, allow_zero=True)


def _searched(typed: str, day: date) -> Condition:
    if len(typed) > LONGEST_SEARCH:
        raise ValueError(_("At most %(max)d characters.") % {"max": LONGEST_SEARCH})
    query = search_query(typed)
    # Part of the statement, because the best plan for one term is the worst for another.
    return (f"terms @@ {sql.quote(query)}::tsquery", []) if query else ("false", [])


def _equal(column: str, choices: Iterable[str] = ()) -> Callable[[str, date], Condition]:
    def condition(text: str, day: date) -> Condition:
        if choices and text not in choices:
            raise ValueError(_("One of: %(names)s.") % {"names": ", ".join(choices)})
        return f"{column} = %s", [text]

    return condition


def _certified(kind: str, day: date) -> Condition:
    if kind not in Certificate.Kind.values:
        names = ", ".join(Certificate.Kind.values)
        raise ValueError(_("One of: %(names)s.") % {"names": names})
    return "certificate_kinds @> %s::varchar[]", [[kind]]


def _yes(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(_("Either true or false."))
    return text == "true"


def _in_season(text: str, day: date) -> Condition:
    negation = "" if _yes(text) else "NOT "
    return f"{negation}season_days @> %s::int", [day.month * 100 + day.day]


def _in_stock(text: str, day: date) -> Condition:
    negation = "" if _yes(text) else "NOT "
    return (
        f"{negation}EXISTS (SELECT FROM shop_stock"
        " WHERE sku_id = ANY(shop_listing.sku_ids) AND on_hand > reserved)",
        [],
    )


VALID_BADGE = """
    SELECT FROM shop_badge badge
    WHERE badge.product_id = shop_listing.product_id AND valid_from <= %s AND valid_until >= %s
        AND (withdrawn_on IS NULL OR withdrawn_on > %s)
        AND NOT EXISTS (SELECT FROM shop_objection WHERE badge_id = badge.id AND outcome = '')
"""


def _badged(text: str, day: date) -> Condition:
    negation = "" if _yes(text) else "NOT "
    return f"{negation}EXISTS ({VALID_BADGE})", [day, day, day]


def _money(text: str) -> Decimal:
    try:
        return _price.run_validation(text)
    except ValidationError as error:
        raise ValueError(error.detail[0]) from error  # type: ignore[index]


def _from_price(text: str, day: date) -> Condition:
    return "price >= %s AND price < %s", [_money(text), Listing.NO_PRICE]


def _up_to_price(text: str, day: date) -> Condition:
    return "price <= %s", [min(_money(text), Listing.NO_PRICE - 1)]


FILTERS: dict[str, Callable[[str, date], Condition]] = {
    "q": _searched,
    "category": _equal("category_code"),
    "county": _equal("county_code"),
    "supplier": _equal("supplier_code"),
    "certificate": _certified,
    "badge": _badged,
    "storage": _equal("storage", Product.Storage.values),
    "in_season": _in_season,
    "in_stock": _in_stock,
    "min_price": _from_price,
    "max_price": _up_to_price,
}


def asked_for(parameters: QueryDict, *, day: date) -> list[Condition]:
    """
    Return the conditions on a listing that the parameters ask for; an empty one asks for nothing.

    Raise Invalid naming each parameter that cannot be read.
    """
    conditions, errors = [], []
    for name, condition in FILTERS.items():
        text = parameters.get(name, "").strip()
        if text:
            try:
                conditions.append(condition(text, day))
            except ValueError as error:
                errors.append(ErrorItem(f"/{name}", "invalid", error.args[0]))
    if errors:
        raise Invalid(errors=errors)
    return conditions
