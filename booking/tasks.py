"""Doorbells: read the clock, call one operation, return a count."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from accounts.actors import Actor, Face
from booking.operations import reservations, series, slots
from scheduler_project.common.throttling import redis_client

logger = logging.getLogger(__name__)


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
    """Ring for a calendar's missing slots now. A lost ring loses nothing: every five minutes they are looked for."""
    try:
        redis_client().ping()
        extend_calendar.apply_async((schedule_id,), expires=300, retry=False)
    except (OperationalError, RedisError) as error:
        logger.warning("A calendar's missing slots could not be rung for: %s", error)


@shared_task
def extend_series() -> int:
    return series.extend_all_series(now=timezone.now(), actor=Actor(None, Face.JOB))
