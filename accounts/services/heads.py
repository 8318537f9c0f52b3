"""
The heads of the audit trail's chain, kept in a file outside the database.

Who rules the database can make a whole chain anew; this file, best on a medium that
only grows, still says what its blocks were. One line a block: number, digest, moment.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from typing import BinaryIO

from django.conf import settings

from accounts.models import AuditBlock

LINE = re.compile(r"([0-9]{1,18}) ([0-9a-f]{64}) \S+")
#: More than a line has.
TAIL = 4096


def keep_heads() -> None:
    """
    Append each block that the file does not name yet, and see it onto the disk.

    For the time after the commit. What a lost machine left half written is cut off.
    """
    path = settings.AUDIT_HEADS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = _last_number(file)
        blocks = AuditBlock.objects.filter(number__gt=last).order_by("number")
        for block in blocks.iterator():
            file.write(f"{block.number} {block.sha256} {block.sealed_at.isoformat()}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def kept_heads() -> Iterator[tuple[str, int, str]]:
    """Return where each kept head stands, its block's number and its digest."""
    path = settings.AUDIT_HEADS_FILE
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for position, line in enumerate(file, start=1):
            match = LINE.fullmatch(line.rstrip("\n"))
            # A line that is none names no block there is.
            number, sha256 = (int(match[1]), match[2]) if match else (0, "-")
            yield f"line {position} of {path.name}", number, sha256


def _last_number(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    tail = file.read()
    whole, end, torn = tail.rpartition(b"\n")
    file.truncate(size - len(torn))
    match = LINE.fullmatch(whole.rpartition(b"\n")[2].decode(errors="replace"))
    return int(match[1]) if end and match else 0
