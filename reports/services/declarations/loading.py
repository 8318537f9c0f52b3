"""Load a declaration's rows into the database and find out what is wrong with them."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO, Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Division
from accounts.spreadsheets.reading import read_rows
from accounts.spreadsheets.refusals import FileRejected
from accounts.spreadsheets.xlsx import SheetRow
from reports.models import Declaration
from shop.models import Category

from .checking import Problem, RowChecker, stem
from .columns import COLUMNS

MAX_ROWS = 1_000_000
#: How many cells are checked at a time.
BATCH = 4_000
PREVIEWED = 10

STAGE = """
DROP TABLE IF EXISTS pg_temp.declared;
CREATE TEMPORARY TABLE declared (
    -- Each row knows the ledger entry that it becomes, should it be booked.
    entry_id bigint NOT NULL DEFAULT nextval('reports_ledgerentry_id_seq'),
    row integer NOT NULL,
    sold_on date NOT NULL,
    document_no text NOT NULL,
    line_no text NOT NULL,
    product_name text NOT NULL,
    category text NOT NULL,
    county_code text NOT NULL,
    supplier_code text NOT NULL,
    buyer_code text NOT NULL,
    buyer_name text NOT NULL,
    buyer_region text NOT NULL,
    buyer_kind text NOT NULL,
    channel text NOT NULL,
    quantity numeric NOT NULL,
    unit text NOT NULL,
    amount numeric NOT NULL,
    fapiao_no text NOT NULL,
    note text NOT NULL
) ON COMMIT DROP
"""

# The first row of a document's line, and of a fapiao's document, is the one that counts.
FIND_PROBLEMS = """
INSERT INTO reports_declarationproblem (declaration_id, row, "column", code)
SELECT %(declaration)s, row, 'document_no', 'duplicate_line'
FROM (
    SELECT row, row_number() OVER (PARTITION BY document_no, line_no ORDER BY row) AS nth
    FROM declared
) AS numbered
WHERE nth > 1
UNION ALL
SELECT %(declaration)s, d.row, 'document_no', 'already_declared'
FROM declared d
JOIN reports_declarationrow earlier USING (document_no, line_no)
WHERE earlier.reporter_code = %(reporter)s AND NOT earlier.is_revoked
UNION ALL
SELECT %(declaration)s, row, 'fapiao_no', 'duplicate_fapiao'
FROM (
    SELECT row, document_no, first_value(document_no) OVER (
        PARTITION BY fapiao_no, supplier_code, buyer_code ORDER BY row) AS first_document
    FROM declared
    WHERE fapiao_no <> ''
) AS invoiced
WHERE document_no <> first_document
UNION ALL
SELECT DISTINCT %(declaration)s::uuid, d.row, 'fapiao_no', 'duplicate_fapiao'
FROM declared d
JOIN reports_declarationrow earlier USING (fapiao_no)
JOIN reports_ledgerentry entry ON entry.id = earlier.entry_id
WHERE d.fapiao_no <> '' AND earlier.fapiao_no <> '' AND NOT earlier.is_revoked
    AND (entry.supplier_code, entry.buyer_code) = (d.supplier_code, d.buyer_code)
    AND (earlier.reporter_code, earlier.document_no) <> (%(reporter)s, d.document_no)
UNION ALL
-- Two reporters may both declare a sale; without two fapiaos only what it says tells. Who does
-- not name both sides says too little: equal lines are often sales of their own.
SELECT %(declaration)s, d.row, 'document_no', 'already_declared'
FROM declared d
WHERE d.supplier_code <> '' AND d.buyer_code <> '' AND EXISTS (
    SELECT 1 FROM reports_declarationrow earlier
    JOIN reports_ledgerentry entry ON entry.id = earlier.entry_id
    WHERE earlier.reporter_code <> %(reporter)s AND NOT earlier.is_revoked
        AND '' IN (d.fapiao_no, earlier.fapiao_no)
        AND (earlier.document_no, entry.occurred_on, entry.supplier_code, entry.buyer_code,
             entry.product_name, entry.quantity, entry.unit, entry.amount)
            = (d.document_no, d.sold_on, d.supplier_code, d.buyer_code,
               d.product_name, d.quantity, d.unit, d.amount))
UNION ALL
SELECT %(declaration)s, d.row, 'sold_on', 'month_closed'
FROM declared d
JOIN reports_month m ON m.month = date_trunc('month', d.sold_on)::date
WHERE m.status IN ('closed', 'published') AND NOT (
    %(is_late)s AND NOT EXISTS (
        SELECT 1 FROM reports_month
        WHERE month = %(this_month)s AND status IN ('closed', 'published')))
"""

SUM_UP = """
SELECT date_trunc('month', sold_on)::date, county_code, count(*), sum(amount)
FROM declared GROUP BY 1, 2 ORDER BY 1, 2
"""

OPEN_MONTHS = """
INSERT INTO reports_month (month, status, sha256)
SELECT month, 'open', '' FROM unnest(%s::date[]) month ORDER BY month
ON CONFLICT DO NOTHING
"""

# Whoever closes a month waits for the booking that has seen it open.
HOLD_MONTHS = "SELECT 1 FROM reports_month WHERE month = ANY(%s) ORDER BY month FOR SHARE"

FIRST_ROWS = """
SELECT row, sold_on::text, document_no, line_no, product_name, category, county_code,
    supplier_code, buyer_code, buyer_name, buyer_region, buyer_kind, channel,
    quantity::text, unit, amount::text, fapiao_no, note
