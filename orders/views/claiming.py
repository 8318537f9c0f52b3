"""Claims after acceptance, as buyer and supplier see them."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.filtering import StrictFilterBackend
from accounts.models import User
from accounts.refusals import NotFound
from orders.models import Claim
from orders.serializers import ClaimRequestSerializer, ClaimSerializer
from orders.services.claiming import open_claim


class ClaimsView(GenericAPIView[Claim]):
    """The claims that the caller may see, the latest first."""

    queryset = Claim.objects.none()
    serializer_class = ClaimSerializer
    filter_backends = (StrictFilterBackend,)
    ordering = ["-id"]

    @extend_schema(operation_id="claims_list", responses=ClaimSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = self.filter_queryset(_with_lines(Claim.objects.for_actor(request.user)))
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(ClaimSerializer(page, many=True).data)

    @extend_schema(
        operation_id="claims_create",
        request=ClaimRequestSerializer,
        responses={201: ClaimSerializer},
    )
    def post(self, request: Request) -> Response:
        """Claim a refund for accepted goods."""
        body = ClaimRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        claim = open_claim(
            body.validated_data["consignment"],
            claimed=body.by_line("reason"),
            by=actor(request),
            now=timezone.now(),
        )
        answer = answer_claim(claim.pk, by=actor(request))
        answer.status_code = 201
        answer["Location"] = reverse("claim", kwargs={"pk": claim.pk})
        return answer


class ClaimView(APIView):
    """One claim."""

    @extend_schema(operation_id="claims_retrieve", responses=ClaimSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return answer_claim(pk, by=actor(request))


def answer_claim(pk: int, *, by: User) -> Response:
    """Answer with a claim that `by` may see; raise NotFound for any other."""
    claim = _with_lines(Claim.objects.for_actor(by)).filter(pk=pk).first()
    if claim is None:
        raise NotFound
    return Response(ClaimSerializer(claim).data)


def _with_lines(rows: Any) -> Any:
    return rows.select_related("consignment").prefetch_related("lines__line")
