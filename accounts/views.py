"""The audit trail, for those who check it."""

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from .api.authentication import actor
from .api.downloads import CSV, FileRenderer, csv_download
from .api.filtering import StrictFilterBackend, refuse_unknown_parameters
from .filters import AuditFilter
from .models import AuditBlock, AuditEntry
from .permissions import ReadsAuditTrail
from .serializers import AuditBlockSerializer, AuditEntrySerializer
from .services.exporting import export_audit, file_name_at


class AuditView(ListAPIView[AuditEntry]):
    """What was done, the latest first, each with the block that seals it."""

    permission_classes = [IsAuthenticated, ReadsAuditTrail]
    queryset = AuditEntry.objects.with_block().select_related("by")
    serializer_class = AuditEntrySerializer
    filter_backends = (StrictFilterBackend,)
    filterset_class = AuditFilter
    ordering = ["-id"]


class AuditExportView(GenericAPIView[AuditEntry]):
    """
    The same as CSV, the oldest first, each with its block's digest; taking it is recorded.

    The last line gives their number: a file without it is not whole.
    """

    # Not HEAD: the trail would name an export that nobody took.
    http_method_names = ["get", "options"]
    permission_classes = [IsAuthenticated, ReadsAuditTrail]
    renderer_classes = [FileRenderer]
    queryset = AuditEntry.objects.all()
    filter_backends = (StrictFilterBackend,)
    filterset_class = AuditFilter

    @extend_schema(
        operation_id="audit_export", filters=True, responses={(200, CSV): OpenApiTypes.BINARY}
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        # A file has no pages and its own order.
        refuse_unknown_parameters(request, set(AuditFilter.base_filters))
        entries = self.filter_queryset(self.get_queryset())
        now, filters = timezone.now(), dict(request.query_params.lists())
        parts = export_audit(entries, filters=filters, by=actor(request), now=now)
        return csv_download(parts, file_name_at(now))


class AuditBlocksView(ListAPIView[AuditBlock]):
    """The heads of the chain that the audit trail is sealed into, the latest first."""

    permission_classes = [IsAuthenticated, ReadsAuditTrail]
    queryset = AuditBlock.objects.all()
    serializer_class = AuditBlockSerializer
    filter_backends = (StrictFilterBackend,)
    ordering = ["-number"]
