"""What the audit trail can be narrowed by."""

from typing import Any

from django_filters import CharFilter, FilterSet, IsoDateTimeFilter

from .models import AuditEntry


class AuditFilter(FilterSet):
    """Moments or days; `until` is the first moment that is left out."""

    by = CharFilter(field_name="by__username")
    until = IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = AuditEntry
        fields = ("subject_type", "subject", "by", "action", "until", "request_id")

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        # Python keeps the word `from` for itself.
        since = IsoDateTimeFilter(field_name="at", lookup_expr="gte")
        return {**super().get_filters(), "from": since}
