"""The task queue, and everything that runs by itself."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("haowu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Beat only wakes: each task finds in the database what is due, so a tick that is
# missed or comes twice changes nothing.
app.conf.beat_schedule = {
    "roll up the ledger": {"task": "reports.tasks.roll_up", "schedule": 20.0},
    "make the reports that wait": {"task": "reports.tasks.make_reports", "schedule": 20.0},
    "read the declarations that wait": {
        "task": "reports.tasks.read_declarations",
        "schedule": 20.0,
    },
    "clear away what has expired": {
        "task": "reports.tasks.clear_expired",
        "schedule": crontab(minute="17"),
    },
}
