"""Seal the audit trail into a chain of blocks, and find where it is not as it was sealed."""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connection, transaction

from accounts.models import AuditBlock, Sealed
from accounts.rows import rows_of

#: How many rows one block takes at most, so that memory stays flat after a bulk load.
BATCH = 10_000
#: No transaction is open for longer. Its rows are sealed later than those with higher keys.
LONGEST_TRANSACTION = "1 hour"

Finding = dict[str, Any]

TAKE_TURN = "SELECT pg_advisory_xact_lock('accounts_auditblock'::regclass::bigint)"

TAKE_ROWS = """
WITH taken AS (
    DELETE FROM accounts_unsealedrow WHERE (source, key) IN (
        SELECT source, key FROM accounts_unsealedrow ORDER BY source, key LIMIT %s)
    RETURNING source, key
)
INSERT INTO accounts_sealedrow (source, key, block_id) SELECT source, key, %s FROM taken
ON CONFLICT DO NOTHING
"""

# Written out field by field, so that neither the session's time zone nor its date style,
# nor a column added later, changes a byte. A row that is gone has no line here.
ROWS = """
    SELECT block_id AS block, source COLLATE "C" AS source, key, content
    FROM accounts_sealedrow
    JOIN (SELECT id, json_build_array({columns})::text AS content FROM {table}) entry ON id = key
    WHERE source = '{source}' AND {condition}
"""

# Before the rows of each block its own line, with an empty source.
BLOCKS = """
    SELECT number, '', 0, json_build_array(
        to_char(sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00'),
        entries, previous, sha256)::text
    FROM accounts_auditblock
"""

CANONICAL = """
COPY (SELECT * FROM ({lines}) line ORDER BY block, source, key)
TO STDOUT (FORMAT csv, ENCODING 'UTF8')
"""

STRAYS = """
    SELECT '{source}' AS source, coalesce(entry.id, known.key) AS key,
        CASE WHEN entry.id IS NULL THEN 'is gone' ELSE 'came past the trail' END AS wrong
    FROM {table} entry
    FULL JOIN (
        SELECT key FROM accounts_unsealedrow WHERE source = '{source}'
        UNION ALL
        SELECT key FROM accounts_sealedrow WHERE source = '{source}'
    ) known ON known.key = entry.id
    WHERE entry.id IS NULL OR known.key IS NULL
"""

# Keys are given out in order and become visible out of order, but not by hours.
LATE_ROWS = f"""
SELECT block, source, first AS key, 'was inserted among rows sealed long before' AS wrong
FROM (
    SELECT block, source, first, max(last) OVER (
        PARTITION BY source ORDER BY sealed_at
        RANGE BETWEEN UNBOUNDED PRECEDING AND interval '{LONGEST_TRANSACTION}' PRECEDING
    ) AS known
    FROM (
        SELECT block_id AS block, source, sealed_at, min(key) AS first, max(key) AS last
        FROM accounts_sealedrow JOIN accounts_auditblock ON number = block_id
        GROUP BY block_id, source, sealed_at
        UNION ALL
        SELECT NULL, source, now(), min(key), max(key) FROM accounts_unsealedrow GROUP BY source
    ) keys
) placed
WHERE first < known
ORDER BY block, source LIMIT %(limit)s
"""  # noqa: S608 - only a constant is put in


class Header(NamedTuple):
    """What a block says of itself."""

    number: int
    sealed_at: str
    entries: int
    previous: str
    sha256: str


#: Where every chain begins.
NOTHING = Header(0, "", 0, "", "")


def seal_audit(*, now: datetime) -> None:
    """
    Seal whatever of the audit trail is committed and not sealed yet.

    Safe to repeat and to kill: what a block takes from the rows that wait, it seals in
    the same transaction. A writer that commits late leaves its rows for the next run.
    """
    while _seal_block(now=now):
        pass


