"""Report files: asked for, followed, and downloaded in whole or in part."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import MonthField, StrictSerializer, TextField
from accounts.models import User
from accounts.refusals import NotFound
from reports.models import Report
from reports.services.files.making import (
    cancel_report,
    checked_path,
    file_name_of,
    request_report,
    retry_report,
)
from reports.tasks import make_reports

CONTENT_TYPES = {
    Report.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Report.Format.CSV: "text/csv; charset=utf-8",
    Report.Format.PDF: "application/pdf",
}
CHUNK = 256 * 1024
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class ReportRequestSerializer(StrictSerializer):
    kind = serializers.ChoiceField(Report.Kind.choices)
    month = MonthField()
    format = serializers.ChoiceField(Report.Format.choices)
    subject = TextField(
        required=False,
        default="",
        allow_blank=True,
        max_length=40,
        help_text="Code of the supplier or buyer; their own people may leave it out.",
    )


class ReportSerializer(serializers.ModelSerializer[Report]):
    month = MonthField()
    failure = serializers.CharField(
        help_text="storage_full, cancelled or gave_up; empty unless the report failed."
    )
    download = serializers.SerializerMethodField()

    class Meta:
        model = Report
        fields = (
            "id", "kind", "month", "format", "subject", "status", "progress", "rows", "size",
            "sha256", "failure", "requested_at", "finished_at", "download",
        )  # fmt: skip

    def get_download(self, report: Report) -> str | None:
        if report.status != Report.Status.READY:
            return None
        address = reverse("report-download", kwargs={"pk": report.pk})
        return cast(str, self.context["request"].build_absolute_uri(address))


class ReportsView(GenericAPIView[Report]):
    """The reports that the caller may see, the latest first, and the way to ask for more."""

    queryset = Report.objects.none()
    serializer_class = ReportSerializer
    filter_backends = ()
    ordering = ["-requested_at", "-id"]

    @extend_schema(operation_id="reports_list", responses=ReportSerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, {"cursor", "page_size"})
        page = self.paginate_queryset(Report.objects.shown_to(_actor(request)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="reports_create",
        request=ReportRequestSerializer,
        responses={202: ReportSerializer},
    )
    def post(self, request: Request) -> Response:
        body = ReportRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        report = request_report(
            asked["kind"],
            asked["month"],
            asked["format"],
            subject=asked["subject"],
            by=_actor(request),
            now=timezone.now(),
        )
        transaction.on_commit(make_reports.delay, robust=True)
        location = reverse("report", kwargs={"pk": report.pk})
        return Response(
            self.get_serializer(report).data, status=202, headers={"Location": location}
        )


class ReportView(APIView):
    """One report, and how far it is."""

    @extend_schema(operation_id="reports_retrieve", responses=ReportSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return _answer(request, _shown(request, pk))


class CancelView(APIView):
    @extend_schema(operation_id="reports_cancel", request=None, responses=ReportSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Stop making a report."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        return _answer(request, cancel_report(pk, by=_actor(request), now=timezone.now()))


class RetryView(APIView):
    @extend_schema(operation_id="reports_retry", request=None, responses=ReportSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Make a failed report once more."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        report = retry_report(pk, by=_actor(request), now=timezone.now())
        transaction.on_commit(make_reports.delay, robust=True)
        return _answer(request, report)


class FileRenderer(BaseRenderer):
    """Lets a download be asked for with any Accept header."""

    media_type = "*/*"
    format = "file"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return b""


class DownloadView(APIView):
    """A ready report's file; rights are checked anew each time."""

    renderer_classes = [FileRenderer]

    @extend_schema(operation_id="reports_download", responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        report = _shown(request, pk)
        return _serve(request, report, checked_path(report))


def _serve(request: Request, report: Report, path: Path) -> HttpResponseBase:
    size = cast(int, report.size)
    etag = f'"{report.sha256}"'
    first, last, status = 0, size - 1, 200
    asked = RANGE.fullmatch(request.headers.get("Range", ""))
    # A part of another file than the reader has would not fit to it.
    if asked and request.headers.get("If-Range", etag) == etag:
        start, end = asked.groups()
        if start:
            first, last = int(start), min(int(end), last) if end else last
        elif end:
            first = max(0, size - int(end))
        if not (start or end) or first > last or (not start and not int(end)):
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        status = 206
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file_name_of(report))}",
        "Content-Length": str(last - first + 1),
        "Content-Type": CONTENT_TYPES[Report.Format(report.format)],
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    if status == 206:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return StreamingHttpResponse(_part(path, first, last), status=status, headers=headers)


def _part(path: Path, first: int, last: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        left = last - first + 1
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _actor(request: Request) -> User:
    return cast(User, request.user)


def _shown(request: Request, pk: UUID) -> Report:
    report = Report.objects.shown_to(_actor(request)).filter(pk=pk).first()
    if report is None:
        raise NotFound
    return report


def _answer(request: Request, report: Report) -> Response:
    return Response(ReportSerializer(report, context={"request": request}).data)
