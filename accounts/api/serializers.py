"""The shapes of requests and answers that all apps share."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

# Control characters, and the marks that turn the direction of the text around them.
UNSAFE_TEXT = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class StrictSerializer(serializers.Serializer[Any]):
    """A shape that refuses fields it does not know, on every level."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = [name for name in data if name not in known]
            if unknown:
                raise serializers.ValidationError(
                    {
                        name: [
                            serializers.ErrorDetail(
                                str(_("There is no such field.")), code="unknown_field"
                            )
                        ]
                        for name in unknown
                    }
                )
        return super().to_internal_value(data)


class PlainDecimalField(serializers.Field[Decimal, Any, str, Any]):
    """
    A decimal in plain ASCII digits: `"20"`, `"196.4"`.

    Exponents, underscores, signs, blanks and other scripts' digits are refused;
    JSON numbers of the same form are taken too.
    """

    default_error_messages = {
        "invalid": _("Enter a number in plain digits, such as 12 or 12.5."),
        "places": _("At most %(places)d decimal places."),
        "zero": _("It must be more than zero."),
    }

    def __init__(
        self, *, places: int, digits: int = 9, allow_zero: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.places = places
        self.allow_zero = allow_zero
        self.pattern = re.compile(rf"[0-9]{{1,{digits}}}(\.([0-9]+))?", re.ASCII)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, (str, int, Decimal)):
            self.fail("invalid")
        match = self.pattern.fullmatch(
            data
            if isinstance(data, str)
            else f"{data:f}"
            if isinstance(data, Decimal)
            else str(data)
        )
        if match is None:
            self.fail("invalid")
        if match[2] and len(match[2]) > self.places:
            raise serializers.ValidationError(
                self.error_messages["places"] % {"places": self.places}, code="places"
            )
        value = Decimal(match[0])
        if not value and not self.allow_zero:
            self.fail("zero")
        return value

    def to_representation(self, value: Decimal) -> str:
        return plain(value)


@extend_schema_field({"type": "string", "format": "decimal", "example": "20"})
class QuantityField(PlainDecimalField):
    """A quantity in the SKU's own unit, with up to three places."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=3, **kwargs)


@extend_schema_field({"type": "string", "format": "decimal", "example": "720.00"})
class MoneyField(PlainDecimalField):
    """An amount in yuan with two places, or a unit price with up to four."""

    def __init__(self, *, places: int = 2, **kwargs: Any) -> None:
        super().__init__(places=places, digits=12, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return money(value)


class TextField(serializers.CharField):
    """Text as it will be shown: NFC, trimmed, without control or direction marks."""

    default_error_messages = {"unsafe": _("The text holds characters that cannot be shown.")}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        value = super().to_internal_value(unicodedata.normalize("NFC", data))
        if UNSAFE_TEXT.search(value):
            self.fail("unsafe")
        return value


@extend_schema_field(OpenApiTypes.STR)
class MonthField(serializers.Field[date, str, str, Any]):
    """A month as `YYYY-MM`; inside, its first day."""

    default_error_messages = {"invalid": _("Enter a month as YYYY-MM.")}

    def to_internal_value(self, data: Any) -> date:
        try:
            return read_month(data)
        except (TypeError, ValueError):
            self.fail("invalid")

    def to_representation(self, value: date) -> str:
        return f"{value:%Y-%m}"


def read_month(text: str) -> date:
    """
    Return the first day of the month `YYYY-MM`.

    Raise ValueError for anything else, and TypeError for what is no text.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text, re.ASCII):
        raise ValueError(text)
    return date.fromisoformat(f"{text}-01")


def plain(value: Decimal) -> str:
    """Return a quantity without trailing zeros: `20`, `196.4`."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal) -> str:
    """Return yuan with at least two places and no further zeros: `720.00`, `1.2345`."""
    whole, _point, places = f"{value:f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
