"""The admin's pages for the catalogue and its review."""

from . import catalogue, products, reviewing, suppliers

__all__ = ["catalogue", "products", "reviewing", "suppliers"]
