"""What can be done with orders, consignments and claims."""

from .accepting import record_acceptance
from .claiming import open_claim, record_settlement
from .steps import WrongState

__all__ = ["WrongState", "open_claim", "record_acceptance", "record_settlement"]
