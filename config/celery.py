"""The task queue, and everything that runs by itself."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("haowu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# The lines of a task carry its id and that of the request that asked for it.
app.steps["worker"].add(DjangoStructLogInitStep)


@setup_logging.connect
def _log_as_the_web_does(**kwargs: Any) -> None:
    logging.config.dictConfig(settings.LOGGING)


# Beat only wakes: each task finds in the database what is due, so a tick that is
# missed or comes twice changes nothing.
app.conf.beat_schedule = {
    "roll up the ledger": {"task": "reports.tasks.roll_up", "schedule": 20.0},
    "make the reports that wait": {"task": "reports.tasks.make_reports", "schedule": 20.0},
    "ask for the form of the month before": {
        "task": "reports.tasks.request_monthly_reports",
        "schedule": crontab(minute="*/10"),
    },
    "tell of the reports that came by themselves": {
        "task": "reports.tasks.tell_of_reports",
        "schedule": 60.0,
    },
    "read the declarations that wait": {
        "task": "reports.tasks.read_declarations",
        "schedule": 20.0,
    },
    "seal the audit trail": {"task": "accounts.tasks.seal_audit", "schedule": 60.0},
    # Half past two at night in Shanghai.
    "examine the months to publish": {
        "task": "reports.tasks.examine_months",
        "schedule": crontab(hour="18", minute="30"),
    },
    "tell applicants what was decided": {
        "task": "suppliers.tasks.tell_of_decisions",
        "schedule": 60.0,
    },
    "follow the documents that end": {
        "task": "shop.tasks.follow_documents",
        "schedule": crontab(minute="7"),
    },
    "tell of the documents that end": {
        "task": "shop.tasks.tell_of_endings",
        "schedule": crontab(minute="*/10"),
    },
    "ask whether listings are still right": {
        "task": "shop.tasks.follow_confirmations",
        "schedule": crontab(minute="37"),
    },
    "tell of the listings to confirm": {
        "task": "shop.tasks.tell_of_confirmations",
        "schedule": crontab(minute="5-55/10"),
    },
    "look at new pictures": {"task": "shop.tasks.look_at_pictures", "schedule": 60.0},
    "clear away what undone uploads left": {
        "task": "shop.tasks.clear_leftovers",
        "schedule": crontab(minute="47"),
    },
    "clear away what has expired": {
        "task": "reports.tasks.clear_expired",
        "schedule": crontab(minute="17"),
    },
}
