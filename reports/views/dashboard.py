"""The public page of the totals: published months, for everybody alike."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from .figures_page import FiguresPage


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    title = _("Consumption assistance: Qiannan and the Greater Bay Area")
    page = FiguresPage(request, title=title, sees_all=False)
    return render(request, "reports/dashboard.html", page.context())
