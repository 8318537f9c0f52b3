"""The demo's orders that are still on their way: one in each state, made by the services."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from django.utils import timezone

from accounts.models import User
from orders.models import Consignment, Membership, Order, TemperatureReading
from orders.services.approving import approve_order, cancel_order, reject_order
from orders.services.batching import Part
from orders.services.claiming import open_claim
from orders.services.cold_chain import Reading, enter_readings
from orders.services.placing import place_order
from orders.services.quoting import WantedLine, Wish
from orders.services.supplying import (
    confirm_consignment,
    decline_consignment,
    lines_to_ship,
    ship_consignment,
)
from reports.services.booking import accept_delivery

from .batches import parts_of
from .history import midnight
from .people import username_of
from .purchases import LEAD_DAYS

DAYS_AGO = 4
HOURS_BETWEEN_STEPS = 18
COLD_HOURS = ("2.1", "2.4", "3.0", "2.8", "3.3", "8.6", "5.2", "3.9", "3.1", "2.7", "2.9", "2.6")


def place_present_orders(*, day: date) -> None:
    """Place the examples some days before `day` and let each go as far as it got."""
    placed_at = midnight(day - timedelta(DAYS_AGO)) + timedelta(hours=9, minutes=30)
    for number, example in enumerate(EXAMPLES, start=1):
        answer = place_order(
            Wish(
                address="MAIN",
                lines=[
                    WantedLine(sku, Decimal(quantity))
                    for sku, quantity in example.quantity_by_sku.items()
                ],
                delivery_date=placed_at.date() + timedelta(LEAD_DAYS),
                purchase_order=f"示例-{number}",
            ),
            key=f"demo-{number}",
            fingerprint="demo",
            by=_person(example.buyer, Membership.Role.PURCHASER),
            now=placed_at,
            answer=lambda order, lines: order.number,
        )
        orders = Order.objects.filter(number=answer.text)
        orders.update(is_synthetic=True)
        for count, step in enumerate(example.steps, start=1):
            step(orders.get(), placed_at + timedelta(hours=count * HOURS_BETWEEN_STEPS))


def _person(code: str, role: str = "") -> User:
    return User.objects.get(username=username_of(code, role))


def _approver(order: Order) -> User:
    return _person(order.buyer.code, Membership.Role.APPROVER)


def _approve(order: Order, now: datetime) -> None:
    approve_order(order.number, by=_approver(order), now=now)


def _reject(order: Order, now: datetime) -> None:
    reject_order(order.number, reason="超出预算（示例）", by=_approver(order), now=now)


def _cancel(order: Order, now: datetime) -> None:
    cancel_order(order.number, reason="重复下单（示例）", by=order.purchaser, now=now)


def _confirm(order: Order, now: datetime) -> None:
    for consignment in order.consignments.all():
        confirm_consignment(consignment.number, by=_person(consignment.supplier.code), now=now)


def _decline(order: Order, now: datetime) -> None:
    for consignment in order.consignments.all():
        seller = _person(consignment.supplier.code)
        decline_consignment(consignment.number, reason="产能不足（示例）", by=seller, now=now)


def _ship(order: Order, now: datetime, *, half: bool = False) -> None:
    """Let all of an order leave, or half of it in a first shipment."""
    for consignment in order.consignments.all():
        ship_consignment(
            consignment.number,
            shipped={
                line.number: [
                    Part(part.quantity / 2 if half else part.quantity, part.batch)
                    for part in parts_of(line, day=timezone.localdate(now))
                ]
                for line in lines_to_ship(consignment)
            },
            carrier="示例冷链物流",
            tracking=f"示例-{consignment.number}",
            shipment=1,
            more_follows=half,
            by=_person(consignment.supplier.code),
            now=now,
        )


def _measure(order: Order, now: datetime) -> None:
    """Let the loggers of what is on its way be read: cold all the time, but for one opened door."""
    for consignment in order.consignments.exclude(shipped_at=None):
        loaded_at = consignment.shipped_at or now
        readings = [
            Reading(hour, loaded_at + timedelta(hours=hour), Decimal(degrees))
            for hour, degrees in enumerate(COLD_HOURS)
        ]
        seller = _person(consignment.supplier.code)
        source = TemperatureReading.Source.LOGGER
        enter_readings(consignment.number, readings, source=source, by=seller, now=now)


def _accept(order: Order, now: datetime) -> None:
    for consignment in order.consignments.all():
        _accept_one(consignment, by=order.purchaser, now=now)


def _accept_first(order: Order, now: datetime) -> None:
    _accept_one(order.consignments.order_by("number")[0], by=order.purchaser, now=now)


def _accept_one(consignment: Consignment, *, by: User, now: datetime) -> None:
    accepted = {
        line.number: (line.shipped_quantity or Decimal(0), "") for line in consignment.lines.all()
    }
    accept_delivery(consignment.number, accepted=accepted, by=by, now=now)


def _claim(order: Order, now: datetime) -> None:
    line = order.lines.select_related("consignment")[0]
    open_claim(
        line.consignment.number,
        claimed={line.number: (Decimal(1), "绣线脱落（示例）")},
        by=order.purchaser,
        now=now,
    )


class Example(NamedTuple):
    """An order and what became of it so far."""

    buyer: str
    quantity_by_sku: dict[str, int]
    steps: tuple[Callable[[Order, datetime], None], ...] = ()


EXAMPLES = (
    Example("HZ-CANTEEN", {"CS-EGG-360": 20, "HS-BLACK-RICE-25": 40}),
    # Over the purchaser's limit.
    Example("HP-STATE", {"WA-WHITE-BAG": 60, "DY-MAOJIAN-TIN": 200}),
    Example("BY-MARKET", {"HS-BLACK-RICE-25": 800}, (_approve,)),
    Example("TH-ECOM", {"DY-BLACK-BAG": 150}, (_reject,)),
    Example("LW-SCHOOL", {"FQ-EGG-360": 30}, (_decline,)),
    Example("ZH-CATERER", {"DS-PICKLE-10": 40}, (_cancel,)),
    Example("SZ-SUPER", {"LL-ROSE-JUICE-24": 300, "PT-WOOD-EAR-5": 20}, (_confirm,)),
    Example("HP-STATE", {"CS-EGG-360": 60}, (_confirm, partial(_ship, half=True))),
    Example("DG-HOSPITAL", {"HS-STURGEON-CHILLED-KG": 200}, (_confirm, _ship, _measure)),
    Example(
        "HK-IMPORTER",
        {"HS-STURGEON-FILLET-10": 50, "WA-MATCHA-1": 60},
        (_confirm, _ship, _accept_first),
    ),
    Example("FS-UNION", {"SD-EMBROIDERY-PIECE": 120}, (_confirm, _ship, _accept, _claim)),
)
