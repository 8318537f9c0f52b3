"""The admin's pages for the catalogue and its review."""

from . import badges, catalogue, products, promises, reviewing, suppliers

__all__ = ["badges", "catalogue", "products", "promises", "reviewing", "suppliers"]
