"""The counting rule, the ledger, its totals, months, anomalies, targets and report files."""

from .anomalies import Anomaly, AnomalyRule, Yield
from .declarations import Declaration, DeclarationProblem, DeclarationRow
from .ledger import ContributionKind, CountingRule, Grade, LedgerEntry
from .months import Month
from .reports import Report
from .targets import Target
from .totals import DIMENSIONS, GRAINS, PendingTotal, RollUp, Total

__all__ = [
    "DIMENSIONS",
    "GRAINS",
    "Anomaly",
    "AnomalyRule",
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
    "Target",
    "Total",
    "Yield",
]
