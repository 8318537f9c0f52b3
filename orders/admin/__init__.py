"""The admin's pages for orders, what is delivered for them, and the batches it is of."""

from . import batches, consignments, orders

__all__ = ["batches", "consignments", "orders"]
