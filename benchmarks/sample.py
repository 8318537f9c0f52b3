"""The made-up sales that the measurements run over."""

from datetime import date

from django.utils import timezone

from reports.models import LedgerEntry
from reports.services.sampling import sample_orders

SINCE, UNTIL = date(2023, 1, 1), date(2024, 12, 1)
SUPPLIERS = 200


def sample(*, products: int = 5_000, lines: int) -> None:
    """Let there be at least so many products, and `lines` entries more in the ledger."""
    sample_orders(
        products=products,
        suppliers=SUPPLIERS,
        lines=lines,
        since=SINCE,
        until=UNTIL,
        seed=1,
        now=timezone.now(),
    )


def fill_ledger(entries: int) -> None:
    """Let the ledger have at least so many entries."""
    missing = entries - LedgerEntry.objects.count()
    if missing > 0:
        sample(lines=missing)
