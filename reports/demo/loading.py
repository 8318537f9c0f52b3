"""Loads the whole demo, once."""

from datetime import date, datetime

from django.db import connection, transaction
from django.utils import timezone

from reports.services.totals import roll_up

from .declared import declare_sales
from .history import load_history
from .people import is_loaded, load_people
from .pictures import add_pictures
from .products import load_products

MONTHS = 14
# Any number that no other lock uses.
LOCK = 520_000_522_700


@transaction.atomic
def load_demo(*, now: datetime) -> bool:
    """Load all of the demo or nothing; return whether it was not there yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    if is_loaded():
        return False
    day = timezone.localdate(now)
    load_people(day=day)
    load_products(day=day)
    months = months_until(day)
    load_history(months=months, day=day)
    declare_sales(months=months, day=day, now=now)
    roll_up(now=now)
    add_pictures()
    return True


def months_until(day: date) -> list[date]:
    """Return the first days of `day`'s month and the `MONTHS` before it, oldest first."""
    last = day.year * 12 + day.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(last - MONTHS, last + 1)]
