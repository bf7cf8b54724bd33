"""Doorbells: read the clock, call one operation, return a count."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from accounts.operations import mails
from scheduler_project.common.throttling import redis_client

logger = logging.getLogger(__name__)


@shared_task(acks_late=False)
def send_mails() -> int:
    return mails.send_due(clock=timezone.now)


def wake_sender() -> None:
    """Ring for the mails now instead of at the next beat. A lost ring loses nothing, so nobody waits for it."""
    try:
        redis_client().ping()
        send_mails.apply_async(expires=5, retry=False)
    except (OperationalError, RedisError) as error:
        logger.warning("The sender of mails could not be rung for: %s", error)
