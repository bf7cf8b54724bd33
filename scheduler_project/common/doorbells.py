"""Ringing for a task now instead of at the next beat."""

import logging
from typing import Any

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from scheduler_project.common.throttling import redis_client

logger = logging.getLogger(__name__)

TOGETHER_MILLISECONDS = 500


def ring(task: Any, *args: Any, expires: int = 5, together: str | None = None) -> None:
    """Have a worker do a task, unless none is free for `expires` seconds. A lost ring loses nothing: beat rings too.

    So nobody waits for it: where Redis is away that is found out in a second, before Celery tries for longer. Of those
    who ring `together`, by that name and within half a second, one rings for all.
    """
    try:
        if together is None:
            redis_client().ping()
        elif not redis_client().set(together, 1, px=TOGETHER_MILLISECONDS, nx=True):
            return
        task.apply_async(args, expires=expires, retry=False)
    except (OperationalError, RedisError) as error:
        logger.warning("%s could not be rung for: %s", task.name, error)
