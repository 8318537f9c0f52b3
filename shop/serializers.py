"""The catalogue's shapes."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from django.core.files.storage import default_storage
from django.utils import timezone
from rest_framework import serializers

from accounts.api.serializers import MoneyField, QuantityField, plain
from suppliers.models import Certificate

from .models import SKU, Category, Product
from .models.listings import Row


class NamedSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class CategorySerializer(serializers.ModelSerializer[Category]):
    class Meta:
        model = Category
        fields = ["code", "name", "name_en", "sector"]


class CountySerializer(NamedSerializer):
    name_en = serializers.CharField()


class ProductProducerSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    county = NamedSerializer()


class ProductCertificateSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Certificate.Kind.choices)
    number = serializers.CharField()
    issuer = serializers.CharField()
    valid_from = serializers.DateField()
    valid_until = serializers.DateField(allow_null=True, help_text="The last valid day.")


class SeasonDatesSerializer(serializers.Serializer[Any]):
    until = serializers.DateField(allow_null=True, help_text="The last day.")
    in_season = serializers.BooleanField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        first = serializers.DateField(
            allow_null=True,
            help_text="The first day of the current or the next window; null for all year.",
        )
        return {"from": first, **super().get_fields()}


class ProductBadgeSerializer(serializers.Serializer[Any]):
    """The badge 黔南好物."""

    number = serializers.CharField()
    status = serializers.ChoiceField(
        choices=["on_notice", "valid"],
        help_text="on_notice: announced, or an objection to it waits for its answer.",
    )
    noticed_from = serializers.DateField()
    valid_from = serializers.DateField()
    valid_until = serializers.DateField(help_text="The last valid day.")


class ProductImageSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    caption = serializers.CharField()


class TierSerializer(serializers.Serializer[Any]):
    from_quantity = QuantityField()
    unit_price = MoneyField(places=4)


class TaxSerializer(serializers.Serializer[Any]):
    treatment = serializers.ChoiceField(choices=SKU.TaxTreatment.choices)
    rate = QuantityField()


class SKUSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.ChoiceField(choices=SKU.Unit.choices)
    net_weight_kg = QuantityField(help_text="Kilograms in one unit.")
    is_weighed = serializers.BooleanField()
    tolerance_percent = QuantityField()
    minimum = QuantityField()
    multiple = QuantityField()
    available = QuantityField(help_text="What can be ordered now.")
    tiers = TierSerializer(many=True, help_text="The prices in force today.")
    tax = TaxSerializer()


class ProductSerializer(serializers.Serializer[Any]):
    """What `written` makes of a listing; stands here for the schema."""

    code = serializers.CharField()
    name = serializers.CharField()
    summary = serializers.CharField()
    species = serializers.CharField()
    category = NamedSerializer()
    county = NamedSerializer(help_text="The county of origin.")
    supplier = NamedSerializer()
    producer = ProductProducerSerializer()
    certificates = ProductCertificateSerializer(many=True, help_text="Those valid today.")
    season = SeasonDatesSerializer()
    storage = serializers.ChoiceField(choices=Product.Storage.choices)
    shelf_life_days = serializers.IntegerField(allow_null=True)
    badge = ProductBadgeSerializer(allow_null=True)
    images = ProductImageSerializer(many=True)
    skus = SKUSerializer(many=True)
    updated_at = serializers.DateTimeField(help_text="When this last changed, stock apart.")


class ProductPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ProductSerializer(many=True)


class PromisedWeekSerializer(serializers.Serializer[Any]):
    week = serializers.CharField(help_text="The week by ISO 8601, such as 2026-W49.")
    until = serializers.DateField(help_text="Its Sunday.")
    promised = QuantityField()
    available = QuantityField(help_text="What can still be ordered for delivery in that week.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        monday = serializers.DateField(help_text="Its Monday.")
        return {"from": monday, **super().get_fields()}


class SKUCalendarSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.ChoiceField(choices=SKU.Unit.choices)
    weeks = PromisedWeekSerializer(
        many=True,
        help_text="The promised weeks from this one on. Where there is any, an order with a "
        "day of delivery in another week is refused; where there is none, the stock decides.",
    )


class SeasonSerializer(serializers.Serializer[Any]):
    starts = serializers.CharField(help_text="MM-DD, included.")
    ends = serializers.CharField(help_text="MM-DD, included; it may lie in the next year.")


class CalendarSerializer(serializers.Serializer[Any]):
    """What `calendar_of` says; stands here for the schema."""

    code = serializers.CharField()
    name = serializers.CharField()
    seasons = SeasonSerializer(many=True, help_text="None: it is delivered all year.")
    skus = SKUCalendarSerializer(many=True)


def calendar_of(product: Product, skus: Sequence[SKU]) -> dict[str, Any]:
    """Return when how much of a product can be delivered; `skus` bring stock and promises."""
    return {
        "code": product.code,
        "name": product.name,
        "seasons": [
            {"starts": season.starts, "ends": season.ends} for season in product.seasons.all()
        ],
        "skus": [
            {
                "sku": sku.code,
                "name": sku.name,
                "unit": sku.unit,
                "weeks": [
                    {
                        "week": promise.name,
                        "from": promise.week,
                        "until": promise.until,
                        "promised": plain(promise.quantity),
                        "available": plain(min(promise.left, sku.stock.available)),
                    }
                    for promise in sku.promises.all()
                ],
            }
            for sku in skus
        ],
    }


_SITE_ZONE = timezone.get_default_timezone()
_url = lru_cache(maxsize=10_000)(default_storage.url)

#: Stands for the stock of a SKU, which is put in at each reading. No text that came
#: out of the database holds it.
LIVE = "\0"


def written(listing: Row, *, day: date) -> dict[str, Any]:
    """Return the product of a listing's row on `day`, with LIVE where its stock goes."""
    product: dict[str, Any] = orjson.loads(listing.body)
    product["season"] = season_dates(product["season"], day=day)
    for image in product["images"]:
        image["url"] = _url(image["url"])
    for sku in product["skus"]:
        sku["available"] = LIVE
    updated_at = datetime.fromisoformat(listing.updated_at)
    product["updated_at"] = updated_at.astimezone(_SITE_ZONE).isoformat()
    return product


def season_dates(windows: Sequence[Sequence[str]], *, day: date) -> dict[str, Any]:
    """Return the dates of the window that `day` lies in, or else of the next one."""
    if not windows:
        return {"from": None, "until": None, "in_season": True}
    dated = []
    for starts, ends in windows:
        for year in (day.year - 1, day.year, day.year + 1):
            until = _date(year if starts <= ends else year + 1, ends)
            if until >= day:
                dated.append((_date(year, starts), until))
    first, until = min(dated)
    return {"from": first.isoformat(), "until": until.isoformat(), "in_season": first <= day}


def _date(year: int, month_day: str) -> date:
    # 02-29 and the like mean the month's last day where there is no such date.
    month, day = int(month_day[:2]), int(month_day[3:])
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month + 1, 1) - timedelta(days=1)
