"""Follow a sale from any of its papers down to what was delivered and up to the figures."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum

from accounts.refusals import NotFound
from orders.models import Claim, Consignment, Fapiao, Order, OrderEvent, OrderLine, Payment
from reports.models import (
    GRAINS,
    Declaration,
    DeclarationRow,
    LedgerEntry,
    Month,
    RollUp,
    Total,
)

from .figures import COLUMNS, Question, groups_of, with_sources
from .totals import grain_of

#: How many lines, declared rows and entries of a thing are shown; a file may have a million.
SHOWN = 500

NOTHING = {"amount": Decimal(0), "weight_kg": Decimal(0), "entries": 0}


@dataclass(frozen=True)
class Figure:
    """
    One figure of a month with its sums, as far as rolled up, and the entries traced to it.

    `row` has the columns that tell it apart; the figure of a grade is of that or better.
    """

    month: Month
    by: str
    row: dict[str, Any]
    sums: dict[str, Any]
    traced: list[int]


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


def trace(kind: str, key: Any, *, row: int | None = None) -> Trace:
    """
    Return all that is behind and above the `kind` (see STARTS) that `key` names.

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
        Declaration.objects.select_related("reporter").filter(
            pk__in={start.declaration, *(row.declaration_id for row in rows)} - {None}
        )
    )
    roots = {*start.roots, *(row.entry_id for row in rows)}
    if not (lines or roots or declarations):
        raise NotFound
    entries = list(
        with_sources(LedgerEntry.objects.all())
        .filter(Q(order_line__in=lines) | Q(pk__in=roots) | Q(corrects__in=roots))
        .order_by("id")[: SHOWN + 1]
    )
    shown = entries[:SHOWN]
    consignments = {line.consignment_id for line in lines}
    orders = {line.order_id for line in lines}
    # Read before the figures: they are at least as new.
    state = RollUp.objects.first()
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
        figures=_figures(shown),
        as_of=state.rolled_up_at if state else None,
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


STARTS: dict[str, Any] = {
    "entry": _of_entry,
    "order": lambda number: _Start(OrderLine.objects.filter(order__number=number)),
    "consignment": lambda number: _Start(OrderLine.objects.filter(consignment__number=number)),
    "fapiao": _of_fapiao,
    "payment": lambda key: _Start(OrderLine.objects.filter(consignment__payments=key)),
    "declaration": lambda key: _Start(
        rows=DeclarationRow.objects.filter(declaration=key), declaration=key
    ),
    "batch": lambda code: _Start(OrderLine.objects.filter(batch=code)),
}


def _evidence(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("consignment", "reverses", "reversed_by").order_by("id")


def _figures(entries: Iterable[LedgerEntry]) -> list[Figure]:
    """Return every figure that the entries are in: by month, by each dimension, by grade."""
    entries = list(entries)
    months = Month.objects.in_bulk({entry.month for entry in entries})
    figures = []
    for by in (*COLUMNS, "grade"):
        traced: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for entry in entries:
            traced[tuple(_told_apart(by, entry).items())].append(entry.pk)
        sums = _sums_by(by, months) if traced else {}
        figures += [
            Figure(months[dict(key)["month"]], by, dict(key), sums.get(key, NOTHING), ids)
            for key, ids in sorted(traced.items(), key=lambda item: str(item[0]))
        ]
    return figures


def _told_apart(by: str, entry: LedgerEntry) -> dict[str, Any]:
    """Return the columns, with the entry's values, that tell its figure from others."""
    row = {"month": entry.month}
    match by:
        case "pair":
            district = entry.pair_district_code
            row |= {
                "pair_district_code": district,
                "pair_county": entry.county_code if district else "",
            }
        case "grade":
            row["grade"] = entry.grade
        case _:
            row |= {column: getattr(entry, column) for column in COLUMNS[by]}
    return row


def _sums_by(by: str, months: Iterable[date]) -> dict[tuple[Any, ...], dict[str, Any]]:
    of_months = ("month__in", list(months))
    if by == "grade":
        return _sums_by_least_grade(of_months[1])
    dimensions = ("month",) if by == "month" else ("month", by)
    return {
        tuple((name, value) for name, value in group.items() if name not in NOTHING): group
        for group in groups_of(Question(by=dimensions, where=(of_months,)))
    }


def _sums_by_least_grade(months: list[date]) -> dict[tuple[Any, ...], dict[str, Any]]:
    coarsest = min(GRAINS, key=lambda grain: len(grain))
    cells: Any = (
        Total.objects.filter(grain=grain_of(coarsest), month__in=months)
        .values("month", "grade")
        .annotate(**{name: Sum(name) for name in NOTHING})
    )
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for cell in cells:
        for grade in range(cell["grade"] + 1):
            key = (("month", cell["month"]), ("grade", grade))
            so_far = sums.get(key, NOTHING)
            sums[key] = {name: so_far[name] + cell[name] for name in NOTHING}
    return sums
