"""The demo's fapiaos and payments: what its large deliveries are proved by."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from operator import itemgetter

from django.db.models import F, Sum
from django.utils import timezone

from accounts.models import User
from orders.models import Consignment, Fapiao, Membership, OrderLine
from reports.services.grading import enter_fapiao, enter_payment, reverse_fapiao

from .history import Step

#: From how many yuan on a delivery is invoiced here: one in thirty, a tenth of the figure.
INVOICED_FROM = 45_000
PAID = 0.6
CENT = Decimal("0.01")


def evidence_of(
    consignments: list[Consignment], *, sellers: dict[int, User], until: datetime
) -> list[Step]:
    """
    Return when the large ones of `consignments` are invoiced and paid before `until`, and how.

    `sellers` are people by the key of their supplier. The first fapiao names the wrong
    title, so a red-letter fapiao takes it back weeks later and another replaces it; of
    the last consignment that is paid, half is still due.
    """
    dice = random.Random("evidence")  # noqa: S311 - the demo is meant to repeat itself
    numbers = count(1)
    invoiced, paid = [], []
    for consignment in consignments:
        if consignment.goods_amount < INVOICED_FROM or consignment.accepted_at is None:
            continue
        papers = Papers(consignment, sellers[consignment.supplier_id], numbers)
        at = consignment.accepted_at + timedelta(dice.randint(2, 12))
        invoiced.append((at, papers))
        paid_at = at + timedelta(dice.randint(5, 30))
        if dice.random() < PAID and paid_at < until:
            paid.append((paid_at, papers))
    invoiced.sort(key=itemgetter(0))
    paid.sort(key=itemgetter(0))
    (first_at, first), (last_at, last) = invoiced[0], paid[-1]
    happened = [
        *((at, papers.invoice) for at, papers in invoiced[1:]),
        (first_at, first.invoice_wrongly),
        (first_at + timedelta(40), first.replace),
        *((at, papers.pay) for at, papers in paid[:-1] if papers is not first),
        (last_at, last.pay_half),
    ]
    return [(at, partial(what, at)) for at, what in happened if at < until]


class Papers:
    """What is written for one consignment after its acceptance, by its seller and its buyer."""

    def __init__(self, consignment: Consignment, seller: User, numbers: Iterator[int]) -> None:
        self.consignment = consignment
        self.seller = seller
        self.numbers = numbers

    def invoice(self, now: datetime) -> Fapiao:
        return self._invoice(self.consignment.order.buyer.name, now)

    def invoice_wrongly(self, now: datetime) -> None:
        self._invoice("抬头有误（示例）", now)

    def replace(self, now: datetime) -> None:
        wrong = Fapiao.objects.get(consignment=self.consignment)
        reverse_fapiao(
            wrong.number,
            red_number=self._next_number(),
            issued_on=timezone.localdate(now),
            by=self.seller,
            now=now,
        )
        self.invoice(now)

    def pay(self, now: datetime) -> None:
        self._pay(self._due(), now)

    def pay_half(self, now: datetime) -> None:
        self._pay((self._due() / 2).quantize(CENT), now)

    def _invoice(self, title: str, now: datetime) -> Fapiao:
        return enter_fapiao(
            self.consignment.number,
            fapiao_number=self._next_number(),
            kind=Fapiao.Kind.ELECTRONIC,
            issued_on=timezone.localdate(now),
            amount=self._due(),
            buyer_title=title,
            by=self.seller,
            now=now,
        )

    def _pay(self, amount: Decimal, now: datetime) -> None:
        finance = next(
            membership.user
            for membership in self.consignment.order.buyer.memberships.all()
            if membership.role == Membership.Role.FINANCE
        )
        enter_payment(
            self.consignment.number,
            amount=amount,
            paid_on=timezone.localdate(now),
            reference=f"示例回单-{next(self.numbers):06}",
            by=finance,
            now=now,
        )

    def _due(self) -> Decimal:
        """Return what is due for what was accepted, less what has been refunded by now."""
        lines = OrderLine.objects.filter(consignment=self.consignment)
        due: Decimal = lines.aggregate(
            due=Sum(F("accepted_amount") + F("accepted_freight") - F("refunded_amount"))
        )["due"]
        return due

    def _next_number(self) -> str:
        # No real fapiao begins with so many zeros.
        return f"{next(self.numbers):020}"
