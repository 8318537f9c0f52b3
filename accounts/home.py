"""What a home page is made of, and the cards of the audit trail."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from .models import AuditBlock, AuditEntry, UnsealedRow, User

#: How many rows a card shows of what it counts.
SHOWN = 5


@dataclass(frozen=True)
class Row:
    """
    One of what a card counts: its name, where it opens, and what to know of it at once.

    `does` is an address to post to, with the button's text.
    """

    text: str
    address: str = ""
    note: str = ""
    is_urgent: bool = False
    does: tuple[str, str] | None = None


@dataclass(frozen=True)
class Card:
    """
    A number on the home page, the first rows behind it, and the list of them all.

    A card that `waits` counts what the reader has to do; others are good to know.
    `chart` is what the theme's bar chart draws.
    """

    title: str
    icon: str
    address: str = ""
    count: int | None = None
    figure: str = ""
    note: str = ""
    rows: Sequence[Row] = ()
    waits: bool = False
    chart: dict[str, Any] | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do of it."""
        return self.waits and not self.count

    def to_know(self) -> "Card":
        """Return it as something that somebody else has to act on, or nobody."""
        return replace(self, waits=False)


def counted(
    title: str,
    icon: str,
    rows: models.QuerySet[Any],
    row: Callable[[Any], Row],
    *,
    address: str,
    note: str = "",
    prepare: Callable[[models.QuerySet[Any]], Iterable[Any]] = iter,
) -> Card:
    """Return the card of work that `rows` are, each shown as `row` says, once prepared."""
    return Card(
        title,
        icon,
        address,
        count=rows.count(),
        note=note,
        rows=[row(one) for one in prepare(rows[:SHOWN])],
        waits=True,
    )


def list_of(model: type[models.Model], **lookups: Any) -> str:
    """Return the address of the admin's list of a model, narrowed by these lookups."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode(lookups)}" if lookups else address


def page_of(row: models.Model) -> str:
    """Return the address of a row's page in the admin."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return reverse(name, args=[row.pk])


def age_of(moment: datetime | None, *, now: datetime) -> str:
    """Return how long ago something was, in words."""
    return _("%(age)s ago") % {"age": timesince(moment, now, depth=1)} if moment else ""


def cards(user: User, heading: str, *, now: datetime) -> Iterator[Card]:
    """Yield what the audit trail has for who stands under `heading`."""
    if heading != User.Role.AUDITOR:
        return
    head = AuditBlock.objects.first()
    yield Card(
        _("Head of the audit chain"),
        "link",
        list_of(AuditBlock),
        figure=_("Block %(number)s") % {"number": head.number} if head else "—",
        note=head.sha256 if head else _("Nothing is sealed yet."),
        rows=[
            Row(_("Rows in the block"), note=str(head.entries)),
            Row(_("Sealed"), note=age_of(head.sealed_at, now=now)),
            Row(_("Rows that wait for their seal"), note=str(UnsealedRow.objects.count())),
        ]
        if head
        else [],
    )
    latest = AuditEntry.objects.select_related("by")[:SHOWN]
    yield Card(
        _("Latest in the audit trail"),
        "history",
        list_of(AuditEntry),
        rows=[
            Row(
                f"{entry.action} · {entry.subject}",
                page_of(entry),
                f"{entry.by or '—'} · {age_of(entry.at, now=now)}",
            )
            for entry in latest
        ],
    )
