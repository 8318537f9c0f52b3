"""The trace over HTTP: from any paper of a sale to all others and to the figures."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import (
    MoneyField,
    MonthField,
    QuantityField,
    StrictSerializer,
    TextField,
)
from accounts.refusals import ErrorItem, Invalid
from orders.models import Order, OrderLine
from orders.serializers import ClaimSerializer, CodeAndName, EventSerializer
from reports.models import Declaration, DeclarationRow, Month
from reports.permissions import SeesAllFigures
from reports.serializers import EntrySerializer, SumsSerializer, entries_as_json
from reports.services.figures import COLUMNS, UNPAIRED
from reports.services.tracing import STARTS, Figure, Trace, trace

from .declarations import DeclarationEvidenceSerializer
from .evidence import FapiaoSerializer, PaymentSerializer

KEY_MAX = 2**63 - 1


class ThingSerializer(StrictSerializer):
    """What to trace: exactly one thing, and of a declaration perhaps one row."""

    entry = serializers.IntegerField(required=False, min_value=1, max_value=KEY_MAX)
    order = TextField(required=False, max_length=20, help_text="Its number.")
    consignment = TextField(required=False, max_length=24, help_text="Its number.")
    fapiao = TextField(required=False, max_length=20, help_text="Its number.")
    payment = serializers.IntegerField(required=False, min_value=1, max_value=KEY_MAX)
    declaration = serializers.UUIDField(required=False)
    row = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="Of the declaration."
    )
    batch = TextField(required=False, max_length=60, help_text="Its code.")


class TracedOrderSerializer(serializers.ModelSerializer[Order]):
    buyer = CodeAndName()
    goods_amount = MoneyField()

    class Meta:
        model = Order
        fields = ("number", "buyer", "status", "placed_at", "purchase_order", "payment_term",
                  "channel", "goods_amount")  # fmt: skip


class TracedConsignmentSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    order = serializers.CharField(source="order.number")
    supplier = CodeAndName()
    status = serializers.CharField()
    carrier = serializers.CharField()
    tracking = serializers.CharField()
    shipped_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    goods_amount = MoneyField()


class TracedLineSerializer(serializers.ModelSerializer[OrderLine]):
    consignment = serializers.CharField(source="consignment.number")
    line = serializers.IntegerField(source="number")
    sku = serializers.CharField(source="sku_code")
    quantity = QuantityField()
    shipped_quantity = QuantityField(allow_null=True)
    accepted_quantity = QuantityField(allow_null=True)
    unit_price = MoneyField(places=4)
    amount = MoneyField()
    accepted_amount = MoneyField(allow_null=True)
    refunded_amount = MoneyField()

    class Meta:
        model = OrderLine
        fields = ("consignment", "line", "sku", "name", "batch", "unit", "quantity",
                  "shipped_quantity", "accepted_quantity", "shortfall_reason", "unit_price",
                  "amount", "accepted_amount", "refunded_amount")  # fmt: skip


class TracedEventSerializer(EventSerializer):
    order = serializers.CharField(source="order.number")

    class Meta(EventSerializer.Meta):
        fields = ("order", *EventSerializer.Meta.fields)  # type: ignore[assignment]


class TracedDeclarationSerializer(serializers.ModelSerializer[Declaration]):
    reporter = CodeAndName()
    evidence = DeclarationEvidenceSerializer(many=True)

    class Meta:
        model = Declaration
        fields = ("id", "reporter", "file_name", "sha256", "status", "uploaded_at", "booked_at",
                  "revoked_at", "revoke_reason", "evidence")  # fmt: skip


class TracedRowSerializer(serializers.ModelSerializer[DeclarationRow]):
    entry = serializers.IntegerField(source="entry_id")
    declaration = serializers.UUIDField(source="declaration_id")

    class Meta:
        model = DeclarationRow
        fields = ("declaration", "row", "entry", "document_no", "line_no", "fapiao_no",
                  "buyer_name", "note", "is_revoked")  # fmt: skip


class FigureSerializer(SumsSerializer):
    """A figure that traced entries are in, as far as rolled up, and where it opens."""

    month = MonthField()
    status = serializers.ChoiceField(Month.Status.choices)
    sha256 = serializers.CharField(help_text="Of the month; empty until the close.")
    by = serializers.ChoiceField([*COLUMNS, "grade"])
    value = serializers.JSONField(help_text="As the totals show it; of a grade: that or better.")
    traced = serializers.ListField(
        child=serializers.IntegerField(), help_text="The traced entries that are in it."
    )
    totals_at = serializers.CharField()
    entries_at = serializers.CharField()


class TraceSerializer(serializers.Serializer[Any]):
    """The shape of `trace_as_json`: what was asked for, all that is behind it and above it."""

    of = serializers.DictField()
    is_complete = serializers.BooleanField(help_text="Whether nothing was too much to show.")
    as_of = serializers.DateTimeField(allow_null=True)
    orders = TracedOrderSerializer(many=True)
    consignments = TracedConsignmentSerializer(many=True)
    lines = TracedLineSerializer(many=True)
    events = TracedEventSerializer(many=True)
    claims = ClaimSerializer(many=True)
    fapiaos = FapiaoSerializer(many=True)
    payments = PaymentSerializer(many=True)
    declarations = TracedDeclarationSerializer(many=True)
    rows = TracedRowSerializer(many=True)
    entries = EntrySerializer(many=True)
    figures = FigureSerializer(many=True)


class TraceView(APIView):
    """For those who see all figures: a sale from any of its papers, both ways."""

    permission_classes = [IsAuthenticated, SeesAllFigures]

    @extend_schema(
        operation_id="trace_retrieve", parameters=[ThingSerializer], responses=TraceSerializer
    )
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, {*STARTS, "row"})
        repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
        if repeated:
            detail = _("Give this parameter once.")
            raise Invalid(errors=[ErrorItem(f"/{name}", "invalid", detail) for name in repeated])
        return Response(answer_trace(request.query_params.dict()))


def answer_trace(asked: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the trace of what the parameters `asked` name, in the shape of TraceSerializer.

    Raise NotFound, Invalid, or ValidationError with a pointer to the parameter.
    """
    thing = ThingSerializer(data=asked)
    thing.is_valid(raise_exception=True)
    given = dict(thing.validated_data)
    row = given.pop("row", None)
    if len(given) != 1:
        raise Invalid(errors=[ErrorItem("", "invalid", _("Name one thing to trace."))])
    ((kind, key),) = given.items()
    if row is not None and kind != "declaration":
        raise Invalid(errors=[ErrorItem("/row", "invalid", _("Only a declaration has rows."))])
    return trace_as_json(trace(kind, key, row=row, day=timezone.localdate()), asked)


