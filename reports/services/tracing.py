"""Follow a sale from any of its papers down to what was delivered and up to the figures."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from accounts.refusals import NotFound
from orders.models import (
    Claim,
    Consignment,
    Fapiao,
    LineBatch,
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    ShipmentLine,
)
from reports.models import Declaration, DeclarationRow, LedgerEntry, Month

from .figures import COLUMNS, Question, answer

#: How many lines, declared rows and entries of a thing are shown; a file may have a million.
SHOWN = 500

NOTHING = {"amount": Decimal(0), "freight": Decimal(0), "weight_kg": Decimal(0), "entries": 0}


@dataclass(frozen=True)
class Figure:
    """
    One figure of a month with its sums, as far as rolled up, and the entries traced to it.

    They all are the same by the dimension `by`; a figure by grade is of that or better.
    """

    month: Month
    by: str
    sums: dict[str, Any]
    traced: list[LedgerEntry]


@dataclass(frozen=True)
class Trace:
    """
    Everything behind and above a thing.

    It is complete unless there is more than is shown of something.
    """

    lines: list[OrderLine]
    rows: list[DeclarationRow]
    entries: list[LedgerEntry]
    events: list[OrderEvent]
    fapiaos: list[Fapiao]
    payments: list[Payment]
    claims: list[Claim]
    declarations: list[Declaration]
    figures: list[Figure]
    as_of: datetime | None
    is_complete: bool

    @property
    def consignments(self) -> list[Consignment]:
        return list({line.consignment_id: line.consignment for line in self.lines}.values())

    @property
    def orders(self) -> list[Order]:
        return list({line.order_id: line.order for line in self.lines}.values())


@dataclass(frozen=True)
class _Start:
    """Where a trace begins: order lines, declared rows, or entries that have neither."""

    lines: QuerySet[OrderLine] = field(default_factory=OrderLine.objects.none)
    rows: QuerySet[DeclarationRow] = field(default_factory=DeclarationRow.objects.none)
    roots: tuple[int, ...] = ()
    declaration: Any = None


def trace(kind: str, key: Any, *, row: int | None = None, day: date) -> Trace:
    """
    Return all that is behind and above the `kind` (see STARTS) that `key` names, on `day`.

    `row` narrows a declaration. The number of queries does not depend on what is found.
    Raise NotFound.
    """
    start = STARTS[kind](key) if row is None else _of_declared_row(key, row)
    lines = list(
        start.lines.select_related("order__buyer", "consignment__supplier").order_by(
            "order_id", "number"
        )[: SHOWN + 1]
    )
    rows = list(start.rows.order_by("declaration_id", "row")[: SHOWN + 1])
    declarations = list(
        Declaration.objects.select_related("reporter")
        .prefetch_related("evidence__uploaded_by")
        .filter(pk__in={start.declaration, *(row.declaration_id for row in rows)} - {None})
    )
    roots = {*start.roots, *(row.entry_id for row in rows)}
    if not (lines or roots or declarations):
        raise NotFound
    entries = list(
        LedgerEntry.objects.select_related(
            "order_line__order", "order_line__consignment", "claim_line", "declared_row"
        )
        .filter(Q(order_line__in=lines) | Q(pk__in=roots) | Q(corrects__in=roots))
        .order_by("id")[: SHOWN + 1]
    )
    shown = entries[:SHOWN]
    consignments = {line.consignment_id for line in lines}
    orders = {line.order_id for line in lines}
    figures, as_of = _figures(shown, day=day)
    return Trace(
        lines=lines[:SHOWN],
        rows=rows[:SHOWN],
        entries=shown,
        events=list(
            OrderEvent.objects.select_related("order", "consignment", "by").filter(
                Q(consignment__in=consignments) | Q(order__in=orders, consignment=None)
            )
        ),
        fapiaos=list(_evidence(Fapiao.objects.filter(consignment__in=consignments))),
        payments=list(_evidence(Payment.objects.filter(consignment__in=consignments))),
        claims=list(
            Claim.objects.filter(consignment__in=consignments)
            .select_related("consignment")
            .prefetch_related("lines__line")
            .order_by("id")
        ),
        declarations=declarations,
        figures=figures,
        as_of=as_of,
        is_complete=max(len(lines), len(rows), len(entries)) <= SHOWN,
    )


def _of_entry(key: int) -> _Start:
    entry = LedgerEntry.objects.filter(pk=key).first()
    if entry is None:
        raise NotFound
    root = entry.corrects_id or entry.pk
    return _Start(
        lines=OrderLine.objects.filter(ledger_entries=key),
        rows=DeclarationRow.objects.filter(pk=root),
        roots=(root,),
    )


def _of_fapiao(number: str) -> _Start:
    return _Start(
        lines=OrderLine.objects.filter(consignment__fapiaos__number=number),
        # Those in force: only they are found by an index.
        rows=DeclarationRow.objects.filter(fapiao_no=number, is_revoked=False),
    )


def _of_declared_row(key: Any, row: int) -> _Start:
    return _Start(rows=DeclarationRow.objects.filter(declaration=key, row=row))


def _of_batch(code: str) -> _Start:
    """Begin with a batch's own code, as suppliers name it, or its trace code."""
    named = Q(batch__code=code) | Q(batch__trace_code=code)
    # Asked for first, so that each finds its lines by its own index.
    linked = LineBatch.objects.filter(named).values_list("line", flat=True)[: SHOWN + 1]
    called = ShipmentLine.objects.filter(batch=code).values_list("line", flat=True)[: SHOWN + 1]
    return _Start(OrderLine.objects.filter(pk__in={*linked, *called}))


