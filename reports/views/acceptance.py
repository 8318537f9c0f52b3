"""Where what was bought becomes what was sold: acceptance, and the settlement of claims."""

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from orders.serializers import (
    AcceptanceSerializer,
    ClaimSerializer,
    ConsignmentSerializer,
    SettlementSerializer,
    consignment_as_json,
)
from orders.views.claiming import answer_claim
from reports.services.booking import accept_delivery, settle_claim
from reports.tasks import roll_up_soon


class AcceptView(APIView):
    @extend_schema(
        operation_id="consignments_accept",
        request=AcceptanceSerializer,
        responses=ConsignmentSerializer,
    )
    def post(self, request: Request, number: str) -> Response:
        """Say what was taken of each line; less than was shipped needs a reason."""
        body = AcceptanceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by = actor(request)
        lines = accept_delivery(number, accepted=body.by_line("reason"), by=by, now=timezone.now())
        transaction.on_commit(roll_up_soon, robust=True)
        return Response(consignment_as_json(lines[0].consignment, lines))


class SettleView(APIView):
    @extend_schema(
        operation_id="claims_settle", request=SettlementSerializer, responses=ClaimSerializer
    )
    def post(self, request: Request, pk: int) -> Response:
        """Fix the refund of a claim; it counts against the month of settlement."""
        body = SettlementSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by = actor(request)
        settle_claim(pk, amount=body.validated_data["amount"], by=by, now=timezone.now())
        transaction.on_commit(roll_up_soon, robust=True)
        return answer_claim(pk, by=by)
