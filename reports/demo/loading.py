"""Loads the whole demo, once."""

from datetime import date, datetime, timedelta
from functools import partial
from operator import itemgetter

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from reports.models import Anomaly
from reports.services.anomalies import answer_anomaly, examine
from reports.services.months import close_month, publish_month
from reports.services.totals import roll_up
from shop.services.ending import remind

from .batches import make_batches, recall_one
from .declared import declare_sales
from .evidence import evidence_of
from .history import Past, Step, load_history, midnight
from .people import is_loaded, load_applications, load_people
from .pictures import add_pictures
from .present import place_present_orders
from .products import load_products
from .reviews import leave_unconfirmed, load_badges, object_to_newest, submit_for_review
from .targets import set_targets

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
    load_badges(day=day)
    load_applications(day=day)
    months = months_until(day)
    last_year = [month for month in months if month.year < day.year]
    past = load_history(months=months, day=day)
    declare_sales(months=months, day=day, now=now)
    live_through(last_year, past, day=day)
    make_batches(day=day)
    place_present_orders(day=day)
    recall_one(day=day)
    roll_up(now=now)
    set_targets(day=day)
    add_pictures()
    submit_for_review(now=now)
    remind(now=now)
    leave_unconfirmed(now=now)
    object_to_newest(now=now)
    return True


def live_through(months: list[date], past: Past, *, day: date) -> None:
    """
    Let claims be settled, goods be invoiced and paid, and `months` be closed, as it happened.

    Whatever looks wrong in a month is answered before it is published.
    """
    first, second = User.objects.filter(username__startswith="demo-office-").order_by("pk")

    def close(month: date, now: datetime) -> None:
        close_month(month, by=first, now=now)
        closed = close_month(month, by=second, now=now)
        examine(closed, by=second, now=now)
        for anomaly in closed.anomalies.unanswered():
            answer_anomaly(
                anomaly.pk,
                verdict=Anomaly.Verdict.EXPLAINED,
                answer="已核对订单、验收单与发票，交易属实（示例）",
                by=first,
                now=now,
            )
        publish_month(closed, by=second, now=now)

    until = midnight(day)
    steps: list[Step] = [
        (complaint.settled_at, partial(complaint.raise_and_settle, until=until))
        for complaint in past.complaints
    ]
    steps += evidence_of(past.consignments, sellers=past.people_by_supplier, until=until)
    for month in months:
        # The sixth of the month after it, during office hours.
        now = midnight((month + timedelta(31)).replace(day=6)) + timedelta(hours=10)
        if now <= until:
            steps.append((now, partial(close, month, now)))
    for _at, step in sorted(steps, key=itemgetter(0)):
        step()


def months_until(day: date) -> list[date]:
    """Return the first days of the months of last year and of this one up to `day`'s."""
    return [
        date(year, month, 1)
        for year in (day.year - 1, day.year)
        for month in range(1, 13)
        if date(year, month, 1) <= day
    ]
