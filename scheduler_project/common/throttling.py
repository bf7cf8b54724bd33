"""Rate limits: one atomic Redis round trip a request, fixed windows, 429 with Retry-After."""

import hashlib
import math
import time
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@lru_cache
def parsed(rate: str) -> tuple[int, int]:
    """`"600/min"` → (600, 60): how many requests in how many seconds."""
    number, _, period = rate.partition("/")
    return int(number), SECONDS[period[0]]


@cache
def redis_client() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


class Throttle(BaseThrottle):
    """Counts the requests of one user (or one address, when nobody is logged in) in the scope of the view.

    A view may name its `throttle_scope`; otherwise reads count as `read` and everything else as `write`. A view whose
    `throttle_subject(request)` returns a text counts also, in the same scope, the requests about that subject, whoever
    sends them: the email somebody tries passwords for. Rates stand in `REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]`.
    Without Redis there is no limit: a dead cache must not close the shop.
    """

    def __init__(self) -> None:
        self.retry_after: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        if not settings.THROTTLE:
            return True
        scope = getattr(view, "throttle_scope", None) or ("read" if request.method in SAFE_METHODS else "write")
        limit, period = parsed(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"][scope])
        now = time.time()
        window = int(now // period)
        who = f"user:{request.user.pk}" if request.user.is_authenticated else f"ip:{self.get_ident(request)}"
        within = self.count(f"throttle:{scope}:{who}:{window}", period) <= limit
        subject = view.throttle_subject(request) if within and hasattr(view, "throttle_subject") else None
        if subject is not None:
            digest = hashlib.sha256(subject.encode()).hexdigest()
            within = self.count(f"throttle:{scope}:subject:{digest}:{window}", period) <= limit
        if within:
            return True
        self.retry_after = (window + 1) * period - now
        return False

    def count(self, key: str, period: int) -> int:
        try:
            return int(redis_client().eval(COUNT, 1, key, period))
        except RedisError:
            return 0

    def wait(self) -> float | None:
        return self.retry_after


def seconds_to_wait(request: HttpRequest, scope: str, subject: str | None = None) -> int | None:
    """`Throttle` for pages: None when the request may go on, else after how many whole seconds one like it may."""
    throttle = Throttle()
    asked: Any = request
    if throttle.allow_request(asked, SimpleNamespace(throttle_scope=scope, throttle_subject=lambda _: subject)):
        return None
    return math.ceil(throttle.wait() or 1)
