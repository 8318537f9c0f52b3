"""What the dashboard and the office's page have in common: figures, each of which opens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from reports.models import Grade
from reports.services.figures import COLUMNS
from reports.services.overview import (
    ALL_PARTS,
    PUBLIC_PARTS,
    Overview,
    Slice,
    latest_year,
    overview,
)

FIRST_YEAR = 2010
CODE_MAX = 40
#: Of what there may be hundreds, a section shows the largest.
SHOWN = 20
TITLES = {
    "month": _("Months"),
    "county": _("Counties"),
    "pair": _("Pairings"),
    "category": _("Categories"),
    "kind": _("Contribution"),
    "buyer_kind": _("Buyer kinds"),
    "channel": _("Channels"),
    "supplier": _("Suppliers"),
    "grade": _("Evidence"),
}

# Where the county seats lie, in degrees east and north: enough for a schematic map.
PLACES = {
    "522701": (107.52, 26.26),
    "522702": (107.52, 26.69),
    "522722": (107.89, 25.41),
    "522723": (107.23, 26.58),
    "522725": (107.47, 27.08),
    "522726": (107.55, 25.82),
    "522727": (107.32, 25.83),
    "522728": (106.75, 25.42),
    "522729": (106.45, 26.03),
    "522730": (106.98, 26.45),
    "522731": (106.66, 26.13),
    "522732": (107.87, 25.98),
}


@dataclass(frozen=True)
class FiguresPage:
    """The figures that an address asks for; those who see all of them may open the entries."""

    request: HttpRequest
    title: str
    sees_all: bool

    @cached_property
    def figures(self) -> Overview:
        today = timezone.localdate()
        year = _number(self.request.GET.get("year", ""), FIRST_YEAR + 1, today.year)
        return overview(
            year or latest_year(published_only=not self.sees_all, day=today),
            month=_number(self.chosen.get("month", ""), 1, 12),
            where={
                column: value
                for name, code in self.chosen.items()
                if name != "month"
                for column, value in columns_of(name, code).items()
            },
            day=today,
            published_only=not self.sees_all,
        )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return what the page is divided by, and can be narrowed by."""
        return ("month", *(ALL_PARTS if self.sees_all else PUBLIC_PARTS))

    @cached_property
    def chosen(self) -> dict[str, str]:
        """Return what the page is narrowed to: a code by its dimension."""
        asked = {
            name: self.request.GET[name][:CODE_MAX]
            for name in self.dimensions
            if self.request.GET.get(name)
        }
        if not _number(asked.get("month", ""), 1, 12):
            asked.pop("month", None)
        if asked.get("grade") not in Grade.names:
            asked.pop("grade", None)
        if "pair" in asked:
            # It says the county itself.
            asked.pop("county", None)
        return asked

    def context(self) -> dict[str, Any]:
        """Return what the template shows."""
        this_year = timezone.localdate().year
        return {
            "title": self.title,
            "figures": self.figures,
            "chosen": self.chosen,
            "sections": [
                self._section(name)
                for name in self.dimensions
                if name not in self.chosen and not (name == "county" and "pair" in self.chosen)
            ],
            "chips": [
                {
                    "title": TITLES[name],
                    "value": self._name_of(name, code),
                    "without": self.address({k: v for k, v in self.chosen.items() if k != name}),
                }
                for name, code in self.chosen.items()
            ],
            "sees_all": self.sees_all,
            "entries": self.entries(self.chosen),
            "years": [
                (year, self.address(self.chosen, year=year))
                for year in range(this_year, this_year - 3, -1)
            ],
            "charts": self._charts(),
        }

    def address(self, chosen: Mapping[str, str], *, year: int | None = None) -> str:
        return "?" + urlencode({"year": year or self.figures.year, **chosen})

    def entries(self, chosen: Mapping[str, str], *, months: tuple[date, date] | None = None) -> str:
        """
        Return the admin's list of the entries behind a figure: its reader is signed in there.

        They are those of `months`, the first and the last, or else of what the page shows.
        """
        if not self.sees_all or self.figures.until is None:
            return ""
        since, until = months or (self.figures.since, self.figures.until)
        if "month" in chosen:
            since = until = date(self.figures.year, int(chosen["month"]), 1)
        where: dict[str, Any] = {"month__gte": since, "month__lte": until}
        for name, code in chosen.items():
            if name != "month":
                where |= columns_of(name, code)
        return f"{reverse('admin:reports_ledgerentry_changelist')}?{urlencode(where)}"

    def _section(self, name: str) -> dict[str, Any]:
        parts = self._parts(name)
        total = self.figures.total.amount
        return {
            "title": TITLES[name],
            "left_out": max(len(parts) - SHOWN, 0),
            "rows": [
                {
                    "part": part,
                    "share": part.amount / total * 100 if total > 0 else 0,
                    # Nothing can be chosen by no code at all.
                    "address": self.address(self._with(name, part)) if part.code else "",
                    "entries": self.entries(self._with(name, part)),
                }
                for part in parts[:SHOWN]
            ],
        }

    def _parts(self, name: str) -> list[Slice]:
        if name == "month":
            return [month for month in self.figures.months if month.amount]
        return self.figures.parts.get(name, [])

    def _with(self, name: str, part: Slice) -> dict[str, str]:
        chosen = {**self.chosen, name: part.code}
        if name == "pair":
            chosen.pop("county", None)
        return chosen

    def _name_of(self, name: str, code: str) -> str:
        return next((part.name for part in self._parts(name) if part.code == code), code)

    def _charts(self) -> dict[str, Any]:
        """Return what the charts draw, in 万元; the tables beside them say the same."""
        figures = self.figures
        return {
            "year": figures.year,
            "words": {"amount": _("10,000 yuan"), "unit": _("m.")},
            "months": [
                {
                    "amounts": [_in_ten_thousands(m.amount), _in_ten_thousands(m.before)],
                    "address": self.address(self._with("month", m)) if m.amount else "",
                }
                for m in figures.months
            ],
            "counties": [
                {
                    "name": part.name,
                    "place": PLACES[part.code],
                    "amount": _in_ten_thousands(part.amount),
                    "address": self.address(self._with("county", part)),
                }
                for part in self._parts("county")
                if part.code in PLACES
            ],
            "pairs": [
                {
                    "from": part.names[0],
                    "to": part.names[1],
                    "amount": _in_ten_thousands(part.amount),
                    "address": self.address(self._with("pair", part)),
                }
                for part in self._parts("pair")
                if part.amount > 0
            ],
        }


def columns_of(name: str, code: str) -> dict[str, Any]:
    """Return the ledger's columns, and the values that a code of the dimension `name` means."""
    match name:
        case "grade":
            return {"grade": Grade[code].value}
        case "pair":
            district, _dash, county = code.partition("-")
            return dict(zip(COLUMNS["pair"], (district, county), strict=True))
    return {COLUMNS[name][0]: code}


def _number(text: str, least: int, most: int) -> int | None:
    """Return the number that `text` is, if it lies within bounds."""
    known = text.isascii() and text.isdigit() and len(text) < 5
    return int(text) if known and least <= int(text) <= most else None


def _in_ten_thousands(amount: Any) -> float:
    return round(float(amount) / 10_000, 2)