FROM (SELECT * FROM declared ORDER BY row LIMIT %s) first ORDER BY row
"""


def load(declaration: Declaration, *, now: datetime) -> None:
    """
    Fill the temporary table `declared` with the file's good rows; note all problems.

    Sets the declaration's counts and preview. Call it inside the transaction that
    books the rows, or not. Raise FileRejected when the file cannot be read.
    """
    declaration.problems.all().delete()
    with connection.cursor() as cursor, tempfile.TemporaryFile("w+", encoding="utf-8") as problems:
        cursor.execute(STAGE)
        # A file that turns out unreadable breaks off the COPY, not the transaction.
        with transaction.atomic():
            declaration.rows = _copy_rows(cursor, declaration, problems, now=now)
        problems.seek(0)
        with cursor.copy(
            'COPY reports_declarationproblem (declaration_id, row, "column", code) FROM STDIN'
        ) as copy:
            while block := problems.read(1024**2):
                copy.write(block)
        cursor.execute("ANALYZE declared")
        cursor.execute(SUM_UP)
        sums = cursor.fetchall()
        if declaration.status == Declaration.Status.COMMITTING:
            months = sorted({month for month, *_ in sums})
            cursor.execute(OPEN_MONTHS, [months])
            cursor.execute(HOLD_MONTHS, [months])
        cursor.execute(
            FIND_PROBLEMS,
            {
                "declaration": declaration.pk,
                "reporter": declaration.reporter_id,
                "is_late": declaration.is_late,
                "this_month": timezone.localdate(now).replace(day=1),
            },
        )
        cursor.execute(
            "SELECT count(DISTINCT row) FROM reports_declarationproblem WHERE declaration_id = %s",
            [declaration.pk],
        )
        (declaration.bad_rows,) = cursor.fetchone()
        cursor.execute(FIRST_ROWS, [PREVIEWED])
        declaration.amount = sum((amount for *_, amount in sums), Decimal(0))
        declaration.preview = _preview(sums, cursor.fetchall())


def _copy_rows(cursor: Any, declaration: Declaration, problems: IO[str], *, now: datetime) -> int:
    """Copy the good rows into `declared`; return how many rows the file has."""
    rows = read_rows(declaration.path, declaration.format)
    header = next(rows, None)
    if header is None:
        raise FileRejected("empty")
    checker = _checker(header, now=now)
    if checker.problems:
        _note(problems, declaration, header.number, checker.problems)
        return sum(1 for _ in rows)
    count = 0
    columns = ", ".join(column.identifier for column in COLUMNS)
    with cursor.copy(f"COPY declared (row, {columns}) FROM STDIN") as copy:
        for batch in _batches(rows):
            count += len(batch)
            if count > MAX_ROWS:
                raise FileRejected("too_many_rows")
            good, bad = checker.check(batch)
            copy.write(_lines(good))
            for number, found in bad:
                _note(problems, declaration, number, found)
    if not count:
        raise FileRejected("empty")
    return count


def _batches(rows: Iterator[SheetRow]) -> Iterator[list[SheetRow]]:
    """Yield the rows some at a time, fewer where a hostile file has many cells in each."""
    batch: list[SheetRow] = []
    cells = 0
    for row in rows:
        batch.append(row)
        cells += max(len(row.cells), len(COLUMNS))
        if cells >= BATCH:
            yield batch
            batch, cells = [], 0
    if batch:
        yield batch


def _lines(rows: list[tuple[str, ...]]) -> str:
    # A checked value holds no tab and no line break, so only the backslash has a meaning.
    return "".join(f"{row}\n" for row in map("\t".join, rows)).replace("\\", "\\\\")


def _note(problems: IO[str], declaration: Declaration, number: int, found: list[Problem]) -> None:
    for column, code in found:
        safe = "".join(c if c.isprintable() else " " for c in column).replace("\\", "\\\\")
        problems.write(f"{declaration.pk}\t{number}\t{safe}\t{code}\n")


def _checker(header: SheetRow, *, now: datetime) -> RowChecker:
    divisions = dict(Division.objects.values_list("code", "name"))
    counties = Division.objects.counties()
    names = list(divisions.values())
    return RowChecker(
        header,
        day=timezone.localdate(now),
        category_by_name={
            name: code for code, name in Category.objects.values_list("code", "name")
        },
        county_by_name={key: c.code for c in counties for key in (c.code, c.name, stem(c.name))},
        region_by_name={name: code for code, name in divisions.items() if names.count(name) == 1},
    )


def _preview(sums: list[tuple[Any, ...]], first_rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    """Return what the good rows add up to by month and by county, and the first of them."""
    names = ["row", *(column.identifier for column in COLUMNS)]
    return {
        "months": _add_up("month", ((f"{month:%Y-%m}", *rest) for month, _, *rest in sums)),
        "counties": _add_up("county", (rest for _, *rest in sums)),
        "first_rows": [dict(zip(names, row, strict=True)) for row in first_rows],
    }


def _add_up(name: str, sums: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return rows and amounts by key, under the key's `name`."""
    totals: dict[str, tuple[int, Decimal]] = {}
    for key, rows, amount in sums:
        all_rows, all_amount = totals.get(key, (0, Decimal(0)))
        totals[key] = all_rows + rows, all_amount + amount
    return [
        {name: key, "rows": rows, "amount": f"{amount:.2f}"}
        for key, (rows, amount) in sorted(totals.items())
    ]
