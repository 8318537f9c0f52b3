"""Loads the whole demo, once."""

from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from .history import load_history
from .people import is_loaded, load_people
from .pictures import add_pictures
from .products import load_products

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
    load_history(day=day)
    add_pictures()
    return True
