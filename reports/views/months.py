"""Months: how far each is, and the steps that close and publish it."""

from datetime import date

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import StrictSerializer, read_month
from accounts.refusals import NotFound
from reports.filters import read_rule
from reports.models import Month
from reports.permissions import IsOffice, SeesAllFigures
from reports.serializers import (
    ComparisonSerializer,
    ExaminationSerializer,
    MonthSerializer,
    comparison_as_json,
)
from reports.services.anomalies import examine
from reports.services.comparing import compare
from reports.services.months import close_month, publish_month, with_sums


class MonthsView(GenericAPIView[Month]):
    """The months, the latest first; everybody sees those that are published."""

    permission_classes = [AllowAny]
    queryset = Month.objects.none()
    serializer_class = MonthSerializer
    filter_backends = ()
    ordering = ["-month"]

    @extend_schema(operation_id="months_list", responses=MonthSerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, {"cursor", "page_size"})
        page = self.paginate_queryset(Month.objects.shown_to(request.user))
        return self.get_paginated_response(MonthSerializer(with_sums(page or []), many=True).data)


class MonthView(APIView):
    """One month."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="months_retrieve", responses=MonthSerializer)
    def get(self, request: Request, month: str) -> Response:
        return _answer(_found(request, month))


class CloseView(APIView):
    """Asks for the close of a month; the same call by a second person closes it."""

    permission_classes = [IsAuthenticated, IsOffice]

    @extend_schema(operation_id="months_close", request=None, responses=MonthSerializer)
    def post(self, request: Request, month: str) -> Response:
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        by = actor(request)
        return _answer(close_month(_first_day(month), by=by, now=timezone.now()))


class ExamineView(APIView):
    """Finds what looks wrong in a month; the office answers before it is published."""

    permission_classes = [IsAuthenticated, IsOffice]

    @extend_schema(operation_id="months_examine", request=None, responses=ExaminationSerializer)
    def post(self, request: Request, month: str) -> Response:
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        by = actor(request)
        examined = examine(_found(request, month), by=by, now=timezone.now())
        return Response(ExaminationSerializer(examined).data)


class PublishView(APIView):
    """Opens a closed month's figures to everybody."""

    permission_classes = [IsAuthenticated, IsOffice]

    @extend_schema(operation_id="months_publish", request=None, responses=MonthSerializer)
    def post(self, request: Request, month: str) -> Response:
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        by = actor(request)
        return _answer(publish_month(_found(request, month), by=by, now=timezone.now()))


class CompareView(APIView):
    """A month as another rule, in force or proposed, would count it, beside the official figure."""

    permission_classes = [IsAuthenticated, SeesAllFigures]

    @extend_schema(
        operation_id="months_compare",
        parameters=[OpenApiParameter("rule", int, required=True, description="Its version.")],
        responses=ComparisonSerializer,
    )
    def get(self, request: Request, month: str) -> Response:
        rule = read_rule(request)
        return Response(comparison_as_json(compare(_found(request, month).month, rule=rule)))


def _first_day(month: str) -> date:
    try:
        return read_month(month)
    except ValueError as error:
        raise NotFound from error


def _found(request: Request, month: str) -> Month:
    row = Month.objects.shown_to(request.user).filter(month=_first_day(month)).first()
    if row is None:
        raise NotFound
    return row


def _answer(month: Month) -> Response:
    (row,) = with_sums([month])
    return Response(MonthSerializer(row).data)
