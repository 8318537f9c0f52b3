"""Bring the totals up to date, make them anew, and find where they differ from the ledger."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from accounts.rows import rows_of
from reports.models import DIMENSIONS, GRAINS

#: How many pending rows one statement adds, so that memory stays flat after a bulk load.
BATCH = 50_000

SUMS = ("amount", "freight", "weight_kg", "entries")
CELL = ", ".join(("month", "grade", "rule_id", *DIMENSIONS))
TOTAL = ("grain", "month", "grade", "rule_id", *DIMENSIONS, *SUMS)

GROUPED = ", ".join(
    (
        f"grouping({', '.join(DIMENSIONS)}) AS grain, month, grade, rule_id",
        *(
            f"coalesce({name}, {'false' if name == 'is_recognised' else repr('')}) AS {name}"
            for name in DIMENSIONS
        ),
        *(f"sum({name}) AS {name}" for name in SUMS),
    )
)
BY_GRAIN = "month, grade, rule_id, GROUPING SETS ({})".format(
    ", ".join(f"({', '.join(grain)})" for grain in GRAINS)
)

IN_MEMORY = "SET LOCAL work_mem = '128MB'"

# The statement's own lock on the row lets one roll-up in at a time.
TAKE_TURN = """
INSERT INTO reports_rollup AS state (id, rolled_up_at) VALUES (1, %s)
ON CONFLICT (id) DO UPDATE
    SET rolled_up_at = greatest(state.rolled_up_at, excluded.rolled_up_at)
"""

ADD_PENDING = f"""
WITH taken AS (
    DELETE FROM reports_pendingtotal WHERE id IN (
        SELECT id FROM reports_pendingtotal WHERE id <= %s ORDER BY id LIMIT %s)
    RETURNING *
)
INSERT INTO reports_total AS total (grain, {CELL}, {", ".join(SUMS)})
SELECT {GROUPED} FROM taken GROUP BY {BY_GRAIN}
ON CONFLICT (grain, {CELL}) DO UPDATE SET
    {", ".join(f"{name} = total.{name} + excluded.{name}" for name in SUMS)}
"""  # noqa: S608 - only names of columns are put in

# The ledger less what is pending, in one statement: what the totals must be at every moment.
# A pending row's cell is always in the ledger too, and summing the ledger alone runs in parallel.
ROLLED_UP = f"""
SELECT {", ".join(f"booked.{name}" for name in CELL.split(", "))},
    {", ".join(f"booked.{name} - coalesce(pending.{name}, 0) AS {name}" for name in SUMS)}
FROM (
    SELECT {CELL}, sum(amount) AS amount, sum(freight) AS freight, sum(weight_kg) AS weight_kg,
        count(*) AS entries
    FROM reports_ledgerentry WHERE %(month)s::date IS NULL OR month = %(month)s
    GROUP BY {CELL}
) booked
LEFT JOIN (
    SELECT {CELL}, {", ".join(f"sum({name}) AS {name}" for name in SUMS)}
    FROM reports_pendingtotal WHERE %(month)s::date IS NULL OR month = %(month)s
    GROUP BY {CELL}
) pending USING ({CELL})
WHERE booked.entries > coalesce(pending.entries, 0)
"""  # noqa: S608 - only names of columns are put in

# A table of its own, because PostgreSQL reads in parallel for it but not for an INSERT.
SUM_ANEW = f"""
CREATE TEMPORARY TABLE anew AS
SELECT {GROUPED} FROM ({ROLLED_UP}) cells GROUP BY {BY_GRAIN}
"""  # noqa: S608 - only names of columns are put in

# A total that is right stays: taken out and put back, it would be looked up among the dead
# rows of its own key, which costs more than all the rest.
TAKE_WRONG = f"""
DELETE FROM reports_total total WHERE NOT EXISTS (
    SELECT 1 FROM anew
    WHERE ({", ".join(f"anew.{name}" for name in TOTAL)})
        = ({", ".join(f"total.{name}" for name in TOTAL)}))
"""  # noqa: S608 - only names of columns are put in

PUT_RIGHT = f"""
INSERT INTO reports_total ({", ".join(TOTAL)})
SELECT {", ".join(TOTAL)} FROM anew
EXCEPT SELECT {", ".join(TOTAL)} FROM reports_total
"""  # noqa: S608 - only names of columns are put in

DIFFERENCES = f"""
SELECT grain, {CELL}, {", ".join(f"sum({name}) AS {name}" for name in SUMS)}
FROM (
    SELECT grain, {CELL}, {", ".join(SUMS)} FROM reports_total
    WHERE %(month)s::date IS NULL OR month = %(month)s
    UNION ALL
    SELECT grain, {CELL}, {", ".join(f"-{name}" for name in SUMS)}
    FROM (SELECT {GROUPED} FROM ({ROLLED_UP}) anew GROUP BY {BY_GRAIN}) by_grain
) both_sides
GROUP BY grain, {CELL}
HAVING {" OR ".join(f"sum({name}) <> 0" for name in SUMS)}
ORDER BY month, grain LIMIT %(limit)s
"""  # noqa: S608 - only names of columns are put in


def grain_of(columns: Iterable[str]) -> int:
    """Return what PostgreSQL's GROUPING says of cells that tell `columns` apart."""
    told_apart = set(columns)
    return sum(1 << bit for bit, name in enumerate(reversed(DIMENSIONS)) if name not in told_apart)


@transaction.atomic
def roll_up(*, now: datetime) -> None:
    """
    Add what is pending to the totals.

    Safe to repeat and to kill at any moment: what it takes from the pending rows it
    adds to the totals in the same transaction. A writer that commits late leaves its
    rows for the next run.
    """
    _execute(TAKE_TURN, [now])
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM reports_pendingtotal")
        (last,) = cursor.fetchone()
    while last and _execute(ADD_PENDING, [last, BATCH]):
        pass


@transaction.atomic
def rebuild(*, now: datetime) -> None:
    """Sum the whole ledger anew, and replace each total that says something else."""
    _execute(TAKE_TURN, [now])
    _execute(IN_MEMORY)
    _execute(SUM_ANEW, {"month": None})
    _execute("ANALYZE anew")
    _execute(TAKE_WRONG)
    _execute(PUT_RIGHT)
    _execute("DROP TABLE anew")
    roll_up(now=now)


@transaction.atomic
def differences(*, month: date | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """
    Return cells whose total is not what the ledger says, and by how much.

    Of all months, or of one; at most `limit` cells.
    """
    _execute(IN_MEMORY)
    return rows_of(DIFFERENCES, {"month": month, "limit": limit})


def _execute(sql: str, values: Sequence[Any] | dict[str, Any] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.rowcount
