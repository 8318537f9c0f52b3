"""What is for sale, at which price, how much of it, and what proves it."""

from .freight import FreightRate
from .listings import Catalogue, Listing, ListingChange, Spelling
from .prices import PriceTier
from .products import Category, Product, ProductImage, Recognition, Season
from .skus import SKU
from .stock import Reservation, Stock

__all__ = [
    "SKU",
    "Catalogue",
    "Category",
    "FreightRate",
    "Listing",
    "ListingChange",
    "PriceTier",
    "Product",
    "ProductImage",
    "Recognition",
    "Reservation",
    "Season",
    "Spelling",
    "Stock",
]
