"""
Fill the sheets of a designed workbook with rows, a million of them in little memory.

XlsxWriter designs; the rows are written here, as it would write them, many times faster.
"""

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from itertools import islice
from pathlib import Path

from xlsxwriter.utility import xl_col_to_name

#: Excel repairs files with members over 2 GiB. Half a million rows stay below, however
#: long the texts of an entry are.
ROWS_PER_SHEET = 500_000
BATCH = 500

# What XML reserves or refuses, and what a spreadsheet would read as an escape.
UNSAFE = re.compile("[&<>\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
REFUSED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
LIKE_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")

Row = Sequence[str]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Filling:
    """
    The rows for one sheet, below its head.

    The design ends with a pattern: a row of blank cells whose formats the rows take.
    Cells of `is_text` are texts, the others numbers; an empty one stays empty.
    """

    rows: Iterable[Row]
    is_text: Sequence[bool]


def fill(design: bytes, path: Path, fillings: Mapping[str, Filling]) -> None:
    """Write the workbook `design` to `path`, with `fillings` by the member of their sheet."""
    with (
        zipfile.ZipFile(BytesIO(design)) as designed,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as filled,
    ):
        for member in designed.infolist():
            content = designed.read(member)
            # Members known by a name only are all dated alike, so equal rows give equal bytes.
            with filled.open(member.filename, "w") as target:
                if filling := fillings.get(member.filename):
                    for part in _filled(content.decode(), filling):
                        target.write(part.encode())
                else:
                    target.write(content)


def sheets(rows: Iterator[Row], count: int) -> list[Iterator[Row]]:
    """Divide `count` rows into those of one sheet each, at least one."""
    starts = range(0, max(count, 1), ROWS_PER_SHEET)
    # The last one takes what is left, so that `rows` comes to its end.
    return [islice(rows, ROWS_PER_SHEET) for _ in starts[:-1]] + [rows]


def _filled(sheet: str, filling: Filling) -> Iterator[str]:
    head, row_tag, rest = sheet.rpartition("<row ")
    pattern, row_end, tail = rest.partition("</row>")
    first = int(re.match(r'r="(\d+)"', pattern)[1])  # type: ignore[index]
    cells = [
        (f'<c r="{xl_col_to_name(column)}', f'" s="{style}" t="inlineStr"><is><t>', "</t></is></c>")
        if is_text
        else (f'<c r="{xl_col_to_name(column)}', f'" s="{style}"><v>', "</v></c>")
        for column, (style, is_text) in enumerate(
            zip(re.findall(r' s="(\d+)"', pattern), filling.is_text, strict=True)
        )
    ]
    # It would name the end of the design; without it readers find the end themselves.
    yield re.sub(r"<dimension [^>]*/>", "", head)
    batch = []
    for number, row in enumerate(filling.rows, first):
        if UNSAFE.search("\n".join(row)):
            row = [_safe(value) for value in row]
        batch.append(f'{row_tag}r="{number}">')
        batch += [
            f"{start}{number}{middle}{value}{end}"
            for (start, middle, end), value in zip(cells, row, strict=True)
            if value
        ]
        batch.append(row_end)
        if number % BATCH == 0:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch)
    yield tail


def _safe(value: str) -> str:
    return escape(LIKE_ESCAPE.sub("_x005F_", REFUSED.sub("", value)), quote=False)
