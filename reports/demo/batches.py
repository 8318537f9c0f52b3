"""The demo's batches, with what proves them; one of them was called back."""

from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.core.files.base import ContentFile

from accounts.models import User
from orders.models import OrderLine
from orders.services.batching import Part, propose_batches
from shop.models import SKU, Batch, BatchDocument, Product
from shop.services.batches import recall_batch, save_batch, save_document

from .history import midnight
from .people import username_of
from .pictures import picture_of

Kind = BatchDocument.Kind


class Made(NamedTuple):
    """What was made of a product so many days ago, in kilograms or in packs of a SKU."""

    product: str
    code: str
    days_ago: int
    quantity: int
    sku: str = ""
    kinds: tuple[str, ...] = (Kind.CONFORMITY,)


BATCHES = (
    Made("HS-STURGEON-CHILLED", "XC-1", 5, 600, kinds=(Kind.CONFORMITY, Kind.TEST_REPORT)),
    Made("HS-STURGEON-CHILLED", "XC-2", 4, 900),
    Made("HS-STURGEON-FILLET", "YL-1", 60, 6000, kinds=(Kind.TEST_REPORT, Kind.COLD_CHAIN)),
    Made("WA-MATCHA", "MC-1", 30, 400, kinds=(Kind.TEST_REPORT,)),
    # Less than is ordered, so that a line is of two.
    Made("LL-ROSE-JUICE", "CL-1", 200, 120, sku="LL-ROSE-JUICE-24", kinds=(Kind.TEST_REPORT,)),
    Made("LL-ROSE-JUICE", "CL-2", 20, 5000, sku="LL-ROSE-JUICE-24"),
    Made("PT-WOOD-EAR", "ME-1", 90, 900),
    Made("CS-EGG", "JD-1", 8, 3000, kinds=(Kind.CONFORMITY, Kind.TEST_REPORT)),
    Made("CS-EGG", "JD-2", 6, 5000),
    Made("HS-BLACK-RICE", "HN-1", 45, 60000),
)
RECALLED = "MC-1"


def make_batches(*, day: date) -> None:
    """Enter the batches as suppliers did in the days before `day`."""
    products = Product.objects.select_related("supplier", "category").in_bulk(
        {made.product for made in BATCHES}, field_name="code"
    )
    skus = SKU.objects.in_bulk([made.sku for made in BATCHES if made.sku], field_name="code")
    for made in BATCHES:
        product = products[made.product]
        seller = User.objects.get(username=username_of(product.supplier.code))
        produced_on = day - timedelta(made.days_ago)
        now = midnight(produced_on) + timedelta(hours=17)
        batch = save_batch(
            Batch(
                product=product,
                code=f"示例-{made.code}",
                sku=skus.get(made.sku),
                base=product.supplier.bases.first(),
                produced_on=produced_on,
                quantity=Decimal(made.quantity),
            ),
            by=seller,
            now=now,
        )
        for kind in made.kinds:
            save_document(_document(batch, kind), by=seller, now=now)


def _document(batch: Batch, kind: str) -> BatchDocument:
    document = BatchDocument(
        batch=batch,
        kind=kind,
        number=f"{batch.code}-{kind}",
        issuer="示例检测机构" if kind == Kind.TEST_REPORT else batch.supplier.name,
        issued_on=batch.produced_on,
        is_public=kind == Kind.TEST_REPORT,
    )
    if kind == Kind.TEST_REPORT:
        document.file = ContentFile(
            picture_of(batch.product), name=f"demo-{batch.trace_code.lower()}.png"
        )
    return document


def recall_one(*, day: date) -> None:
    """Call back the batch that was found wanting, some days after it left."""
    recall_batch(
        Batch.objects.get(code=f"示例-{RECALLED}"),
        reason="抽检水分超标，请停止食用并联系供应商退货（示例）",
        by=User.objects.filter(role=User.Role.REVIEWER).earliest("pk"),
        now=midnight(day) - timedelta(hours=6),
    )


def parts_of(line: OrderLine, *, day: date) -> list[Part]:
    """Return the batches that a line, which comes with its SKU, leaves from on `day`."""
    proposed = propose_batches([line], day=day)[line.number]
    covered = sum((proposal.quantity for proposal in proposed), Decimal(0))
    if covered < line.quantity:
        return [Part(line.quantity)]
    return [Part(proposal.quantity, proposal.batch.code) for proposal in proposed]
