"""The shapes of what is answered."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import MoneyField, QuantityField
from orders.models import Address, Buyer, Claim, Consignment, Order, OrderEvent
from orders.services.contact import masked_phone


class CodeAndName(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class LineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    county = serializers.CharField(help_text="Code of the county of origin.")
    unit = serializers.CharField()
    quantity = QuantityField()
    unit_price = MoneyField(places=4)
    amount = MoneyField()
    shipped_quantity = QuantityField(allow_null=True)
    accepted_quantity = QuantityField(allow_null=True)


class ConsignmentInOrderSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    supplier = CodeAndName()
    status = serializers.ChoiceField(Consignment.Status.choices)
    freight_amount = MoneyField()
    lines = LineSerializer(many=True)


class OrderSerializer(serializers.Serializer[Any]):
    """The shape of `order_as_json`."""

    number = serializers.CharField()
    status = serializers.ChoiceField(Order.Status.choices)
    placed_at = serializers.DateTimeField()
    purchase_order = serializers.CharField()
    delivery_date = serializers.DateField(allow_null=True)
    payment_term = serializers.ChoiceField(Buyer.PaymentTerm.choices)
    note = serializers.CharField()
    goods_amount = MoneyField()
    freight_amount = MoneyField()
    total_amount = MoneyField()
    consignments = ConsignmentInOrderSerializer(many=True)


class ShipmentLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    quantity = QuantityField()
    batch = serializers.CharField(help_text="As the supplier named it.")


class ShipmentSerializer(serializers.Serializer[Any]):
    """What left at once."""

    number = serializers.IntegerField()
    carrier = serializers.CharField()
    tracking = serializers.CharField()
    shipped_at = serializers.DateTimeField()
    lines = ShipmentLineSerializer(many=True)


class ConsignmentSerializer(ConsignmentInOrderSerializer):
    """The shape of `consignments_as_json`."""

    order = serializers.CharField(help_text="The order's number.")
    buyer = CodeAndName()
    delivery_date = serializers.DateField(allow_null=True)
    goods_amount = MoneyField()
    carrier = serializers.CharField(
        help_text="Those of the latest shipment, like tracking and shipped_at."
    )
    tracking = serializers.CharField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    shipped_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    shipments = ShipmentSerializer(many=True)


class BatchPartSerializer(serializers.Serializer[Any]):
    batch = serializers.CharField()
    quantity = QuantityField()


class ProposedBatchSerializer(BatchPartSerializer):
    expires_on = serializers.DateField(allow_null=True)


class SuppliedLineSerializer(LineSerializer):
    batch = serializers.CharField(help_text="As the supplier named it.")
    batches = BatchPartSerializer(many=True, help_text="Those that are entered here.")
    proposed_batches = ProposedBatchSerializer(
        many=True, help_text="From which it should leave: what expires first leaves first."
    )


class ContactSerializer(serializers.Serializer[Any]):
    """Who takes a delivery; masked until the supplier has confirmed it."""

    consignee = serializers.CharField()
    phone = serializers.CharField()
    division = CodeAndName()
    street = serializers.CharField()
    is_masked = serializers.BooleanField()


class SuppliedConsignmentSerializer(ConsignmentSerializer):
    """The shape of `supplied_as_json`."""

    contact = ContactSerializer()
    lines = SuppliedLineSerializer(many=True)


class ClaimLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(source="line.number")
    quantity = QuantityField()
    reason = serializers.CharField()
    amount = MoneyField(allow_null=True)


class ClaimSerializer(serializers.ModelSerializer[Claim]):
    consignment = serializers.CharField(source="consignment.number")
    amount = MoneyField(allow_null=True)
    lines = ClaimLineSerializer(many=True)

    class Meta:
        model = Claim
        fields = ("id", "consignment", "status", "opened_at", "settled_at", "amount", "lines")


class EventSerializer(serializers.ModelSerializer[OrderEvent]):
    by = serializers.CharField(source="by.get_full_name")
    consignment = serializers.CharField(source="consignment.number", default=None)

    class Meta:
        model = OrderEvent
        fields = ("kind", "at", "by", "consignment", "reason")


class AddressSerializer(serializers.ModelSerializer[Address]):
    """An address as lists show it: personal data is masked."""

    division = CodeAndName()
    consignee = serializers.SerializerMethodField()
    phone = serializers.SerializerMethodField()

    class Meta:
        model = Address
        fields = ("code", "division", "street", "consignee", "phone")

    def get_consignee(self, address: Address) -> str:
        return f"{address.consignee[:1]}**"

    def get_phone(self, address: Address) -> str:
        return masked_phone(address.phone)


class RefusedSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class AppliedTierSerializer(serializers.Serializer[Any]):
    from_quantity = QuantityField()
    unit_price = MoneyField(places=4)


class QuotedLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    quantity = QuantityField()
    unit_price = MoneyField(places=4, allow_null=True)
    amount = MoneyField(allow_null=True)
    tier = AppliedTierSerializer(allow_null=True)
    why = serializers.CharField(help_text="Why this tier applies.")


class QuoteSerializer(serializers.Serializer[Any]):
    """The shape of `quote_as_json`."""

    can_be_ordered = serializers.BooleanField()
    needs_approval = serializers.BooleanField()
    payment_term = serializers.ChoiceField(Buyer.PaymentTerm.choices)
    goods_amount = MoneyField()
    freight_amount = MoneyField()
    total_amount = MoneyField()
    lines = QuotedLineSerializer(many=True)
    errors = RefusedSerializer(many=True)  # type: ignore[assignment]
