"""The shapes of figures, ledger entries, months, anomalies, targets and rewards."""

from .figures import (
    AnswerSerializer,
    EntrySerializer,
    IndicatorAnswerSerializer,
    SumsSerializer,
    answer_as_json,
    entries_as_json,
)
from .months import (
    AnomalyAnswerSerializer,
    AnomalySerializer,
    ComparisonSerializer,
    ExaminationSerializer,
    MonthSerializer,
    comparison_as_json,
)
from .targets import (
    ClaimPackSerializer,
    RewardsQuerySerializer,
    StandingSerializer,
    TargetsQuerySerializer,
    claim_pack_as_json,
    standing_as_json,
)

__all__ = [
    "AnomalyAnswerSerializer",
    "AnomalySerializer",
    "AnswerSerializer",
    "ClaimPackSerializer",
    "ComparisonSerializer",
    "EntrySerializer",
    "ExaminationSerializer",
    "IndicatorAnswerSerializer",
    "MonthSerializer",
    "RewardsQuerySerializer",
    "StandingSerializer",
    "SumsSerializer",
    "TargetsQuerySerializer",
    "answer_as_json",
    "claim_pack_as_json",
    "comparison_as_json",
    "entries_as_json",
    "standing_as_json",
]
