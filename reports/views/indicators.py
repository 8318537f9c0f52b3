"""Indicators: other figures over the same facts, each with its own conditions."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.filtering import refuse_unknown_parameters
from accounts.refusals import NotFound
from reports.filters import read_question
from reports.models import Grade, Indicator
from reports.serializers import IndicatorAnswerSerializer, answer_as_json
from reports.services.figures import answer
from reports.views.totals import BY, FILTERS


class IndicatorSerializer(serializers.ModelSerializer[Indicator]):
    least_grade = serializers.SerializerMethodField()

    class Meta:
        model = Indicator
        fields = [
            "code",
            "name",
            "name_en",
            "description",
            "follows_rule",
            "channels",
            "sectors",
            "only_recognised",
            "least_grade",
            "counts_freight",
        ]
        read_only_fields = fields

    def get_least_grade(self, indicator: Indicator) -> str:
        return Grade(indicator.least_grade).name


class IndicatorsView(GenericAPIView[Indicator]):
    """The indicators and what each of them counts."""

    permission_classes = [AllowAny]
    queryset = Indicator.objects.all()
    serializer_class = IndicatorSerializer
    filter_backends = ()
    ordering = ["code"]

    @extend_schema(operation_id="indicators_list", responses=IndicatorSerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, {"cursor", "page_size"})
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(IndicatorSerializer(page or [], many=True).data)


class IndicatorView(APIView):
    """
    An indicator's sums, asked and answered like the totals.

    Everybody sees published months, the office and auditors all of them. Amounts are of
    goods; where an indicator counts freight, it stands beside them, never among them.
    """

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="indicators_retrieve",
        parameters=[*FILTERS, BY],
        responses=IndicatorAnswerSerializer,
    )
    def get(self, request: Request, code: str) -> Response:
        indicator = Indicator.objects.filter(code=code).first()
        if indicator is None:
            raise NotFound
        question = read_question(request, indicator=indicator)
        found = answer(question, day=timezone.localdate())
        return Response({"indicator": code, **answer_as_json(found, question)})
