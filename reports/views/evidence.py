"""What proves a sale after its acceptance, as buyer, supplier and office enter and see it."""

import re
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import MoneyField, StrictSerializer, TextField
from accounts.refusals import NotFound
from orders.models import Consignment, Fapiao, Payment
from reports.services.grading import (
    enter_fapiao,
    enter_payment,
    reverse_fapiao,
    reverse_payment,
)
from reports.tasks import roll_up_soon


class FapiaoNumberField(TextField):
    """Exactly twenty ASCII digits, as text."""

    default_error_messages = {"digits": _("Enter the twenty digits of the fapiao.")}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not re.fullmatch("[0-9]{20}", value):
            self.fail("digits")
        return value


class FapiaoRequestSerializer(StrictSerializer):
    number = FapiaoNumberField()
    kind = serializers.ChoiceField(Fapiao.Kind.choices)
    issued_on = serializers.DateField()
    amount = MoneyField()
    buyer_title = TextField(max_length=100)


class RedFapiaoRequestSerializer(StrictSerializer):
    number = FapiaoNumberField(help_text="Of the red-letter fapiao.")
    issued_on = serializers.DateField()


class PaymentRequestSerializer(StrictSerializer):
    amount = MoneyField()
    paid_on = serializers.DateField()
    reference = TextField(max_length=60)


class PaymentBackRequestSerializer(StrictSerializer):
    paid_on = serializers.DateField()
    reference = TextField(max_length=60)


class FapiaoSerializer(serializers.ModelSerializer[Fapiao]):
    consignment = serializers.CharField(source="consignment.number")
    amount = MoneyField()
    reverses = serializers.CharField(source="reverses.number", default=None)
    reversed_by = serializers.CharField(source="reversed_by.number", default=None)

    class Meta:
        model = Fapiao
        fields = ("number", "consignment", "kind", "issued_on", "amount", "buyer_title",
                  "reverses", "reversed_by", "entered_at")  # fmt: skip


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    consignment = serializers.CharField(source="consignment.number")
    amount = MoneyField()
    reverses = serializers.IntegerField(source="reverses_id", allow_null=True)
    reversed_by = serializers.IntegerField(source="reversed_by.pk", default=None)

    class Meta:
        model = Payment
        fields = ("id", "consignment", "amount", "paid_on", "reference", "reverses",
                  "reversed_by", "entered_at")  # fmt: skip


class FapiaosView(GenericAPIView[Fapiao]):
    """The fapiaos of a consignment, the latest first, red-letter ones among them."""

    queryset = Fapiao.objects.none()
    serializer_class = FapiaoSerializer
    filter_backends = ()
    ordering = ["-id"]

    @extend_schema(operation_id="fapiao_list", responses=FapiaoSerializer(many=True))
    def get(self, request: Request, number: str) -> Response:
        rows = _of_consignment(Fapiao.objects.all(), request, number)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(FapiaoSerializer(page, many=True).data)

    @extend_schema(
        operation_id="fapiao_create",
        request=FapiaoRequestSerializer,
        responses={201: FapiaoSerializer},
    )
    def post(self, request: Request, number: str) -> Response:
        """Enter a fapiao; fapiaos over all that is due raise the evidence to E3."""
        body = FapiaoRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = dict(body.validated_data)
        fapiao = enter_fapiao(
            number, fapiao_number=asked.pop("number"), **asked, by=actor(request),
            now=timezone.now(),
        )  # fmt: skip
        return _created(FapiaoSerializer(fapiao))


class ReverseFapiaoView(APIView):
    @extend_schema(
        operation_id="fapiao_reverse",
        request=RedFapiaoRequestSerializer,
        responses={201: FapiaoSerializer},
    )
    def post(self, request: Request, number: str) -> Response:
        """Enter the red-letter fapiao that takes this one back; the answer is the red one."""
        body = RedFapiaoRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        red = reverse_fapiao(
            number,
            red_number=body.validated_data["number"],
            issued_on=body.validated_data["issued_on"],
            by=actor(request),
            now=timezone.now(),
        )
        return _created(FapiaoSerializer(red))


class PaymentsView(GenericAPIView[Payment]):
    """The payments for a consignment, the latest first, reversals among them."""

    queryset = Payment.objects.none()
    serializer_class = PaymentSerializer
    filter_backends = ()
    ordering = ["-id"]

    @extend_schema(operation_id="payments_list", responses=PaymentSerializer(many=True))
    def get(self, request: Request, number: str) -> Response:
        rows = _of_consignment(Payment.objects.all(), request, number)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(PaymentSerializer(page, many=True).data)

    @extend_schema(
        operation_id="payments_create",
        request=PaymentRequestSerializer,
        responses={201: PaymentSerializer},
    )
    def post(self, request: Request, number: str) -> Response:
        """Enter a payment; with fapiaos and payments over all that is due it is E4."""
        body = PaymentRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        payment = enter_payment(
            number, **body.validated_data, by=actor(request), now=timezone.now()
        )
        return _created(PaymentSerializer(payment))


class ReversePaymentView(APIView):
    @extend_schema(
        operation_id="payments_reverse",
        request=PaymentBackRequestSerializer,
        responses={201: PaymentSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Enter the payment that takes this one back; the answer is the new one."""
        body = PaymentBackRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        back = reverse_payment(pk, **body.validated_data, by=actor(request), now=timezone.now())
        return _created(PaymentSerializer(back))


def _of_consignment(rows: QuerySet[Any], request: Request, number: str) -> QuerySet[Any]:
    refuse_unknown_parameters(request, {"cursor", "page_size"})
    if not Consignment.objects.for_actor(request.user).filter(number=number).exists():
        raise NotFound
    rows = rows.filter(consignment__number=number)
    return rows.select_related("consignment", "reverses", "reversed_by")


def _created(entered: serializers.ModelSerializer[Any]) -> Response:
    transaction.on_commit(roll_up_soon, robust=True)
    return Response(entered.data, 201)
