"""The catalogue as it is read, kept by the database from everything it is made of."""

import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import connection, models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .products import Product


class Spelling(models.Model):
    """
    How a name is sorted and found: a pure function of the name itself.

    That is why a row may be missing for a moment, but is never out of date.
    """

    text = models.CharField(_("text"), max_length=100, primary_key=True, db_collation="C")
    sort_key = models.CharField(_("sort key"), max_length=1000)
    terms = ArrayField(models.CharField(max_length=40), verbose_name=_("terms"))

    class Meta:
        verbose_name = _("spelling")
        verbose_name_plural = _("spellings")

    def __str__(self) -> str:
        return self.text


class ListingChange(models.Model):
    """
    Something that listings are made of and that the current transaction has changed.

    Only triggers write here. The rows are gone again when the transaction commits,
    which is when the listings follow.
    """

    kind = models.CharField(_("kind"), max_length=12)
    key = models.CharField(_("key"), max_length=100)

    class Meta:
        verbose_name = _("listing change")
        verbose_name_plural = _("listing changes")

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class MonthDaysField(models.Field):
    """Parts of the year, as a multirange over month × 100 + day."""

    def db_type(self, connection: object) -> str:
        return "int4multirange"


# The stock of a listing's SKUs in their order, and what kept answers are checked by.
_AVAILABLE = """(
    SELECT string_agg(trim_scale(coalesce(on_hand - reserved, 0))::text, ',' ORDER BY place)
    FROM unnest({sku_ids}) WITH ORDINALITY AS sku(id, place)
    LEFT JOIN shop_stock ON sku_id = sku.id
)"""
_VERSION = "(SELECT version FROM shop_catalogue)"

# Written out, because composing it anew for each reader takes longer than running it.
_READ = f"""
    SELECT product_id, sort_key, price, updated_at::text, sku_ids, body,
        {_AVAILABLE.format(sku_ids="sku_ids")}, {_VERSION}
    FROM shop_listing WHERE {{conditions}} ORDER BY {{ordering}} LIMIT {{limit:d}}
"""  # noqa: S608 - only texts of ours are put in
_LIVE = f"SELECT {_VERSION}, {_AVAILABLE.format(sku_ids='%s::bigint[]')}"


class Row(NamedTuple):
    """What a reader is shown, what pages sort by, and the stock and the version of the moment."""

    product_id: int
    sort_key: str
    price: Decimal
    updated_at: str
    sku_ids: list[int]
    body: str
    available: str | None
    version: uuid.UUID


def read_listings(
    day: date,
    conditions: Sequence[tuple[str, list[Any]]],
    *,
    ordering: Sequence[str] = ("product_id",),
    after: Sequence[Any] | None = None,
    limit: int,
) -> list[Row]:
    """
    Return the listings shown on `day` that meet all conditions: SQL, and its parameters.

    `ordering` names columns of a row, all of them or none with a minus; `after` holds
    their values in the row before the first.
    """
    columns = [column.lstrip("-") for column in ordering]
    backwards = ordering[0].startswith("-")
    every = [("shown_from <= %s AND shown_until > %s", [day, day]), *conditions]
    if after is not None:
        places = ", ".join(["%s"] * len(columns))
        every.append((f"({', '.join(columns)}) {'<' if backwards else '>'} ({places})", [*after]))
    sql = _READ.format(
        conditions=" AND ".join(condition for condition, _parameters in every),
        ordering=", ".join(f"{column} {'DESC' if backwards else 'ASC'}" for column in columns),
        limit=limit,
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [p for _condition, parameters in every for p in parameters])
        return [Row(*row) for row in cursor.fetchall()]


def read_live(sku_ids: Sequence[int]) -> tuple[uuid.UUID, str | None]:
    """Return the catalogue's version and, with commas, what can be ordered of each SKU now."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, [list(sku_ids)])
        version, available = cursor.fetchone()
        return version, available


class Catalogue(models.Model):
    """
    The one row that names the present state of all listings.

    A trigger gives it another version with every change, so whoever kept an answer
    knows by it whether the answer still holds.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.UUIDField(_("version"), default=uuid.uuid4)

    class Meta:
        verbose_name = _("catalogue")
        verbose_name_plural = _("catalogues")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="there_is_one_catalogue")]

    def __str__(self) -> str:
        return str(self.version)


class Listing(models.Model):
    """
    A product on sale as readers see it during a stretch of days, half-open.

    A new stretch begins whenever a price or a certificate starts or ends, so nothing
    here depends on the clock. `body` is the product of the API as JSON; only what no
    stretch can know is added at reading: the stock and this year's season. Triggers
    keep the rows, from whichever side a product, a price or a name is changed.
    """

    #: One more than any price can be: stands for no price.
    NO_PRICE = Decimal(100_000_000)

    pk = models.CompositePrimaryKey("product_id", "shown_from")
    # Without a constraint, since a product's deletion takes its listing along at commit.
    product = models.ForeignKey(
        Product, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    shown_from = models.DateField(_("shown from"))
    shown_until = models.DateField(_("shown until"))
    code = models.CharField(_("code"), max_length=30)
    sort_key = models.CharField(_("sort key"), max_length=1000, db_collation="C")
    category_code = models.CharField(_("category"), max_length=20)
    county_code = models.CharField(_("county of origin"), max_length=6)
    supplier_code = models.CharField(_("supplier"), max_length=20)
    storage = models.CharField(_("storage"), max_length=8)
    certificate_kinds = ArrayField(
        models.CharField(max_length=16), verbose_name=_("kinds of valid certificates")
    )
    price = models.DecimalField(
        _("lowest unit price (yuan)"),
        max_digits=13,
        decimal_places=4,
        help_text=_("More than any price when there is none, so that it sorts last."),
    )
    season_days = MonthDaysField(_("days in season"))
    sku_ids = ArrayField(models.BigIntegerField(), verbose_name=_("SKUs in the body's order"))
    terms = SearchVectorField(_("search terms"))
    is_spelled = models.BooleanField(_("all names have their spelling"))
    updated_at = models.DateTimeField(_("updated at"))
    body = models.TextField(_("body"))

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        constraints = [
            models.CheckConstraint(
                condition=Q(shown_until__gt=F("shown_from")), name="listing_ends_after_it_starts"
            )
        ]
        indexes = [
            models.Index(fields=["code"], name="listings_by_code"),
            models.Index(fields=["sort_key", "product"], name="listings_by_name"),
            models.Index(fields=["price", "product"], name="listings_by_price"),
            models.Index(fields=["updated_at", "product"], name="listings_by_update"),
            models.Index(fields=["supplier_code", "sort_key"], name="listings_by_supplier"),
            models.Index(fields=["category_code", "sort_key"], name="listings_by_category"),
            models.Index(fields=["county_code", "sort_key"], name="listings_by_county"),
            models.Index(
                fields=["product"], condition=Q(is_spelled=False), name="listings_unspelled"
            ),
            GinIndex(fields=["terms"], name="listings_by_term", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.code
