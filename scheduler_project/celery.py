"""The Celery app and the whole beat table.

Tasks only read the clock, call one operation and return a count. The database holds the pending work, so a lost or
repeated task changes nothing. Beat copies this table into django-celery-beat's, where staff may change it."""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging, worker_init
from kombu import Queue

from scheduler_project.common import process

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_project.settings")

app = Celery("scheduler")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect(dispatch_uid="scheduler_project.celery.log")
def log(**kwargs: Any) -> None:
    """Leave logging to Django's settings: Celery's own format would write secrets."""


@worker_init.connect(dispatch_uid="scheduler_project.celery.work")
def work(**kwargs: Any) -> None:
    process.is_now(process.Process.WORKER)  # The processes it forks then are workers too.


# A round of sending may last a minute if a mail server hangs. With a worker for its own queue it delays no other task.
# A worker without a queue option serves both.
app.conf.task_queues = [Queue("celery", routing_key="celery"), Queue("dispatch", routing_key="dispatch")]
app.conf.task_routes = {
    "reminders.tasks.dispatch_reminders": {"queue": "dispatch"},
    "reminders.tasks.send_codes": {"queue": "dispatch"},
}

# A wake-up that finds no worker before the next one comes is worthless: it expires instead of piling up.
app.conf.beat_schedule = {
    "expire-reservations": {
        "task": "booking.tasks.expire_reservations",
        "schedule": 5.0,
        "options": {"expire_seconds": 5},
    },
    "dispatch-reminders": {
        "task": "reminders.tasks.dispatch_reminders",
        "schedule": 5.0,
        "options": {"expire_seconds": 5},
    },
    "send-codes": {
        "task": "reminders.tasks.send_codes",
        "schedule": 5.0,
        "options": {"expire_seconds": 5},
    },
    "plan-reminders": {
        "task": "reminders.tasks.plan_reminders",
        "schedule": crontab(minute="37"),
        "options": {"expire_seconds": 3600},
    },
    "extend-slots": {
        "task": "booking.tasks.extend_slots",
        "schedule": crontab(minute="17", hour="2"),
        "options": {"expire_seconds": 3600},
    },
    "extend-drawn-back": {  # if the wake-up was lost
        "task": "booking.tasks.extend_drawn_back",
        "schedule": 300.0,
        "options": {"expire_seconds": 300},
    },
    "extend-series": {  # after the slots it needs
        "task": "booking.tasks.extend_series",
        "schedule": crontab(minute="37", hour="2"),
        "options": {"expire_seconds": 3600},
    },
    "inspect": {
        "task": "scheduler_project.common.tasks.inspect",
        "schedule": crontab(minute="7", hour="4", day_of_week="sunday"),
        "options": {"expire_seconds": 3600},
    },
    "tidy": {
        "task": "scheduler_project.common.tasks.tidy",
        "schedule": crontab(minute="47", hour="3"),
        "options": {"expire_seconds": 3600},
    },
}
