"""How yuan are shown: in 万元 and 亿元, and as a change on the year before."""

from decimal import ROUND_HALF_UP, Decimal

from django import template

register = template.Library()


@register.filter
def ten_thousands(amount: Decimal) -> str:
    """Return yuan as 万元 with two places."""
    return f"{(amount / 10**4).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


@register.filter
def hundred_millions(amount: Decimal) -> str:
    """Return yuan as 亿元 with four places."""
    return f"{(amount / 10**8).quantize(Decimal('0.0001'), ROUND_HALF_UP):,}"


@register.filter
def change(percent: Decimal | None) -> str:
    """Return a change in percent with its sign, or a dash where there is no base."""
    if percent is None:
        return "—"
    return f"{percent.quantize(Decimal('0.1'), ROUND_HALF_UP):+}%"
