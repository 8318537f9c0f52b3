"""Pages of consignments: where suppliers confirm, pack and ship what was ordered."""

from operator import attrgetter
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, F, Prefetch, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.admin import SUPPLIER, VIEW, OwnedAdmin, OwnedTabularInline, actor_of
from accounts.api.authentication import actor
from accounts.dialogs import WhyForm, taken
from accounts.refusals import Refusal
from orders.models import (
    Consignment,
    LineBatch,
    OrderEvent,
    OrderLine,
    Shipment,
    ShipmentLine,
)
from orders.services.batching import propose_batches
from orders.services.cold_chain import (
    MEASURED_WHILE,
    cold_chain_of,
    enter_readings,
)
from orders.services.contact import contact_of
from orders.services.papers import delivery_note, pack_list
from orders.services.supplying import (
    confirm_consignment,
    decline_consignment,
    lines_to_ship,
    ship_consignment,
)
from shop.models import Batch

from .orders import SEEN_BY_OWN_PEOPLE
from .shipment import ShipmentForm
from .steps import only_suppliers, step_page, to_page_of
from .temperatures import ReadingForm, curve_of

Status = Consignment.Status
COLOURS = {
    Status.PLACED: "warning",
    Status.CONFIRMED: "info",
    Status.SHIPPED: "primary",
    Status.ACCEPTED: "success",
    Status.DECLINED: "danger",
    Status.CANCELLED: "danger",
}
#: What waits for the supplier comes first.
WAITS_FIRST = Case(
    When(status=Status.PLACED, then=Value(0)),
    When(status=Status.CONFIRMED, then=Value(1)),
    When(status=Status.SHIPPED, then=Value(2)),
    default=Value(3),
)
DUE_ON = Case(When(status__in=[Status.PLACED, Status.CONFIRMED], then=F("order__delivery_date")))


class OrderLineInline(OwnedTabularInline):
    model = OrderLine
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW}
    fields = ["number", "sku_code", "name", "quantity", "unit", "unit_price", "amount",
              "shipped_quantity", "accepted_quantity", "accepted_amount"]  # fmt: skip


