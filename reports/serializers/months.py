"""The shapes of months, what looks wrong in them, and how they compare under another rule."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import (
    MonthField,
    StrictSerializer,
    TextField,
)
from reports.models import Anomaly, AnomalyRule, ContributionKind, Month
from reports.services.comparing import Compared, Comparison

from .shapes import AmountField, NamedCodeSerializer, Names, month_text


class MonthSerializer(serializers.Serializer[Any]):
    month = MonthField()
    status = serializers.ChoiceField(Month.Status.choices)
    closed_at = serializers.DateTimeField(allow_null=True)
    entries = serializers.IntegerField(help_text="Until the close: as far as rolled up.")
    amount = AmountField(help_text="Until the close: as far as rolled up.")
    sha256 = serializers.CharField(help_text="Empty until the close.")
    follows = MonthField(
        source="follows_id",
        allow_null=True,
        help_text="The month closed before, whose digest this one's covers.",
    )
    audit_block = serializers.IntegerField(
        allow_null=True, help_text="The last block of the audit trail at the close."
    )
    audit_head = serializers.CharField(
        help_text="That block's digest. Whoever notes it, witnesses it."
    )


class ExaminationSerializer(serializers.Serializer[Any]):
    """How many anomalies of a month were found so far, and how many wait for an answer."""

    month = MonthField()
    found = serializers.IntegerField()
    unanswered = serializers.IntegerField()


class AnomalySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    month = MonthField(source="month_id")
    rule = serializers.ChoiceField(AnomalyRule.Code.choices, source="rule_id")
    title = serializers.CharField(source="rule.get_code_display")
    subject = serializers.CharField(help_text="The codes of what it is about.")
    evidence = serializers.DictField(help_text="Figures, and keys of ledger entries.")
    found_at = serializers.DateTimeField()
    verdict = serializers.ChoiceField(
        Anomaly.Verdict.choices, help_text="Empty until it is answered."
    )
    answer = serializers.CharField()
    answered_by = serializers.CharField(source="answered_by.username", default=None)
    answered_at = serializers.DateTimeField(allow_null=True)


class AnomalyAnswerSerializer(StrictSerializer):
    verdict = serializers.ChoiceField(Anomaly.Verdict.choices)
    answer = TextField(max_length=500)


class ComparedSerializer(serializers.Serializer[Any]):
    official = AmountField()
    recomputed = AmountField()
    difference = AmountField(help_text="Recomputed less official.")


class ComparedCountySerializer(ComparedSerializer):
    county = NamedCodeSerializer()


class ComparedKindSerializer(ComparedSerializer):
    kind = serializers.ChoiceField(ContributionKind.choices)


class ComparisonSerializer(serializers.Serializer[Any]):
    month = MonthField()
    rule = serializers.IntegerField()
    is_approved = serializers.BooleanField()
    total = ComparedSerializer()
    by_county = ComparedCountySerializer(many=True)
    by_kind = ComparedKindSerializer(many=True)


def comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    """Return the shape of ComparisonSerializer."""
    names = Names({"county_code": code} for code in comparison.by_county)
    return {
        "month": month_text(comparison.month),
        "rule": comparison.rule.version,
        "is_approved": comparison.rule.is_approved,
        "total": _compared(comparison.total),
        "by_county": [
            {"county": names.division(code), **_compared(part)}
            for code, part in sorted(comparison.by_county.items())
        ],
        "by_kind": [
            {"kind": kind, **_compared(part)} for kind, part in sorted(comparison.by_kind.items())
        ],
    }


def _compared(part: Compared) -> dict[str, str]:
    return {
        "official": f"{part.official:.2f}",
        "recomputed": f"{part.recomputed:.2f}",
        "difference": f"{part.difference:.2f}",
    }
