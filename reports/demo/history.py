"""The demo's past: what was ordered, accepted, claimed and counted before it was loaded."""

import random
from collections import defaultdict
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Pairing, User
from orders.models import (
    Buyer,
    Claim,
    ClaimLine,
    Consignment,
    Membership,
    Order,
    OrderEvent,
    OrderLine,
)
from reports.models import CountingRule, Grade, LedgerEntry
from shop.models import SKU
from suppliers.models import Supplier

from .purchases import LEAD_DAYS, Purchase, purchases_of, unit_price

FEN = Decimal("0.01")
SHORTFALLS = 0.02
CLAIMS = 0.03
CLAIMED_SHARE = Decimal("0.05")


def load_history(*, months: list[date], day: date) -> None:
    """
    Store what happened in `months` until the day before `day`.

    The same arguments always give the same history.
    """
    skus = list(
        SKU.objects.exclude(stock__on_hand=0)
        .select_related("product__supplier")
        .prefetch_related("tiers", "product__seasons", "product__recognitions")
        .order_by("code")
    )
    buyers = list(Buyer.objects.prefetch_related("addresses", "memberships__user").order_by("code"))
    past = Past(until=datetime.combine(day, time(), timezone.get_current_timezone()))
    purchases = [
        purchase
        for month in months
        for purchase in purchases_of(
            month, since=months[0], buyers=buyers, skus=skus, pairs=past.pairs
        )
    ]
    for purchase in sorted(purchases, key=lambda purchase: purchase.placed_at):
        past.add(purchase)
    past.write()


