"""Orders, consignments and quotes as JSON values, in the shapes of `shapes`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

import orjson
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.api.serializers import money, plain
from orders.models import Consignment, Order, OrderLine, ShipmentLine
from orders.services.batching import Proposal
from orders.services.contact import Contact
from orders.services.placing import PlacedLine
from orders.services.quoting import Quote

#: Where a stored line has what a PlacedLine says of its consignment and supplier.
OF_CONSIGNMENT = {
    "consignment_number": F("consignment__number"),
    "consignment_status": F("consignment__status"),
    "consignment_freight": F("consignment__freight_amount"),
    "supplier_code": F("consignment__supplier__code"),
    "supplier_name": F("consignment__supplier__name"),
}


def lines_with_facts(**where: Any) -> Iterable[Any]:
    """Return the stored lines that `where` selects, with the facts that a PlacedLine has."""
    return (
        OrderLine.objects.filter(**where)
        .annotate(**OF_CONSIGNMENT)
        .order_by("order_id", "consignment_id", "number")
    )


def order_as_json(order: Order, lines: Iterable[PlacedLine | Any]) -> dict[str, Any]:
    """Return an order with its lines, which come by consignment."""
    return {
        "number": order.number,
        "status": order.status,
        "placed_at": _moment(order.placed_at),
        "purchase_order": order.purchase_order,
        "delivery_date": order.delivery_date,
        "payment_term": order.payment_term,
        "note": order.note,
        "goods_amount": money(order.goods_amount),
        "freight_amount": money(order.freight_amount),
        "total_amount": money(order.total_amount),
        "consignments": [
            _consignment_part(number, list(group))
            for number, group in groupby(lines, key=attrgetter("consignment_number"))
        ],
    }


def order_as_text(order: Order, lines: Sequence[PlacedLine]) -> str:
    """Return a placed order as the JSON text that is answered and kept."""
    return orjson.dumps(order_as_json(order, lines)).decode()


def orders_as_json(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """Return orders with their lines, in one query for all lines."""
    lines = lines_with_facts(order__in=orders)
    by_order = {key: list(group) for key, group in groupby(lines, key=attrgetter("order_id"))}
    return [order_as_json(order, by_order.get(order.pk, [])) for order in orders]


def consignments_as_json(consignments: Sequence[Consignment]) -> list[dict[str, Any]]:
    """
    Return consignments, read with supplier, order and buyer.

    Their lines take one query, and what left with each shipment another.
    """
    lines = OrderLine.objects.filter(consignment__in=consignments)
    lines = lines.order_by("consignment_id", "number")
    by_consignment = {
        key: list(group) for key, group in groupby(lines, key=attrgetter("consignment_id"))
    }
    shipments = _shipments_of(consignments)
    return [
        _with_shipments(consignment, by_consignment[consignment.pk], shipments[consignment.pk])
        for consignment in consignments
    ]


def consignment_as_json(consignment: Consignment, lines: Sequence[OrderLine]) -> dict[str, Any]:
    """Return a consignment, read with supplier, order and buyer, with its lines and shipments."""
    return _with_shipments(consignment, lines, _shipments_of([consignment])[consignment.pk])


def _with_shipments(
    consignment: Consignment, lines: Sequence[OrderLine], shipments: list[dict[str, Any]]
) -> dict[str, Any]:
    buyer = consignment.order.buyer
    return {
        "number": consignment.number,
        "supplier": {"code": consignment.supplier.code, "name": consignment.supplier.name},
        "status": consignment.status,
        "lines": [_line_as_json(line) for line in lines],
        "order": consignment.order.number,
        "buyer": {"code": buyer.code, "name": buyer.name},
        "delivery_date": consignment.order.delivery_date,
        "goods_amount": money(consignment.goods_amount),
        "freight_amount": money(consignment.freight_amount),
        "carrier": consignment.carrier,
        "tracking": consignment.tracking,
        "confirmed_at": _moment(consignment.confirmed_at),
        "shipped_at": _moment(consignment.shipped_at),
        "accepted_at": _moment(consignment.accepted_at),
        "shipments": shipments,
    }


def _shipments_of(consignments: Sequence[Consignment]) -> dict[int, list[dict[str, Any]]]:
    """Return what left with each shipment, by the consignment's key."""
    lines = ShipmentLine.objects.filter(shipment__consignment__in=consignments)
    lines = lines.select_related("shipment", "line").order_by("shipment_id", "line__number")
    shipments: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for shipment, group in groupby(lines, key=attrgetter("shipment")):
        shipments[shipment.consignment_id].append(
            {
                "number": shipment.number,
                "carrier": shipment.carrier,
                "tracking": shipment.tracking,
                "shipped_at": _moment(shipment.shipped_at),
                "lines": [
                    {
                        "line": sent.line.number,
                        "quantity": plain(sent.quantity),
                        "batch": sent.batch,
                    }
                    for sent in group
                ],
            }
        )
    return shipments


