"""Pages of products, packs, prices and stock: where suppliers keep their listings."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from accounts.admin import (
    ALL,
    BY_OWN_PEOPLE,
    EDIT,
    SUPPLIER,
    VIEW,
    OwnedAdmin,
    OwnedTabularInline,
    Rights,
    actor_of,
)
from accounts.api.authentication import actor
from accounts.dialogs import tell
from accounts.forms import PictureField
from accounts.models import User
from accounts.refusals import Refusal
from shop.models import (
    SKU,
    Confirmation,
    PriceTier,
    Product,
    ProductImage,
    Recognition,
    Season,
    Stock,
)
from shop.services.changing import set_stock
from shop.services.confirming import confirm_product
from shop.services.content import content_of
from shop.services.reviewing import submit_version

from .sheets import SheetPages

# Nobody of the platform changes what a supplier offers; it decides about it.
KEPT_BY_SUPPLIER: Rights = {**BY_OWN_PEOPLE, SUPPLIER: EDIT}
KEPT_AND_CLEARED_BY_SUPPLIER: Rights = {**BY_OWN_PEOPLE, SUPPLIER: ALL}

#: The name of the button.
SUBMIT = "submit_for_review"

STATUS_COLOURS = {
    Product.Status.DRAFT: "default",
    Product.Status.SUBMITTED: "info",
    Product.Status.IN_REVIEW: "info",
    Product.Status.LISTED: "success",
    Product.Status.SUSPENDED: "warning",
    Product.Status.RETIRED: "danger",
}


class ReviewedAdmin(OwnedAdmin):
    """
    A page of something that a review is about.

    A draft changes at once. What was submitted already changes by a new version: the form
    is saved, its outcome taken down as that version's content, and undone.
    """

    actions_submit_line = ["submit_for_review"]
    change_form_before_template = "admin/shop/waiting.html"

    def product_of(self, obj: Any) -> Product:
        raise NotImplementedError

    @action(
        description=_("Save and submit for review"),
        permissions=["submit"],
        attrs={"name": SUBMIT},
    )
    def submit_for_review(self, request: HttpRequest, obj: Any) -> None:
        """Only a button: a product is submitted when all of its form is saved."""

    def has_submit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        obj = self.get_object(request, str(object_id)) if object_id else None
        return self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        if not allowed or obj is None or not obj.pk:
            return allowed
        product = self.product_of(obj)
        is_over = product.status == Product.Status.RETIRED
        return not is_over and not product.versions.waiting().exists()

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        is_draft = self.product_of(obj).status == Product.Status.DRAFT
        request.undone = None if is_draft else transaction.savepoint()  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        savepoint = request.undone  # type: ignore[attr-defined]
        if savepoint is None and SUBMIT not in request.POST:
            return
        now = timezone.now()
        product = Product.objects.get(pk=self.product_of(form.instance).pk)
        content = content_of(product, day=timezone.localdate(now))
        if savepoint is not None:
            transaction.savepoint_rollback(savepoint)
        try:
            request.version = submit_version(  # type: ignore[attr-defined]
                product, content=content, by=actor(request), now=now
            )
        except Refusal as refusal:
            tell(request, refusal)

    # The trail says what was submitted; a row of Django's own would name what is undone.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if not getattr(request, "undone", None):
            return super().log_addition(request, obj, message)
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if not getattr(request, "undone", None):
            return super().log_change(request, obj, message)
        return None

    def response_add(self, request: HttpRequest, obj: Any, *args: Any) -> HttpResponse:
        return self._response(request, obj) or super().response_add(request, obj, *args)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._response(request, obj) or super().response_change(request, obj)

    def _response(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        if version := getattr(request, "version", None):
            messages.success(
                request,
                _("The selection centre has it now; what is on sale stays as it is until then."),
            )
            return redirect("admin:shop_listingversion_change", version.pk)
        if getattr(request, "undone", None):
            # Refused: nothing of it was kept, and the page shows what is on sale.
            product = self.product_of(obj)
            return redirect("admin:shop_product_change", product.pk)
        return None


class ToDoFilter(admin.SimpleListFilter):
    """What the home page counts of products."""

    title = _("to do")
    parameter_name = "to_do"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("drafts", _("Never submitted")),
            ("recognition", _("Recognition ends soon")),
            ("confirm", _("To confirm")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "drafts":
                return queryset.never_submitted()
            case "recognition":
                ending = Recognition.objects.expiring(timezone.localdate())
                return queryset.filter(pk__in=ending.order_by().values("product"))
            case "confirm":
                waiting = Confirmation.objects.unanswered()
                return queryset.filter(pk__in=waiting.order_by().values("pk"))
        return queryset


class SeasonInline(OwnedTabularInline):
    model = Season
    rights = KEPT_AND_CLEARED_BY_SUPPLIER


class ProductImageInline(OwnedTabularInline):
    model = ProductImage
    formfield_overrides = {models.ImageField: {"form_class": PictureField}}
    rights = KEPT_AND_CLEARED_BY_SUPPLIER


class SKUInline(OwnedTabularInline):
    model = SKU
    rights = KEPT_BY_SUPPLIER
    fields = ["code", "name", "unit", "net_weight_kg", "minimum", "multiple", "tax_treatment",
              "tax_rate", "tax_basis", "is_active"]  # fmt: skip
    show_change_link = True


class RecognitionInline(OwnedTabularInline):
    model = Recognition
    rights = {**BY_OWN_PEOPLE, SUPPLIER: VIEW, User.Role.REVIEWER: EDIT, User.Role.ADMIN: EDIT}


@admin.register(Product)
class ProductAdmin(SheetPages, ReviewedAdmin):
    rights = KEPT_BY_SUPPLIER
    list_display = ["code", "name", "supplier", "category", "county", "stage", "season",
                    "confirmed", "updated_at"]  # fmt: skip
    actions = ["confirm"]
    list_filter = [ToDoFilter, "status", "category", "storage"]
    list_select_related = ["supplier", "category", "county", "confirmation"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["producer", "certificates"]
    fields = [
        ("code", "name"), "summary", ("category", "county"), "producer", "species",
        ("storage", "shelf_life_days"), "is_processed", "certificates", ("supplier", "status"),
    ]  # fmt: skip
    inlines = [SKUInline, SeasonInline, ProductImageInline, RecognitionInline]

    def product_of(self, obj: Product) -> Product:
        return obj

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ["supplier", "status", *(["code"] if obj else [])]

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        if not change:
            obj.supplier = actor(request).supplier_membership.supplier
        super().save_model(request, obj, form, change)

    @display(description=_("status"), label=STATUS_COLOURS, ordering="status")
    def stage(self, product: Product) -> tuple[str, str]:
        return product.status, product.get_status_display()

    @display(description=_("season"), label={"in": "success", "out": "warning"})
    def season(self, product: Product) -> tuple[str, Any] | None:
        if product.status != Product.Status.LISTED or not product.seasons.all():
            return None
        is_in = product.is_in_season(timezone.localdate())
        return ("in", _("in season")) if is_in else ("out", _("out of season"))

    @display(description=_("confirmed at"), ordering="confirmation__confirmed_at")
    def confirmed(self, product: Product) -> Any:
        known = getattr(product, "confirmation", None)
        return known and timezone.localdate(known.confirmed_at)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("seasons")

    def get_urls(self) -> list[URLPattern]:
        confirm = self.admin_site.admin_view(self.confirm_one)
        return [
            path("<int:pk>/confirm/", confirm, name="shop_product_confirm"),
            *super().get_urls(),
        ]

    def has_confirm_permission(self, request: HttpRequest) -> bool:
        return actor_of(request) == SUPPLIER

    @admin.action(description=_("Still right"), permissions=["confirm"])
    def confirm(self, request: HttpRequest, products: Any) -> None:
        """Confirm the chosen listings; one that is not on sale is named."""
        for product in products:
            try:
                confirm_product(product, by=actor(request), now=timezone.now())
            except Refusal as refusal:
                messages.error(request, f"{product.code}: {refusal.detail}")
            else:
                messages.success(
                    request, _("%(product)s is confirmed.") % {"product": product.name}
                )

    @method_decorator(require_POST)
    def confirm_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Confirm a listing from the home page, and return there."""
        if not self.has_confirm_permission(request):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=pk)
        if not found:
            raise Http404
        self.confirm(request, found)
        return redirect("admin:index")


