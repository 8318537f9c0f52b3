"""What a written-out statement finds, by the names of its columns."""

from collections.abc import Mapping
from typing import Any

from django.db import connection


def rows_of(sql: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run `sql` and return its rows as mappings of column names to values."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]
