"""Quantities and places as pages show them."""

from decimal import Decimal

from django import template
from django.utils.translation import get_language

from accounts.api.serializers import plain
from accounts.models import Division

register = template.Library()


@register.filter
def quantity(value: Decimal | None) -> str:
    """Show a quantity without trailing zeros, and none as a dash."""
    return "—" if value is None else plain(value)


@register.filter
def place(division: Division) -> str:
    """Show a division, which comes with its parent, by the reader's name for both."""
    if (get_language() or "").startswith("zh"):
        return f"{division.parent.name if division.parent else ''}{division.name}"
    names = [division.name_en, division.parent.name_en if division.parent else ""]
    return ", ".join(filter(None, names))
