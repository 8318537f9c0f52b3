"""What a buyer's people do: quote, order, approve, cancel, look."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, cast

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.filtering import StrictFilterBackend
from accounts.api.serializers import MoneyField, StrictSerializer
from accounts.refusals import NotFound, Refusal
from orders.filters import OrderFilter
from orders.models import Address, Membership, Order, OrderEvent
from orders.serializers import (
    AddressSerializer,
    CodeAndName,
    EventSerializer,
    OrderRequestSerializer,
    OrderSerializer,
    QuoteSerializer,
    ReasonSerializer,
    fingerprint_of,
    order_as_text,
    orders_as_json,
    quote_as_json,
)
from orders.services.approving import approve_order, cancel_order, reject_order
from orders.services.placing import place_order
from orders.services.quoting import quote

VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")


class IdempotencyKeyMissing(Refusal):
    """Whoever orders names the order, so that repeating the request orders nothing twice."""

    code = "idempotency_key_missing"
    status = 400
    detail = _("Send the header Idempotency-Key with 1 to 255 visible ASCII characters.")


class OrdersView(GenericAPIView[Order]):
    """The buyer's orders, the latest first."""

    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    filter_backends = (StrictFilterBackend,)
    filterset_class = OrderFilter
    ordering = ["-placed_at", "-id"]

    @extend_schema(operation_id="orders_list", responses=OrderSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = self.filter_queryset(Order.objects.for_actor(request.user))
        return self.get_paginated_response(orders_as_json(self.paginate_queryset(rows) or []))

    @extend_schema(
        operation_id="orders_create",
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                required=True,
                description="1 to 255 visible ASCII characters; the same key and body order once.",
            )
        ],
        request=OrderRequestSerializer,
        responses={201: OrderSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """
        Place an order.

        Over the purchaser's limit it waits for approval, and its stock is held.
        """
        data = request.data
        key = request.headers.get("Idempotency-Key", "")
        if not VISIBLE_ASCII.fullmatch(key):
            raise IdempotencyKeyMissing
        body = OrderRequestSerializer(data=data)
        body.is_valid(raise_exception=True)
        fingerprint = fingerprint_of("POST", request.path, data)
        answer = place_order(
            body.wish(),
            key=key,
            fingerprint=hashlib.sha256(fingerprint).hexdigest(),
            by=actor(request),
            now=timezone.now(),
            answer=order_as_text,
        )
        number = answer.text.split('"number":"', 1)[1].split('"', 1)[0]
        headers = {"Location": reverse("order", kwargs={"number": number})}
        if answer.is_replayed:
            headers["Idempotent-Replayed"] = "true"
        return HttpResponse(
            answer.text, status=201, content_type="application/json", headers=headers
        )


class OrderView(APIView):
    """One order."""

    @extend_schema(operation_id="orders_retrieve", responses=OrderSerializer)
    def get(self, request: Request, number: str) -> Response:
        return _answer(_shown(request, number))


class OrderEventsView(ListAPIView[OrderEvent]):
    """Every step of one order, the first one first."""

    queryset = OrderEvent.objects.none()
    serializer_class = EventSerializer
    filter_backends = (StrictFilterBackend,)
    ordering = ["id"]

    def get_queryset(self) -> Any:
        order = _shown(self.request, self.kwargs["number"])
        return OrderEvent.objects.filter(order=order).select_related("by", "consignment")


class ApproveView(APIView):
    @extend_schema(operation_id="orders_approve", request=None, responses=OrderSerializer)
    def post(self, request: Request, number: str) -> Response:
        """Let an order that waits for approval go to its suppliers."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        return _answer(approve_order(number, by=actor(request), now=timezone.now()))


class RejectView(APIView):
    @extend_schema(
        operation_id="orders_reject", request=ReasonSerializer, responses=OrderSerializer
    )
    def post(self, request: Request, number: str) -> Response:
        """Refuse an order that waits for approval."""
        reason = _reason(request)
        return _answer(reject_order(number, reason=reason, by=actor(request), now=timezone.now()))


class CancelView(APIView):
    @extend_schema(
        operation_id="orders_cancel", request=ReasonSerializer, responses=OrderSerializer
    )
    def post(self, request: Request, number: str) -> Response:
        """Take an order back as long as nothing of it was shipped."""
        reason = _reason(request)
        return _answer(cancel_order(number, reason=reason, by=actor(request), now=timezone.now()))


class QuotesView(APIView):
    @extend_schema(
        operation_id="quotes_create", request=OrderRequestSerializer, responses=QuoteSerializer
    )
    def post(self, request: Request) -> Response:
        """Price an order without placing it, and say what stands against it."""
        body = OrderRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        priced = quote(body.wish(), by=actor(request), now=timezone.now())
        return Response(quote_as_json(priced))


class AddressesView(ListAPIView[Address]):
    """Where the buyer takes deliveries; personal data is masked."""

    queryset = Address.objects.none()
    serializer_class = AddressSerializer
    filter_backends = (StrictFilterBackend,)
    ordering = ["code", "id"]

    def get_queryset(self) -> Any:
        rows = Address.objects.for_actor(self.request.user)
        return rows.filter(is_active=True).select_related("division")


class MyBuyerSerializer(CodeAndName):
    kind = serializers.CharField()
    role = serializers.CharField()
    approval_limit = MoneyField(allow_null=True)
    credit_limit = MoneyField(allow_null=True)
    credit_used = MoneyField(allow_null=True)


class MeSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField(help_text="Of the platform's own people; empty for others.")
    buyer = MyBuyerSerializer(allow_null=True)
    supplier = CodeAndName(allow_null=True)


class MeView(APIView):
    @extend_schema(operation_id="me_retrieve", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who the key belongs to, and what it may spend."""
        user = actor(request)
        membership = Membership.objects.select_related("buyer__credit").filter(user=user).first()
        supplier = getattr(user, "supplier_membership", None)
        mine = {
            "username": user.username,
            "name": user.get_full_name(),
            "role": user.role,
            "buyer": _my_buyer(membership) if membership else None,
            "supplier": supplier and supplier.supplier,
        }
        return Response(MeSerializer(mine).data)


def _my_buyer(membership: Membership) -> Mapping[str, Any]:
    buyer = membership.buyer
    credit = getattr(buyer, "credit", None)
    return {
        "code": buyer.code,
        "name": buyer.name,
        "kind": buyer.kind,
        "role": membership.role,
        "approval_limit": membership.approval_limit,
        "credit_limit": credit and credit.limit,
        "credit_used": credit and credit.used,
    }


def _reason(request: Request) -> str:
    body = ReasonSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    return cast(str, body.validated_data["reason"])


def _shown(request: Request, number: str) -> Order:
    order = Order.objects.for_actor(request.user).filter(number=number).first()
    if order is None:
        raise NotFound
    return cast(Order, order)


def _answer(order: Order) -> Response:
    return Response(orders_as_json([order])[0])
