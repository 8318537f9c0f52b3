"""The counting rules, the ledger, its totals, the months and the files made of them."""

from .declarations import Declaration, DeclarationProblem, DeclarationRow
from .ledger import LedgerEntry
from .months import Month
from .reports import Report
from .rules import ContributionKind, CountingRule, Grade, Indicator, Scope
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
    "Indicator",
    "LedgerEntry",
    "Month",
    "PendingTotal",
    "Report",
    "RollUp",
    "Scope",
    "Total",
]