@admin.register(Consignment)
class ConsignmentAdmin(OwnedAdmin):
    rights = {**SEEN_BY_OWN_PEOPLE, SUPPLIER: VIEW}
    list_display = [
        "number", "stage", "waits", "delivery_date", "buyer", "destination", "goods_amount",
        "supplier",
    ]  # fmt: skip
    list_filter = ["status"]
    list_select_related = ["supplier", "order__buyer", "order__address__division"]
    search_fields = ["number", "tracking", "order__purchase_order", "order__buyer__name"]
    fields = [
        ("number", "purchase_order"),
        ("delivery_date", "note"),
        ("goods_amount", "freight_amount"),
        ("carrier", "tracking"),
        ("confirmed_at", "shipped_at", "accepted_at"),
    ]
    inlines = [OrderLineInline]
    change_form_outer_before_template = "admin/orders/consignment/before.html"
    change_form_outer_after_template = "admin/orders/consignment/after.html"

    @display(description=_("status"), label=COLOURS, ordering="status")
    def stage(self, consignment: Consignment) -> tuple[str, str]:
        return consignment.status, consignment.shown_status

    @display(description=_("waits"))
    def waits(self, consignment: Consignment) -> str:
        since = {
            Status.PLACED: consignment.order.placed_at,
            Status.CONFIRMED: consignment.confirmed_at,
        }.get(Status(consignment.status))
        return timesince(since, depth=1) if since else ""

    @display(description=_("delivery date"), ordering="order__delivery_date")
    def delivery_date(self, consignment: Consignment) -> Any:
        return consignment.order.delivery_date

    @display(description=_("buyer"))
    def buyer(self, consignment: Consignment) -> str:
        return consignment.order.buyer.name

    @display(description=_("destination"))
    def destination(self, consignment: Consignment) -> str:
        return consignment.order.address.division.local_name

    @display(description=_("purchase order"))
    def purchase_order(self, consignment: Consignment) -> str:
        return consignment.order.purchase_order

    @display(description=_("note"))
    def note(self, consignment: Consignment) -> str:
        return consignment.order.note

    def get_ordering(self, request: HttpRequest) -> Any:
        """A supplier's few come as they wait; of everybody's many, the latest come first."""
        if actor_of(request) == SUPPLIER:
            return [WAITS_FIRST.asc(), DUE_ON.asc(nulls_last=True), "-pk"]
        return ["-pk"]

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """Suppliers see their own name nowhere."""
        own = {"supplier"} if actor_of(request) == SUPPLIER else set()
        return [name for name in self.list_display if name not in own]

    def get_urls(self) -> list[URLPattern]:
        def named(step: str, view: Any) -> URLPattern:
            name = f"orders_consignment_{step.replace('-', '_')}"
            return path(f"<path:object_id>/{step}/", self.admin_site.admin_view(view), name=name)

        return [
            named("confirm", self.confirm),
            named("decline", self.decline),
            named("ship", self.ship),
            named("readings", self.readings),
            named("pack-list", self.pack_list),
            named("delivery-note", self.delivery_note),
            path(
                "<path:object_id>/delivery-note/<int:shipment>/",
                self.admin_site.admin_view(self.delivery_note),
                name="orders_consignment_delivery_note",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        consignment = self._whole(request, object_id, required=False)
        context = self._context(request, consignment) if consignment else {}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def _whole(self, request: HttpRequest, object_id: str, *, required: bool = True) -> Any:
        """Return a consignment that the caller may see, with all that its pages say."""
        row = self.found(request, object_id) if required else self.get_object(request, object_id)
        related = ("supplier", "order__buyer", "order__address__division__parent")
        return row and Consignment.objects.select_related(*related).get(pk=row.pk)

    def _context(self, request: HttpRequest, consignment: Consignment) -> dict[str, Any]:
        chain = cold_chain_of(consignment)
        delivers = actor_of(request) == SUPPLIER
        events = OrderEvent.objects.filter(consignment=consignment).select_related("by")
        return {
            "consignment": consignment,
            "contact": contact_of(consignment, consignment.order.address, by=actor(request)),
            "may_confirm": delivers and consignment.status == Status.PLACED,
            "may_ship": delivers and consignment.status == Status.CONFIRMED,
            "may_measure": delivers and consignment.status in MEASURED_WHILE,
            "shipments": _shipments_of(consignment),
            "events": list(events.order_by("pk")),
            "readings": [(row, chain.fits(row.degrees)) for row in chain.readings],
            "out_of_range": len(chain.out_of_range),
            "curve": curve_of(chain),
        }

    def confirm(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Promise to deliver."""
        consignment = self.found(request, object_id)
        only_suppliers(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        taken(
            request,
            lambda: confirm_consignment(consignment.number, by=actor(request), now=timezone.now()),
            done=_("Confirmed; the buyer's contact is shown in full now."),
        )
        return to_page_of(consignment)

    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Refuse to deliver for the reason that is given."""
        consignment = self.found(request, object_id)
        only_suppliers(request)
        form = WhyForm(request.POST or None)
        if form.is_valid() and taken(
            request,
            lambda: decline_consignment(
                consignment.number,
                reason=form.cleaned_data["reason"],
                by=actor(request),
                now=timezone.now(),
            ),
            done=_("Declined; what was held is free again."),
        ):
            return to_page_of(consignment)
        return step_page(
            self,
            request,
            consignment,
            title=_("Decline %(number)s") % {"number": consignment.number},
            description=_("The buyer reads the reason. This cannot be taken back."),
            form=form,
            is_dangerous=True,
        )

    def ship(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what left of each line, and from which batches."""
        consignment = self._whole(request, object_id)
        only_suppliers(request)
        today = timezone.localdate()
        lines = list(lines_to_ship(consignment))
        form = ShipmentForm(
            request.POST or None,
            lines=lines,
            proposals=propose_batches(lines, day=today),
            initial={
                "carrier": consignment.carrier,
                "shipment": consignment.shipments.count() + 1,
            },
        )
        if form.is_valid() and self._ship(request, consignment, form):
            messages.success(request, _("Shipped; the delivery note can be printed now."))
            return to_page_of(consignment)
        products = {line.sku.product_id for line in lines}
        batches = Batch.objects.shippable(today).filter(product__in=products)
        batches = batches.select_related("sku").first_expired_first()
        return step_page(
            self,
            request,
            consignment,
            title=_("Ship %(number)s") % {"number": consignment.number},
            template="admin/orders/consignment/ship.html",
            form=form,
            rows=list(form.rows()),
            batches=sorted(batches, key=attrgetter("product_id")),
        )

    def _ship(self, request: HttpRequest, consignment: Consignment, form: ShipmentForm) -> bool:
        try:
            ship_consignment(
                consignment.number,
                shipped=form.shipped,
                carrier=form.cleaned_data["carrier"],
                tracking=form.cleaned_data["tracking"],
                shipment=form.cleaned_data["shipment"],
                more_follows=form.cleaned_data["more_follows"],
                by=actor(request),
                now=timezone.now(),
            )
        except Refusal as refusal:
            form.show(refusal)
            return False
        return True

    def readings(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Keep a temperature that was read, or a logger's file."""
        consignment = self.found(request, object_id)
        only_suppliers(request)
        form = ReadingForm(request.POST or None, request.FILES or None)
        if form.is_valid():
            try:
                readings, source = form.readings()
                new = enter_readings(
                    consignment.number, readings, source=source, by=actor(request),
                    now=timezone.now(),
                )  # fmt: skip
            except Refusal as refusal:
                for detail in [error.detail for error in refusal.errors] or [refusal.detail]:
                    form.add_error(None, str(detail))
            else:
                messages.success(request, _("%(new)d readings are new.") % {"new": new})
                return to_page_of(consignment)
        return step_page(
            self,
            request,
            consignment,
            title=_("Temperatures of %(number)s") % {"number": consignment.number},
            submit=_("Enter temperatures"),
            form=form,
        )

    def pack_list(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the pack list as PDF."""
        consignment, day = self._whole(request, object_id), timezone.localdate()
        pdf = pack_list(consignment, by=actor(request), day=day)
        return _pdf(pdf, f"装箱单-{consignment.number}.pdf")

    def delivery_note(
        self, request: HttpRequest, object_id: str, shipment: int | None = None
    ) -> HttpResponse:
        """Return the delivery note of all that left, or of one shipment, as PDF."""
        consignment, name = self._whole(request, object_id), "送货单"
        sent = None
        if shipment:
            sent = get_object_or_404(Shipment, consignment=consignment, number=shipment)
            name = f"{name}-{shipment}"
        pdf = delivery_note(consignment, by=actor(request), shipment=sent)
        return _pdf(pdf, f"{name}-{consignment.number}.pdf")


def _shipments_of(
    consignment: Consignment,
) -> list[tuple[Shipment, list[tuple[ShipmentLine, list[LineBatch]]]]]:
    """Return each shipment with its lines, and these with the batches that they are of."""
    lines = ShipmentLine.objects.select_related("line").order_by("line__number")
    shipments = consignment.shipments.prefetch_related(
        Prefetch("lines", lines), "batches__batch"
    ).order_by("number")
    return [
        (
            shipment,
            [
                (sent, [link for link in shipment.batches.all() if link.line_id == sent.line_id])
                for sent in shipment.lines.all()
            ],
        )
        for shipment in shipments
    ]


def _pdf(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Cache-Control": "private, no-store",
            "Content-Disposition": content_disposition_header(False, name) or "",
        },
    )
