"""The shapes of orders, consignments, claims and quotes, as they come and as they go."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

import orjson
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers import (
    MoneyField,
    QuantityField,
    StrictSerializer,
    TextField,
    money,
    plain,
)

from .models import Address, Buyer, Claim, Consignment, Order, OrderEvent, OrderLine
from .services.placing import PlacedLine
from .services.quoting import Quote, WantedLine, Wish

MAX_LINES = 500

#: Where a stored line has what a PlacedLine says of its consignment and supplier.
OF_CONSIGNMENT = {
    "consignment_number": F("consignment__number"),
    "consignment_status": F("consignment__status"),
    "supplier_code": F("consignment__supplier__code"),
    "supplier_name": F("consignment__supplier__name"),
}


class CodeAndName(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class LineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    county = serializers.CharField(help_text="Code of the county of origin.")
    unit = serializers.CharField()
    quantity = QuantityField()
    unit_price = MoneyField(places=4)
    amount = MoneyField()
    shipped_quantity = QuantityField(allow_null=True)
    accepted_quantity = QuantityField(allow_null=True)


class ConsignmentInOrderSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    supplier = CodeAndName()
    status = serializers.ChoiceField(Consignment.Status.choices)
    lines = LineSerializer(many=True)


class OrderSerializer(serializers.Serializer[Any]):
    """The shape of `order_as_json`."""

    number = serializers.CharField()
    status = serializers.ChoiceField(Order.Status.choices)
    placed_at = serializers.DateTimeField()
    purchase_order = serializers.CharField()
    delivery_date = serializers.DateField(allow_null=True)
    payment_term = serializers.ChoiceField(Buyer.PaymentTerm.choices)
    note = serializers.CharField()
    goods_amount = MoneyField()
    freight_amount = MoneyField()
    total_amount = MoneyField()
    consignments = ConsignmentInOrderSerializer(many=True)


class ConsignmentSerializer(ConsignmentInOrderSerializer):
    """The shape of `consignments_as_json`."""

    order = serializers.CharField(help_text="The order's number.")
    buyer = CodeAndName()
    delivery_date = serializers.DateField(allow_null=True)
    goods_amount = MoneyField()
    carrier = serializers.CharField()
    tracking = serializers.CharField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    shipped_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)


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


class LineNumberField(serializers.IntegerField):
    """The number of an order's line: a whole JSON number from 1 on, and nothing like it."""

    def __init__(self) -> None:
        super().__init__(min_value=1)

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


class ShippedLineSerializer(StrictSerializer):
    line = LineNumberField()
    quantity = QuantityField(allow_zero=True)
    batch = TextField(max_length=60, required=False, default="", allow_blank=True)


class ShipmentSerializer(_NumberedLinesSerializer):
    carrier = TextField(max_length=60)
    tracking = TextField(max_length=60, required=False, default="", allow_blank=True)
    lines = ShippedLineSerializer(many=True, allow_empty=False, max_length=MAX_LINES)  # type: ignore[call-arg]


class AcceptedLineSerializer(StrictSerializer):
    line = LineNumberField()
    quantity = QuantityField(allow_zero=True)
    reason = TextField(max_length=200, required=False, default="", allow_blank=True)


class AcceptanceSerializer(_NumberedLinesSerializer):
    lines = AcceptedLineSerializer(many=True, allow_empty=False, max_length=MAX_LINES)  # type: ignore[call-arg]


class ClaimedLineSerializer(StrictSerializer):
    line = LineNumberField()
    quantity = QuantityField()
    reason = TextField(max_length=200)


class ClaimRequestSerializer(_NumberedLinesSerializer):
    consignment = TextField(max_length=24)
    lines = ClaimedLineSerializer(many=True, allow_empty=False, max_length=MAX_LINES)  # type: ignore[call-arg]


class SettlementSerializer(StrictSerializer):
    amount = MoneyField(allow_zero=True)


class ClaimLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(source="line.number")
    quantity = QuantityField()
    reason = serializers.CharField()
    amount = MoneyField(allow_null=True)


class ClaimSerializer(serializers.ModelSerializer[Claim]):
    consignment = serializers.CharField(source="consignment.number")
    amount = MoneyField(allow_null=True)
    lines = ClaimLineSerializer(many=True)

    class Meta:
        model = Claim
        fields = ("id", "consignment", "status", "opened_at", "settled_at", "amount", "lines")


class EventSerializer(serializers.ModelSerializer[OrderEvent]):
    by = serializers.CharField(source="by.get_full_name")
    consignment = serializers.CharField(source="consignment.number", default=None)

    class Meta:
        model = OrderEvent
        fields = ("kind", "at", "by", "consignment", "reason")


class AddressSerializer(serializers.ModelSerializer[Address]):
    """An address as lists show it: personal data is masked."""

    division = CodeAndName()
    consignee = serializers.SerializerMethodField()
    phone = serializers.SerializerMethodField()

    class Meta:
        model = Address
        fields = ("code", "division", "street", "consignee", "phone")

    def get_consignee(self, address: Address) -> str:
        return f"{address.consignee[:1]}**"

    def get_phone(self, address: Address) -> str:
        return masked_phone(address.phone)


class RefusedSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class AppliedTierSerializer(serializers.Serializer[Any]):
    from_quantity = QuantityField()
    unit_price = MoneyField(places=4)


class QuotedLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    quantity = QuantityField()
    unit_price = MoneyField(places=4, allow_null=True)
    amount = MoneyField(allow_null=True)
    tier = AppliedTierSerializer(allow_null=True)
    why = serializers.CharField(help_text="Why this tier applies.")


