"""What the shapes of figures, months and targets are made of."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.core.validators import MaxValueValidator
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import (
    PlainDecimalField,
)
from accounts.models import Division
from reports.services.figures import UNASSIGNED, UNNAMED
from shop.models import Category
from suppliers.models import Supplier


class AmountField(serializers.DecimalField):
    """Yuan, always with two places; negative where more was taken back than sold."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=18, decimal_places=2, **kwargs)


class WeightField(serializers.DecimalField):
    """Kilograms, always with three places."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=18, decimal_places=3, **kwargs)


@extend_schema_field({"type": "integer", "minimum": 2010, "maximum": 2999})
class YearField(serializers.Field[int, Any, int, Any]):
    """A year in four plain digits."""

    default_error_messages = {"invalid": _("Enter a year between 2010 and 2999.")}

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch("20[1-9][0-9]|2[1-9][0-9]{2}", str(data), re.ASCII):
            self.fail("invalid")
        return int(data)


@extend_schema_field({"type": "string", "format": "decimal", "example": "0.03"})
class RateField(PlainDecimalField):
    """A part of one, with up to four places."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=4, digits=1, validators=[MaxValueValidator(1)], **kwargs)


class NamedCodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="`unassigned` or `unnamed` where the ledger has none.")
    name = serializers.CharField()


class PairSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="DISTRICT-COUNTY, as the filter takes it.")
    district = NamedCodeSerializer()
    county = NamedCodeSerializer()


class Names:
    """The names of the codes in some rows, fetched with one query for each kind."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        rows = list(rows)

        def of(model: Any, *columns: str) -> dict[str, str]:
            codes = {row[column] for row in rows for column in columns if row.get(column)}
            if not codes:
                return {}
            return dict(model.objects.filter(code__in=codes).values_list("code", "name"))

        self.divisions = of(
            Division, "county_code", "region_code", "pair_district_code", "pair_county"
        )
        self.categories = of(Category, "category_code")
        self.suppliers = of(Supplier, "supplier_code")

    def division(self, code: str) -> dict[str, str]:
        return named(code, self.divisions, UNASSIGNED)

    def category(self, code: str) -> dict[str, str]:
        return named(code, self.categories, UNASSIGNED)

    def supplier(self, code: str) -> dict[str, str]:
        return named(code, self.suppliers, UNNAMED)

    def pair(self, district: str, county: str) -> dict[str, Any] | None:
        if not district:
            return None
        return {
            "code": f"{district}-{county}",
            "district": self.division(district),
            "county": self.division(county),
        }


def named(code: str, names: Mapping[str, str], missing: str) -> dict[str, str]:
    return {"code": code or missing, "name": names.get(code, code or missing)}


def month_text(month: date | None) -> str | None:
    return f"{month:%Y-%m}" if month else None
