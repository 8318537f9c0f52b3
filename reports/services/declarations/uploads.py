"""Take in what somebody sends."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from .refusals import FileTooLarge


def write_upload(chunks: Iterable[bytes], path: Path, *, at_most: int) -> tuple[int, str]:
    """Write what comes in; return its size and digest. Raise FileTooLarge over `at_most` bytes."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
            if file.tell() > at_most:
                raise FileTooLarge
        file.flush()
        os.fsync(file.fileno())
        return file.tell(), digest.hexdigest()
