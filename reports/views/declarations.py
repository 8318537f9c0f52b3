"""Declarations of off-platform sales: uploaded, looked at, committed and revoked."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import FileResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import MoneyField, StrictSerializer, TextField
from accounts.refusals import NotFound
from reports.models import Declaration, DeclarationEvidence
from reports.services.declarations.answering import describe, summarise
from reports.services.declarations.receiving import (
    commit_declaration,
    receive_declaration,
    revoke_declaration,
)
from reports.tasks import read_declarations

MEDIA_TYPES = {
    Declaration.Format.CSV: "text/csv",
    Declaration.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class MayDeclare(BasePermission):
    """The office and the administrator declare; auditors look on."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = actor(request)
        return user.sees_all_figures if request.method in SAFE_METHODS else user.is_office


class UploadSerializer(StrictSerializer):
    file = serializers.FileField(help_text="XLSX, or CSV in UTF-8 or GB18030.")
    reporter = TextField(max_length=6, help_text="Code of the division whose office reports.")
    late = serializers.BooleanField(
        default=False, help_text="Book rows of closed months in the open month."
    )


class RevocationSerializer(StrictSerializer):
    reason = TextField(max_length=200)


class FailureSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(FailureSerializer):
    row = serializers.IntegerField(help_text="As the spreadsheet counts; the header is row 1.")
    column = serializers.CharField()


class SumSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField()
    amount = MoneyField()


class MonthSumSerializer(SumSerializer):
    month = serializers.CharField()


class CountySumSerializer(SumSerializer):
    county = serializers.CharField()


class PreviewSerializer(serializers.Serializer[Any]):
    months = MonthSumSerializer(many=True, required=False)
    counties = CountySumSerializer(many=True, required=False)
    first_rows = serializers.ListField(child=serializers.DictField(), required=False)


class DeclarationSummarySerializer(serializers.Serializer[Any]):
    """The shape that `summarise` gives, for programs and for the command line alike."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(Declaration.Status.choices)
    reporter = serializers.CharField()
    file_name = serializers.CharField()
    format = serializers.ChoiceField(Declaration.Format.choices)
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    late = serializers.BooleanField()
    uploaded_at = serializers.DateTimeField()
    booked_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    revoke_reason = serializers.CharField()
    failure = FailureSerializer(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    bad_rows = serializers.IntegerField(allow_null=True)
    amount = MoneyField(allow_null=True)

    def to_representation(self, instance: Declaration) -> dict[str, Any]:
        return summarise(instance)


class DeclarationEvidenceSerializer(serializers.ModelSerializer[DeclarationEvidence]):
    uploaded_by = serializers.CharField(source="uploaded_by.username")
    media_type = serializers.CharField(help_text="application/pdf, image/png or image/jpeg.")

    class Meta:
        model = DeclarationEvidence
        fields = ("id", "title", "media_type", "size", "sha256", "uploaded_by", "uploaded_at")


class DeclarationSerializer(DeclarationSummarySerializer):
    evidence = DeclarationEvidenceSerializer(many=True)
    preview = PreviewSerializer()
    errors_total = serializers.IntegerField()
    errors = ProblemSerializer(  # type: ignore[assignment]
        many=True, help_text="The first thousand."
    )
    errors_file = serializers.CharField(
        allow_null=True, help_text="Where the same file with a column of errors can be downloaded."
    )

    def to_representation(self, instance: Declaration) -> dict[str, Any]:
        has_errors = instance.status == Declaration.Status.BAD
        address = reverse("declaration-errors", kwargs={"pk": instance.pk})
        return {**describe(instance), "errors_file": address if has_errors else None}


class DeclarationsView(ListAPIView[Declaration]):
    """The declarations, the latest first, and the way in for new ones."""

    permission_classes = [IsAuthenticated, MayDeclare]
    parser_classes = [MultiPartParser]
    queryset = Declaration.objects.all()
    serializer_class = DeclarationSummarySerializer
    filter_backends = ()
    ordering = ["-uploaded_at", "-id"]

    @extend_schema(operation_id="declarations_list")
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, {"cursor", "page_size"})
        return self.list(request)

    @extend_schema(
        operation_id="declarations_upload",
        request=UploadSerializer,
        responses={202: DeclarationSerializer},
    )
    def post(self, request: Request) -> Response:
        upload = UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        file = upload.validated_data["file"]
        declaration = receive_declaration(
            file.chunks(),
            file_name=file.name,
            reporter=upload.validated_data["reporter"],
            is_late=upload.validated_data["late"],
            by=actor(request),
            now=timezone.now(),
        )
        return _accepted(declaration)


class DeclarationView(APIView):
    """One declaration with its counts, preview and errors."""

    permission_classes = [IsAuthenticated, MayDeclare]

    @extend_schema(operation_id="declarations_retrieve", responses=DeclarationSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(DeclarationSerializer(found(pk)).data)


class CommitView(APIView):
    """Books a declaration if all its rows are good; safe to repeat."""

    permission_classes = [IsAuthenticated, MayDeclare]

    @extend_schema(
        operation_id="declarations_commit", request=None, responses={202: DeclarationSerializer}
    )
    def post(self, request: Request, pk: UUID) -> Response:
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        found(pk)
        return _accepted(commit_declaration(pk, by=actor(request), now=timezone.now()))


class RevokeView(APIView):
    """Books the opposite of every entry of a declaration; safe to repeat."""

    permission_classes = [IsAuthenticated, MayDeclare]

    @extend_schema(
        operation_id="declarations_revoke",
        request=RevocationSerializer,
        responses={202: DeclarationSerializer},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        revocation = RevocationSerializer(data=request.data)
        revocation.is_valid(raise_exception=True)
        found(pk)
        return _accepted(
            revoke_declaration(
                pk,
                reason=revocation.validated_data["reason"],
                by=actor(request),
                now=timezone.now(),
            )
        )


class ErrorsView(APIView):
    """The declared file with what is wrong with each row in a last column."""

    permission_classes = [IsAuthenticated, MayDeclare]

    @extend_schema(
        operation_id="declarations_errors",
        responses={(200, media_type): OpenApiTypes.BINARY for media_type in MEDIA_TYPES.values()},
    )
    def get(self, request: Request, pk: UUID) -> FileResponse:
        declaration = found(pk)
        if declaration.status != Declaration.Status.BAD or not declaration.errors_path.exists():
            raise NotFound
        return FileResponse(
            declaration.errors_path.open("rb"),
            as_attachment=True,
            filename=declaration.errors_path.name,
            content_type=MEDIA_TYPES[Declaration.Format(declaration.format)],
        )


def found(pk: UUID) -> Declaration:
    declaration = Declaration.objects.filter(pk=pk).first()
    if declaration is None:
        raise NotFound
    return declaration


def _accepted(declaration: Declaration) -> Response:
    """Answer that a worker will go on, and tell one; without a broker it finds out itself."""
    transaction.on_commit(read_declarations.delay, robust=True)
    return Response(
        DeclarationSerializer(declaration).data,
        status=202,
        headers={"Location": reverse("declaration", kwargs={"pk": declaration.pk})},
    )
