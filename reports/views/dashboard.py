"""The public page of the totals; the office and auditors see unpublished months too."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from reports.services.figures import COLUMNS
from reports.services.overview import Overview, Slice, latest_year, overview

#: What the page can be narrowed by; suppliers are not public.
NARROWED_BY = ("county", "channel", "kind", "category", "buyer_kind")
FIRST_YEAR = 2010

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


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    today = timezone.localdate()
    sees_all = getattr(request.user, "sees_all_figures", False)
    year = _year(request.GET.get("year", ""), today.year) or latest_year(
        published_only=not sees_all, day=today
    )
    chosen = {name: request.GET[name] for name in NARROWED_BY if request.GET.get(name)}
    figures = overview(
        year,
        where={COLUMNS[name][0]: value[:40] for name, value in chosen.items()},
        day=today,
        published_only=not sees_all,
    )

    def entries_of(narrowed: dict[str, str]) -> str:
        return _entries(figures, narrowed) if sees_all else ""

    titles = {
        "county": _("Counties"),
        "category": _("Categories"),
        "kind": _("Contribution"),
        "buyer_kind": _("Buyer kinds"),
        "channel": _("Channels"),
    }
    sections = [
        {
            "name": name,
            "title": titles[name],
            "rows": [
                {
                    "part": part,
                    "share": part.amount / figures.total.amount * 100
                    if figures.total.amount > 0
                    else 0,
                    "address": _address(year, {**chosen, name: part.code}),
                    "entries": entries_of({**chosen, name: part.code}),
                }
                for part in figures.parts[name]
            ],
        }
        for name in NARROWED_BY
        if name not in chosen
    ]
    chips = [
        {
            "title": titles[name],
            "value": _name_of(figures.parts[name], code),
            "without": _address(year, {k: v for k, v in chosen.items() if k != name}),
        }
        for name, code in chosen.items()
    ]
    return render(
        request,
        "reports/dashboard.html",
        {
            "figures": figures,
            "sections": sections,
            "chips": chips,
            "sees_all": sees_all,
            "entries": entries_of(chosen),
            "years": [(y, _address(y, chosen)) for y in range(today.year, today.year - 3, -1)],
            "charts": _charts(figures, year, chosen),
        },
    )


def _year(text: str, this_year: int) -> int | None:
    """Return the asked year, if it is one that can be asked for."""
    known = text.isascii() and text.isdigit() and len(text) == 4
    return int(text) if known and FIRST_YEAR < int(text) <= this_year else None


def _address(year: int, chosen: dict[str, str]) -> str:
    return "?" + urlencode({"year": year, **chosen})


def _entries(figures: Overview, narrowed: dict[str, str]) -> str:
    """Return the admin's list of the entries behind a figure: its reader is signed in there."""
    if figures.until is None:
        return ""
    where = {COLUMNS[name][0]: code for name, code in narrowed.items()}
    months = {"month__gte": date(figures.year, 1, 1), "month__lte": figures.until}
    return f"{reverse('admin:reports_ledgerentry_changelist')}?{urlencode({**months, **where})}"


def _name_of(parts: list[Slice], code: str) -> str:
    return next((part.name for part in parts if part.code == code), code)


def _charts(figures: Overview, year: int, chosen: dict[str, str]) -> dict[str, Any]:
    """Return what the charts draw, in 万元; the tables beside them say the same."""

    def in_ten_thousands(amount: Any) -> float:
        return round(float(amount) / 10_000, 2)

    return {
        "year": year,
        "words": {"amount": _("10,000 yuan"), "unit": _("m.")},
        "months": [[in_ten_thousands(a), in_ten_thousands(b)] for a, b in figures.months],
        "counties": [
            {
                "name": part.name,
                "place": PLACES[part.code],
                "amount": in_ten_thousands(part.amount),
                "address": _address(year, {**chosen, "county": part.code}),
            }
            for part in figures.parts["county"]
            if part.code in PLACES
        ],
        "pairs": [
            {"from": district.name, "to": county.name, "amount": in_ten_thousands(amount)}
            for district, county, amount in figures.pairs
        ],
    }
