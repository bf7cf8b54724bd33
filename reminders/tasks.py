"""Doorbells: read the clock, call one operation, return a count."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from reminders import dispatcher
from reminders.operations import phones, plan
from scheduler_project.common.throttling import redis_client

logger = logging.getLogger(__name__)

RANG = "reminders:rang"


@shared_task(acks_late=False)
def dispatch_reminders() -> int:
    """A ring that was heard has done its duty: nothing is owed to the broker, so that losing it ends no round."""
    return dispatcher.dispatch(clock=timezone.now, linger=1)


@shared_task
def plan_reminders() -> int:
    return plan.replan_all(now=timezone.now())


@shared_task(acks_late=False)
def send_codes() -> int:
    return phones.send_due(clock=timezone.now)


def wake_code_sender() -> None:
    """Ring for the codes now instead of at the next beat."""
    try:
        redis_client().ping()
        send_codes.apply_async(expires=5, retry=False)
    except (OperationalError, RedisError) as error:
        logger.warning("The sender of codes could not be rung for: %s", error)


def wake_dispatcher() -> None:
    """Ring for the dispatcher now instead of at the next beat. A lost ring loses nothing, so nobody waits for it.

    One ring serves all who ring in the same half second: a dispatcher lingers longer than that.
    """
    try:
        if redis_client().set(RANG, 1, px=500, nx=True):
            dispatch_reminders.apply_async(expires=5, retry=False)
    except (OperationalError, RedisError) as error:
        logger.warning("The dispatcher could not be rung for: %s", error)
