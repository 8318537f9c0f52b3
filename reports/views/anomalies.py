"""Anomalies: what looks wrong in the months, and the office's answers."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.filtering import StrictFilterBackend
from reports.filters import AnomalyFilter
from reports.models import Anomaly
from reports.permissions import IsOffice, SeesAllFigures
from reports.serializers import AnomalyAnswerSerializer, AnomalySerializer
from reports.services.anomalies import answer_anomaly


class AnomaliesView(ListAPIView[Anomaly]):
    """What was found, the latest first."""

    permission_classes = [IsAuthenticated, SeesAllFigures]
    queryset = Anomaly.objects.select_related("rule", "answered_by")
    serializer_class = AnomalySerializer
    filter_backends = (StrictFilterBackend,)
    filterset_class = AnomalyFilter
    ordering = ["-id"]


class AnomalyAnswerView(APIView):
    permission_classes = [IsAuthenticated, IsOffice]

    @extend_schema(
        operation_id="anomalies_answer",
        request=AnomalyAnswerSerializer,
        responses=AnomalySerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """Say that an anomaly is explained, or was wrong and is corrected in the ledger."""
        body = AnomalyAnswerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by = actor(request)
        anomaly = answer_anomaly(pk, **body.validated_data, by=by, now=timezone.now())
        return Response(AnomalySerializer(anomaly).data)
