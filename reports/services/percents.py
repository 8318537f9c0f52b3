"""Percentages as pages, files and answers state them."""

from decimal import Decimal


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """Return how many percent of a positive `whole` a part is."""
    return part / whole * 100


def change_on(before: Decimal, amount: Decimal) -> Decimal | None:
    """Return by how many percent an amount differs from the one before, where there is a base."""
    return (amount / before - 1) * 100 if before > 0 else None