class Past:
    """
    Rows as the services would have left them, collected to be written table by table.

    An order that would not be wholly accepted before `until` is left out.
    """

    def __init__(self, *, until: datetime) -> None:
        self.until = until
        self.rule = CountingRule.objects.latest("in_force_from")
        self.pairs = set(
            Pairing.objects.in_force(until.date()).values_list("district_id", "county_id")
        )
        self.people_by_supplier = {
            supplier.pk: supplier.members.all()[0].user
            for supplier in Supplier.objects.selling().prefetch_related("members__user")
        }
        self.dice = random.Random("past")  # noqa: S311 - the demo is meant to repeat itself
        self.orders: list[Order] = []
        self.consignments: list[Consignment] = []
        self.lines: list[OrderLine] = []
        self.events: list[OrderEvent] = []
        self.entries: list[LedgerEntry] = []
        self.claims: list[Claim] = []
        self.claim_lines: list[ClaimLine] = []
        self.refunds: list[LedgerEntry] = []

    def write(self) -> None:
        """Store all rows, the ledger in the order in which it was booked."""
        self.entries.sort(key=lambda entry: entry.booked_at)
        self.refunds.sort(key=lambda entry: entry.booked_at)
        tables: tuple[list[Any], ...] = (
            self.orders,
            self.consignments,
            self.lines,
            self.events,
            self.entries,
            self.claims,
            self.claim_lines,
            self.refunds,
        )
        for rows in tables:
            type(rows[0])._default_manager.bulk_create(rows, batch_size=5_000)

    def add(self, purchase: Purchase) -> None:
        """Let a purchase be placed, delivered and accepted."""
        skus_by_supplier: dict[Supplier, list[SKU]] = defaultdict(list)
        for sku in purchase.quantity_by_sku:
            skus_by_supplier[sku.product.supplier].append(sku)
        steps = {supplier: self._steps(purchase.placed_at) for supplier in skus_by_supplier}
        if max(accepted_at for *_, accepted_at in steps.values()) >= self.until:
            return
        order = self._order(purchase)
        quantity_by_sku = purchase.quantity_by_sku
        number_by_sku = {sku: number for number, sku in enumerate(quantity_by_sku, start=1)}
        for position, (supplier, skus) in enumerate(skus_by_supplier.items(), start=1):
            accepted_at = steps[supplier][-1]
            consignment = self._consignment(order, supplier, position, steps[supplier])
            for sku in skus:
                line = self._line(consignment, number_by_sku[sku], sku, quantity_by_sku[sku])
                consignment.goods_amount += line.amount
                order.goods_amount += line.amount
                entry = self._entry(
                    line,
                    source=LedgerEntry.Source.ACCEPTANCE,
                    booked_at=accepted_at,
                    quantity=line.accepted_quantity,
                    amount=line.accepted_amount,
                )
                self.lines.append(line)
                self.entries.append(entry)
            if self.dice.random() < CLAIMS:
                self._claim(line, entry, accepted_at=accepted_at)

    def _steps(self, placed_at: datetime) -> tuple[datetime, datetime, datetime]:
        """Return when a consignment is confirmed, shipped and accepted."""
        confirmed_at = self._later(placed_at, 1)
        shipped_at = self._later(confirmed_at, 1)
        return confirmed_at, shipped_at, self._later(shipped_at, self.dice.randint(1, 3))

    def _later(self, moment: datetime, days: int) -> datetime:
        """Return a moment in the working hours of a later day."""
        return moment.replace(
            hour=self.dice.randint(9, 16), minute=self.dice.randint(0, 59)
        ) + timedelta(days)

    def _person(self, buyer: Buyer, role: str) -> User:
        return next(m.user for m in buyer.memberships.all() if m.role == role)

    def _order(self, purchase: Purchase) -> Order:
        buyer, placed_at = purchase.buyer, purchase.placed_at
        order = Order(
            number=f"{placed_at:%Y%m%d}{len(self.orders) + 1:06}",
            buyer=buyer,
            purchaser=self._person(buyer, Membership.Role.PURCHASER),
            address=self.dice.choice(buyer.addresses.all()),
            status=Order.Status.ACCEPTED,
            placed_at=placed_at,
            delivery_date=placed_at.date() + timedelta(LEAD_DAYS),
            purchase_order=f"示例-{placed_at:%y%m}-{len(self.orders) + 1}",
            payment_term=buyer.payment_term,
            goods_amount=Decimal(0),
            buyer_kind=buyer.kind,
            region_code=buyer.region_id,
            is_synthetic=True,
        )
        self.orders.append(order)
        self.events.append(OrderEvent(order=order, kind="placed", at=placed_at, by=order.purchaser))
        return order

    def _consignment(
        self, order: Order, supplier: Supplier, position: int, steps: tuple[datetime, ...]
    ) -> Consignment:
        consignment = Consignment(
            number=f"{order.number}-{position}",
            order=order,
            supplier=supplier,
            status=Consignment.Status.ACCEPTED,
            goods_amount=Decimal(0),
            carrier="示例冷链物流",
            tracking=f"示例-{order.number}-{position}",
            confirmed_at=steps[0],
            shipped_at=steps[1],
            accepted_at=steps[2],
        )
        self.consignments.append(consignment)
        seller = self.people_by_supplier[supplier.pk]
        for kind, at, by in zip(
            ("confirmed", "shipped", "accepted"),
            steps,
            (seller, seller, order.purchaser),
            strict=True,
        ):
            self.events.append(
                OrderEvent(order=order, consignment=consignment, kind=kind, at=at, by=by)
            )
        return consignment

    def _line(
        self, consignment: Consignment, number: int, sku: SKU, quantity: Decimal
    ) -> OrderLine:
        order, product, price = consignment.order, sku.product, unit_price(sku, quantity)
        day = timezone.localdate(order.placed_at)
        paired = (order.region_code, product.county_id) in self.pairs
        shipped, accepted, reason = self._delivered(sku, quantity)
        return OrderLine(
            order=order,
            consignment=consignment,
            number=number,
            sku=sku,
            sku_code=sku.code,
            name=f"{product.name} {sku.name}",
            category_code=product.category_id,
            county_code=product.county_id,
            pair_district_code=order.region_code if paired else "",
            is_recognised=any(
                recognition.valid_from <= day <= recognition.valid_until
                for recognition in product.recognitions.all()
            ),
            unit=sku.unit,
            net_weight_kg=sku.net_weight_kg,
            is_weighed=sku.is_weighed,
            tolerance_percent=sku.tolerance_percent,
            tax_treatment=sku.tax_treatment,
            tax_rate=sku.tax_rate,
            unit_price=price,
            quantity=quantity,
            amount=_rounded(quantity * price),
            batch=f"示例-{day:%Y%m%d}",
            shipped_quantity=shipped,
            accepted_quantity=accepted,
            accepted_amount=_rounded(accepted * price),
            shortfall_reason=reason,
        )

    def _delivered(self, sku: SKU, quantity: Decimal) -> tuple[Decimal, Decimal, str]:
        """Return what was shipped, what was accepted, and why less."""
        if sku.is_weighed:
            off = sku.tolerance_percent / 100 * Decimal(self.dice.uniform(-0.8, 0.8))
            shipped = (quantity * (1 + off)).quantize(Decimal("0.1"))
            return shipped, shipped, ""
        broken = sku.multiple * (quantity // sku.multiple // 20)
        if broken and self.dice.random() < SHORTFALLS:
            return quantity, quantity - broken, "到货破损(示例)"
        return quantity, quantity, ""

    def _entry(
        self,
        line: OrderLine,
        *,
        source: LedgerEntry.Source,
        booked_at: datetime,
        quantity: Any,
        amount: Any,
        **pointers: Any,
    ) -> LedgerEntry:
        order = line.order
        return LedgerEntry(
            source=source,
            booked_at=booked_at,
            occurred_on=timezone.localdate(booked_at),
            rule=self.rule,
            order_line=line,
            product_name=line.name,
            category_code=line.category_code,
            county_code=line.county_code,
            supplier_code=line.consignment.supplier.code,
            buyer_code=order.buyer.code,
            buyer_kind=order.buyer_kind,
            region_code=order.region_code,
            pair_district_code=line.pair_district_code,
            channel=order.channel,
            kind=self.rule.kind_by_buyer_kind[order.buyer_kind],
            is_recognised=line.is_recognised,
            grade=Grade.E2,
            quantity=quantity,
            unit=line.unit,
            weight_kg=quantity * line.net_weight_kg,
            amount=amount,
            **pointers,
        )

    def _claim(self, line: OrderLine, entry: LedgerEntry, *, accepted_at: datetime) -> None:
        """Let a claim for part of a line be opened, and settled some weeks later."""
        opened_at = self._later(accepted_at, self.dice.randint(1, 4))
        settled_at = self._later(opened_at, self.dice.randint(5, 40))
        if opened_at >= self.until:
            return
        claim = Claim(
            consignment=line.consignment, opened_at=opened_at, opened_by=line.order.purchaser
        )
        claim_line = ClaimLine(
            claim=claim,
            line=line,
            quantity=min(
                (entry.quantity * CLAIMED_SHARE).quantize(Decimal(1), ROUND_UP), entry.quantity
            ),
            reason="部分变质(示例)",
        )
        self.claims.append(claim)
        self.claim_lines.append(claim_line)
        if settled_at < self.until:
            self._settle(claim, claim_line, entry, settled_at)

    def _settle(
        self, claim: Claim, claim_line: ClaimLine, entry: LedgerEntry, settled_at: datetime
    ) -> None:
        amount = _rounded(claim_line.quantity * claim_line.line.unit_price)
        claim.status = Claim.Status.SETTLED
        claim.settled_at = settled_at
        claim.settled_by = self.people_by_supplier[claim.consignment.supplier_id]
        claim.amount = claim_line.amount = claim_line.line.refunded_amount = amount
        self.refunds.append(
            self._entry(
                claim_line.line,
                source=LedgerEntry.Source.CLAIM,
                booked_at=settled_at,
                quantity=-claim_line.quantity,
                amount=-amount,
                claim_line=claim_line,
                corrects=entry,
            )
        )


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(FEN, ROUND_HALF_UP)
