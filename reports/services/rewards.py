"""What a year's recognised sales earn their suppliers out of a budget (奖补)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from orders.money import amount_of, shares_of

from .figures import Question, answer


@dataclass(frozen=True)
class Reward:
    """
    One supplier's claim, in yuan.

    `own` is what its sales would earn, `approved` what the budget leaves of it.
    """

    supplier_code: str
    sales: Decimal
    own: Decimal
    approved: Decimal


@dataclass(frozen=True)
class ClaimPack:
    """All suppliers' claims of a year, the largest first."""

    as_of: datetime | None
    rewards: list[Reward]


def claim_rewards(year: int, *, budget: Decimal, rate: Decimal, day: date) -> ClaimPack:
    """
    Return what each supplier's recognised net sales of `year` earn at `rate`.

    Over budget, everybody's part shrinks alike, to the fen and without a rest. Who is
    not named, or took back as much as it sold, earns nothing.
    """
    found = answer(
        Question(
            by=("supplier",),
            where=(("is_recognised", True),),
            since=date(year, 1, 1),
            until=date(year, 12, 1),
        ),
        day=day,
    )
    sales = sorted(
        (
            (row["amount"], row["supplier_code"])
            for row in found.groups
            if row["supplier_code"] and row["amount"] > 0
        ),
        key=lambda sale: (-sale[0], sale[1]),
    )
    own = [amount_of(amount, rate) for amount, _code in sales]
    approved = own if sum(own) <= budget else shares_of(budget, own)
    return ClaimPack(
        as_of=found.as_of,
        rewards=[
            Reward(code, amount, mine, left)
            for (amount, code), mine, left in zip(sales, own, approved, strict=True)
        ],
    )
