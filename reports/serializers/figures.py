"""The shapes of figures and of the ledger's entries."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.timezone import localtime
from rest_framework import serializers

from accounts.api.serializers import (
    MonthField,
)
from orders.models import Buyer, Channel
from reports.models import ContributionKind, Grade, LedgerEntry
from reports.services.figures import VIEWS, Answer, Question

from .shapes import AmountField, NamedCodeSerializer, Names, PairSerializer, WeightField, month_text


class SumsSerializer(serializers.Serializer[Any]):
    amount = AmountField()
    freight = AmountField(help_text="Part of the amount only where it is counted.")
    weight_kg = WeightField()
    entries = serializers.IntegerField()


class GroupSerializer(SumsSerializer):
    """The sums of a group, with those of these fields that were asked by."""

    month = MonthField(required=False)
    county = NamedCodeSerializer(required=False)
    district = NamedCodeSerializer(required=False)
    pair = PairSerializer(required=False, allow_null=True, help_text="Null: not paired.")
    category = NamedCodeSerializer(required=False)
    kind = serializers.ChoiceField(ContributionKind.choices, required=False)
    buyer_kind = serializers.ChoiceField(Buyer.Kind.choices, required=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    supplier = NamedCodeSerializer(required=False)
    recognised = serializers.BooleanField(required=False)


class AnswerSerializer(serializers.Serializer[Any]):
    view = serializers.ChoiceField(
        VIEWS, help_text="Restated: corrections count in the month that they correct."
    )
    rule = serializers.IntegerField(allow_null=True)
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="Everything booked before this moment is counted."
    )
    published_only = serializers.BooleanField()
    groups = GroupSerializer(many=True)
    total = SumsSerializer()


class IndicatorAnswerSerializer(AnswerSerializer):
    indicator = serializers.CharField()


class SourceSerializer(serializers.Serializer[Any]):
    """Where an entry comes from, with those of these fields that apply."""

    kind = serializers.ChoiceField(LedgerEntry.Source.choices)
    order = serializers.CharField(required=False)
    consignment = serializers.CharField(required=False)
    line = serializers.IntegerField(required=False)
    claim = serializers.IntegerField(required=False)
    declaration = serializers.UUIDField(required=False)
    row = serializers.IntegerField(required=False)
    document_no = serializers.CharField(required=False)
    line_no = serializers.CharField(required=False)
    fapiao_no = serializers.CharField(required=False)


class EntrySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    month = MonthField()
    restated_month = MonthField(required=False, help_text="In the restated view.")
    booked_at = serializers.DateTimeField()
    occurred_on = serializers.DateField()
    source = SourceSerializer()  # type: ignore[assignment]
    corrects = serializers.IntegerField(allow_null=True)
    corrects_month = MonthField(allow_null=True)
    rule = serializers.IntegerField()
    product = serializers.CharField()
    category = NamedCodeSerializer()
    county = NamedCodeSerializer()
    supplier = NamedCodeSerializer()
    buyer = serializers.CharField(help_text="The buyer's code; empty where none was declared.")
    buyer_kind = serializers.ChoiceField(Buyer.Kind.choices)
    district = NamedCodeSerializer()
    pair = PairSerializer(allow_null=True)
    channel = serializers.ChoiceField(Channel.choices)
    kind = serializers.ChoiceField(ContributionKind.choices)
    recognised = serializers.BooleanField()
    grade = serializers.ChoiceField(Grade.names)
    quantity = serializers.DecimalField(max_digits=14, decimal_places=3)
    unit = serializers.CharField()
    weight_kg = WeightField()
    amount = AmountField()
    freight = AmountField(help_text="Beside the amount.")
    reason = serializers.CharField()


def answer_as_json(answer: Answer, question: Question) -> dict[str, Any]:
    """Return the shape of AnswerSerializer, the total summed from the groups."""
    names = Names(answer.groups)
    show = {
        "month": lambda row: f"{row['month']:%Y-%m}",
        "county": lambda row: names.division(row["county_code"]),
        "district": lambda row: names.division(row["region_code"]),
        "pair": lambda row: names.pair(row["pair_district_code"], row["pair_county"]),
        "category": lambda row: names.category(row["category_code"]),
        "kind": lambda row: row["kind"],
        "buyer_kind": lambda row: row["buyer_kind"],
        "channel": lambda row: row["channel"],
        "supplier": lambda row: names.supplier(row["supplier_code"]),
        "recognised": lambda row: row["is_recognised"],
    }
    total = {
        name: sum((row[name] for row in answer.groups), zero)
        for name, zero in (
            ("amount", Decimal(0)),
            ("freight", Decimal(0)),
            ("weight_kg", Decimal(0)),
            ("entries", 0),
        )
    }
    return {
        "rule": answer.rule,
        "as_of": answer.as_of and localtime(answer.as_of).isoformat(),
        "view": "restated" if question.restated else "booked",
        "published_only": question.published_only,
        "groups": [
            {**{name: show[name](row) for name in question.by}, **_sums(row)}
            for row in answer.groups
            if question.by
        ],
        "total": _sums(total),
    }


def _sums(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "amount": f"{row['amount']:.2f}",
        "freight": f"{row['freight']:.2f}",
        "weight_kg": f"{row['weight_kg']:.3f}",
        "entries": row["entries"],
    }


def entries_as_json(entries: list[LedgerEntry]) -> list[dict[str, Any]]:
    """Return the shape of EntrySerializer; each entry comes with the rows of its source."""
    names = Names(vars(entry) for entry in entries)
    return [
        {
            "id": entry.pk,
            "month": month_text(entry.month),
            **_restated(entry),
            "booked_at": localtime(entry.booked_at).isoformat(),
            "occurred_on": entry.occurred_on.isoformat(),
            "source": _source(entry),
            "corrects": entry.corrects_id,
            "corrects_month": month_text(entry.corrects_month),
            "rule": entry.rule_id,
            "product": entry.product_name,
            "category": names.category(entry.category_code),
            "county": names.division(entry.county_code),
            "supplier": names.supplier(entry.supplier_code),
            "buyer": entry.buyer_code,
            "buyer_kind": entry.buyer_kind,
            "district": names.division(entry.region_code),
            "pair": names.pair(entry.pair_district_code, entry.county_code),
            "channel": entry.channel,
            "kind": entry.kind,
            "recognised": entry.is_recognised,
            "grade": Grade(entry.grade).name,
            "quantity": f"{entry.quantity:.3f}",
            "unit": entry.unit,
            "weight_kg": f"{entry.weight_kg:.3f}",
            "amount": f"{entry.amount:.2f}",
            "freight": f"{entry.freight:.2f}",
            "reason": entry.reason,
        }
        for entry in entries
    ]


def _restated(entry: LedgerEntry) -> dict[str, Any]:
    month = getattr(entry, "restated_month", None)
    return {"restated_month": month_text(month)} if month else {}


def _source(entry: LedgerEntry) -> dict[str, Any]:
    source: dict[str, Any] = {"kind": entry.source}
    if line := entry.order_line:
        source |= {
            "order": line.order.number,
            "consignment": line.consignment.number,
            "line": line.number,
        }
    if entry.claim_line:
        source["claim"] = entry.claim_line.claim_id
    if row := getattr(entry, "declared_row", None):
        source |= {
            "declaration": str(row.declaration_id),
            "row": row.row,
            "document_no": row.document_no,
            "line_no": row.line_no,
            "fapiao_no": row.fapiao_no,
        }
    return source
