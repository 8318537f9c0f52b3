"""The counting rule, the ledger, its totals, the months and the files made of them."""

from .declarations import Declaration, DeclarationProblem, DeclarationRow
from .ledger import ContributionKind, CountingRule, Grade, LedgerEntry
from .months import Month
from .reports import Report
from .totals import DIMENSIONS, GRAINS, PendingTotal, RollUp, Total

__all__ = [
    "DIMENSIONS",
    "GRAINS",
    "ContributionKind",
    "CountingRule",
    "Declaration",
    "DeclarationProblem",
    "DeclarationRow",
    "Grade",
    "LedgerEntry",
    "Month",
    "PendingTotal",
    "Report",
    "RollUp",
    "Total",
]
