"""Who buys, what was ordered, delivered and accepted, and what was claimed afterwards."""

from .buyers import Address, Buyer, Channel, Credit, Membership
from .claims import Claim, ClaimLine
from .idempotency import IdempotencyKey
from .orders import Consignment, Order, OrderEvent, OrderLine

__all__ = [
    "Address",
    "Buyer",
    "Channel",
    "Claim",
    "ClaimLine",
    "Consignment",
    "Credit",
    "IdempotencyKey",
    "Membership",
    "Order",
    "OrderEvent",
    "OrderLine",
]