class PriceTierInline(OwnedTabularInline):
    model = PriceTier
    rights = KEPT_AND_CLEARED_BY_SUPPLIER


@admin.register(SKU)
class SKUAdmin(ReviewedAdmin):
    rights = KEPT_BY_SUPPLIER
    list_display = ["code", "product", "name", "unit", "is_weighed", "is_active"]
    list_filter = ["is_active", "unit"]
    list_select_related = ["product"]
    search_fields = ["code", "name", "product__name"]
    autocomplete_fields = ["product"]
    inlines = [PriceTierInline]

    def product_of(self, obj: SKU) -> Product:
        return obj.product

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ["code", "product"] if obj else []


@admin.register(Stock)
class StockAdmin(OwnedAdmin):
    """Stock is counted, not reviewed."""

    rights = {**BY_OWN_PEOPLE, SUPPLIER: frozenset({"view", "change"})}
    list_display = ["sku", "product", "on_hand", "reserved", "available"]
    list_select_related = ["sku__product"]
    search_fields = ["sku__code", "sku__product__name"]
    readonly_fields = ["sku", "reserved"]
    fields = ["sku", "on_hand", "reserved"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).order_by("sku__code")

    @display(description=_("product"), ordering="sku__product__name")
    def product(self, stock: Stock) -> Product:
        return stock.sku.product

    @display(description=_("available"))
    def available(self, stock: Stock) -> Any:
        return stock.on_hand - stock.reserved

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        try:
            set_stock(obj.sku, on_hand=obj.on_hand, by=actor(request), now=timezone.now())
        except Refusal as refusal:
            request.refused = True  # type: ignore[attr-defined]
            tell(request, refusal)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if getattr(request, "refused", False):
            return redirect(reverse("admin:shop_stock_change", args=[obj.pk]))
        return super().response_change(request, obj)
