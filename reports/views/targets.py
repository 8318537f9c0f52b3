"""A year's targets and impact, and what its recognised sales earn the suppliers."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import StrictSerializer
from reports.permissions import IsOffice, SeesAllFigures
from reports.serializers import (
    ClaimPackSerializer,
    RewardsQuerySerializer,
    StandingSerializer,
    TargetsQuerySerializer,
    claim_pack_as_json,
    standing_as_json,
)
from reports.services.rewards import claim_rewards
from reports.services.targets import targets_of


class TargetsView(APIView):
    """
    How far a year's targets are reached, and its impact by county.

    Everybody sees published months, the office and auditors all of them.
    """

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="targets_retrieve",
        parameters=[TargetsQuerySerializer],
        responses=StandingSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = _asked(TargetsQuerySerializer, request)
        standing = targets_of(
            asked["year"],
            day=timezone.localdate(),
            published_only=not SeesAllFigures().has_permission(request, self),
        )
        return Response(standing_as_json(standing))


class RewardsView(APIView):
    """What each supplier's recognised net sales of a year earn, within the budget."""

    permission_classes = [IsAuthenticated, IsOffice]

    @extend_schema(
        operation_id="rewards_retrieve",
        parameters=[RewardsQuerySerializer],
        responses=ClaimPackSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = _asked(RewardsQuerySerializer, request)
        pack = claim_rewards(
            asked["year"], budget=asked["budget"], rate=asked["rate"], day=timezone.localdate()
        )
        return Response(claim_pack_as_json(pack, asked))


def _asked(shape: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """Return what the address asks; raise Invalid or ValidationError."""
    query = shape(data=request.query_params.dict())
    refuse_unknown_parameters(request, set(query.fields))
    query.is_valid(raise_exception=True)
    return query.validated_data
