"""What is asked for: orders, shipments, acceptances, claims and their settlement."""

from decimal import Decimal
from typing import Any

import orjson
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers import MoneyField, QuantityField, StrictSerializer, TextField
from orders.models import Buyer
from orders.services.batching import MAX_BATCHES, Part
from orders.services.quoting import WantedLine, Wish

MAX_LINES = 500


class WantedLineSerializer(StrictSerializer):
    sku = TextField(max_length=40)
    quantity = QuantityField()
    unit_price = MoneyField(
        places=4, required=False, help_text="The price that the client expects."
    )


class OrderRequestSerializer(StrictSerializer):
    """What is asked for when ordering and when asking for a quote."""

    purchase_order = TextField(max_length=60, required=False, default="", allow_blank=True)
    address = TextField(max_length=30)
    delivery_date = serializers.DateField(required=False, allow_null=True, default=None)
    payment_term = serializers.ChoiceField(
        Buyer.PaymentTerm.choices, required=False, help_text="The buyer's own unless given."
    )
    note = TextField(max_length=500, required=False, default="", allow_blank=True)
    lines = WantedLineSerializer(many=True, allow_empty=False, max_length=MAX_LINES)  # type: ignore[call-arg]

    def wish(self) -> Wish:
        """Return what the valid request asks for."""
        asked = self.validated_data
        return Wish(
            address=asked["address"],
            lines=[
                WantedLine(line["sku"], line["quantity"], line.get("unit_price"))
                for line in asked["lines"]
            ],
            delivery_date=asked["delivery_date"],
            payment_term=asked.get("payment_term", ""),
            purchase_order=asked["purchase_order"],
            note=asked["note"],
        )


class ReasonSerializer(StrictSerializer):
    reason = TextField(max_length=500)


class NumberField(serializers.IntegerField):
    """The number of a line or a shipment: a whole JSON number from 1 on, and nothing like it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class _NumberedLinesSerializer(StrictSerializer):
    """A request about lines of a consignment, each named at most once."""

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        numbers = [line["line"] for line in lines]
        if len(set(numbers)) < len(numbers):
            raise serializers.ValidationError(_("Name each line at most once."), code="repeated")
        return lines

    def by_line(self, second: str) -> dict[int, tuple[Decimal, str]]:
        """Return quantity and the text field `second` by line number, in their order."""
        return {
            line["line"]: (line["quantity"], line[second]) for line in self.validated_data["lines"]
        }


class PartSerializer(StrictSerializer):
    batch = TextField(max_length=60)
    quantity = QuantityField()


class ShippedLineSerializer(StrictSerializer):
    line = NumberField()
    quantity = QuantityField(allow_zero=True)
    batch = TextField(max_length=60, required=False, default="", allow_blank=True)
    batches = PartSerializer(  # type: ignore[call-arg]
        many=True,
        required=False,
        allow_empty=False,
        max_length=MAX_BATCHES,
        help_text="Instead of `batch`, when the line is of several; their sum is the quantity.",
    )

    def validate(self, line: dict[str, Any]) -> dict[str, Any]:
        batches = line.get("batches", [])
        if batches and line["batch"]:
            raise serializers.ValidationError(
                {"batch": _("Name the batch here or in “batches”, not in both.")}
            )
        if batches and sum(part["quantity"] for part in batches) != line["quantity"]:
            raise serializers.ValidationError(
                {"batches": _("The batches do not add up to the quantity.")}
            )
        return line


class ShipmentRequestSerializer(_NumberedLinesSerializer):
    carrier = TextField(max_length=60)
    tracking = TextField(max_length=60, required=False, default="", allow_blank=True)
    shipment = NumberField(
        required=False,
        help_text="Which of the consignment's shipments this is: so a repeat ships nothing twice.",
    )
    more_follows = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Whether more of the consignment leaves later; lines may be left out then.",
    )
    lines = ShippedLineSerializer(many=True, allow_empty=False, max_length=MAX_LINES)  # type: ignore[call-arg]

    def validate(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["more_follows"] and "shipment" not in request:
            detail = _("Say which shipment of the consignment this is.")
            raise serializers.ValidationError({"shipment": detail}, code="required")
        return request

    def parts_by_line(self) -> dict[int, list[Part]]:
        """Return the parts of each line by its number, in their order."""
        return {
            line["line"]: [Part(part["quantity"], part["batch"]) for part in line["batches"]]
            if "batches" in line
            else [Part(line["quantity"], line["batch"])]
            for line in self.validated_data["lines"]
        }


class AcceptedLineSerializer(StrictSerializer):
    line = NumberField()
    quantity = QuantityField(allow_zero=True)
    reason = TextField(max_length=200, required=False, default="", allow_blank=True)


class AcceptanceSerializer(_NumberedLinesSerializer):
    lines = AcceptedLineSerializer(many=True, allow_empty=False, max_length=MAX_LINES)  # type: ignore[call-arg]


class ClaimedLineSerializer(StrictSerializer):
    line = NumberField()
    quantity = QuantityField()
    reason = TextField(max_length=200)


class ClaimRequestSerializer(_NumberedLinesSerializer):
    consignment = TextField(max_length=24)
    lines = ClaimedLineSerializer(many=True, allow_empty=False, max_length=MAX_LINES)  # type: ignore[call-arg]


class SettlementSerializer(StrictSerializer):
    amount = MoneyField(allow_zero=True)


def fingerprint_of(method: str, path: str, body: object) -> bytes:
    """Return what makes a request the same one, whatever its spacing and order of fields."""
    text = orjson.dumps(body, default=str, option=orjson.OPT_SORT_KEYS)
    return f"{method} {path}\n".encode() + text
