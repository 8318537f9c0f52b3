"""What is for sale, at which price, how much of it, and what proves it."""

from .badges import Badge, Objection
from .batches import Batch, BatchDocument
from .confirmations import Confirmation
from .documents import RequiredDocument
from .freight import FreightRate
from .listings import Catalogue, Listing, ListingChange, Spelling
from .prices import PriceTier
from .products import Category, Product, ProductImage, Recognition, Season
from .promises import PromiseDraw, SupplyPromise
from .reminders import Reminder
from .skus import SKU
from .stock import Reservation, Stock
from .versions import ListingVersion

__all__ = [
    "SKU",
    "Badge",
    "Batch",
    "BatchDocument",
    "Catalogue",
    "Category",
    "Confirmation",
    "FreightRate",
    "Listing",
    "ListingChange",
    "ListingVersion",
    "Objection",
    "PriceTier",
    "Product",
    "ProductImage",
    "PromiseDraw",
    "Recognition",
    "Reminder",
    "RequiredDocument",
    "Reservation",
    "Season",
    "Spelling",
    "Stock",
    "SupplyPromise",
]
