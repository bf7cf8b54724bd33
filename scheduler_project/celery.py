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


def every(seconds: int, task: str) -> dict[str, Any]:
    """Return the row of a task that runs every so many seconds.

    A wake-up that finds no worker before the next one comes is worthless: it expires instead of piling up.
    """
    return {"task": task, "schedule": float(seconds), "options": {"expire_seconds": seconds}}


def at(task: str, **time: str) -> dict[str, Any]:
    """Return the row of a task that runs at a time (UTC), as in `crontab`. Its wake-up expires after an hour."""
    return {"task": task, "schedule": crontab(**time), "options": {"expire_seconds": 3600}}


app.conf.beat_schedule = {
    "expire-reservations": every(5, "booking.tasks.expire_reservations"),
    "dispatch-reminders": every(5, "reminders.tasks.dispatch_reminders"),
    "send-codes": every(5, "reminders.tasks.send_codes"),
    "plan-reminders": at("reminders.tasks.plan_reminders", minute="37"),
    "extend-slots": at("booking.tasks.extend_slots", minute="17", hour="2"),
    "extend-drawn-back": every(300, "booking.tasks.extend_drawn_back"),  # if the wake-up was lost
    "extend-series": at("booking.tasks.extend_series", minute="37", hour="2"),  # after the slots it needs
    "inspect": at("scheduler_project.common.tasks.inspect", minute="7", hour="4", day_of_week="sunday"),
    "tidy": at("scheduler_project.common.tasks.tidy", minute="47", hour="3"),
}
