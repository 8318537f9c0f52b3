"""The office's page: all months' figures, and what waits for the office."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from reports.models import Month, Target
from reports.services.office import Desk, desk_of

from .figures_page import FiguresPage

#: Where nothing stands in the way.
NEXT_STEPS: dict[str, str | Promise] = {
    Month.Status.OPEN: gettext_lazy("It can be closed."),
    Month.Status.REVIEWING: gettext_lazy("A second person confirms the close."),
    Month.Status.CLOSED: gettext_lazy("It can be published."),
    Month.Status.PUBLISHED: "",
}


@require_safe
@login_required
def office(request: HttpRequest) -> HttpResponse:
    if not getattr(request.user, "sees_all_figures", False):
        raise PermissionDenied
    page = FiguresPage(request, title=_("The office's page"), sees_all=True)
    desk = desk_of(page.figures.year, now=timezone.now())
    context = {
        **page.context(),
        "desk": desk,
        "months": list(_months(page, desk)),
        "aims": list(_aims(page, desk)),
    }
    return render(request, "reports/office.html", context)


def _months(page: FiguresPage, desk: Desk) -> Iterator[dict[str, Any]]:
    for row in desk.months:
        chosen = {"month": str(row.month.month.month)}
        yield {
            "month": row.month,
            "obstacles": row.obstacles,
            "next": NEXT_STEPS[row.month.status],
            "address": page.address(chosen),
            "entries": page.entries(chosen),
        }


def _aims(page: FiguresPage, desk: Desk) -> Iterator[dict[str, Any]]:
    """
    Yield the year's targets, each with where its figure opens to.

    That of all counties comes first, and after each county's those of its pairings.
    """
    until = desk.standing.until
    months = (date(desk.standing.year, 1, 1), until) if until else None
    targets = sorted(
        desk.standing.targets,
        key=lambda one: (one.target.county_id or "", one.target.district_id or ""),
    )
    for progress in targets:
        chosen = _chosen_by(progress.target)
        yield {
            "name": _name_of(progress.target),
            "progress": progress,
            "address": "" if chosen is None else page.address(chosen),
            "entries": "" if chosen is None else page.entries(chosen, months=months),
        }


def _chosen_by(target: Target) -> dict[str, str] | None:
    """Return what narrows the page to a target's sales, if it can be narrowed so."""
    if target.district_id and target.county_id:
        return {"pair": f"{target.district_id}-{target.county_id}"}
    if target.district_id:
        return None
    return {"county": target.county_id} if target.county_id else {}


def _name_of(target: Target) -> str:
    divisions = filter(None, (target.district, target.county))
    names = [division.local_name for division in divisions]
    return " – ".join(names) or _("All counties")
