"""The audit trail, for those who check it."""

from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated

from .api.filtering import StrictFilterBackend
from .filters import AuditFilter
from .models import AuditBlock, AuditEntry
from .permissions import ReadsAuditTrail
from .serializers import AuditBlockSerializer, AuditEntrySerializer


class AuditView(ListAPIView[AuditEntry]):
    """What was done, the latest first, each with the block that seals it."""

    permission_classes = [IsAuthenticated, ReadsAuditTrail]
    queryset = AuditEntry.objects.with_block().select_related("by")
    serializer_class = AuditEntrySerializer
    filter_backends = (StrictFilterBackend,)
    filterset_class = AuditFilter
    ordering = ["-id"]


class AuditBlocksView(ListAPIView[AuditBlock]):
    """The heads of the chain that the audit trail is sealed into, the latest first."""

    permission_classes = [IsAuthenticated, ReadsAuditTrail]
    queryset = AuditBlock.objects.all()
    serializer_class = AuditBlockSerializer
    filter_backends = (StrictFilterBackend,)
    ordering = ["-number"]
