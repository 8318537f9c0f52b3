"""Who may see unpublished figures, and who may report."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import User


class SeesAllFigures(BasePermission):
    """The office, auditors and administrators."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, User) and request.user.sees_all_figures


class IsOffice(BasePermission):
    """The office and administrators."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, User) and request.user.is_office


class OfficeWritesOthersLook(BasePermission):
    """The office and administrators write; auditors look on."""

    def has_permission(self, request: Request, view: Any) -> bool:
        rule = SeesAllFigures() if request.method in SAFE_METHODS else IsOffice()
        return rule.has_permission(request, view)
