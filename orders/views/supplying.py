"""What a supplier does with its part of an order."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.filtering import StrictFilterBackend
from accounts.api.serializers import StrictSerializer
from accounts.models import User
from accounts.refusals import NotFound
from orders.filters import ConsignmentFilter
from orders.models import Consignment
from orders.serializers import (
    ConsignmentSerializer,
    ReasonSerializer,
    ShipmentRequestSerializer,
    SuppliedConsignmentSerializer,
    consignments_as_json,
    supplied_as_json,
)
from orders.services.batching import propose_batches
from orders.services.contact import contact_of
from orders.services.steps import consignment_for_supplier
from orders.services.supplying import (
    confirm_consignment,
    decline_consignment,
    lines_to_ship,
    ship_consignment,
)


class SupplyView(GenericAPIView[Consignment]):
    """The consignments that the caller's supplier delivers, the latest first."""

    queryset = Consignment.objects.none()
    serializer_class = ConsignmentSerializer
    filter_backends = (StrictFilterBackend,)
    filterset_class = ConsignmentFilter
    ordering = ["-id"]

    @extend_schema(
        operation_id="supply_consignments_list", responses=ConsignmentSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        mine = Consignment.objects.supplied_by(actor(request))
        page = self.paginate_queryset(self.filter_queryset(_with_buyer(mine)))
        return self.get_paginated_response(consignments_as_json(page or []))


class ConsignmentView(APIView):
    """One consignment, for its buyer, its supplier and the platform's own people."""

    @extend_schema(operation_id="consignments_retrieve", responses=ConsignmentSerializer)
    def get(self, request: Request, number: str) -> Response:
        return answer_consignment(number, by=actor(request))


class SuppliedView(APIView):
    """One consignment as its supplier needs it: whom it goes to, and from which batches."""

    @extend_schema(
        operation_id="supply_consignments_retrieve", responses=SuppliedConsignmentSerializer
    )
    def get(self, request: Request, number: str) -> Response:
        by = actor(request)
        key, _order_id = consignment_for_supplier(number, by=by)
        found = (
            _with_buyer(Consignment.objects).select_related("order__address__division").get(pk=key)
        )
        lines = list(lines_to_ship(found).prefetch_related("batches__batch"))
        is_open = found.status in Consignment.HOLDING_STOCK
        proposals = propose_batches(lines, day=timezone.localdate()) if is_open else {}
        answer = supplied_as_json(
            found, lines, contact=contact_of(found, found.order.address, by=by), proposals=proposals
        )
        return Response(answer)


class ConfirmView(APIView):
    @extend_schema(
        operation_id="supply_consignments_confirm", request=None, responses=ConsignmentSerializer
    )
    def post(self, request: Request, number: str) -> Response:
        """Promise to deliver."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        confirm_consignment(number, by=actor(request), now=timezone.now())
        return answer_consignment(number, by=actor(request))


class DeclineView(APIView):
    @extend_schema(
        operation_id="supply_consignments_decline",
        request=ReasonSerializer,
        responses=ConsignmentSerializer,
    )
    def post(self, request: Request, number: str) -> Response:
        """Refuse to deliver."""
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        decline_consignment(number, reason=reason, by=actor(request), now=timezone.now())
        return answer_consignment(number, by=actor(request))


class ShipView(APIView):
    @extend_schema(
        operation_id="supply_consignments_ship",
        request=ShipmentRequestSerializer,
        responses=ConsignmentSerializer,
    )
    def post(self, request: Request, number: str) -> Response:
        """Say what left, line by line, and whether more follows."""
        body = ShipmentRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        ship_consignment(
            number,
            shipped=body.parts_by_line(),
            carrier=body.validated_data["carrier"],
            tracking=body.validated_data["tracking"],
            shipment=body.validated_data.get("shipment"),
            more_follows=body.validated_data["more_follows"],
            by=actor(request),
            now=timezone.now(),
        )
        return answer_consignment(number, by=actor(request))


def answer_consignment(number: str, *, by: User) -> Response:
    """Answer with a consignment that `by` may see; raise NotFound for any other."""
    rows = _with_buyer(Consignment.objects.for_actor(by).filter(number=number))
    # An order that is not approved yet is not its suppliers' business.
    found = [
        row
        for row in rows
        if row.status != Consignment.Status.PENDING_APPROVAL
        or not hasattr(by, "supplier_membership")
    ]
    if not found:
        raise NotFound
    return Response(consignments_as_json(found)[0])


def _with_buyer(rows: Any) -> Any:
    return rows.select_related("supplier", "order__buyer")
