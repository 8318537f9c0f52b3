"""Evidence files of declarations: attached by the office, read by all who see the figures."""

from uuid import UUID

from django.http import FileResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.downloads import FileRenderer
from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import StrictSerializer, TextField
from accounts.models import MediaType
from accounts.refusals import NotFound
from reports.models import DeclarationEvidence
from reports.permissions import OfficeWritesOthersLook
from reports.services.declarations.evidence import attach_evidence, checked_evidence

from .declarations import DeclarationEvidenceSerializer, found


class AttachmentSerializer(StrictSerializer):
    file = serializers.FileField(help_text="PDF, PNG or JPEG of at most 20 MiB.")
    title = TextField(max_length=100, help_text="What it shows, such as a signed list.")


class EvidenceFilesView(GenericAPIView[DeclarationEvidence]):
    """A declaration's evidence files, the latest first, and the way in for new ones."""

    permission_classes = [IsAuthenticated, OfficeWritesOthersLook]
    parser_classes = [MultiPartParser]
    queryset = DeclarationEvidence.objects.none()
    serializer_class = DeclarationEvidenceSerializer
    filter_backends = ()
    ordering = ["-uploaded_at", "-id"]

    @extend_schema(
        operation_id="declarations_evidence_list",
        responses=DeclarationEvidenceSerializer(many=True),
    )
    def get(self, request: Request, pk: UUID) -> Response:
        refuse_unknown_parameters(request, {"cursor", "page_size"})
        page = self.paginate_queryset(found(pk).evidence.select_related("uploaded_by"))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="declarations_evidence_attach",
        request=AttachmentSerializer,
        responses={201: DeclarationEvidenceSerializer},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        declaration = found(pk)
        attachment = AttachmentSerializer(data=request.data)
        attachment.is_valid(raise_exception=True)
        evidence = attach_evidence(
            declaration,
            attachment.validated_data["file"].chunks(),
            title=attachment.validated_data["title"],
            by=actor(request),
            now=timezone.now(),
        )
        location = reverse(
            "declaration-evidence-file", kwargs={"pk": pk, "evidence_pk": evidence.pk}
        )
        return Response(
            self.get_serializer(evidence).data, status=201, headers={"Location": location}
        )


class EvidenceFileView(APIView):
    """One evidence file: to be saved, never shown by the browser under our name."""

    permission_classes = [IsAuthenticated, OfficeWritesOthersLook]
    renderer_classes = [FileRenderer]

    @extend_schema(
        operation_id="declarations_evidence_retrieve",
        responses={(200, media_type): OpenApiTypes.BINARY for media_type in MediaType.values},
    )
    def get(self, request: Request, pk: UUID, evidence_pk: UUID) -> FileResponse:
        evidence = DeclarationEvidence.objects.filter(declaration=pk, pk=evidence_pk).first()
        if evidence is None:
            raise NotFound
        return FileResponse(
            checked_evidence(evidence),
            as_attachment=True,
            filename=evidence.file_name,
            content_type=evidence.media_type,
            headers={
                "Cache-Control": "private, no-cache",
                "ETag": f'"{evidence.sha256}"',
                "X-Content-Type-Options": "nosniff",
            },
        )
