"""Read a table, CSV or XLSX, row by row and with bounded memory."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .refusals import FileRejected
from .xlsx import MAX_COLUMNS, MAX_UNPACKED, SheetRow, check_archive, read_sheet

CSV, XLSX = "csv", "xlsx"
MAX_LINE = 128 * 1024
NO_FLAWS: dict[int, str] = {}

#: UTF-16 and UTF-32, which Excel calls Unicode text.
WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


def format_of(path: Path) -> str:
    """Return csv or xlsx, as the first bytes say; raise FileRejected for what cannot be opened."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"PK"):
        check_archive(path)
        return XLSX
    if head == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise FileRejected("old_workbook")
    return CSV


def read_rows(path: Path, format: str, *, at_most: int = MAX_UNPACKED) -> Iterator[SheetRow]:
    """
    Yield the filled rows of a file, the header among them.

    A workbook unpacks to `at_most` bytes; of a CSV the caller knows how large it is.
    """
    return read_sheet(path, at_most=at_most) if format == XLSX else _read_csv(path)


def encoding_of(path: Path) -> str:
    """
    Return the encoding of a CSV file by decoding all of it.

    UTF-8 is tried first: Chinese text in GB18030 is practically never valid UTF-8.
    """
    with path.open("rb") as file:
        head = file.read(4)
        if head.startswith(WIDE_MARKS):
            raise FileRejected("unknown_encoding")
        candidates = ["utf-8-sig"] if head.startswith(codecs.BOM_UTF8) else ["utf-8", "gb18030"]
        for encoding in candidates:
            decoder = codecs.getincrementaldecoder(encoding)()
            file.seek(0)
            try:
                while chunk := file.read(1024**2):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
            return encoding
    raise FileRejected("unknown_encoding")


def _read_csv(path: Path) -> Iterator[SheetRow]:
    with path.open(encoding=encoding_of(path), newline="") as file:
        try:
            for number, cells in enumerate(csv.reader(_lines(file), strict=True), start=1):
                if len(cells) > MAX_COLUMNS:
                    raise FileRejected("too_many_columns")
                if any(cells):
                    yield SheetRow(number, cells, NO_FLAWS)
        except csv.Error as error:
            raise FileRejected("broken_csv") from error


def _lines(file: Any) -> Iterator[str]:
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise FileRejected("broken_csv")
        yield line
