"""The admin's pages for the catalogue and its review."""

from . import catalogue, products, reviewing

__all__ = ["catalogue", "products", "reviewing"]
