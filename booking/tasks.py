"""Tasks, which wake the work: read the clock, call one operation, return a count."""

from celery import shared_task
from django.utils import timezone

from accounts.actors import Actor, Source
from booking.availability import slots
from booking.reservations import operations as reservations
from booking.series import operations as series
from scheduler_project.common.waking import wake


@shared_task
def expire_reservations() -> int:
    return reservations.expire_due(now=timezone.now())


@shared_task
def extend_slots() -> int:
    return slots.extend_all(now=timezone.now())


@shared_task(acks_late=False)
def extend_calendar(schedule_id: int) -> int:
    return slots.extend_in_portions(schedule_id=schedule_id, now=timezone.now())


@shared_task
def extend_drawn_back() -> int:
    return slots.extend_drawn_back(now=timezone.now())


def wake_extender(schedule_id: int) -> None:
    """Wake the job that adds a schedule's missing slots. It also looks for them every five minutes."""
    wake(extend_calendar, schedule_id, expires=300)


@shared_task
def extend_series() -> int:
    return series.extend_all_series(now=timezone.now(), actor=Actor(None, Source.JOB))
