"""What the papers say, typeset."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.db.models import QuerySet
from django.utils import timezone, translation

from accounts.api.serializers import money, plain
from accounts.codes import qr_code
from accounts.models import User
from accounts.typesetting import typeset
from orders.models import Consignment, LineBatch, OrderLine, Shipment
from orders.money import amount_of
from orders.services.batching import Part, propose_batches
from orders.services.contact import contact_of
from orders.services.supplying import lines_to_ship

TEMPLATE = Path(__file__).with_name("consignment.typ")
#: How a batch is named where nobody has said one yet.
PROPOSED = "建议 {batch}"

Columns = Sequence[tuple[str, str]]
PACKED: Columns = (
    ("行", "number"), ("规格编码", "short"), ("商品", "name"), ("贮存", "short"),
    ("数量", "number"), ("单位", "short"), ("净重（千克）", "number"), ("批次", "text"),
    ("实装", "short"),
)  # fmt: skip
DELIVERED: Columns = (
    ("行", "number"), ("规格编码", "short"), ("商品", "name"), ("订购", "number"),
    ("实发", "number"), ("单位", "short"), ("批次", "text"), ("单价（元）", "number"),
    ("金额（元）", "number"), ("实收", "short"),
)  # fmt: skip


def pack_list(consignment: Consignment, *, by: User, day: date) -> bytes:
    """
    Return the list to pack by, as PDF, without prices.

    It has what has not left, with the batches proposed on `day`, or once all has, what left.
    The consignment comes with its supplier, order, buyer, address, division and its parent.
    """
    lines = list(_lines(consignment))
    is_open = consignment.status in Consignment.HOLDING_STOCK
    proposals = propose_batches(lines, day=day) if is_open else {}
    rows = []
    for line in lines:
        if is_open:
            parts = [Part(p.quantity, p.batch.code) for p in proposals[line.number]]
            quantity = line.left_to_ship
            batches = PROPOSED.format(batch=_batches(parts)) if parts else ""
        else:
            quantity, batches = _leaving(line), _batches_of(line.batches.all(), line.batch)
        if quantity:
            rows.append([
                str(line.number), line.sku_code, line.name, _storage(line), plain(quantity),
                _unit(line), plain((quantity * line.net_weight_kg).quantize(Decimal("0.001"))),
                batches, "",
            ])  # fmt: skip
    carried = "" if is_open else _carried(consignment)
    signatures = ["装箱人", "复核人", "日期"]
    return _paper(
        consignment, "装箱单", PACKED, rows, by=by, carried=carried, signatures=signatures
    )


def delivery_note(consignment: Consignment, *, by: User, shipment: Shipment | None = None) -> bytes:
    """
    Return the note that the buyer signs, as PDF: what was ordered, what left, and its price.

    It is of all that left or of one shipment. The consignment comes with its supplier, order,
    buyer, address, division and its parent.
    """
    sent_by_line = {sent.line_id: sent for sent in shipment.lines.all()} if shipment else {}
    rows, total = [], Decimal(0)
    for line in _lines(consignment):
        links, text, shipped = list(line.batches.all()), line.batch, line.shipped_quantity
        if shipment:
            if line.pk not in sent_by_line:
                continue
            links = [link for link in links if link.shipment_id == shipment.pk]
            text, shipped = sent_by_line[line.pk].batch, sent_by_line[line.pk].quantity
        amount = amount_of(line.quantity if shipped is None else shipped, line.unit_price)
        total += amount
        rows.append([
            str(line.number), line.sku_code, line.name, plain(line.quantity),
            "" if shipped is None else plain(shipped), _unit(line), _batches_of(links, text),
            money(line.unit_price), f"{amount:,.2f}", "",
        ])  # fmt: skip
    rows.append(["", "", "货款合计（以验收为准）", "", "", "", "", "", f"{total:,.2f}", ""])
    signatures = ["送货人", "收货人（签章）", "签收日期"]
    carried = _carried(consignment)
    if shipment:
        left_at = timezone.localtime(shipment.shipped_at)
        carried = f"第 {shipment.number} 次发货，{left_at:%Y-%m-%d %H:%M}，{_carried(shipment)}"
    return _paper(
        consignment, "送货单", DELIVERED, rows, by=by, carried=carried, signatures=signatures
    )


def _paper(
    consignment: Consignment,
    title: str,
    columns: Columns,
    rows: list[list[str]],
    *,
    by: User,
    carried: str,
    signatures: list[str],
) -> bytes:
    order = consignment.order
    contact = contact_of(consignment, order.address, by=by)
    division = contact.division
    place = f"{division.parent.name if division.parent else ''}{division.name} {contact.street}"
    facts = [
        ("供应商", consignment.supplier.name),
        ("采购方", order.buyer.name),
        ("收货人", f"{contact.consignee} {contact.phone}"),
        ("收货地址", place),
        ("订单号", f"{order.number} {order.purchase_order}".strip()),
        ("送达日期", f"{order.delivery_date or '—'}"),
        ("承运", carried or "—"),
    ]
    return typeset(
        TEMPLATE,
        {
            "title": title,
            "number": consignment.number,
            "code": qr_code(consignment.number),
            "flipped": True,
            "facts": facts,
            "columns": columns,
            "rows": rows,
            "note": order.note,
            "signatures": signatures,
        },
    )


def _carried(leaving: Consignment | Shipment) -> str:
    return f"{leaving.carrier} {leaving.tracking}".strip()


def _lines(consignment: Consignment) -> QuerySet[OrderLine]:
    lines = lines_to_ship(consignment).select_related("sku__product")
    return lines.prefetch_related("batches__batch")


def _leaving(line: OrderLine) -> Decimal:
    return line.quantity if line.shipped_quantity is None else line.shipped_quantity


def _batches(parts: Iterable[Part]) -> str:
    parts = list(parts)
    if len(parts) == 1:
        return parts[0].batch
    return "，".join(f"{part.batch} × {plain(part.quantity)}" for part in parts)


def _batches_of(links: Iterable[LineBatch], text: str) -> str:
    """Return the batches that a line left from: as they are entered here, or as they were named."""
    parts = [Part(link.quantity, link.batch.code) for link in links]
    return _batches(parts) if parts else text


def _unit(line: OrderLine) -> str:
    with translation.override("zh-hans"):
        return str(line.get_unit_display())


def _storage(line: OrderLine) -> str:
    with translation.override("zh-hans"):
        return str(line.sku.product.get_storage_display())
