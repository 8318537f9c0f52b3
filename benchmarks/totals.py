"""Rolling the ledger up and asking for totals, beside one GROUP BY over the same entries."""

import time
from collections.abc import Callable
from itertools import combinations
from statistics import median

from django.db import connection
from django.utils import timezone

from reports.models import DIMENSIONS
from reports.services.figures import COLUMNS, Question, answer
from reports.services.totals import rebuild, roll_up

from .sample import fill_ledger, sample
from .table import Row

GROUP_BY = f"""
SELECT count(*) FROM (
    SELECT month, grade, {", ".join(DIMENSIONS)}, sum(amount), sum(weight_kg), count(*)
    FROM reports_ledgerentry GROUP BY month, grade, {", ".join(DIMENSIONS)}
) cells
"""
NEW = """
INSERT INTO reports_ledgerentry (
    source, booked_at, occurred_on, rule_id, product_name, category_code, county_code,
    supplier_code, buyer_code, buyer_kind, region_code, pair_district_code, channel, kind,
    is_recognised, grade, quantity, unit, weight_kg, amount, reason)
SELECT 'declaration', booked_at, occurred_on, rule_id, product_name, category_code, county_code,
    supplier_code, buyer_code, buyer_kind, region_code, pair_district_code, channel, kind,
    is_recognised, grade, quantity, unit, weight_kg, amount, reason
FROM reports_ledgerentry ORDER BY id DESC LIMIT 1000
"""
#: The longest that a question by two dimensions may take, in milliseconds.
AT_ONCE = 50.0


def measure(entries: int) -> list[Row]:
    sample(lines=1_000)
    fill_ledger(entries)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) reports_ledgerentry, reports_total, reports_pendingtotal")
        # Warm: the first run reads the table from the disk.
        plain = median(_seconds(lambda: cursor.execute(GROUP_BY)) for _ in range(3))
        full = median(_from_nothing() for _ in range(3))
        new = []
        for _ in range(5):
            cursor.execute(NEW)
            new.append(_seconds(lambda: roll_up(now=timezone.now())))
        cursor.execute("VACUUM (ANALYZE) reports_total")
    asked = sorted(map(_milliseconds, combinations(COLUMNS, 2)))
    size = f"{entries:,} entries"
    return [
        Row(f"all totals from nothing, {size}", full, plain, "one GROUP BY", "s", "≤ 1.5"),
        Row(f"1,000 more, {size}", median(new), full, "all of them", "s", "≤ 0.02"),
        Row(f"by two dimensions, median, {size}", median(asked), AT_ONCE, "50 ms", "ms", "≤ 1"),
        Row(f"by two dimensions, slowest, {size}", asked[-1], AT_ONCE, "50 ms", "ms", "≤ 1"),
    ]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _from_nothing() -> float:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE reports_total")
    return _seconds(lambda: rebuild(now=timezone.now()))


def _milliseconds(by: tuple[str, ...]) -> float:
    question, day = Question(by=by), timezone.localdate()
    answer(question, day=day)
    return median(_seconds(lambda: answer(question, day=day)) for _ in range(3)) * 1_000
