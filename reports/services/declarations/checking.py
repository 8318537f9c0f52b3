"""Check the rows of a declaration one by one: what can be said without the database."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from itertools import zip_longest
from operator import itemgetter

from accounts.spreadsheets.xlsx import SheetRow

from .columns import BUYER_KINDS, CHANNELS, COLUMNS, ERRORS, KG_BY_UNIT

FIRST_DAY = date(2010, 1, 1)
#: Before the point, and of weight: what a row may hold so that many files fit into a total.
MAX_DIGITS = 9
MAX_WEIGHT_KG = Decimal("999999999.999")

#: Day 0 of a spreadsheet that believes in 29 February 1900.
EXCEL_EPOCH = date(1899, 12, 30)

DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)"
    r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
)
SERIAL = re.compile(r"([0-9]{5})(?:\.[0-9]+)?")
NUMBER = re.compile(r"-?[0-9]{1,30}(?:\.([0-9]{1,30}))?")
LOST_DIGITS = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+[0-9]+")
FAPIAO = re.compile(r"[0-9]{8}|[0-9]{20}")
REGION = re.compile(r"[0-9]{6}")
#: Control, invisible and private characters: none of them is ever meant.
UNPRINTABLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
COUNTY_SUFFIX = re.compile(r"(水族自治)?[县市]$")

Problem = tuple[str, str]
Clean = Callable[[str], str]


class BadCell(Exception):
    """A cell that cannot be booked; its argument is one of CELL_REASONS."""


class RowChecker:
    """
    Checks the rows under one header; `problems` says what is wrong with the header.

    The mappings turn what a file may write into codes; `day` is the last day of sale
    that is not still to come.
    """

    def __init__(
        self,
        header: SheetRow,
        *,
        day: date,
        category_by_name: Mapping[str, str],
        county_by_name: Mapping[str, str],
        region_by_name: Mapping[str, str],
    ) -> None:
        self.problems = _check_header(header)
        self._clean = _cleaners(
            day=day,
            category_by_name=category_by_name,
            county_by_name=county_by_name,
            region_by_name=region_by_name,
        )
        headings = [_heading(cell) for cell in header.cells]
        self._width = len(headings)
        # A column that is left out reads from one more cell, which is always empty.
        self._pick = itemgetter(
            *(
                headings.index(column.identifier) if column.identifier in headings else self._width
                for column in COLUMNS
            )
        )

    def check(
        self, rows: Sequence[SheetRow]
    ) -> tuple[list[tuple[str, ...]], list[tuple[int, list[Problem]]]]:
        """
        Return the good rows, and what is wrong with each of the others by its number.

        Of a good row, its number and then its values in the order of COLUMNS.
        """
        good, bad = self._all_good(rows), []
        if good is None:
            good = []
            for row in rows:
                values, problems = self._check_row(row)
                if problems:
                    bad.append((row.number, problems))
                else:
                    good.append((str(row.number), *values))
        return good, bad

    def _all_good(self, rows: Sequence[SheetRow]) -> list[tuple[str, ...]] | None:
        """
        Return the rows if nothing is wrong with any of them, otherwise nothing.

        Nearly all rows are good, and cleaning a whole column takes half as long as going
        from cell to cell.
        """
        numbers, cells, flaws = zip(*rows, strict=True)
        longest = max(map(len, cells))
        if longest > self._width or any(flaws):
            return None
        columns = list(zip_longest(*cells, fillvalue=""))
        columns += [("",) * len(rows)] * (self._width + 1 - longest)
        try:
            values = [
                list(map(clean, column))
                for clean, column in zip(self._clean, self._pick(columns), strict=True)
            ]
        except BadCell:
            return None
        if any(map(_check_signs, *values[12:15])):
            return None
        return list(zip(map(str, numbers), *values, strict=True))

    def _check_row(self, row: SheetRow) -> tuple[list[str], list[Problem]]:
        cells = row.cells
        if len(cells) > self._width and any(cells[self._width :]):
            return [], [("", "too_many_cells")]
        picked = self._pick(cells[: self._width] + [""] * (self._width + 1 - len(cells)))
        if row.flaws:
            return [], self._problems(picked, row)
        try:
            values = [clean(cell) for clean, cell in zip(self._clean, picked, strict=True)]
        except BadCell:
            return [], self._problems(picked, row)
        return values, _check_signs(*values[12:15])

    def _problems(self, picked: tuple[str, ...], row: SheetRow) -> list[Problem]:
        problems = []
        flaws = self._pick([row.flaws.get(index, "") for index in range(self._width + 1)])
        for column, clean, cell, flaw in zip(COLUMNS, self._clean, picked, flaws, strict=True):
            try:
                if flaw:
                    raise BadCell(flaw)
                clean(cell)
            except BadCell as bad:
                problems.append((column.identifier, str(bad)))
        return problems


def stem(county: str) -> str:
    """Return a county's name without what kind of county it is: 三都 for 三都水族自治县."""
    return COUNTY_SUFFIX.sub("", county)


def _heading(cell: str) -> str:
    """Return the identifier of the column that a heading names, or the heading."""
    name = unicodedata.normalize("NFKC", cell).strip().strip("\ufeff").strip()
    for column in COLUMNS:
        if name == column.heading or name.lower() == column.identifier:
            return column.identifier
    return name


