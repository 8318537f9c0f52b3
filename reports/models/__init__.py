"""The counting rules, the ledger, its totals, months, anomalies, targets and report files."""

from .anomalies import Anomaly, AnomalyRule, Yield
from .declarations import Declaration, DeclarationEvidence, DeclarationProblem, DeclarationRow
from .ledger import LedgerEntry
from .months import Month
from .reports import Report
from .rules import ContributionKind, CountingRule, Grade, Indicator, Scope
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
    "DeclarationEvidence",
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
    "Target",
    "Total",
    "Yield",
]
