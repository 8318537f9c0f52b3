"""What the admin's sidebar leads to."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return our own pages that the reader may open, and below them the admin's."""
    pages = {"dashboard": _("Public page"), "docs": _("API reference")}
    if getattr(request.user, "sees_all_figures", False):
        pages = {"office": _("The office's page"), "trace-page": _("Trace"), **pages}
    return [
        {
            "title": _("Pages"),
            "items": [{"title": title, "link": reverse(name)} for name, title in pages.items()],
        },
        *(
            {
                "title": app["name"],
                "items": [
                    {"title": model["name"], "link": model["admin_url"]} for model in app["models"]
                ],
            }
            for app in admin.site.get_app_list(request)
        ),
    ]
