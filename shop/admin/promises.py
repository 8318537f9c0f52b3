"""What suppliers promise by week: the list, the season calendar, and quick entry."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from accounts.admin import BY_OWN_PEOPLE, SUPPLIER, VIEW, OwnedAdmin, actor_of
from accounts.api.authentication import actor
from accounts.api.serializers import plain
from accounts.refusals import Refusal
from shop.models import SKU, Product, SupplyPromise
from shop.models.promises import name_of_week, weeks_from
from shop.services.calendar import months_from, twelve_months
from shop.services.promising import promise_supply

#: How many weeks are entered at once, and how many products a calendar shows.
WEEKS = 16
PRODUCTS = 40


class WeekField(forms.DecimalField):
    """What is promised for one week; empty for nothing."""

    def __init__(self, promise: SupplyPromise | None = None, **more: Any) -> None:
        super().__init__(
            min_value=0, max_digits=14, decimal_places=3, required=False,
            initial=plain(promise.quantity) if promise else None,
            widget=UnfoldAdminDecimalFieldWidget, **more,
        )  # fmt: skip
        self.promise = promise


class WeeksForm(forms.Form):
    """A field for each week, named by its Monday, and one that fills those that are empty."""

    every = WeekField(
        label=_("The same for every week"),
        help_text=_("Fills the weeks below that are left empty."),
    )

    def __init__(self, *args: Any, sku: SKU, day: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.weeks = weeks_from(day, WEEKS)
        known = {promise.week: promise for promise in sku.promises.filter(week__in=self.weeks)}
        for week in self.weeks:
            self.fields[str(week)] = WeekField(
                known.get(week),
                label=name_of_week(week),
                help_text=f"{week:%m-%d} – {week + timedelta(days=6):%m-%d}",
            )

    @property
    def quantity_by_week(self) -> dict[date, Decimal]:
        every = self.cleaned_data["every"]
        given = {week: self.cleaned_data[str(week)] for week in self.weeks}
        return {
            week: quantity if quantity is not None else every or Decimal(0)
            for week, quantity in given.items()
        }


@admin.register(SupplyPromise)
class SupplyPromiseAdmin(OwnedAdmin):
    """Promises are kept by week, through the SKU's own page; the list is to look at."""

    rights = {**BY_OWN_PEOPLE, SUPPLIER: VIEW}
    list_display = ["days", "product", "pack", "promised", "ordered", "still"]
    list_select_related = ["sku__product"]
    list_display_links = None
    search_fields = ["sku__code", "sku__name", "sku__product__name"]
    date_hierarchy = "week"
    actions_list = ["calendar"]

    @display(description=_("week"), ordering="week")
    def days(self, promise: SupplyPromise) -> str:
        return f"{promise.name} ({promise.week:%m-%d} – {promise.until:%m-%d})"

    @display(description=_("product"), ordering="sku__product__name")
    def product(self, promise: SupplyPromise) -> Product:
        return promise.sku.product

    @display(description=_("SKU"), ordering="sku__code")
    def pack(self, promise: SupplyPromise) -> str:
        address = reverse("admin:shop_supplypromise_weeks", args=[promise.sku_id])
        return format_html('<a href="{}">{}</a>', address, promise.sku)

    @display(description=_("promised"), ordering="quantity")
    def promised(self, promise: SupplyPromise) -> str:
        return plain(promise.quantity)

    @display(description=_("ordered of it"), ordering="taken")
    def ordered(self, promise: SupplyPromise) -> str:
        return plain(promise.taken)

    @display(description=_("still to be ordered"))
    def still(self, promise: SupplyPromise) -> str:
        return plain(promise.left)

    def get_urls(self) -> list[URLPattern]:
        weeks = self.admin_site.admin_view(self.weeks)
        name = "shop_supplypromise_weeks"
        return [path("sku/<int:sku_id>/", weeks, name=name), *super().get_urls()]

    @action(
        description=_("Season calendar"),
        url_path="calendar",
        icon="calendar_month",
        permissions=["view"],
    )
    def calendar(self, request: HttpRequest) -> HttpResponse:
        """Show twelve months of the reader's products."""
        day = timezone.localdate()
        products = (
            Product.objects.for_actor(actor(request))
            .exclude(status=Product.Status.RETIRED)
            .filter(skus__is_active=True)
            .distinct()
            .order_by("code")
            .prefetch_related("seasons")
        )
        shown = Paginator(products, PRODUCTS).get_page(request.GET.get("page"))
        return self._page(
            request,
            "admin/shop/supplypromise/calendar.html",
            title=_("Season calendar"),
            page_of_products=shown,
            months=months_from(day),
            pages=twelve_months(list(shown), day=day),
        )

    def weeks(self, request: HttpRequest, sku_id: int) -> HttpResponse:
        """Show what is promised of a SKU in the next weeks, and let its supplier change it."""
        found = SKU.objects.for_actor(actor(request)).filter(pk=sku_id)
        sku = found.select_related("product", "stock").first()
        if sku is None:
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        day = timezone.localdate()
        form = WeeksForm(request.POST or None, sku=sku, day=day)
        if request.method == "POST" and form.is_valid():
            try:
                promise_supply(
                    sku,
                    quantity_by_week=form.quantity_by_week,
                    by=actor(request),
                    now=timezone.now(),
                )
            except Refusal as refusal:
                if not refusal.errors:
                    raise PermissionDenied from refusal
                for error in refusal.errors:
                    form.add_error(error.pointer.removeprefix("/"), str(error.detail))
            else:
                messages.success(request, _("The promises are saved."))
                return redirect("admin:shop_supplypromise_weeks", sku.pk)
        return self._page(
            request,
            "admin/shop/supplypromise/weeks.html",
            title=_("Promises by week"),
            sku=sku,
            form=form,
            weeks=[form[str(week)] for week in form.weeks],
            may_promise=actor_of(request) == SUPPLIER,
        )

    def _page(self, request: HttpRequest, template: str, **shown: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **shown}
        return render(request, template, context)
