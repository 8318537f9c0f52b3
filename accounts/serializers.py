"""The shapes of the audit trail."""

from rest_framework import serializers

from .models import AuditBlock, AuditEntry


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    by = serializers.CharField(source="by.username", default=None)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    block = serializers.IntegerField(
        allow_null=True, help_text="The block that seals it; null until then."
    )

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "by", "via", "request_id", "action", "subject_type", "subject",
                  "before", "after", "reason", "block")  # fmt: skip


class AuditBlockSerializer(serializers.ModelSerializer[AuditBlock]):
    class Meta:
        model = AuditBlock
        fields = ("number", "sealed_at", "entries", "previous", "sha256")
