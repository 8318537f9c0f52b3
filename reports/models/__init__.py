"""The counting rule, the ledger, its totals, the months and the files made of them."""

from .ledger import ContributionKind, CountingRule, Grade, LedgerEntry
from .months import Month
from .reports import Report
from .totals import PendingTotal, Total

__all__ = [
    "ContributionKind",
    "CountingRule",
    "Grade",
    "LedgerEntry",
    "Month",
    "PendingTotal",
    "Report",
    "Total",
]
