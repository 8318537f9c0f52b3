"""Write the audit trail out as CSV, for auditors to take along."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.spreadsheets import BOM, harmless, on_one_line

from .audit import record

#: How many rows are read at a time. Between the times no statement is open, however
#: slow the reader is, and none outlives a reader who leaves.
BATCH = 2_000

AT = """to_char(entry.at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD"T"HH24:MI:SS.US"+08:00"')"""
# Codes stand as they are sealed. The text of JSON begins with nothing that could be run.
COLUMN_BY_HEADING = {
    "条目号": "entry.id",
    "时间": AT,
    "操作人": harmless("person.username"),
    "途径": "entry.via",
    "请求编号": harmless("entry.request_id"),
    "操作": harmless("entry.action"),
    "对象类型": harmless("entry.subject_type"),
    "对象": harmless("entry.subject"),
    "变更前": "entry.before::text",
    "变更后": "entry.after::text",
    "原因": harmless("entry.reason"),
    "审计区块": "block.number",
    "区块 SHA-256": harmless("block.sha256"),
}

LINES = f"""
COPY (
    SELECT {", ".join(COLUMN_BY_HEADING.values())}
    FROM accounts_auditentry entry
    LEFT JOIN accounts_user person ON person.id = entry.by_id
    LEFT JOIN accounts_sealedrow sealed
        ON (sealed.source, sealed.key) = ('{AuditEntry._meta.label_lower}', entry.id)
    LEFT JOIN accounts_auditblock block ON block.number = sealed.block_id
    WHERE entry.id = ANY(%s) ORDER BY entry.id
) TO STDOUT (FORMAT csv, ENCODING 'UTF8')
"""  # noqa: S608 - only columns are put in


def export_audit(
    entries: QuerySet[AuditEntry], *, filters: Mapping[str, Any], by: User, now: datetime
) -> Iterator[bytes]:
    """
    Record that `by` takes `entries` along, and return the parts of their CSV.

    The oldest come first, up to the last of now, which is what the record names, and a
    last line says how many they were; `filters` says how they were chosen. Memory stays
    flat, however many there are.
    """
    last = AuditEntry.objects.aggregate(last=Max("pk"))["last"] or 0
    record("export_audit", AuditEntry(pk=last), by=by, now=now, after={"filters": dict(filters)})
    return _parts(entries.filter(pk__lte=last).order_by("pk").values_list("pk", flat=True))


def file_name_at(now: datetime) -> str:
    """Return the name under which a reader saves the file."""
    return f"审计链-{timezone.localdate(now)}.csv"


def _parts(keys: Any) -> Iterator[bytes]:
    yield BOM + _line(COLUMN_BY_HEADING)
    count, last = 0, 0
    while batch := list(keys.filter(pk__gt=last)[:BATCH]):
        with connection.cursor() as cursor, cursor.cursor.copy(LINES, [batch]) as lines:
            part = b"".join(on_one_line(bytes(line)) for line in lines)
        yield part
        count, last = count + len(batch), batch[-1]
    # An answer that breaks off ends like a whole one, which only this tells apart.
    yield _line(["合计", str(count), *[""] * (len(COLUMN_BY_HEADING) - 2)])


def _line(cells: Iterable[str]) -> bytes:
    return f"{','.join(cells)}\r\n".encode()
