"""The rows of the benchmark table."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """
    One thing measured beside its limit in the same run.

    `ratio` is ours by the limit; `goal` says whether it should be high (rates) or low
    (times, sizes, counts), as `≥ 0.25` or `≤ 1.5`.
    """

    name: str
    ours: float
    limit: float
    against: str
    unit: str
    goal: str

    @property
    def ratio(self) -> float:
        return self.ours / self.limit if self.limit else float("inf")

    @property
    def is_reached(self) -> bool:
        sign, bound = self.goal.split()
        return self.ratio >= float(bound) if sign == "≥" else self.ratio <= float(bound)


def interleaved(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """Return each measure's median over rounds that take turns, so that noise hits all alike."""
    results = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*results, strict=True)]


def as_text(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| What | ours | limit | measured against | unit | ratio | goal | |",
        "|---|---:|---:|---|---|---:|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.ours:,.1f} | {row.limit:,.1f} | {row.against} | {row.unit} "
        f"| {row.ratio:.3f} | {row.goal} | {'reached' if row.is_reached else 'missed'} |"
        for row in rows
    ]
    return "\n".join(lines)
