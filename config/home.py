"""The admin's first page: what each app has for the reader."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

import accounts.home
import orders.home
import reports.home
import shop.home
import suppliers.home
from accounts.admin import SUPPLIER, actor_of
from accounts.api.authentication import actor
from accounts.home import Card
from accounts.models import User

APPS = (orders.home, shop.home, suppliers.home, reports.home, accounts.home)
#: An administrator sees the numbers of everybody's work.
EVERYBODY = (SUPPLIER, User.Role.REVIEWER, User.Role.OFFICE, User.Role.AUDITOR)
CHART = {
    "animation": False,
    "responsive": True,
    "maintainAspectRatio": False,
    "maxBarThickness": 22,
    "plugins": {"legend": {"align": "end", "labels": {"boxHeight": 8, "boxWidth": 8}}},
    "scales": {"x": {"grid": {"display": False}}, "y": {"beginAtZero": True}},
}


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return what the page shows the reader; the theme calls it for the admin's index."""
    cards = list(_cards_for(actor(request), actor_of(request), now=timezone.now()))
    return {
        **context,
        "title": _("Home"),
        "work": [card for card in cards if card.waits and card.count],
        "done": [card for card in cards if card.is_done],
        "facts": [_drawn(card) for card in cards if not card.waits and card.count != 0],
        "to_do": sum(card.count or 0 for card in cards if card.waits),
    }


def _cards_for(user: User, heading: str, *, now: datetime) -> Iterator[Card]:
    if heading != User.Role.ADMIN:
        for app in APPS:
            yield from app.cards(user, heading, now=now)
        return
    for each in EVERYBODY:
        for app in APPS:
            for card in app.cards(user, each, now=now):
                # What waits is others' to do, so only its number is told.
                yield replace(card, rows=()) if card.waits else card


def _drawn(card: Card) -> dict[str, Any]:
    drawn = {"data": json.dumps(card.chart), "options": json.dumps(CHART)} if card.chart else None
    return {"card": card, "chart": drawn}
