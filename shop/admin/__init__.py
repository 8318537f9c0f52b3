"""The admin's pages for the catalogue and its review."""

from . import catalogue, products, promises, reviewing, suppliers

__all__ = ["catalogue", "products", "promises", "reviewing", "suppliers"]
