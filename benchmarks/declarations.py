"""Booking a declaration, beside a COPY of the same entries into a table like the ledger."""

import csv
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.models import Division
from orders.models import Buyer, Channel
from reports.models import Declaration, LedgerEntry
from reports.services.declarations.columns import COLUMNS
from reports.services.declarations.receiving import (
    commit_declaration,
    receive_declaration,
    work_through,
)
from shop.models import Category

from .alone import MEMORY, alone, idle, together
from .table import Row

ROUNDS = 3
#: As many as the largest public data set of invoice lines has.
ROWS = 541_909
LINES_PER_DOCUMENT = 20
PRODUCTS, SUPPLIERS, BUYERS = 4_000, 100, 4_000
SINCE, DAYS = date(2025, 1, 1), 365
UNITS = ["箱", "公斤", "斤", "吨", "件"]

LIKE_THE_LEDGER = "CREATE TABLE copied (LIKE reports_ledgerentry INCLUDING ALL)"
WRITTEN = ", ".join(field.column for field in LedgerEntry._meta.fields if not field.generated)
BOOKED = f"""
SELECT {WRITTEN} FROM reports_ledgerentry WHERE id > (SELECT coalesce(max(id), 0) FROM copied)
"""


def measure(entries: int) -> list[Row]:
    ours, limit = [], []
    with _own_database(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sales, booked = folder / "sales.csv", folder / "booked.copy"
        with override_settings(MEDIA_ROOT=folder):
            for number in range(ROUNDS):
                _write_sales(sales, number)
                ours.append(alone(_book, sales))
                _write_booked(booked)
                limit.append(alone(_copy, booked))
            memory = together(ours).mib - idle().mib
    return [
        Row(f"declaration booked, {ROWS:,} rows", together(ours).seconds, together(limit).seconds,
            "COPY FROM", "s", "≤ 5"),
        Row("memory of the booking over idle", memory, MEMORY, "150 MiB", "MiB", "≤ 1"),
    ]  # fmt: skip


@contextmanager
def _own_database() -> Iterator[None]:
    """Work in a database that is thrown away: nothing ever leaves the ledger again."""
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        with connection.cursor() as cursor:
            cursor.execute(LIKE_THE_LEDGER)
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def _write_sales(path: Path, number: int) -> None:
    """Write a year of sales; every round has documents of its own."""
    chance = random.Random(number)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(column.heading for column in COLUMNS)
        writer.writerows(_sales(chance, number))


def _sales(chance: random.Random, number: int) -> Iterator[list[object]]:
    counties = [county.name for county in Division.objects.counties()]
    districts = list(Division.objects.filter(level="district").values_list("code", flat=True))
    categories = list(Category.objects.values_list("code", flat=True))
    kinds, channels = Buyer.Kind.values, Channel.values
    for row in range(ROWS):
        document, line = divmod(row, LINES_PER_DOCUMENT)
        if line == 0:
            day = SINCE + timedelta(days=row * DAYS // ROWS)
            buyer = chance.randrange(BUYERS)
            kind, channel = kinds[buyer % len(kinds)], channels[buyer % len(channels)]
            side = [f"B{buyer:04}", f"第{buyer}采购单位", districts[buyer % len(districts)]]
            # A quarter of the sales are to somebody whom nobody wrote down.
            if chance.random() < 0.25:
                side = ["", "", ""]
            fapiao = f"{number:04}{document:016}" if document % 3 == 0 else ""
        # One in fifty says what the line before it says.
        if line == 0 or chance.random() > 0.02:
            product = int(PRODUCTS * chance.random() ** 2)
            # One in fifty takes something back.
            quantity = chance.randint(1, 60) * (-1 if chance.random() < 0.02 else 1)
            amount = f"{quantity * (100 + product * 7 % 9_900) / 100:.2f}"
        yield [
            day, f"R{number}-{document:07}", line + 1, f"黔南特产第{product}号",
            categories[product % len(categories)], counties[product % len(counties)],
            f"S{product % SUPPLIERS:03}", *side, kind, channel,
            quantity, UNITS[product % len(UNITS)], amount, fapiao, "",
        ]  # fmt: skip


def _book(path: Path) -> None:
    """Take the file in and book it, as `manage.py import_declarations --commit` does."""
    with path.open("rb") as file:
        declaration = receive_declaration(
            iter(lambda: file.read(1024**2), b""),
            file_name=path.name,
            reporter="440100",
            is_late=False,
            by=None,
            now=timezone.now(),
        )
    commit_declaration(declaration.pk, by=None, now=timezone.now())
    booked = work_through(declaration.pk, now=timezone.now())
    if booked is None or booked.status != Declaration.Status.BOOKED:
        raise RuntimeError("The declaration was not booked.")


def _write_booked(path: Path) -> None:
    """Write the entries of the last booking to a file, as COPY reads them."""
    copy = f"COPY ({BOOKED}) TO STDOUT"
    with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(copy) as rows:
        for row in rows:
            file.write(row)


def _copy(path: Path) -> None:
    copy = f"COPY copied ({WRITTEN}) FROM STDIN"
    with path.open("rb") as file, connection.cursor() as cursor, cursor.copy(copy) as rows:
        while block := file.read(1024**2):
            rows.write(block)
