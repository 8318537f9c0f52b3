"""How cold it was beside goods on their way: read from loggers, kept, and compared."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Invalid
from accounts.services.audit import record
from accounts.transactions import repeated_atomic
from orders.models import Consignment, TemperatureReading
from shop.models import Product

from .steps import WrongState, consignment_for_supplier, hold_consignment

#: From loading on; a logger is often read only when it comes back.
MEASURED_WHILE = (
    Consignment.Status.CONFIRMED,
    Consignment.Status.SHIPPED,
    Consignment.Status.ACCEPTED,
)
#: One every five minutes for a week.
MOST_READINGS = 2_016
MAX_SIZE = 1024**2
#: How many wrong rows are named.
NAMED = 20

COLDEST, WARMEST = Decimal(-80), Decimal(80)
#: From and to how many degrees goods of a storage class may be; others may be at any.
ALLOWED = {
    Product.Storage.COOL: (Decimal(0), Decimal(8)),
    Product.Storage.FROZEN: (COLDEST, Decimal(-18)),
}

TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
DEGREES = re.compile(r"([+-]?[0-9]{1,3}(?:\.[0-9]+)?)(?:°?C)?", re.ASCII)
NAMES_OF_TIME = ("日期", "时间", "date", "time")
NAMES_OF_DEGREES = ("温度", "temp", "°c")


class Reading(NamedTuple):
    """What stands in a row: when, and how many degrees Celsius."""

    row: int
    at: datetime
    degrees: Decimal


class ColdChain(NamedTuple):
    """The readings of a consignment beside what its goods allow."""

    allowed: list[tuple[Decimal, Decimal]]
    readings: list[TemperatureReading]

    def fits(self, degrees: Decimal) -> bool:
        """Whether some of the goods may be at so many degrees: a van may have two rooms."""
        return not self.allowed or any(low <= degrees <= high for low, high in self.allowed)

    @property
    def out_of_range(self) -> list[TemperatureReading]:
        return [reading for reading in self.readings if not self.fits(reading.degrees)]


def cold_chain_of(consignment: Consignment) -> ColdChain:
    """Return the readings of a consignment in their order, and what its goods allow."""
    storages = set(consignment.lines.values_list("sku__product__storage", flat=True))
    allowed = [ALLOWED[storage] for storage in ALLOWED if storage in storages]
    return ColdChain(allowed, list(consignment.readings.order_by("at")))


@repeated_atomic
def enter_readings(
    number: str, readings: Sequence[Reading], *, source: str, by: User, now: datetime
) -> int:
    """
    Keep temperatures beside a consignment; return how many of them are new.

    What is known already is left as it is, so that a logger may be read again. All are
    kept or none. Raise NotFound, Forbidden, WrongState, or Invalid naming each row that
    lies outside the time of the order, contradicts another, or is one too many.
    """
    consignment, _among = hold_consignment(*consignment_for_supplier(number, by=by))
    if consignment.status not in MEASURED_WHILE:
        raise WrongState
    known = dict(consignment.readings.values_list("at", "degrees"))
    errors, new = [], []
    for reading in readings:
        if not consignment.order.placed_at <= reading.at <= now:
            detail = _("Row %(row)d: this time is before the order or still to come.")
            errors.append(_at_row(reading.row, detail))
        elif reading.at not in known:
            known[reading.at] = reading.degrees
            new.append(reading)
        elif known[reading.at] != reading.degrees:
            detail = _("Row %(row)d: another temperature is known of this time.")
            errors.append(_at_row(reading.row, detail))
    if len(known) > MOST_READINGS:
        detail = _("At most %(most)d readings are kept of a consignment.")
        errors.append(ErrorItem("/rows", "invalid", detail % {"most": MOST_READINGS}))
    if errors:
        raise Invalid(errors=errors[:NAMED])
    TemperatureReading.objects.bulk_create(
        TemperatureReading(
            consignment=consignment,
            at=reading.at,
            degrees=reading.degrees,
            source=source,
            entered_by=by,
            entered_at=now,
        )
        for reading in new
    )
    if new:
        after = {"readings": len(new), "source": source}
        record("enter_readings", consignment, by=by, now=now, after=after)
    return len(new)


def read_logger(content: bytes) -> list[Reading]:
    """
    Return what a logger's CSV says, with commas, semicolons or tabs, headed or not.

    Columns are found by their names, otherwise the first is the time and the second the
    temperature. Raise Invalid for what is no such file, naming each row that cannot be read.
    """
    rows = list(_rows_of(content))
    columns = _columns(rows[0][1]) if rows else None
    if columns:
        rows = rows[1:]
    if not rows:
        raise _no_file(_("There is no reading in this file."))
    if len(rows) > MOST_READINGS:
        detail = _("At most %(most)d readings are kept of a consignment.")
        raise _no_file(detail % {"most": MOST_READINGS})
    times, degrees = columns or ([0], 1)
    errors, readings = [], []
    for row, cells in rows:
        cells = cells + [""] * (max(*times, degrees) + 1 - len(cells))
        text = " ".join(cells[place] for place in times)
        try:
            readings.append(Reading(row, read_time(text), read_degrees(cells[degrees])))
        except Invalid as refusal:
            detail = _("Row %(row)d: %(why)s")
            errors += [_at_row(row, detail, why=item.detail) for item in refusal.errors]
    if errors:
        raise Invalid(errors=errors[:NAMED])
    return readings


def read_time(text: str) -> datetime:
    """Return the moment that a text names, local unless it says otherwise. Raise Invalid."""
    plain = re.sub(r"[/.年月]", "-", text.strip()).replace("日", " ").replace("  ", " ")
    for form in TIMES:
        try:
            return timezone.make_aware(datetime.strptime(plain, form))  # noqa: DTZ007
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    except ValueError as error:
        detail = _("“%(text)s” is no time; write 2026-11-25 08:30.") % {"text": text[:40]}
        raise Invalid(errors=[ErrorItem("/at", "invalid", detail)]) from error


def read_degrees(text: str) -> Decimal:
    """Return the degrees Celsius that a text names, to a tenth. Raise Invalid."""
    match = DEGREES.fullmatch(text.replace("−", "-").replace(" ", "").upper())
    degrees = Decimal(match[1]).quantize(Decimal("0.1"), ROUND_HALF_UP) if match else None
    if degrees is None or not COLDEST <= degrees <= WARMEST:
        detail = _("“%(text)s” is no temperature in degrees Celsius.") % {"text": text[:40]}
        raise Invalid(errors=[ErrorItem("/degrees", "invalid", detail)])
    return degrees


def _rows_of(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV that are not empty, by their numbers, half-width and trimmed."""
    if len(content) > MAX_SIZE:
        raise _no_file(_("The file is larger than 1 MB."))
    text = unicodedata.normalize("NFKC", _text_of(content))
    first = text.partition("\n")[0]
    mark = max("\t;,", key=first.count)
    try:
        for row, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=mark), 1):
            cells = [cell.strip() for cell in cells]
            if any(cells):
                yield row, cells
    except csv.Error as error:
        raise _no_file(_("This is no CSV file; save it as CSV.")) from error


def _text_of(content: bytes) -> str:
    encodings = ["utf-8-sig", "gb18030"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and not text.startswith("PK\3"):
            return text
    raise _no_file(_("This is no CSV file; save it as CSV."))


def _columns(head: list[str]) -> tuple[list[int], int] | None:
    """Return where the parts of the time and the temperature stand, if this is a heading."""
    names = [name.lower() for name in head]
    times = [n for n, name in enumerate(names) if any(part in name for part in NAMES_OF_TIME)]
    degrees = [n for n, name in enumerate(names) if any(part in name for part in NAMES_OF_DEGREES)]
    return (times, degrees[0]) if times and degrees else None


def _at_row(row: int, detail: str | Promise, **words: object) -> ErrorItem:
    return ErrorItem(f"/rows/{row}", "invalid", detail % {"row": row, **words})


def _no_file(detail: str | Promise) -> Invalid:
    return Invalid(errors=[ErrorItem("/file", "invalid", detail)])
