"""What lists of orders and consignments can be narrowed by."""

from django_filters import ChoiceFilter, FilterSet, IsoDateTimeFilter

from .models import Consignment, Order


class OrderFilter(FilterSet):
    """Moments or days; `placed_until` is the first moment that is left out."""

    status = ChoiceFilter(choices=Order.Status.choices)
    placed_from = IsoDateTimeFilter(field_name="placed_at", lookup_expr="gte")
    placed_until = IsoDateTimeFilter(field_name="placed_at", lookup_expr="lt")

    class Meta:
        model = Order
        fields = ("status", "placed_from", "placed_until", "purchase_order")


class ConsignmentFilter(FilterSet):
    status = ChoiceFilter(choices=Consignment.Status.choices)

    class Meta:
        model = Consignment
        fields = ("status",)
