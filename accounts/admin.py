"""The admin's one access rule, and the pages for people, keys, places and the audit trail."""

from collections.abc import Mapping
from typing import Any

from axes.admin import AccessAttemptAdmin, AccessLogAdmin
from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.forms import (
    AdminPasswordChangeForm,
    PaginationInlineFormSet,
    UserChangeForm,
    UserCreationForm,
)

from .api.authentication import actor
from .api.downloads import csv_download
from .models import ApiKey, AuditBlock, AuditEntry, Division, Pairing, User
from .services.exporting import export_audit, file_name_at

SUPPLIER = "supplier"
Rights = Mapping[str, frozenset[str]]
VIEW = frozenset({"view"})
EDIT = frozenset({"view", "add", "change"})
ALL = EDIT | {"delete"}
#: What most of the platform's own people may do with most rows: look.
BY_OWN_PEOPLE: Rights = dict.fromkeys(User.Role, VIEW)


def actor_of(request: HttpRequest) -> str:
    """Return under which heading of `rights` the caller stands; empty for none."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return ""
    return user.role or (SUPPLIER if hasattr(user, "supplier_membership") else "")


class Owned:
    """
    Shows each person the rows of `for_actor` only, and lets each do what `rights` says.

    Everything the admin does passes here: lists, filters, search, forms, inlines,
    autocompletes, actions, history and delete pages all start from `get_queryset`,
    and every choice of a related row from `formfield_for_*`.
    """

    rights: Rights = {User.Role.ADMIN: ALL}

    def _may(self, request: HttpRequest, what: str) -> bool:
        return what in self.rights.get(actor_of(request), frozenset())

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)  # type: ignore[misc]
        if not self._may(request, "view"):
            # Some of Django's pages look for the row before they ask who may see it.
            return rows.none()
        return rows.for_actor(request.user) if hasattr(rows, "for_actor") else rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]

    def _choices(self, db_field: Any, request: HttpRequest) -> models.QuerySet[Any]:
        rows = db_field.remote_field.model._default_manager.all()
        if hasattr(rows, "for_actor"):
            return rows.for_actor(request.user)
        return rows

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """
        Let only the platform's own people filter by rows that refer to these.

        A row that everybody sees would tell others whose rows they are: which category a
        hidden product is in, or that there is one at all.
        """
        opts = self.opts  # type: ignore[attr-defined]
        if not getattr(request.user, "role", ""):
            name = lookup.partition(LOOKUP_SEP)[0]
            if any(related.name == name for related in opts.related_objects):
                return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[misc,no-any-return]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self.rights.get(actor_of(request)))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "delete")


class OwnedAdmin(Owned, ModelAdmin):
    """A page of the admin; see `Owned`."""

    # Counting a large table for a list that is filtered anyway would cost a full scan.
    show_full_result_count = False
    list_per_page = 50

    def found(self, request: HttpRequest, object_id: object) -> Any:
        """Return the row that the caller may see; raise Http404 for any other."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        return row


class ShownRowsFormSet(PaginationInlineFormSet):
    """Takes the keys of the rows it shows; Django's own would tell which others there are."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        key = form.fields[self._pk_field.name]  # type: ignore[attr-defined]
        if getattr(key, "queryset", None) is not None and key.queryset.model is self.model:
            key.queryset = self.queryset


class OwnedTabularInline(Owned, TabularInline):
    """Rows edited inside another row's page; see `Owned`."""

    extra = 0
    formset = ShownRowsFormSet


class OwnedStackedInline(Owned, StackedInline):
    """Rows edited inside another row's page, one below the other; see `Owned`."""

    extra = 0
    formset = ShownRowsFormSet


admin.site.unregister(Group)
admin.site.index_template = "admin/home.html"
admin.site.login_template = "admin/sign_in.html"


@admin.register(User)
class UserAdmin(Owned, DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    rights = {User.Role.ADMIN: ALL, User.Role.AUDITOR: VIEW}
    list_display = ["username", "last_name", "role", "division", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    search_fields = ["username", "last_name", "email"]
    list_select_related = ["division"]
    autocomplete_fields = ["division"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Person"), {"fields": ["last_name", "first_name", "email"]}),
        (_("Rights"), {"fields": ["role", "division", "is_active", "is_staff"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ()


@admin.register(ApiKey)
class ApiKeyAdmin(OwnedAdmin):
    rights = {User.Role.ADMIN: VIEW, User.Role.AUDITOR: VIEW}
    list_display = ["prefix", "user", "name", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["user"]
    search_fields = ["prefix", "name", "user__username"]


@admin.register(Division)
class DivisionAdmin(OwnedAdmin):
    rights = dict.fromkeys(User.Role, VIEW) | {SUPPLIER: VIEW, User.Role.ADMIN: EDIT}
    list_display = ["code", "name", "name_hant", "name_en", "level", "parent"]
    list_filter = ["level"]
    list_select_related = ["parent"]
    search_fields = ["code", "name", "name_hant", "name_en"]
    autocomplete_fields = ["parent"]


@admin.register(Pairing)
class PairingAdmin(OwnedAdmin):
    rights = {**BY_OWN_PEOPLE, User.Role.OFFICE: EDIT, User.Role.ADMIN: ALL}
    list_display = ["district", "county", "valid_from", "valid_to", "source"]
    list_select_related = ["district", "county"]
    autocomplete_fields = ["district", "county"]


@admin.register(AuditEntry)
class AuditEntryAdmin(OwnedAdmin):
    rights = {User.Role.ADMIN: VIEW, User.Role.AUDITOR: VIEW}
    list_display = ["at", "by", "via", "action", "subject_type", "subject", "reason"]
    list_filter = ["via", "subject_type"]
    list_select_related = ["by"]
    search_fields = ["subject", "action", "by__username"]
    date_hierarchy = "at"

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export)
        return [path("export/", export, name="accounts_auditentry_export"), *super().get_urls()]

    @method_decorator(require_GET)
    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Return what the page lists, without its pages, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            listed = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            # The page says what it makes of them.
            return redirect(f"../?{request.GET.urlencode()}")
        now, filters = timezone.now(), dict(request.GET.lists())
        parts = export_audit(listed.queryset, filters=filters, by=actor(request), now=now)
        return csv_download(parts, file_name_at(now))


@admin.register(AuditBlock)
class AuditBlockAdmin(OwnedAdmin):
    rights = {User.Role.ADMIN: VIEW, User.Role.AUDITOR: VIEW}
    list_display = ["number", "sealed_at", "entries", "sha256"]
    search_fields = ["number", "sha256"]


@admin.register(AccessAttempt)
class FailedSignInAdmin(Owned, AccessAttemptAdmin, ModelAdmin):
    """Wrong passwords; a lock ends by itself, and what is recorded stays."""

    rights = {User.Role.ADMIN: VIEW}
    actions: list[str] = []


@admin.register(AccessLog)
class SignInAdmin(Owned, AccessLogAdmin, ModelAdmin):
    """Who signed in, when and from where; what is recorded stays."""

    rights = {User.Role.ADMIN: VIEW}
