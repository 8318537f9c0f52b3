"""Who may read what everybody does."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .models import User


class ReadsAuditTrail(BasePermission):
    """Auditors and administrators."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, User) and request.user.reads_audit_trail