def _check_header(header: SheetRow) -> list[Problem]:
    headings = [_heading(cell) for cell in header.cells]
    known = {column.identifier for column in COLUMNS}
    problems = [
        (heading[:60], "unknown_column")
        for heading in dict.fromkeys(headings)
        if heading and heading != ERRORS and heading not in known
    ]
    problems += [
        (column.identifier, "duplicate_column")
        for column in COLUMNS
        if headings.count(column.identifier) > 1
    ]
    problems += [
        (column.identifier, "missing_column")
        for column in COLUMNS
        if column.is_required and column.identifier not in headings
    ]
    return problems


def _check_signs(quantity: str, unit: str, amount: str) -> list[Problem]:
    if not quantity.strip("-0."):
        return [("quantity", "zero_quantity")]
    if amount.strip("-0.") and (quantity[0] == "-") != (amount[0] == "-"):
        return [("amount", "signs_differ")]
    kg = KG_BY_UNIT.get(unit.lower())
    if kg is not None and len(quantity) > 6 and abs(Decimal(quantity)) * kg > MAX_WEIGHT_KG:
        return [("quantity", "too_large")]
    return []


def _cleaners(
    *,
    day: date,
    category_by_name: Mapping[str, str],
    county_by_name: Mapping[str, str],
    region_by_name: Mapping[str, str],
) -> list[Clean]:
    """Return what cleans each of COLUMNS: text as it stands in the file to text for COPY."""
    by_column: dict[str, Clean] = {
        "sold_on": partial(_date, last_day=day),
        "document_no": partial(_code, limit=60),
        "line_no": partial(_code, limit=20),
        "product_name": partial(_text, limit=200),
        "category": lambda cell: category_by_name.get(_text(cell, limit=40), _code(cell, limit=40)),
        "county_code": partial(_county, code_by_name=county_by_name),
        "supplier_code": partial(_code, limit=40),
        "buyer_code": partial(_code, limit=40),
        "buyer_name": partial(_text, limit=200),
        "buyer_region": partial(_region, code_by_name=region_by_name),
        "buyer_kind": partial(_choice, code_by_word=BUYER_KINDS, reason="unknown_buyer_kind"),
        "channel": partial(_choice, code_by_word=CHANNELS, reason="unknown_channel"),
        "quantity": partial(_number, decimals=3),
        "unit": partial(_code, limit=20),
        "amount": partial(_number, decimals=2),
        "fapiao_no": _fapiao,
        "note": partial(_text, limit=500),
    }

    def cleaner(clean: Clean, is_required: bool) -> Clean:
        # Most cells repeat the cell of an earlier row, so what a cell says is remembered.
        @lru_cache(maxsize=8192)
        def cached(cell: str) -> str:
            if cell := cell.strip():
                return clean(cell)
            if is_required:
                raise BadCell("required")
            return ""

        return cached

    return [cleaner(by_column[column.identifier], column.is_required) for column in COLUMNS]


def _text(cell: str, *, limit: int) -> str:
    # An export puts an apostrophe before what a spreadsheet would run; take it off again.
    if cell[0] == "'" and cell[1:2] in tuple("=+-@"):
        cell = cell[1:]
    if not cell.isascii():
        cell = unicodedata.normalize("NFC", cell)
    if not cell.isprintable() and any(unicodedata.category(c) in UNPRINTABLE for c in cell):
        raise BadCell("control_character")
    if len(cell) > limit:
        raise BadCell("too_long")
    return cell


def _narrow(cell: str) -> str:
    """Return the text with full-width digits and letters made plain ones."""
    return cell if cell.isascii() else unicodedata.normalize("NFKC", cell).strip()


def _code(cell: str, *, limit: int) -> str:
    code = _text(_narrow(cell), limit=limit)
    if LOST_DIGITS.fullmatch(code):
        raise BadCell("digits_lost")
    return code


def _date(cell: str, *, last_day: date) -> str:
    cell = _narrow(cell)
    try:
        if match := DATE.fullmatch(cell):
            year, month, day = filter(None, match.groups())
            sold_on = date(int(year), int(month), int(day))
        elif match := SERIAL.fullmatch(cell):
            sold_on = EXCEL_EPOCH + timedelta(days=int(match[1]))
        else:
            raise BadCell("bad_date")
    except ValueError:
        raise BadCell("bad_date") from None
    if sold_on < FIRST_DAY:
        raise BadCell("too_early")
    if sold_on > last_day:
        raise BadCell("in_future")
    return sold_on.isoformat()


def _county(cell: str, *, code_by_name: Mapping[str, str]) -> str:
    name = _narrow(cell)
    code = code_by_name.get(name) or code_by_name.get(stem(name))
    if code is None:
        raise BadCell("unknown_county")
    return code


def _region(cell: str, *, code_by_name: Mapping[str, str]) -> str:
    region = _narrow(cell)
    if REGION.fullmatch(region):
        return region
    if region not in code_by_name:
        raise BadCell("unknown_region")
    return code_by_name[region]


def _choice(cell: str, *, code_by_word: Mapping[str, str], reason: str) -> str:
    word = _narrow(cell)
    code = code_by_word.get(word) or code_by_word.get(word.lower().replace(" ", ""))
    if code is None:
        raise BadCell(reason)
    return code


def _number(cell: str, *, decimals: int) -> str:
    number = _narrow(cell)
    match = NUMBER.fullmatch(number)
    if match is None:
        raise BadCell("bad_number")
    if len((match[1] or "").rstrip("0")) > decimals:
        raise BadCell("too_many_decimals")
    if len(number.partition(".")[0].lstrip("-0")) > MAX_DIGITS:
        raise BadCell("too_large")
    return number


def _fapiao(cell: str) -> str:
    number = _code(cell, limit=60)
    if not FAPIAO.fullmatch(number):
        raise BadCell("bad_fapiao_no")
    return number
