"""The page that the QR code of an official file leads to: whether its seal is a month's."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.api.serializers import read_month
from reports.models import Month


@require_safe
def seal(request: HttpRequest) -> HttpResponse:
    """Say whether the given seal is the one of the month; figures only of published months."""
    given = request.GET.get("seal", "").strip().lower()
    try:
        month = Month.objects.sealed().get(month=read_month(request.GET.get("month", "")))
    except (ValueError, Month.DoesNotExist):
        month = None
    return render(
        request,
        "reports/seal.html",
        {
            "asked": bool(given),
            "given": given[:64],
            "month": month if month and month.sha256 == given else None,
        },
    )
