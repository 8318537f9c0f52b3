"""What the admin's sidebar leads to."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: The admin's lists by what people do with them, each with its symbol; the app's other lists
#: follow at the end, so that none is ever out of reach.
GROUPS = (
    (
        gettext_lazy("Orders and deliveries"),
        {
            "orders.consignment": "local_shipping",
            "orders.claim": "assignment_late",
            "orders.order": "receipt_long",
            "orders.fapiao": "request_quote",
            "orders.payment": "payments",
        },
    ),
    (
        gettext_lazy("Listings"),
        {
            "shop.product": "inventory_2",
            "shop.sku": "package_2",
            "shop.stock": "warehouse",
            "shop.batch": "qr_code_2",
            "shop.supplypromise": "event_upcoming",
            "shop.listingversion": "rate_review",
            "shop.badge": "verified",
            "shop.objection": "feedback",
            "shop.freightrate": "local_atm",
            "shop.category": "category",
            "shop.requireddocument": "fact_check",
        },
    ),
    (
        gettext_lazy("Suppliers"),
        {
            "suppliers.application": "how_to_reg",
            "suppliers.supplier": "storefront",
            "suppliers.producer": "agriculture",
            "suppliers.base": "grass",
            "suppliers.certificate": "workspace_premium",
        },
    ),
    (
        gettext_lazy("Figures"),
        {
            "reports.month": "calendar_month",
            "reports.ledgerentry": "menu_book",
            "reports.anomaly": "troubleshoot",
            "reports.report": "summarize",
            "reports.target": "flag",
            "reports.declarationevidence": "attach_file",
            "reports.countingrule": "rule",
            "reports.indicator": "speed",
            "reports.anomalyrule": "rule_settings",
            "reports.yield": "psychiatry",
        },
    ),
    (gettext_lazy("Buyers"), {"orders.buyer": "apartment"}),
    (
        gettext_lazy("People and places"),
        {
            "accounts.user": "group",
            "accounts.apikey": "key",
            "accounts.division": "map",
            "accounts.pairing": "handshake",
        },
    ),
    (gettext_lazy("Audit"), {"accounts.auditentry": "history", "accounts.auditblock": "link"}),
)
OTHERS = "chevron_right"


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the pages that the reader may open: home and our own, then the admin's lists."""
    lists = {
        model["model"]._meta.label_lower: model
        for app in admin.site.get_app_list(request)
        for model in app["models"]
    }
    pages = list(_pages(request))
    if "shop.supplypromise" in lists:
        calendar = reverse("admin:shop_supplypromise_calendar")
        pages.append({"title": _("Season calendar"), "icon": "calendar_month", "link": calendar})
    groups: list[dict[str, Any]] = [{"title": "", "items": pages}]
    for title, symbols in GROUPS:
        named = [(lists.pop(label), icon) for label, icon in symbols.items() if label in lists]
        groups.append({"title": title, "items": [_item(model, icon) for model, icon in named]})
    others = [_item(model, OTHERS) for model in lists.values()]
    return [*groups, {"title": _("More"), "items": others, "collapsible": True}]


def _pages(request: HttpRequest) -> Iterator[dict[str, Any]]:
    yield {"title": _("Home"), "icon": "home", "link": reverse("admin:index")}
    if getattr(request.user, "sees_all_figures", False):
        yield {"title": _("The office's page"), "icon": "desk", "link": reverse("office")}
        yield {"title": _("Trace"), "icon": "account_tree", "link": reverse("trace-page")}
    yield {"title": _("Public page"), "icon": "monitoring", "link": reverse("dashboard")}
    yield {"title": _("Public notice"), "icon": "campaign", "link": reverse("notice")}
    yield {"title": _("API reference"), "icon": "api", "link": reverse("docs")}


def _item(model: dict[str, Any], icon: str) -> dict[str, Any]:
    return {"title": model["name"], "icon": icon, "link": model["admin_url"]}