def supplied_as_json(
    consignment: Consignment,
    lines: Sequence[OrderLine],
    *,
    contact: Contact,
    proposals: Mapping[int, Sequence[Proposal]],
) -> dict[str, Any]:
    """Return a consignment as its supplier sees it; its lines come with their batches."""
    answer = consignment_as_json(consignment, lines)
    for line, shown in zip(lines, answer["lines"], strict=True):
        shown["batch"] = line.batch
        shown["batches"] = [
            {"batch": part.batch.code, "quantity": plain(part.quantity)}
            for part in line.batches.all()
        ]
        shown["proposed_batches"] = [
            {
                "batch": proposal.batch.code,
                "quantity": plain(proposal.quantity),
                "expires_on": proposal.batch.expires_on,
            }
            for proposal in proposals.get(line.number, ())
        ]
    division = {"code": contact.division.code, "name": contact.division.name}
    answer["contact"] = {**contact._asdict(), "division": division}
    return answer


def quote_as_json(priced: Quote) -> dict[str, Any]:
    """Return a priced wish, with why each tier applies and everything that stands against it."""
    return {
        "can_be_ordered": not priced.refused,
        "needs_approval": priced.needs_approval,
        "payment_term": priced.payment_term,
        "goods_amount": money(priced.goods_amount),
        "freight_amount": money(priced.freight_amount),
        "total_amount": money(priced.total_amount),
        "lines": [
            {
                "line": line.number,
                "sku": line.wanted.sku,
                "quantity": plain(line.wanted.quantity),
                "unit_price": money(line.offer.unit_price) if line.offer else None,
                "amount": money(line.amount) if line.offer else None,
                "tier": {
                    "from_quantity": plain(line.offer.from_quantity),
                    "unit_price": money(line.offer.unit_price),
                }
                if line.offer
                else None,
                "why": _why(line.offer.from_quantity) if line.offer else "",
            }
            for line in priced.lines
        ],
        "errors": [
            {"pointer": e.pointer, "code": e.code, "detail": str(e.detail), **e.extra}
            for e in priced.refused
        ],
    }


def _why(from_quantity: Decimal) -> str:
    return str(_("The price from %(quantity)s on.") % {"quantity": plain(from_quantity)})


def _consignment_part(number: str, lines: Sequence[Any]) -> dict[str, Any]:
    return {
        "number": number,
        "supplier": {"code": lines[0].supplier_code, "name": lines[0].supplier_name},
        "status": lines[0].consignment_status,
        "freight_amount": money(lines[0].consignment_freight),
        "lines": [_line_as_json(line) for line in lines],
    }


def _line_as_json(line: Any) -> dict[str, Any]:
    return {
        "line": line.number,
        "sku": line.sku_code,
        "name": line.name,
        "county": line.county_code,
        "unit": line.unit,
        "quantity": plain(line.quantity),
        "unit_price": money(line.unit_price),
        "amount": money(line.amount),
        "shipped_quantity": _quantity(line.shipped_quantity),
        "accepted_quantity": _quantity(line.accepted_quantity),
    }


def _quantity(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else timezone.localtime(value).isoformat()
