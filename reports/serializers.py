"""The shapes of figures, ledger entries, months, anomalies, targets and rewards."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import (
    MoneyField,
    MonthField,
    PlainDecimalField,
    StrictSerializer,
    TextField,
)
from accounts.models import Division
from orders.models import Buyer, Channel
from reports.models import Anomaly, AnomalyRule, ContributionKind, Grade, LedgerEntry, Month
from reports.services.comparing import Compared, Comparison
from reports.services.figures import UNASSIGNED, UNNAMED, VIEWS, Answer, Question
from reports.services.rewards import ClaimPack
from reports.services.targets import Standing
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


class SumsSerializer(serializers.Serializer[Any]):
    amount = AmountField()
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
    reason = serializers.CharField()


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


class TargetsQuerySerializer(StrictSerializer):
    year = YearField()


class TargetSerializer(serializers.Serializer[Any]):
    county = NamedCodeSerializer(allow_null=True, help_text="Null: all counties.")
    district = NamedCodeSerializer(allow_null=True, help_text="Null: all buyers.")
    amount = AmountField()
    reached = AmountField()
    percent = serializers.DecimalField(max_digits=18, decimal_places=1)
    before = AmountField(help_text="The same months of the year before.")
    projection = AmountField(
        allow_null=True,
        help_text="The year's end, if the months that are over have the share they had then.",
    )


class ImpactSerializer(serializers.Serializer[Any]):
    """What the suppliers of a county did for local households."""

    county = NamedCodeSerializer()
    households = serializers.IntegerField()
    jobs = serializers.IntegerField()
    land_rent = AmountField()


class StandingSerializer(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    until = MonthField(allow_null=True, help_text="The last month with figures.")
    as_of = serializers.DateTimeField(allow_null=True)
    published_only = serializers.BooleanField()
    targets = TargetSerializer(many=True)
    impact = ImpactSerializer(many=True)


class RewardsQuerySerializer(StrictSerializer):
    year = YearField()
    budget = MoneyField()
    rate = RateField(help_text="0.03 is three percent.")


class RewardSerializer(serializers.Serializer[Any]):
    supplier = NamedCodeSerializer()
    sales = AmountField(help_text="Recognised net sales of the year.")
    own = AmountField(help_text="Sales times rate.")
    approved = AmountField(help_text="What the budget leaves of it.")


class ClaimPackSerializer(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    budget = AmountField()
    rate = serializers.CharField()
    as_of = serializers.DateTimeField(allow_null=True)
    own = AmountField()
    approved = AmountField()
    suppliers = RewardSerializer(many=True)


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
        return _named(code, self.divisions, UNASSIGNED)

    def category(self, code: str) -> dict[str, str]:
        return _named(code, self.categories, UNASSIGNED)

    def supplier(self, code: str) -> dict[str, str]:
        return _named(code, self.suppliers, UNNAMED)

    def pair(self, district: str, county: str) -> dict[str, Any] | None:
        if not district:
            return None
        return {
            "code": f"{district}-{county}",
            "district": self.division(district),
            "county": self.division(county),
        }


def _named(code: str, names: Mapping[str, str], missing: str) -> dict[str, str]:
    return {"code": code or missing, "name": names.get(code, code or missing)}


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
        for name, zero in (("amount", Decimal(0)), ("weight_kg", Decimal(0)), ("entries", 0))
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
        "weight_kg": f"{row['weight_kg']:.3f}",
        "entries": row["entries"],
    }


def comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    """Return the shape of ComparisonSerializer."""
    names = Names({"county_code": code} for code in comparison.by_county)
    return {
        "month": _month(comparison.month),
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


def standing_as_json(standing: Standing) -> dict[str, Any]:
    """Return the shape of StandingSerializer."""

    def named(division: Division | None) -> dict[str, str] | None:
        return {"code": division.code, "name": division.name} if division else None

    return {
        "year": standing.year,
        "until": _month(standing.until),
        "as_of": standing.as_of and localtime(standing.as_of).isoformat(),
        "published_only": standing.published_only,
        "targets": [
            {
                "county": named(progress.target.county),
                "district": named(progress.target.district),
                "amount": f"{progress.target.amount:.2f}",
                "reached": f"{progress.reached:.2f}",
                "percent": f"{progress.percent:.1f}",
                "before": f"{progress.before:.2f}",
                "projection": None if progress.projection is None else f"{progress.projection:.2f}",
            }
            for progress in standing.targets
        ],
        "impact": [
            {
                "county": {
                    "code": row["supplier__county__code"],
                    "name": row["supplier__county__name"],
                },
                "households": row["households"],
                "jobs": row["jobs"],
                "land_rent": f"{row['land_rent']:.2f}",
            }
            for row in standing.impact
        ],
    }


def claim_pack_as_json(pack: ClaimPack, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shape of ClaimPackSerializer for what was `asked`."""
    names = Names({"supplier_code": reward.supplier_code} for reward in pack.rewards)
    return {
        "year": asked["year"],
        "budget": f"{asked['budget']:.2f}",
        "rate": str(asked["rate"]),
        "as_of": pack.as_of and localtime(pack.as_of).isoformat(),
        "own": f"{sum((reward.own for reward in pack.rewards), Decimal(0)):.2f}",
        "approved": f"{sum((reward.approved for reward in pack.rewards), Decimal(0)):.2f}",
        "suppliers": [
            {
                "supplier": names.supplier(reward.supplier_code),
                "sales": f"{reward.sales:.2f}",
                "own": f"{reward.own:.2f}",
                "approved": f"{reward.approved:.2f}",
            }
            for reward in pack.rewards
        ],
    }


def entries_as_json(entries: list[LedgerEntry]) -> list[dict[str, Any]]:
    """Return the shape of EntrySerializer; each entry comes with the rows of its source."""
    names = Names(vars(entry) for entry in entries)
    return [
        {
            "id": entry.pk,
            "month": _month(entry.month),
            **_restated(entry),
            "booked_at": localtime(entry.booked_at).isoformat(),
            "occurred_on": entry.occurred_on.isoformat(),
            "source": _source(entry),
            "corrects": entry.corrects_id,
            "corrects_month": _month(entry.corrects_month),
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
            "reason": entry.reason,
        }
        for entry in entries
    ]


def _restated(entry: LedgerEntry) -> dict[str, Any]:
    month = getattr(entry, "restated_month", None)
    return {"restated_month": _month(month)} if month else {}


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


def _month(month: date | None) -> str | None:
    return f"{month:%Y-%m}" if month else None
