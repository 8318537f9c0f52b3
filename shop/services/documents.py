"""Whether a listing has the papers that the table of required documents asks for."""

from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from shop.models import Product, RequiredDocument
from suppliers.models import Certificate, Supplier

Holder = RequiredDocument.Holder
Form = RequiredDocument.Form


class DocumentCheck(NamedTuple):
    """A required document, and the certificate valid that day that is it; None for none."""

    required: RequiredDocument
    certificate: Certificate | None


def check_documents(product: Product, content: dict[str, Any], *, day: date) -> list[DocumentCheck]:
    """Compare what a listing needs with what its supplier and its content have on `day`."""
    return document_check(product.supplier, day=day)(content)


def document_check(
    supplier: Supplier, *, day: date
) -> Callable[[dict[str, Any]], list[DocumentCheck]]:
    """
    Return what checks listings of a supplier; it reads what they share once.

    A listing is asked for what goods need within the mainland; where else they go is known
    when they are shipped.
    """
    valid = list(supplier.certificates.valid(day))

    @cache
    def asked_of(category: str, forms: tuple[str, str]) -> list[RequiredDocument]:
        asked = RequiredDocument.objects.of_listings().asked_of(
            category=category, forms=forms, destination=RequiredDocument.Destination.MAINLAND
        )
        return list(asked.order_by("held_by", "kind"))

    def check(content: dict[str, Any]) -> list[DocumentCheck]:
        named = set(content["certificates"])
        shown = [c for c in valid if f"{c.kind} {c.number}" in named]
        return [
            DocumentCheck(row, _best(row.kind, valid if row.held_by == Holder.SUPPLIER else shown))
            for row in asked_of(content["category"], forms_of(content))
        ]

    return check


def missing_documents(
    product: Product, content: dict[str, Any], *, day: date
) -> list[RequiredDocument]:
    """Return what a listing with this content needs on `day` and does not have."""
    return missing_of(check_documents(product, content, day=day))


def missing_of(checks: Iterable[DocumentCheck]) -> list[RequiredDocument]:
    """Return the documents that are not there."""
    return [check.required for check in checks if check.certificate is None]


def forms_of(content: dict[str, Any]) -> tuple[str, str]:
    """Return in which forms of the table goods are: how they are kept, and whether made."""
    return content["storage"], Form.PROCESSED if content["is_processed"] else Form.UNPROCESSED


def _best(kind: str, certificates: Iterable[Certificate]) -> Certificate | None:
    """Return the one of a kind that says most: checked before unchecked, and the last to end."""
    fitting = [c for c in certificates if c.kind == kind]
    return max(fitting, key=lambda c: (c.is_checked, c.valid_until or date.max, c.pk), default=None)
