"""Bring files to the disk for good: first their content, then their names."""

import hashlib
import os
from pathlib import Path


def settle(part: Path) -> tuple[int, str]:
    """Bring a written file to the disk; return its size and digest."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
        return part.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def take_over(part: Path, final: Path) -> None:
    """Give a settled file its final name, so that a crash leaves all of it or nothing."""
    part.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