def trace_as_json(found: Trace, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return the shape of TraceSerializer."""
    entries = entries_as_json(found.entries)
    entry_by_id = {entry["id"]: entry for entry in entries}
    return {
        "of": dict(asked),
        "is_complete": found.is_complete,
        "as_of": found.as_of and timezone.localtime(found.as_of).isoformat(),
        "orders": TracedOrderSerializer(found.orders, many=True).data,
        "consignments": TracedConsignmentSerializer(found.consignments, many=True).data,
        "lines": TracedLineSerializer(found.lines, many=True).data,
        "events": TracedEventSerializer(found.events, many=True).data,
        "claims": ClaimSerializer(found.claims, many=True).data,
        "fapiaos": FapiaoSerializer(found.fapiaos, many=True).data,
        "payments": PaymentSerializer(found.payments, many=True).data,
        "declarations": TracedDeclarationSerializer(found.declarations, many=True).data,
        "rows": TracedRowSerializer(found.rows, many=True).data,
        "entries": entries,
        "figures": [
            _figure_as_json(figure, entry_by_id[figure.traced[0].pk][figure.by])
            for figure in found.figures
        ],
    }


def _figure_as_json(figure: Figure, value: Any) -> dict[str, Any]:
    """Return a figure; its entries all show the same `value` in its dimension."""
    query = urlencode({"month": str(figure.month), figure.by: _as_filter(value)})
    return {
        "month": str(figure.month),
        "status": figure.month.status,
        "sha256": figure.month.sha256,
        "by": figure.by,
        "value": value,
        "amount": f"{figure.sums['amount']:.2f}",
        "freight": f"{figure.sums['freight']:.2f}",
        "weight_kg": f"{figure.sums['weight_kg']:.3f}",
        "entries": figure.sums["entries"],
        "traced": [entry.pk for entry in figure.traced],
        "totals_at": f"{reverse('totals')}?{query}",
        "entries_at": f"{reverse('entries')}?{query}",
    }


def _as_filter(value: Any) -> str:
    """Return a value of a figure as the filters of the totals take it."""
    match value:
        case None:
            return UNPAIRED
        case bool():
            return str(value).lower()
        case {"code": code}:
            return str(code)
    return str(value)
