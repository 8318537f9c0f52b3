"""The shapes of targets, impact and rewards."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.timezone import localtime
from rest_framework import serializers

from accounts.api.serializers import (
    MoneyField,
    MonthField,
    StrictSerializer,
)
from accounts.models import Division
from reports.services.rewards import ClaimPack
from reports.services.targets import Standing

from .shapes import AmountField, NamedCodeSerializer, Names, RateField, YearField, month_text


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


def standing_as_json(standing: Standing) -> dict[str, Any]:
    """Return the shape of StandingSerializer."""

    def named(division: Division | None) -> dict[str, str] | None:
        return {"code": division.code, "name": division.name} if division else None

    return {
        "year": standing.year,
        "until": month_text(standing.until),
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
