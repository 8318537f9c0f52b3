"""The badge, and what people say against it while it is on notice."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin import BY_OWN_PEOPLE, SUPPLIER, VIEW, OwnedAdmin
from accounts.api.authentication import actor
from accounts.dialogs import ReasonForm, dialog, do_and_return
from accounts.models import User
from shop.models import Badge, Objection
from shop.services.badges import answer_objection, renew_badge, withdraw_badge
from suppliers.models import SOON

COLOURS = {
    "open": "warning",
    Objection.Outcome.UPHELD: "danger",
    Objection.Outcome.DISMISSED: "success",
}


class AnswerForm(BaseDialogForm):
    """What everybody reads about an objection."""

    answer = forms.CharField(
        label=_("Public answer"), max_length=500, widget=UnfoldAdminTextareaWidget({"rows": 4})
    )


class BadgeFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("on_notice", _("on public notice")),
            ("valid", _("valid")),
            ("ending", _("ends soon")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "on_notice":
                return queryset.on_notice(timezone.localdate())
            case "valid":
                return queryset.valid(timezone.localdate())
            case "ending":
                return queryset.ending(timezone.localdate())
        return queryset


class OpenFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("to be answered")), *Objection.Outcome.choices]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case None:
                return queryset
            case "open":
                return queryset.open()
        return queryset.filter(outcome=self.value())


@admin.register(Badge)
class BadgeAdmin(OwnedAdmin):
    rights = {**BY_OWN_PEOPLE, SUPPLIER: VIEW}
    list_display = ["number", "product", "noticed_from", "valid_from", "valid_until",
                    "withdrawn_on"]  # fmt: skip
    list_filter = [BadgeFilter]
    list_select_related = ["product"]
    search_fields = ["number", "product__code", "product__name"]
    actions_detail = ["renew", "withdraw"]

    def has_renew_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """A reviewer announces anew what ends soon, has ended or was withdrawn."""
        badge = self.get_object(request, str(object_id))
        ends = badge is not None and badge.ends_by(timezone.localdate() + SOON)
        return actor(request).is_reviewer and ends

    @action(
        description=_("Announce anew"),
        permissions=["renew"],
        dialog=dialog(
            _("Announce anew"),
            _("Another badge of the product goes on public notice, and follows this one."),
        ),
    )
    def renew(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        badge = self.found(request, object_id)
        return do_and_return(
            request,
            lambda: renew_badge(badge, by=actor(request), now=timezone.now()),
            done=_("The badge is on public notice."),
        )

    def has_withdraw_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """A reviewer takes a badge back as long as it is not withdrawn."""
        badge = self.get_object(request, str(object_id))
        return actor(request).is_reviewer and badge is not None and badge.withdrawn_on is None

    @action(
        description=_("Withdraw the badge"),
        permissions=["withdraw"],
        dialog=dialog(
            _("Withdraw the badge"), _("The product bears it no longer."), form=ReasonForm
        ),
    )
    def withdraw(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        badge, reason = self.found(request, object_id), form.cleaned_data["reason"]
        return do_and_return(
            request,
            lambda: withdraw_badge(badge, reason=reason, by=actor(request), now=timezone.now()),
            done=_("The badge is withdrawn."),
        )


@admin.register(Objection)
class ObjectionAdmin(OwnedAdmin):
    """What has to be answered, the oldest first; persons are named to those who answer."""

    rights = dict.fromkeys([User.Role.REVIEWER, User.Role.AUDITOR, User.Role.ADMIN], VIEW)
    list_display = ["product", "badge", "state", "waits", "made_at", "answered_by"]
    list_filter = [OpenFilter]
    list_select_related = ["badge__product", "answered_by"]
    search_fields = ["badge__number", "badge__product__name", "grounds"]
    ordering = ["-answered_at", "made_at"]
    fields = ["badge", "made_at", "name", "contact", "grounds", "outcome", "answer", "answered_by",
              "answered_at"]  # fmt: skip
    actions_detail = ["uphold", "dismiss"]

    @display(description=_("product"), ordering="badge__product__name")
    def product(self, objection: Objection) -> str:
        return objection.badge.product.name

    @display(description=_("state"), label=COLOURS, ordering="outcome")
    def state(self, objection: Objection) -> tuple[str, str]:
        return objection.outcome or "open", objection.get_outcome_display() or str(
            _("to be answered")
        )

    @display(description=_("waits"), ordering="made_at")
    def waits(self, objection: Objection) -> str:
        return "" if objection.outcome else timesince(objection.made_at, depth=1)

    def has_answer_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """A reviewer answers what nobody has answered."""
        objection = self.get_object(request, str(object_id))
        return actor(request).is_reviewer and objection is not None and not objection.outcome

    @action(
        description=_("Uphold"),
        permissions=["answer"],
        dialog=dialog(
            _("Uphold"), _("The badge is withdrawn; the answer is public."), form=AnswerForm
        ),
    )
    def uphold(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._answer(request, form, object_id, Objection.Outcome.UPHELD)

    @action(
        description=_("Dismiss"),
        permissions=["answer"],
        dialog=dialog(
            _("Dismiss"),
            _("The badge holds after its notice; the answer is public."),
            form=AnswerForm,
        ),
    )
    def dismiss(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._answer(request, form, object_id, Objection.Outcome.DISMISSED)

    def _answer(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str, outcome: str
    ) -> HttpResponse:
        objection, answer = self.found(request, object_id), form.cleaned_data["answer"]
        return do_and_return(
            request,
            lambda: answer_objection(
                objection, outcome=outcome, answer=answer, by=actor(request), now=timezone.now()
            ),
            done=_("The objection is answered."),
        )
