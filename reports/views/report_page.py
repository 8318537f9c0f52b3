"""A report's page and file for people who are signed in: where the notice of a report leads."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.api.authentication import actor
from reports.models import Report
from reports.services.files.keeping import ReportCorrupt, ReportNotReady, checked_file

from .reports import serve, shown_to


@require_safe
@login_required
def report_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _page(request, _shown(request, pk))


@require_safe
@login_required
def report_download(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    report = _shown(request, pk)
    try:
        file = checked_file(report)
    except (ReportNotReady, ReportCorrupt) as refusal:
        return _page(request, report, message=refusal.detail, status=409)
    return serve(request, report, file)


def _shown(request: HttpRequest, pk: UUID) -> Report:
    report = shown_to(actor(request)).filter(pk=pk).first()
    if report is None:
        raise Http404
    return report


def _page(
    request: HttpRequest, report: Report, *, message: object = "", status: int = 200
) -> HttpResponse:
    context = {"report": report, "message": message}
    return render(request, "reports/report.html", context, status=status)
