"""Tables that come in as CSV or XLSX, and what spreadsheets make of those that go out."""

from .harmless import BOM, RUNS, harmless, on_one_line

__all__ = ["BOM", "RUNS", "harmless", "on_one_line"]
