"""Take over what a workbook of listings changes, all of it or nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from shop.services.changing import set_stocks
from shop.services.content import Content, apply_contents
from shop.services.reviewing import submit_versions
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
    _make_new(plan, supplier)
    drafts, versions = change_products(plan.after, supplier=supplier, by=by, now=now)
    with naming():
        counted = SKU.objects.filter(code__in=plan.stock)
        set_stocks({sku: plan.stock[sku.code][1] for sku in counted}, by=by, now=now)
    outcome = Outcome(drafts, versions, len(plan.stock))
    record("apply_sheet", supplier, by=by, now=now, after=vars(outcome))
    return outcome


def change_products(
    contents: Mapping[str, Content], *, supplier: Supplier, by: User, now: datetime
) -> tuple[int, int]:
    """
    Give a supplier's products these contents: drafts at once, others by a version.

    Return how many of each. Runs inside the caller's transaction; raises what refuses a
    product, which is named then.
    """
    found = Product.objects.filter(supplier=supplier, code__in=contents)
    products = list(found.select_related("supplier").order_by("code"))
    drafts = [product for product in products if product.status == Product.Status.DRAFT]
    apply_contents(
        {product: contents[product.code] for product in drafts}, day=timezone.localdate(now)
    )
    others = {p.pk: contents[p.code] for p in products if p.status != Product.Status.DRAFT}
    with naming():
        submit_versions(others, by=by, now=now)
    return len(drafts), len(others)


def _make_new(plan: Plan, supplier: Supplier) -> None:
    """Make drafts of the products that there are not yet."""
    producer_by_name = {producer.name: producer for producer in supplier.producers.all()}
    Product.objects.bulk_create(
        Product(
            code=code,
            supplier=supplier,
            name=plan.after[code]["name"],
            producer=producer_by_name[plan.after[code]["producer"]],
            category_id=plan.after[code]["category"],
            county_id=plan.after[code]["county"],
        )
        for code in plan.new
    )


@contextmanager
def naming() -> Iterator[None]:
    """Put the code of what is being changed in front of why it is refused."""
    try:
        yield
    except Refusal as refusal:
        named(refusal)
        raise


def named(refusal: Refusal) -> Refusal:
    """Put what a refusal is about in front of each of its reasons."""
    reasons = refusal.errors or [ErrorItem("", refusal.code, refusal.detail)]
    refusal.errors = [
        ErrorItem(item.pointer, item.code, f"{refusal.about}: {item.detail}") for item in reasons
    ]
    return refusal
