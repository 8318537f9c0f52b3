"""The figures, and the entries that each of them is summed from."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders.models import Buyer, Channel
from reports.filters import read_question
from reports.models import ContributionKind, Grade, LedgerEntry
from reports.permissions import SeesAllFigures
from reports.serializers import (
    AnswerSerializer,
    EntrySerializer,
    answer_as_json,
    entries_as_json,
)
from reports.services.figures import COLUMNS, VIEWS, answer, entries_behind


def _parameter(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=description, **more)


FILTERS = [
    _parameter("from", "First month, YYYY-MM."),
    _parameter("until", "Last month, YYYY-MM; it is included."),
    _parameter("grade", "The least evidence.", enum=Grade.names),
    _parameter("month", "YYYY-MM."),
    _parameter("county", "A county's code, or unassigned."),
    _parameter("district", "The code of the buyer's district or city, or unassigned."),
    _parameter("pair", "DISTRICT-COUNTY, or unpaired."),
    _parameter("category", "A category's code."),
    _parameter("kind", "Contribution.", enum=ContributionKind.values),
    _parameter("buyer_kind", "Kind of buyer.", enum=Buyer.Kind.values),
    _parameter("channel", "Channel.", enum=Channel.values),
    _parameter("supplier", "A supplier's code, or unnamed; not public."),
    _parameter("recognised", "Whether the product was recognised.", enum=["true", "false"]),
]
BY = _parameter("by", f"Several of {', '.join(COLUMNS)}, by commas.")
VIEW = _parameter(
    "view",
    "Restated: corrections count in the month that they correct; for the office and auditors.",
    enum=VIEWS,
)


class TotalsView(APIView):
    """
    Sums by up to all dimensions, as far as the ledger is rolled up (`as_of`).

    Everybody sees published months, the office and auditors all of them.
    """

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="totals_retrieve",
        parameters=[*FILTERS, BY, VIEW],
        responses=AnswerSerializer,
    )
    def get(self, request: Request) -> Response:
        question = read_question(request)
        found = answer(question, day=timezone.localdate())
        return Response(answer_as_json(found, question))


class EntriesView(GenericAPIView[LedgerEntry]):
    """The ledger's entries behind a figure, the latest first, each with its source."""

    permission_classes = [IsAuthenticated, SeesAllFigures]
    queryset = LedgerEntry.objects.none()
    serializer_class = EntrySerializer
    filter_backends = ()
    ordering = ["-month", "-id"]

    @extend_schema(
        operation_id="totals_entries_list",
        parameters=[*FILTERS, VIEW],
        responses=EntrySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(entries_behind(read_question(request, paged=True)))
        return self.get_paginated_response(entries_as_json(page or []))
