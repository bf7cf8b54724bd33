"""Starting a task now instead of at the next beat."""

import logging
from typing import Any

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from scheduler_project.common.limits.throttling import redis_client

logger = logging.getLogger(__name__)

TOGETHER_MILLISECONDS = 500


def wake(task: Any, *args: Any, expires: int = 5, together: str | None = None) -> None:
    """Start a task, unless no worker is free for `expires` seconds. A lost call is harmless: beat starts the task too.

    So no caller should wait: an unreachable Redis is noticed within a second, before Celery retries for longer. Of all
    calls with the same `together` within half a second, only one starts the task.
    """
    try:
        if together is None:
            redis_client().ping()
        elif not redis_client().set(together, 1, px=TOGETHER_MILLISECONDS, nx=True):
            return
        task.apply_async(args, expires=expires, retry=False)
    except (OperationalError, RedisError) as error:
        logger.warning("%s could not be rung for: %s", task.name, error)
