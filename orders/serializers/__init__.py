"""The shapes of orders, consignments, claims and quotes, as they come and as they go."""

from .answers import (
    consignment_as_json,
    consignments_as_json,
    order_as_text,
    orders_as_json,
    quote_as_json,
    supplied_as_json,
)
from .requests import (
    AcceptanceSerializer,
    ClaimRequestSerializer,
    OrderRequestSerializer,
    ReasonSerializer,
    SettlementSerializer,
    ShipmentRequestSerializer,
    fingerprint_of,
)
from .shapes import (
    AddressSerializer,
    ClaimSerializer,
    CodeAndName,
    ConsignmentSerializer,
    EventSerializer,
    OrderSerializer,
    QuoteSerializer,
    SuppliedConsignmentSerializer,
)

__all__ = [
    "AcceptanceSerializer",
    "AddressSerializer",
    "ClaimRequestSerializer",
    "ClaimSerializer",
    "CodeAndName",
    "ConsignmentSerializer",
    "EventSerializer",
    "OrderRequestSerializer",
    "OrderSerializer",
    "QuoteSerializer",
    "ReasonSerializer",
    "SettlementSerializer",
    "ShipmentRequestSerializer",
    "SuppliedConsignmentSerializer",
    "consignment_as_json",
    "consignments_as_json",
    "fingerprint_of",
    "order_as_text",
    "orders_as_json",
    "quote_as_json",
    "supplied_as_json",
]
