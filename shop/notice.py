"""The public notice: what is about to bear the badge, and who says why it should not."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.api.throttles import FormThrottle, throttled_page
from accounts.forms import PlainField, PublicForm
from accounts.refusals import Refusal
from suppliers.models import Certificate

from .models import Badge, Objection
from .services.badges import make_objection

#: How long after a notice what came of it can be read.
KEPT = timedelta(days=30)


class ObjectionForm(PublicForm):
    """Who objects, and why."""

    grounds = PlainField(
        label=gettext_lazy("Why should it not bear the badge?"),
        max_length=2000,
        widget=forms.Textarea({"rows": 6}),
        help_text=gettext_lazy("Facts that can be checked: origin, quality, documents, rights."),
    )
    name = PlainField(label=gettext_lazy("Your name"), max_length=40)
    contact = PlainField(label=gettext_lazy("Phone or e-mail"), max_length=100)


@require_safe
@throttled_page
def notice(request: HttpRequest) -> HttpResponse:
    """List what is on notice, what ends first first, and what came of the latest notices."""
    day = timezone.localdate()
    badges = Badge.objects.select_related("product__county", "product__supplier")
    over = badges.filter(valid_from__lte=day, valid_from__gt=day - KEPT).order_by("-valid_from")
    on_notice = badges.on_notice(day)
    context = {
        "badges": on_notice.order_by("valid_from", "pk"),
        "over": over.exclude(pk__in=on_notice),
    }
    return render(request, "shop/notice.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@throttled_page
def noticed(request: HttpRequest, number: str) -> HttpResponse:
    """Show what one notice is about, and take objections to it."""
    badge = _found(number)
    if request.method != "POST":
        return _page(request, badge, ObjectionForm())
    form = ObjectionForm(request.POST)
    if form.is_of_a_program:
        return redirect("objected", number)
    throttle = FormThrottle("objection", per_hour=settings.OBJECTIONS_PER_HOUR)
    if not throttle.takes(request):
        message = _("Too many objections came from your address. Please try again in an hour.")
        page = _page(request, badge, form, message=message, status=429)
        page["Retry-After"] = str(round(throttle.wait()))
        return page
    if not form.is_valid():
        return _page(request, badge, form, status=400)
    given = {name: form.cleaned_data[name] for name in ("name", "contact", "grounds")}
    try:
        make_objection(badge, **given, now=timezone.now())
    except Refusal as refusal:
        return _page(request, badge, form, message=str(refusal.detail), status=409)
    return redirect("objected", number)


@require_safe
def objected(request: HttpRequest, number: str) -> HttpResponse:
    """Thank whoever objected, and say what happens next."""
    return render(request, "shop/noticed.html", {"badge": _found(number), "done": True})


def _found(number: str) -> Badge:
    answered = Objection.objects.exclude(outcome="").order_by("answered_at")
    badges = Badge.objects.select_related(
        "product__county", "product__supplier", "product__producer", "product__category"
    ).prefetch_related(Prefetch("objections", answered, to_attr="answered"))
    return get_object_or_404(badges, number=number, noticed_from__lte=timezone.localdate())


def _page(
    request: HttpRequest, badge: Badge, form: ObjectionForm, *, message: str = "", status: int = 200
) -> HttpResponse:
    day = timezone.localdate()
    context = {
        "badge": badge,
        "form": form,
        "message": message,
        "takes_objections": badge.takes_objections(day),
        "waits": badge.objections.open().count(),
        "certificates": Certificate.objects.filter(products=badge.product_id).valid(day),
    }
    return render(request, "shop/noticed.html", context, status=status)
