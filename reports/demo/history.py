"""The demo's past: what was ordered, accepted, claimed and counted before it was loaded."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import ROUND_UP, Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from accounts.models import Pairing, User
from orders.models import Buyer, Consignment, Membership, Order, OrderEvent, OrderLine
from orders.money import amount_of
from orders.services.claiming import open_claim
from orders.services.shipments import record_whole_shipments
from reports.services.booking import book_accepted, settle_claim
from shop.models import SKU, Product
from suppliers.models import Supplier

from .purchases import LEAD_DAYS, Purchase, purchases_of, unit_price

SHORTFALLS = 0.02
CLAIMS = 0.015
CLAIMED_SHARE = Decimal("0.05")


#: A moment, and what happens then.
Step = tuple[datetime, Callable[[], Any]]


def load_history(*, months: list[date], day: date) -> "Past":
    """
    Store what was bought in `months` until the day before `day`, and return it.

    The same arguments always give the same history.
    """
    # Measurements add suppliers and buyers without people; they take no part.
    suppliers = Supplier.objects.filter(members__isnull=False)
    skus = list(
        SKU.objects.filter(product__status=Product.Status.LISTED, product__supplier__in=suppliers)
        .select_related("product__supplier")
        .prefetch_related("tiers", "product__seasons", "product__recognitions")
        .order_by("code")
    )
    buyers = list(
        Buyer.objects.filter(memberships__isnull=False)
        .distinct()
        .prefetch_related("addresses", "memberships__user")
        .order_by("code")
    )
    pairs = set(Pairing.objects.in_force(day).values_list("district_id", "county_id"))
    purchases = sorted(
        (
            purchase
            for month in months
            for purchase in purchases_of(
                month, since=months[0], buyers=buyers, skus=skus, pairs=pairs
            )
        ),
        key=lambda purchase: purchase.placed_at,
    )
    past = Past(until=midnight(day), pairs=pairs, numbers=_serials(len(purchases)))
    for purchase in purchases:
        past.add(purchase)
    past.write()
    return past


def midnight(day: date) -> datetime:
    """Return the moment at which `day` begins."""
    return datetime.combine(day, time(), timezone.get_current_timezone())


def _serials(count: int) -> Iterator[int]:
    """Return as many serial numbers of orders."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('orders_number') FROM generate_series(1, %s)", [count])
        return iter([serial for (serial,) in cursor])


class Complaint(NamedTuple):
    """What is claimed of a delivered line, when, and when it is settled."""

    line: OrderLine
    quantity: Decimal
    opened_at: datetime
    settled_at: datetime
    settled_by: User

    def raise_and_settle(self, *, until: datetime) -> None:
        """Open the claim, and settle it if that happened before `until`."""
        line = self.line
        claim = open_claim(
            line.consignment.number,
            claimed={line.number: (self.quantity, "部分变质（示例）")},
            by=line.order.purchaser,
            now=self.opened_at,
        )
        if self.settled_at < until:
            amount = amount_of(self.quantity, line.unit_price)
            settle_claim(claim.pk, amount=amount, by=self.settled_by, now=self.settled_at)


class Past:
    """
    Rows as the services would have left them, collected to be written table by table.

    An order that would not be wholly accepted before `until` is left out.
    """

    def __init__(
        self, *, until: datetime, pairs: set[tuple[str, str]], numbers: Iterator[int]
    ) -> None:
        self.until = until
        self.pairs = pairs
        self.numbers = numbers
        self.people_by_supplier = {
            supplier.pk: supplier.members.all()[0].user
            for supplier in Supplier.objects.filter(members__isnull=False).prefetch_related(
                "members__user"
            )
        }
        self.dice = random.Random("past")  # noqa: S311 - the demo is meant to repeat itself
        self.orders: list[Order] = []
        self.consignments: list[Consignment] = []
        self.lines: list[OrderLine] = []
        self.events: list[OrderEvent] = []
        self.complaints: list[Complaint] = []

    def write(self) -> None:
        """Store all rows and enter what was accepted in the ledger."""
        self.events.sort(key=lambda event: event.at)
        tables: tuple[list[Any], ...] = (self.orders, self.consignments, self.lines, self.events)
        for rows in tables:
            type(rows[0])._default_manager.bulk_create(rows, batch_size=5_000)
        # Nobody else counts the rows of a transaction that is still open, and without
        # their number the planner takes thousands for a handful.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE orders_order, orders_consignment, orders_orderline")
            first, last = self.consignments[0].pk, self.consignments[-1].pk
            record_whole_shipments(first, last)
            book_accepted(first, last)
            cursor.execute("ANALYZE reports_ledgerentry")

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
        suppliers = sorted(skus_by_supplier, key=lambda supplier: supplier.code)
        for position, supplier in enumerate(suppliers, start=1):
            consignment = self._consignment(order, supplier, position, steps[supplier])
            for sku in skus_by_supplier[supplier]:
                line = self._line(consignment, number_by_sku[sku], sku, quantity_by_sku[sku])
                consignment.goods_amount += line.amount
                order.goods_amount += line.amount
                self.lines.append(line)
            if self.dice.random() < CLAIMS:
                self._complain(line, accepted_at=steps[supplier][-1])

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

    def _order(self, purchase: Purchase) -> Order:
        buyer, placed_at = purchase.buyer, purchase.placed_at
        serial = next(self.numbers)
        order = Order(
            number=f"{placed_at:%Y%m%d}{serial:06}",
            buyer=buyer,
            purchaser=next(
                membership.user
                for membership in buyer.memberships.all()
                if membership.role == Membership.Role.PURCHASER
            ),
            address=self.dice.choice(buyer.addresses.all()),
            status=Order.Status.ACCEPTED,
            placed_at=placed_at,
            delivery_date=placed_at.date() + timedelta(LEAD_DAYS),
            purchase_order=f"示例-{serial}",
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
        people = (seller, seller, order.purchaser)
        for kind, at, by in zip(("confirmed", "shipped", "accepted"), steps, people, strict=True):
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
            amount=amount_of(quantity, price),
            batch=f"示例-{day:%Y%m%d}",
            shipped_quantity=shipped,
            accepted_quantity=accepted,
            accepted_amount=amount_of(accepted, price),
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
            return quantity, quantity - broken, "到货破损（示例）"
        return quantity, quantity, ""

    def _complain(self, line: OrderLine, *, accepted_at: datetime) -> None:
        """Let part of a line be claimed some days after its acceptance, and settled weeks later."""
        opened_at = self._later(accepted_at, self.dice.randint(1, 4))
        if opened_at < self.until:
            claimed = (line.quantity * CLAIMED_SHARE).quantize(Decimal(1), ROUND_UP)
            self.complaints.append(
                Complaint(
                    line,
                    quantity=min(claimed, line.quantity),
                    opened_at=opened_at,
                    settled_at=self._later(opened_at, self.dice.randint(5, 40)),
                    settled_by=self.people_by_supplier[line.consignment.supplier_id],
                )
            )
