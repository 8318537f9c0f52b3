"""Yuan to the fen: rounded once a line, shared without losing any."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

FEN = Decimal("0.01")


def amount_of(quantity: Decimal, unit_price: Decimal) -> Decimal:
    """Return what a quantity costs, rounded half up to the fen."""
    return (quantity * unit_price).quantize(FEN, ROUND_HALF_UP)


def shares_of(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """
    Share `amount` in proportion to `weights`, to the fen and without a rest.

    The fen left by rounding down go to the largest remainders, the first of equals
    first. No share exceeds its weight when the amount does not exceed their sum.
    """
    total = sum(weights)
    if not total:
        return [Decimal(0)] * len(weights)
    exact = [amount * weight / total for weight in weights]
    shares = [share.quantize(FEN, ROUND_DOWN) for share in exact]
    rest = int((amount - sum(shares)) / FEN)
    by_remainder = sorted(range(len(exact)), key=lambda i: shares[i] - exact[i])
    for index in by_remainder[:rest]:
        shares[index] += FEN
    return shares
