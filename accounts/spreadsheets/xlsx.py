"""
Read the first sheet of an XLSX workbook as text, row by row.

A workbook is a stranger's zip full of XML, so nothing is unpacked before its directory
says how big it will be, nothing is parsed that declares a document type, and only a
chunk of the sheet is held at a time.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from .refusals import FileRejected

MAX_ENTRIES = 1_000
MAX_DIRECTORY = 256 * 1024
MAX_UNPACKED = 1024**3
MAX_RATIO = 100
#: Small parts may be packed tighter; they cannot hurt.
RATIO_MATTERS_FROM = 1024**2
MAX_SHARED_STRINGS = 4_000_000
MAX_SHARED_SIZE = 192 * 1024**2
#: Excel's own limit for the text of a cell.
MAX_TEXT = 32_767
MAX_COLUMNS = 100
CHUNK = 64 * 1024

#: What a broken or crafted archive makes the parsers raise.
UNSOUND = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    KeyError,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,
)

#: Parts that run something or fetch something; a table needs none of them.
ACTIVE_PARTS = (
    "vbaproject",
    "macrosheets/",
    "externallinks/",
    "embeddings/",
    "activex/",
    "connections.xml",
    "querytables/",
    "ctrlprops/",
)


class SheetRow(NamedTuple):
    """A row as the sheet numbers it; `flaws` names cells (by index) that hold no plain value."""

    number: int
    cells: list[str]
    flaws: dict[int, str]


def check_directory(path: Path) -> list[zipfile.ZipInfo]:
    """Return the entries of a stranger's zip; raise FileRejected unless they can be gone by."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 42))
        tail = file.read()
    # Exactly one end record, without comment and without its 64-bit twin: then the size
    # that is checked here is the size that zipfile goes by.
    end = tail[-22:]
    if end[:4] != b"PK\x05\x06" or end[20:] != b"\0\0" or tail[:4] == b"PK\x06\x07":
        raise FileRejected("not_a_workbook")
    if int.from_bytes(end[12:16], "little") > MAX_DIRECTORY:
        raise FileRejected("too_many_parts")
    with _open(path) as archive:
        parts = archive.infolist()
    if len(parts) > MAX_ENTRIES:
        raise FileRejected("too_many_parts")
    # Others than these ask for as much memory as their head says.
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise FileRejected("not_a_workbook")
    return parts


def check_archive(path: Path, *, at_most: int = MAX_UNPACKED) -> None:
    """Raise FileRejected unless the directory promises a harmless workbook of this size."""
    parts = check_directory(path)
    names = [part.filename.lower() for part in parts]
    if len(set(names)) != len(names) or any(
        name.startswith("/") or "\\" in name or ".." in name.split("/") for name in names
    ):
        raise FileRejected("not_a_workbook")
    if any(part.flag_bits & 1 for part in parts):
        raise FileRejected("encrypted")
    if any(marker in name for name in names for marker in ACTIVE_PARTS):
        raise FileRejected("active_content")
    if sum(part.file_size for part in parts) > at_most or any(
        part.file_size > RATIO_MATTERS_FROM
        and part.file_size > MAX_RATIO * max(part.compress_size, 1)
        for part in parts
    ):
        raise FileRejected("unpacks_too_big")


def read_sheet(path: Path, *, at_most: int = MAX_UNPACKED) -> Iterator[SheetRow]:
    """Yield the filled rows of the first visible sheet of the workbook at `path`."""
    check_archive(path, at_most=at_most)
    with _open(path) as archive:
        sheet = _first_sheet(archive)
        shared = _shared_strings(archive)
        reader = _SheetReader(shared)
        for _ in _parse(archive, sheet, reader):
            yield from reader.rows
            reader.rows.clear()


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise FileRejected("not_a_workbook") from error


class _Handler:
    """Receives the elements of a part by their local names."""

    def start(self, name: str, attributes: dict[str, str]) -> None: ...
    def end(self, name: str) -> None: ...
    def text(self, data: str) -> None: ...


def _refuse_doctype(*args: object) -> None:
    raise FileRejected("doctype")


