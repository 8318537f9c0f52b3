"""Report files: asked for, followed, and downloaded in whole or in part."""

import re
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor
from accounts.api.downloads import FileRenderer
from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import MonthField, StrictSerializer, TextField
from accounts.models import User
from accounts.refusals import NotFound
from reports.models import Report
from reports.models.reports import ReportQuerySet
from reports.services.files.asking import cancel_report, request_report, retry_report
from reports.services.files.keeping import checked_file, file_name_of
from reports.tasks import make_reports

CONTENT_TYPES = {
    Report.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Report.Format.CSV: "text/csv; charset=utf-8",
    Report.Format.PDF: "application/pdf",
}
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class CodeField(TextField):
    """A supplier's or buyer's code; it may be left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, default="", allow_blank=True, max_length=40, **kwargs)


class ReportRequestSerializer(StrictSerializer):
    kind = serializers.ChoiceField(Report.Kind.choices)
    month = MonthField()
    format = serializers.ChoiceField(Report.Format.choices)
    supplier = CodeField(help_text="Whom a statement is for; its own people may leave it out.")
    buyer = CodeField(help_text="Whom a certificate is for; its own people may leave it out.")


class ReportSerializer(serializers.ModelSerializer[Report]):
    month = MonthField()
    failure = serializers.CharField(
        help_text="storage_full, cancelled or gave_up; empty unless the report failed."
    )
    download = serializers.SerializerMethodField()

    class Meta:
        model = Report
        fields = (
            "id", "kind", "month", "format", "supplier", "buyer", "status", "progress",
            "rows", "size", "sha256", "failure", "is_scheduled", "requested_at", "finished_at",
            "download",
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
        page = self.paginate_queryset(shown_to(actor(request)))
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
            supplier=asked["supplier"],
            buyer=asked["buyer"],
            by=actor(request),
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
        return _answer(request, cancel_report(pk, by=actor(request), now=timezone.now()))


class RetryView(APIView):
    @extend_schema(operation_id="reports_retry", request=None, responses=ReportSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Make a failed report once more."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        report = retry_report(pk, by=actor(request), now=timezone.now())
        transaction.on_commit(make_reports.delay, robust=True)
        return _answer(request, report)


class DownloadView(APIView):
    """A ready report's file, whole or in part; rights and content are checked each time."""

    renderer_classes = [FileRenderer]

    @extend_schema(
        operation_id="reports_download",
        parameters=[OpenApiParameter("Range", str, OpenApiParameter.HEADER, pattern=RANGE.pattern)],
        responses={
            **{
                (status, content_type): OpenApiTypes.BINARY
                for status in (200, 206)
                for content_type in CONTENT_TYPES.values()
            },
            416: None,
        },
    )
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        report = _shown(request, pk)
        return serve(request, report, checked_file(report))


class Part:
    """The bytes of an open file from `start` to `end`; the response closes it."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        file.seek(start)
        self.file, self.left = file, end - start

    def read(self, size: int) -> bytes:
        chunk = self.file.read(min(size, self.left))
        self.left -= len(chunk)
        return chunk

    def close(self) -> None:
        self.file.close()


def serve(request: Request | HttpRequest, report: Report, file: BinaryIO) -> HttpResponseBase:
    """Return the file, or the part of it that is asked for; the response closes it."""
    start, end, size = 0, cast(int, report.size), cast(int, report.size)
    etag = f'"{report.sha256}"'
    asked = RANGE.fullmatch(request.headers.get("Range", ""))
    # A part of another file than the reader has would not fit to it.
    if asked and request.headers.get("If-Range", etag) == etag:
        start, end = _span(*asked.groups(), size=size)
        if start >= end:
            file.close()
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        status, part = 206, {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
    else:
        status, part = 200, {}
    return FileResponse(
        Part(file, start, end),
        as_attachment=True,
        filename=file_name_of(report),
        status=status,
        content_type=CONTENT_TYPES[Report.Format(report.format)],
        headers={
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-cache",
            "Content-Length": str(end - start),
            "ETag": etag,
            "X-Content-Type-Options": "nosniff",
            **part,
        },
    )


def _span(first: str, last: str, *, size: int) -> tuple[int, int]:
    """Return where the asked part starts and ends; an empty one does not exist."""
    if first:
        return int(first), min(int(last) + 1, size) if last else size
    return max(0, size - int(last or 0)), size


def shown_to(user: User) -> ReportQuerySet:
    """Return the reports that `user` may see now; an expired one is gone before it is deleted."""
    return Report.objects.shown_to(user).kept(timezone.now())


def _shown(request: Request, pk: UUID) -> Report:
    report = shown_to(actor(request)).filter(pk=pk).first()
    if report is None:
        raise NotFound
    return report


def _answer(request: Request, report: Report) -> Response:
    return Response(ReportSerializer(report, context={"request": request}).data)
