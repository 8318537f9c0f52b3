"""Applications: the queue of those who want to sell here, and what is decided about them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from accounts.admin import (
    BY_OWN_PEOPLE,
    SUPPLIER,
    VIEW,
    OwnedAdmin,
)
from accounts.api.authentication import actor
from accounts.dialogs import NoteForm, dialog, do_and_return
from accounts.models import User
from accounts.services.welcoming import welcome_address
from suppliers.models import (
    Application,
    Certificate,
)
from suppliers.services.applying import (
    approve_supplier,
    first_person,
    may_recommend,
    recommend_supplier,
    reject_supplier,
    renew_welcome,
)


class StageFilter(admin.SimpleListFilter):
    """Whom an application waits for."""

    title = _("stage")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("county", _("waits for the county")),
            ("centre", _("waits for the selection centre")),
            ("decided", _("decided")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() is None:
            return queryset
        if self.value() == "decided":
            return queryset.filter(decided_at__isnull=False)
        return queryset.waiting().filter(recommended_at__isnull=self.value() == "county")


class RejectionForm(BaseDialogForm):
    """Why an applicant is turned down."""

    reason = forms.ChoiceField(
        label=_("Reason"), choices=Application.Reason.choices, widget=UnfoldAdminSelectWidget
    )
    note = forms.CharField(
        label=_("Note to the applicant"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )


@admin.register(Application)
class ApplicationAdmin(OwnedAdmin):
    """The queue of those who want to sell here; what is done about them are buttons."""

    rights = {**BY_OWN_PEOPLE, SUPPLIER: VIEW}
    list_display = ["supplier", "kind", "county", "stage", "applied_at", "waits", "recommended_by"]
    list_filter = [StageFilter, "supplier__county"]
    list_select_related = ["supplier__county", "recommended_by"]
    search_fields = ["supplier__name", "supplier__uscc", "supplier__code"]
    ordering = [F("decided_at").desc(nulls_first=True), "applied_at"]
    fieldsets = [
        (
            _("Applicant"),
            {
                "fields": [
                    "supplier", "kind", "county", "uscc", "licences", "introduction", "contact",
                    "email",
                ]
            },
        ),
        (
            _("What became of it"),
            {
                "fields": [
                    "applied_at", "recommended_by", "recommended_at", "recommendation", "decision",
                    "decided_by", "decided_at", "reason", "note", "told_at", "earlier",
                ]
            },
        ),
    ]  # fmt: skip
    readonly_fields = [
        "kind", "county", "uscc", "licences", "introduction", "contact", "earlier",
    ]  # fmt: skip
    actions_detail = ["recommend", "approve", "reject", "new_link"]

    @display(description=_("kind"))
    def kind(self, application: Application) -> str:
        return application.supplier.get_kind_display()

    @display(description=_("county"), ordering="supplier__county")
    def county(self, application: Application) -> str:
        return application.supplier.county.local_name

    @display(description=_("unified social credit code"))
    def uscc(self, application: Application) -> str:
        return application.supplier.uscc

    @display(description=_("introduction"))
    def introduction(self, application: Application) -> str:
        return application.supplier.introduction or "–"

    @display(description=_("contact"))
    def contact(self, application: Application) -> str:
        return f"{application.supplier.contact_name} {application.supplier.contact_phone}"

    @display(description=_("Business licence"))
    def licences(self, application: Application) -> str:
        """Return the licence with its file, and its page, where it is checked."""
        found = application.supplier.certificates.filter(
            kind=Certificate.Kind.BUSINESS_LICENCE
        ).exclude(file="")
        return format_html_join(
            " ",
            '<a class="text-primary-600" href="{}">{}</a> · {} · {} – {}',
            (
                (
                    one.file.url,
                    gettext("Open the file"),
                    one.issuer,
                    one.valid_from,
                    one.valid_until or "∞",
                )
                for one in found
            ),
        )

    @display(description=_("Earlier applications"))
    def earlier(self, application: Application) -> str:
        others = Application.objects.filter(supplier=application.supplier_id)
        return format_html_join(
            "",
            "<div>{} · {} · {} {}</div>",
            (
                (
                    timezone.localdate(one.applied_at),
                    one.get_decision_display(),
                    one.get_reason_display(),
                    one.note,
                )
                for one in others.exclude(pk=application.pk)
            ),
        )

    @display(
        description=_("stage"),
        label={"county": "warning", "centre": "info", "approved": "success", "rejected": "danger"},
    )
    def stage(self, application: Application) -> tuple[str, Any]:
        if application.decision:
            return application.decision, application.get_decision_display()
        if application.recommended_at:
            return "centre", _("waits for the selection centre")
        return "county", _("waits for the county")

    @display(description=_("waits (days)"))
    def waits(self, application: Application) -> int | None:
        if application.decided_at:
            return None
        return (timezone.now() - application.applied_at).days

    def has_recommend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """The office of its county, or of the prefecture, recommends who is new."""
        application = self._found(request, object_id)
        return (
            application is not None
            and not application.decision
            and application.recommended_at is None
            and may_recommend(actor(request), application.supplier)
        )

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """A reviewer decides about who waits."""
        application = self._found(request, object_id)
        return actor(request).is_reviewer and application is not None and not application.decision

    def has_approve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """A reviewer approves whom the county has recommended."""
        application = self._found(request, object_id)
        recommended = application is not None and application.recommended_at is not None
        return recommended and self.has_decide_permission(request, object_id)

    def has_welcome_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """A reviewer hands the link over again until it was used."""
        application = self._found(request, object_id)
        if application is None or application.decision != Application.Decision.APPROVED:
            return False
        user = first_person(application)
        waits = user is not None and not user.has_usable_password()
        return waits and actor(request).is_reviewer

    def _found(self, request: HttpRequest, object_id: Any) -> Application | None:
        return self.get_object(request, str(object_id))

    @action(
        description=_("Recommend"),
        permissions=["recommend"],
        dialog=dialog(
            _("Recommend"), _("The selection centre decides about it next."), form=NoteForm
        ),
    )
    def recommend(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        application, note = self.found(request, object_id), form.cleaned_data["note"]
        return do_and_return(
            request,
            lambda: recommend_supplier(
                application, note=note, by=actor(request), now=timezone.now()
            ),
            done=_("The applicant is recommended."),
        )

    @action(
        description=_("Approve"),
        permissions=["approve"],
        dialog=dialog(
            _("Approve"),
            _("The licence counts as checked, and the contact person gets an account."),
        ),
    )
    def approve(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        application = self.found(request, object_id)

        def do() -> None:
            user = approve_supplier(application, by=actor(request), now=timezone.now())
            self._show_link(request, user)

        return do_and_return(request, do, done=_("The supplier is approved."))

    @action(
        description=_("Reject"),
        permissions=["decide"],
        dialog=dialog(
            _("Reject"), _("The applicant is told, and may apply again."), form=RejectionForm
        ),
    )
    def reject(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        application, given = self.found(request, object_id), form.cleaned_data
        return do_and_return(
            request,
            lambda: reject_supplier(
                application,
                reason=given["reason"],
                note=given["note"],
                by=actor(request),
                now=timezone.now(),
            ),
            done=_("The application is rejected."),
        )

    @action(
        description=_("New password link"),
        permissions=["welcome"],
        dialog=dialog(_("New password link"), _("For a person who has lost the one of before.")),
    )
    def new_link(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        application = self.found(request, object_id)

        def do() -> None:
            user = renew_welcome(application, by=actor(request), now=timezone.now())
            self._show_link(request, user)

        return do_and_return(request, do, done="")

    def _show_link(self, request: HttpRequest, user: User) -> None:
        text = gettext("Hand this link to %(name)s, user name %(username)s; it works once:")
        named = text % {"name": user.last_name, "username": user.username}
        messages.info(request, format_html("{}<br>{}", named, welcome_address(user)))
