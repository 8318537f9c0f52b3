"""Who buys, what was ordered, delivered and accepted, and what was claimed and paid afterwards."""

from .buyers import Address, Buyer, Channel, Credit, Membership
from .claims import Claim, ClaimLine
from .evidence import Fapiao, Payment
from .idempotency import IdempotencyKey
from .orders import Consignment, Order, OrderEvent, OrderLine
from .shipping import LineBatch, Shipment, ShipmentLine, TemperatureReading

__all__ = [
    "Address",
    "Buyer",
    "Channel",
    "Claim",
    "ClaimLine",
    "Consignment",
    "Credit",
    "Fapiao",
    "IdempotencyKey",
    "LineBatch",
    "Membership",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Payment",
    "Shipment",
    "ShipmentLine",
    "TemperatureReading",
]
