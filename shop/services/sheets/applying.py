"""Take over what a workbook of listings changes, all of it or nothing."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Refusal
from accounts.services.audit import record
from shop.models import SKU, Product
from shop.services.changing import set_stock
from shop.services.content import apply_content
from shop.services.reviewing import submit_version
from suppliers.models import Supplier

from .planning import Plan, plan_of


class SheetHasProblems(Refusal):
    """Some cells are wrong; nothing was taken over."""

    code = "invalid"
    status = 400
    detail = _("Some cells are wrong; nothing was taken over.")


class SheetSaysOtherwise(Refusal):
    """What the file would change is not what was shown."""

    detail = _("Something has changed since the preview; please look at it again.")


@dataclass(frozen=True)
class Outcome:
    """How much a workbook changed."""

    drafts: int
    versions: int
    stock: int


@transaction.atomic
def apply_sheet(path: Path, *, supplier: Supplier, digest: str, by: User, now: datetime) -> Outcome:
    """
    Do what the plan with `digest` of the file says: drafts at once, listings by a version.

    Raise FileRejected, SheetHasProblems, SheetSaysOtherwise, or what refuses a product,
    which is named then.
    """
    day = timezone.localdate(now)
    # Held, so that two files of one supplier are not taken over in each other's middle.
    supplier = Supplier.objects.select_for_update(no_key=True).get(pk=supplier.pk)
    plan = plan_of(path, supplier=supplier, day=day)
    if plan.problems:
        raise SheetHasProblems
    if plan.digest != digest:
        raise SheetSaysOtherwise
    products = _products(plan, supplier)
    drafts = versions = 0
    for code, product in products.items():
        with Naming(code):
            if product.status == Product.Status.DRAFT:
                apply_content(product, plan.after[code], day=day)
                drafts += 1
            else:
                submit_version(product, content=plan.after[code], by=by, now=now)
                versions += 1
    for sku in SKU.objects.filter(code__in=plan.stock).order_by("pk"):
        with Naming(sku.code):
            set_stock(sku, on_hand=plan.stock[sku.code][1], by=by, now=now)
    outcome = Outcome(drafts, versions, len(plan.stock))
    record("apply_sheet", supplier, by=by, now=now, after=vars(outcome))
    return outcome


def _products(plan: Plan, supplier: Supplier) -> dict[str, Product]:
    """Return the products that change, by their codes; new ones are drafts from now on."""
    for code in plan.new:
        content = plan.after[code]
        Product.objects.create(
            code=code,
            supplier=supplier,
            name=content["name"],
            producer=supplier.producers.get(name=content["producer"]),
            category_id=content["category"],
            county_id=content["county"],
        )
    found = Product.objects.filter(supplier=supplier, code__in=plan.after)
    return {product.code: product for product in found.select_related("supplier").order_by("code")}


class Naming:
    """Puts the code of what is being changed in front of why it is refused."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Refusal):
            error.errors = [
                ErrorItem(item.pointer, item.code, f"{self.code}: {item.detail}")
                for item in error.errors
            ] or [ErrorItem("", error.code, f"{self.code}: {error.detail}")]
