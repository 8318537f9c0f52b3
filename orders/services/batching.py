"""Which batches order lines are of: proposed before they ship, and drawn down when they do."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.api.serializers import plain
from accounts.refusals import ErrorItem, Invalid
from orders.models import LineBatch, OrderLine, Shipment
from shop.models import SKU, Batch
from shop.services.batches import draw_down, named_batches

#: Whatever is measured may be divided to the gram; the rest leaves in whole packs.
MEASURED = (SKU.Unit.KG, SKU.Unit.JIN, SKU.Unit.TONNE)
#: Of one line at once, so that their names fit beside it.
MAX_BATCHES = 8


class Part(NamedTuple):
    """What of a line leaves from one batch; without a code nobody said from which."""

    quantity: Decimal
    batch: str = ""


class Proposal(NamedTuple):
    """A batch from which so much of a line should leave."""

    batch: Batch
    quantity: Decimal


def propose_batches(lines: Iterable[OrderLine], *, day: date) -> dict[int, list[Proposal]]:
    """
    Return for each line's number from which batches what has not left should leave on `day`.

    What expires first leaves first. `lines` come with their SKUs; where batches do not
    suffice, the proposals cover less of the line.
    """
    lines = list(lines)
    batches_of: dict[int, list[Batch]] = defaultdict(list)
    products = {line.sku.product_id for line in lines}
    for batch in Batch.objects.shippable(day).filter(product__in=products).first_expired_first():
        batches_of[batch.product_id].append(batch)
    proposals: dict[int, list[Proposal]] = {}
    for line in lines:
        needed = line.left_to_ship
        proposals[line.number] = []
        for batch in batches_of[line.sku.product_id]:
            quantity = min(needed, _most_from(batch, line))
            if quantity > 0:
                proposals[line.number].append(Proposal(batch, quantity))
                # Another line of the product has what is left then.
                batch.left -= batch.taken_by(quantity, net_weight_kg=line.net_weight_kg)
                needed -= quantity
    return proposals


def draw_batches(
    lines: Sequence[OrderLine],
    shipped: Mapping[int, Sequence[Part]],
    *,
    shipment: Shipment,
) -> None:
    """
    Take what a shipment has from the supplier's batches that it names; keep which line took what.

    `lines` come with their SKUs. Runs inside the caller's transaction. A code that the
    system does not know is no batch of it. Raise Invalid with a pointer to each batch that
    is recalled, expired, another product's, or has less than that left.
    """
    codes = {part.batch for parts in shipped.values() for part in parts if part.quantity}
    codes -= {""}
    batch_by_code = named_batches(shipment.consignment.supplier_id, codes) if codes else {}
    day = timezone.localdate(shipment.shipped_at)
    line_by_number = {line.number: line for line in lines}
    errors: list[ErrorItem] = []
    links: dict[tuple[int, int], LineBatch] = {}
    drawn_by_batch: dict[int, Decimal] = defaultdict(Decimal)
    for pointer, number, part, is_alone in _named(shipped):
        line, batch = line_by_number[number], batch_by_code.get(part.batch)
        if batch is None:
            if not is_alone:
                detail = _("Only batches that are entered here can share a line.")
                errors.append(ErrorItem(pointer, "batch_unknown", detail))
            continue
        drawn = batch.taken_by(part.quantity, net_weight_kg=line.net_weight_kg)
        left = batch.left - drawn_by_batch[batch.pk]
        drawn_by_batch[batch.pk] += drawn
        if error := _against(batch, line, pointer=pointer, drawn=drawn, left=left, day=day):
            errors.append(error)
            continue
        link = links.setdefault(
            (line.pk, batch.pk),
            LineBatch(
                shipment=shipment, line=line, batch=batch, quantity=Decimal(0), drawn=Decimal(0)
            ),
        )
        link.quantity += part.quantity
        link.drawn += drawn
    if errors:
        raise Invalid(errors=errors)
    if links:
        draw_down(drawn_by_batch)
        LineBatch.objects.bulk_create(links.values())


def _named(shipped: Mapping[int, Sequence[Part]]) -> Iterator[tuple[str, int, Part, bool]]:
    """Yield what leaves from named batches: where the request says so, its line, and if alone."""
    for index, (number, parts) in enumerate(shipped.items()):
        is_alone = len(parts) == 1
        for place, part in enumerate(parts):
            if part.batch and part.quantity:
                place_in_line = "batch" if is_alone else f"batches/{place}/batch"
                yield f"/lines/{index}/{place_in_line}", number, part, is_alone


def _against(
    batch: Batch, line: OrderLine, *, pointer: str, drawn: Decimal, left: Decimal, day: date
) -> ErrorItem | None:
    """Return what stands against taking `drawn` of a batch for a line, if anything does."""
    named = {"batch": batch.code}
    if batch.is_recalled:
        detail = _("Batch %(batch)s is recalled; nothing of it may leave.")
        return ErrorItem(pointer, "batch_recalled", detail % named)
    if batch.has_expired(day):
        detail = _("Batch %(batch)s was good until %(day)s.")
        return ErrorItem(pointer, "batch_expired", detail % (named | {"day": batch.expires_on}))
    if batch.product_id != line.sku.product_id or batch.sku_id not in (None, line.sku_id):
        detail = _("Batch %(batch)s is not of what this line orders.")
        return ErrorItem(pointer, "batch_of_another_product", detail % named)
    if drawn > left:
        detail = _("Only %(left)s of batch %(batch)s is left; correct its quantity if it was more.")
        left_text = plain(max(left, Decimal(0)))
        return ErrorItem(
            pointer, "batch_short", detail % (named | {"left": left_text}), {"left": left_text}
        )
    return None


def _most_from(batch: Batch, line: OrderLine) -> Decimal:
    """Return how much of a line the batch can give, in the line's unit."""
    if batch.sku_id not in (None, line.sku_id):
        return Decimal(0)
    packs = batch.left if batch.sku_id else batch.left / line.net_weight_kg
    step = Decimal("0.001") if line.unit in MEASURED else Decimal(1)
    return packs.quantize(step, ROUND_DOWN)