@transaction.atomic
def _seal_block(*, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(TAKE_TURN)
        last = AuditBlock.objects.order_by("number").last()
        number, previous = (last.number + 1, last.sha256) if last else (1, "")
        cursor.execute(TAKE_ROWS, [BATCH, number])
        entries = cursor.rowcount
        if not entries:
            return False
        with cursor.copy(_canonical(f"block_id = {number}")) as lines:
            moment = now.astimezone(UTC).isoformat(timespec="microseconds")
            sha256, _entries = _digest_of(Header(number, moment, entries, previous, ""), lines)
    AuditBlock.objects.create(
        number=number, sealed_at=now, entries=entries, previous=previous, sha256=sha256
    )
    return True


def broken_blocks(*, limit: int = 100) -> list[Finding]:
    """
    Return the blocks that are not as they were sealed, the first one first.

    That is, whose rows were changed, deleted, swapped or added to, or which do not
    follow the block before. Blocks cut off the end leave no trace here: see `lost_heads`.
    """
    with connection.cursor() as cursor, cursor.copy(_canonical("true", BLOCKS)) as lines:
        # Read to the end, however much is found: the connection waits for it.
        return list(_broken(map(bytes, lines)))[:limit]


def stray_rows(*, limit: int = 100) -> list[Finding]:
    """
    Return rows that came past the trail or are gone from it.

    A block whose row is gone is broken too; this says which row.
    """
    strays = " UNION ALL ".join(_by_source(STRAYS))
    return rows_of(f"{strays} ORDER BY source, key LIMIT %(limit)s", {"limit": limit})


def late_rows(*, limit: int = 100) -> list[Finding]:
    """Return, by block and source, the first row whose key is much older than its seal."""
    return rows_of(LATE_ROWS, {"limit": limit})


def lost_heads(heads: Iterable[tuple[str, int, str]], *, limit: int = 100) -> list[Finding]:
    """
    Return heads kept elsewhere that are not of this chain: its end was cut or made anew.

    Each of `heads` is where it is kept, the number of its block, and its digest.
    """
    sha256_by_number = dict(AuditBlock.objects.values_list("number", "sha256"))
    lost = (
        {"block": number, "wrong": f"is not the one that {where} names"}
        for where, number, sha256 in heads
        if sha256_by_number.get(number) != sha256
    )
    return list(islice(lost, limit))


def _broken(lines: Iterator[bytes]) -> Iterator[Finding]:
    last = NOTHING
    for number, block in groupby(lines, lambda line: int(line.partition(b",")[0])):
        header, found = _read_block(number, block)
        if header is None:
            yield {"block": number, "wrong": "is gone and its rows are there"}
            continue
        if (number, header.previous) != (last.number + 1, last.sha256):
            yield {"block": number, "wrong": f"does not follow block {last.number}"}
        elif found != (header.sha256, header.entries):
            yield {"block": number, "wrong": "is not as it was sealed"}
        last = header


def _read_block(number: int, lines: Iterator[bytes]) -> tuple[Header | None, tuple[str, int]]:
    """Return what a block says of itself, and the digest and number of rows found in it."""
    _number, source, _key, content = next(csv.reader([next(lines).decode()]))
    header = None if source else Header(number, *json.loads(content))
    return header, _digest_of(header or NOTHING, lines)


def _digest_of(header: Header, lines: Iterable[Any]) -> tuple[str, int]:
    """Return the digest of a block that has these rows, and how many there are."""
    digest = hashlib.sha256(f"{header.previous}\n{header.number} {header.sealed_at}\n".encode())
    entries = 0
    for line in lines:
        digest.update(line)
        entries += 1
    return digest.hexdigest(), entries


def _canonical(condition: str, *more: str) -> str:
    return CANONICAL.format(lines=" UNION ALL ".join([*_by_source(ROWS, condition), *more]))


def _by_source(sql: str, condition: str = "") -> list[str]:
    return [
        sql.format(
            source=model._meta.label_lower,
            table=model._meta.db_table,
            columns=", ".join(["id", *model.sealed_as]),
            condition=condition,
        )
        for model in apps.get_models()
        if issubclass(model, Sealed)
    ]
