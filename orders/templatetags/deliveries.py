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
    names = [place.local_name for place in (division, division.parent) if place]
    # Chinese names the larger first, and without a comma.
    return ", ".join(names) if get_language() == "en" else "".join(reversed(names))