class QuoteSerializer(serializers.Serializer[Any]):
    """The shape of `quote_as_json`."""

    can_be_ordered = serializers.BooleanField()
    needs_approval = serializers.BooleanField()
    payment_term = serializers.ChoiceField(Buyer.PaymentTerm.choices)
    goods_amount = MoneyField()
    freight_amount = MoneyField()
    total_amount = MoneyField()
    lines = QuotedLineSerializer(many=True)
    errors = RefusedSerializer(many=True)  # type: ignore[assignment]


def masked_phone(phone: str) -> str:
    """Return a phone number that only its owner recognises: 138****1234."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > 7 else "****"


def lines_with_facts(**where: Any) -> Iterable[Any]:
    """Return the stored lines that `where` selects, with the facts that a PlacedLine has."""
    return (
        OrderLine.objects.filter(**where)
        .annotate(**OF_CONSIGNMENT)
        .order_by("order_id", "consignment_id", "number")
    )


def order_as_json(order: Order, lines: Iterable[PlacedLine | Any]) -> dict[str, Any]:
    """Return an order with its lines, which come by consignment."""
    return {
        "number": order.number,
        "status": order.status,
        "placed_at": _moment(order.placed_at),
        "purchase_order": order.purchase_order,
        "delivery_date": order.delivery_date,
        "payment_term": order.payment_term,
        "note": order.note,
        "goods_amount": money(order.goods_amount),
        "freight_amount": money(order.freight_amount),
        "total_amount": money(order.total_amount),
        "consignments": [
            _consignment_part(number, list(group))
            for number, group in groupby(lines, key=attrgetter("consignment_number"))
        ],
    }


def order_as_text(order: Order, lines: Sequence[PlacedLine]) -> str:
    """Return a placed order as the JSON text that is answered and kept."""
    return orjson.dumps(order_as_json(order, lines)).decode()


def orders_as_json(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """Return orders with their lines, in one query for all lines."""
    lines = lines_with_facts(order__in=orders)
    by_order = {key: list(group) for key, group in groupby(lines, key=attrgetter("order_id"))}
    return [order_as_json(order, by_order.get(order.pk, [])) for order in orders]


def consignments_as_json(consignments: Sequence[Consignment]) -> list[dict[str, Any]]:
    """Return consignments, read with supplier, order and buyer; their lines take one query."""
    lines = OrderLine.objects.filter(consignment__in=consignments)
    lines = lines.order_by("consignment_id", "number")
    by_consignment = {
        key: list(group) for key, group in groupby(lines, key=attrgetter("consignment_id"))
    }
    return [
        consignment_as_json(consignment, by_consignment[consignment.pk])
        for consignment in consignments
    ]


def consignment_as_json(consignment: Consignment, lines: Sequence[OrderLine]) -> dict[str, Any]:
    """Return a consignment, read with supplier, order and buyer, with its lines."""
    buyer = consignment.order.buyer
    return {
        "number": consignment.number,
        "supplier": {"code": consignment.supplier.code, "name": consignment.supplier.name},
        "status": consignment.status,
        "lines": [_line_as_json(line) for line in lines],
        "order": consignment.order.number,
        "buyer": {"code": buyer.code, "name": buyer.name},
        "delivery_date": consignment.order.delivery_date,
        "goods_amount": money(consignment.goods_amount),
        "carrier": consignment.carrier,
        "tracking": consignment.tracking,
        "confirmed_at": _moment(consignment.confirmed_at),
        "shipped_at": _moment(consignment.shipped_at),
        "accepted_at": _moment(consignment.accepted_at),
    }


def quote_as_json(priced: Quote) -> dict[str, Any]:
    """Return a priced wish, with why each tier applies and everything that stands against it."""
    return {
        "can_be_ordered": not priced.refused,
        "needs_approval": priced.needs_approval,
        "payment_term": priced.payment_term,
        "goods_amount": money(priced.goods_amount),
        "freight_amount": "0.00",
        "total_amount": money(priced.goods_amount),
        "lines": [
            {
                "line": line.number,
                "sku": line.wanted.sku,
                "quantity": plain(line.wanted.quantity),
                "unit_price": money(line.offer.unit_price) if line.offer else None,
                "amount": money(line.amount) if line.offer else None,
                "tier": {
                    "from_quantity": plain(line.offer.from_quantity),
                    "unit_price": money(line.offer.unit_price),
                }
                if line.offer
                else None,
                "why": _why(line.offer.from_quantity) if line.offer else "",
            }
            for line in priced.lines
        ],
        "errors": [
            {"pointer": e.pointer, "code": e.code, "detail": str(e.detail), **e.extra}
            for e in priced.refused
        ],
    }


def _why(from_quantity: Decimal) -> str:
    return str(_("The price from %(quantity)s on.") % {"quantity": plain(from_quantity)})


def _consignment_part(number: str, lines: Sequence[Any]) -> dict[str, Any]:
    return {
        "number": number,
        "supplier": {"code": lines[0].supplier_code, "name": lines[0].supplier_name},
        "status": lines[0].consignment_status,
        "lines": [_line_as_json(line) for line in lines],
    }


def _line_as_json(line: Any) -> dict[str, Any]:
    return {
        "line": line.number,
        "sku": line.sku_code,
        "name": line.name,
        "county": line.county_code,
        "unit": line.unit,
        "quantity": plain(line.quantity),
        "unit_price": money(line.unit_price),
        "amount": money(line.amount),
        "shipped_quantity": _quantity(line.shipped_quantity),
        "accepted_quantity": _quantity(line.accepted_quantity),
    }


def _quantity(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else timezone.localtime(value).isoformat()


def fingerprint_of(method: str, path: str, body: object) -> bytes:
    """Return what makes a request the same one, whatever its spacing and order of fields."""
    text = orjson.dumps(body, default=str, option=orjson.OPT_SORT_KEYS)
    return f"{method} {path}\n".encode() + text