STARTS: dict[str, Any] = {
    "entry": _of_entry,
    "order": lambda number: _Start(OrderLine.objects.filter(order__number=number)),
    "consignment": lambda number: _Start(OrderLine.objects.filter(consignment__number=number)),
    "fapiao": _of_fapiao,
    "payment": lambda key: _Start(OrderLine.objects.filter(consignment__payments=key)),
    "declaration": lambda key: _Start(
        rows=DeclarationRow.objects.filter(declaration=key), declaration=key
    ),
    "batch": _of_batch,
}


def _evidence(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("consignment", "reverses", "reversed_by").order_by("id")


def _figures(entries: list[LedgerEntry], *, day: date) -> tuple[list[Figure], datetime | None]:
    """
    Return every figure that the entries are in, and as of when.

    By month alone, by each dimension, and by each of their grades.
    """
    months = Month.objects.in_bulk({entry.month for entry in entries})
    of_months = (("month__in", list(months)),)
    asked: list[tuple[str, int | None, Question]] = [
        (by, None, Question(by=tuple(dict.fromkeys(("month", by))), where=of_months))
        for by in COLUMNS
    ]
    asked += [
        ("grade", grade, Question(by=("month",), where=of_months, grade=grade))
        for grade in sorted({entry.grade for entry in entries})
    ]
    figures, as_of = [], None
    for by, grade, question in asked if entries else ():
        traced: dict[tuple[Any, ...], list[LedgerEntry]] = defaultdict(list)
        for entry in entries:
            if grade is None or entry.grade == grade:
                traced[_told_apart(by, entry)].append(entry)
        found = answer(question, day=day)
        as_of = as_of or found.as_of
        sums = {
            tuple(value for column, value in group.items() if column not in NOTHING): group
            for group in found.groups
        }
        figures += [
            Figure(months[key[0]], by, sums.get(key, NOTHING), same)
            for key, same in sorted(traced.items())
        ]
    return figures, as_of


def _told_apart(by: str, entry: LedgerEntry) -> tuple[Any, ...]:
    """Return what tells the entry's figure from others, in the order of an answer's columns."""
    match by:
        case "month" | "grade":
            return (entry.month,)
        case "pair":
            district = entry.pair_district_code
            return (entry.month, district, entry.county_code if district else "")
    return (entry.month, *(getattr(entry, column) for column in COLUMNS[by]))