def _parse(archive: zipfile.ZipFile, part: str, handler: _Handler) -> Iterator[None]:
    """Feed a part to `handler`, pausing after each chunk."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    # Writers choose their own prefixes, and the strict format its own namespaces.
    parser.StartElementHandler = lambda name, attributes: handler.start(
        name.rpartition(" ")[2], attributes
    )
    parser.EndElementHandler = lambda name: handler.end(name.rpartition(" ")[2])
    parser.CharacterDataHandler = handler.text
    try:
        with archive.open(part) as file:
            while chunk := file.read(CHUNK):
                parser.Parse(chunk)
                yield
            parser.Parse(b"", True)
            yield
    except UNSOUND as error:
        raise FileRejected("not_a_workbook") from error


class _Attributes(_Handler):
    """Collects the attributes of the named elements of a small part."""

    def __init__(self, *names: str) -> None:
        self.found: list[tuple[str, dict[str, str]]] = []
        self._names = names

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in self._names:
            local = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
            # A sheet has a plain attribute and, in another namespace, its relation's id.
            local["relation"] = next(
                (value for key, value in attributes.items() if key.endswith("relationships id")),
                "",
            )
            self.found.append((name, local))


def _attributes(
    archive: zipfile.ZipFile, part: str, *names: str
) -> list[tuple[str, dict[str, str]]]:
    handler = _Attributes(*names)
    for _ in _parse(archive, part, handler):
        pass
    return handler.found


def _first_sheet(archive: zipfile.ZipFile) -> str:
    relation = ""
    for name, attributes in _attributes(archive, "xl/workbook.xml", "sheet", "workbookPr"):
        if name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            # The same number is another day there; two readings of a date are one too many.
            raise FileRejected("dates_from_1904")
        if name == "sheet" and not relation and attributes.get("state", "visible") == "visible":
            relation = attributes["relation"]
    for _, attributes in _attributes(archive, "xl/_rels/workbook.xml.rels", "Relationship"):
        if relation and attributes.get("Id") == relation:
            target = attributes.get("Target", "")
            return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    raise FileRejected("not_a_workbook")


class _SharedStrings(_Handler):
    """Collects the workbook's shared texts, without their phonetic readings."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._parts: list[str] = []
        self._is_text = False
        self._is_phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._is_phonetic = True
        elif name == "t":
            self._is_text = not self._is_phonetic

    def end(self, name: str) -> None:
        if name == "si":
            if len(self.strings) >= MAX_SHARED_STRINGS:
                raise FileRejected("unpacks_too_big")
            self.strings.append("".join(self._parts))
        elif name == "rPh":
            self._is_phonetic = False
        elif name == "t":
            self._is_text = False

    def text(self, data: str) -> None:
        if self._is_text:
            self._parts.append(data)


def _shared_strings(archive: zipfile.ZipFile) -> list[str]:
    try:
        if archive.getinfo("xl/sharedStrings.xml").file_size > MAX_SHARED_SIZE:
            raise FileRejected("unpacks_too_big")
    except KeyError:
        return []
    handler = _SharedStrings()
    for _ in _parse(archive, "xl/sharedStrings.xml", handler):
        pass
    return handler.strings


@lru_cache(maxsize=256)
def _column(letters: str) -> int:
    """Return the index of a column from its letters: A is 0."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


def _plain(number: str) -> str:
    """
    Return a cell's number as a person sees it.

    Excel stores binary fractions (19.99 as 19.989999999999998) and shows 15 digits.
    """
    if number.isdigit() and len(number) <= 15:
        return number
    return format(float(number), ".15g")


class _SheetReader(_Handler):
    """Turns the elements of a sheet into rows."""

    def __init__(self, shared: list[str]) -> None:
        self.rows: list[SheetRow] = []
        self._shared = shared
        self._number = 0
        self._cells: list[str] = []
        self._flaws: dict[int, str] = {}
        self._index = -1
        self._type = "n"
        self._has_formula = False
        self._is_value = False
        self._is_phonetic = False
        self._parts: list[str] = []
        self._length = 0
        self._starts: dict[str, Callable[[dict[str, str]], None]] = {
            "row": self._start_row,
            "c": self._start_cell,
            "f": self._start_formula,
        }

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("v", "t"):
            self._is_value = not self._is_phonetic
        elif begin := self._starts.get(name):
            begin(attributes)
        elif name == "rPh":
            self._is_phonetic = True

    def text(self, data: str) -> None:
        if self._is_value:
            self._length += len(data)
            if self._length > MAX_TEXT:
                raise FileRejected("text_too_long")
            self._parts.append(data)

    def end(self, name: str) -> None:
        if name in ("v", "t"):
            self._is_value = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            if any(self._cells) or self._flaws:
                self.rows.append(SheetRow(self._number, self._cells, self._flaws))
        elif name == "rPh":
            self._is_phonetic = False

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = int(attributes.get("r", self._number + 1))
        if number <= self._number:
            raise FileRejected("not_a_workbook")
        self._number, self._cells, self._flaws, self._index = number, [], {}, -1

    def _start_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        self._index = _column(reference.rstrip("0123456789")) if reference else self._index + 1
        self._type = attributes.get("t", "n")
        self._has_formula = False
        self._parts, self._length = [], 0

    def _start_formula(self, attributes: dict[str, str]) -> None:
        self._has_formula = True

    def _end_cell(self) -> None:
        value = "".join(self._parts)
        if not value and not self._has_formula:
            return
        if not 0 <= self._index < MAX_COLUMNS:
            raise FileRejected("too_many_columns")
        if self._has_formula:
            self._flaws[self._index] = "formula"
        elif self._type == "e":
            self._flaws[self._index] = "cell_error"
        elif self._type == "s":
            value = self._shared_text(value)
        elif self._type == "n":
            value = _plain(value)
        cells = self._cells
        if len(cells) <= self._index:
            cells.extend([""] * (self._index + 1 - len(cells)))
        cells[self._index] = value

    def _shared_text(self, value: str) -> str:
        try:
            return self._shared[int(value)]
        except IndexError as error:
            raise FileRejected("not_a_workbook") from error
