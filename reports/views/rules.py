"""Counting rules: the versions of what counts, proposed and approved by the office."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import StrictSerializer, TextField
from orders.models import Buyer
from reports.models import ContributionKind, CountingRule, Grade
from reports.permissions import IsOffice, OfficeWritesOthersLook
from reports.services.rules import GRADE_BY_EVENT, approve_rule, propose_rule
from shop.models import Category


class KindByBuyerKindField(serializers.DictField):
    """Which contribution a buyer of each kind makes; every kind of buyer is named once."""

    child = serializers.ChoiceField(ContributionKind.choices)
    default_error_messages = {"kinds": _("Name each kind of buyer: %(kinds)s.")}

    def to_internal_value(self, data: Any) -> dict[str, str]:
        kinds = super().to_internal_value(data)
        if set(kinds) != set(Buyer.Kind.values):
            detail = self.error_messages["kinds"] % {"kinds": ", ".join(Buyer.Kind.values)}
            raise serializers.ValidationError(detail, code="invalid")
        return kinds


class ProposalSerializer(StrictSerializer):
    in_force_from = serializers.DateField()
    event = serializers.ChoiceField(CountingRule.Event.choices)
    counts_freight = serializers.BooleanField(default=False)
    refunds = serializers.ChoiceField(
        CountingRule.Refunds.choices, default=CountingRule.Refunds.SETTLEMENT_MONTH
    )
    sectors = serializers.ListField(
        child=serializers.ChoiceField(Category.Sector.choices),
        min_length=1,
        max_length=len(Category.Sector.values),
    )
    least_grade = serializers.ChoiceField(
        Grade.names, required=False, help_text="If left out, what proves the event."
    )
    only_recognised = serializers.BooleanField(default=False)
    kind_by_buyer_kind = KindByBuyerKindField()
    description = TextField(max_length=2000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        proof = GRADE_BY_EVENT[attrs["event"]]
        return attrs | {"least_grade": Grade[attrs.get("least_grade", proof.name)].value}


class RuleSerializer(serializers.ModelSerializer[CountingRule]):
    least_grade = serializers.SerializerMethodField()
    kind_by_buyer_kind = serializers.DictField(child=serializers.CharField())
    approved_by = serializers.SerializerMethodField(
        help_text="Usernames; rule 1 ships with the product and has none."
    )

    class Meta:
        model = CountingRule
        fields = [
            "version",
            "in_force_from",
            "is_approved",
            "approved_by",
            "event",
            "counts_freight",
            "refunds",
            "sectors",
            "least_grade",
            "only_recognised",
            "kind_by_buyer_kind",
            "description",
        ]
        read_only_fields = fields

    def get_least_grade(self, rule: CountingRule) -> str:
        return Grade(rule.least_grade).name

    def get_approved_by(self, rule: CountingRule) -> list[str]:
        people = (rule.approved_by_first, rule.approved_by_second)
        return [person.username for person in people if person]


class RulesView(GenericAPIView[CountingRule]):
    """All versions, proposals too, the latest first; the office proposes the next one."""

    permission_classes = [IsAuthenticated, OfficeWritesOthersLook]
    queryset = CountingRule.objects.select_related("approved_by_first", "approved_by_second")
    serializer_class = RuleSerializer
    filter_backends = ()
    ordering = ["-version"]

    @extend_schema(operation_id="rules_list", responses=RuleSerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, {"cursor", "page_size"})
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(RuleSerializer(page or [], many=True).data)

    @extend_schema(
        operation_id="rules_propose", request=ProposalSerializer, responses={201: RuleSerializer}
    )
    def post(self, request: Request) -> Response:
        body = ProposalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by = actor(request)
        rule = propose_rule(**body.validated_data, by=by, now=timezone.now())
        return Response(RuleSerializer(rule).data, status=201)


class ApproveView(APIView):
    """Approves a proposed rule; the same call by a second person puts it in force."""

    permission_classes = [IsAuthenticated, IsOffice]

    @extend_schema(operation_id="rules_approve", request=None, responses=RuleSerializer)
    def post(self, request: Request, version: int) -> Response:
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        by = actor(request)
        return Response(RuleSerializer(approve_rule(version, by=by, now=timezone.now())).data)
