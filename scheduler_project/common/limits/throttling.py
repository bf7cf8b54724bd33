"""Rate limits: one atomic round trip a request, fixed windows, 429 with Retry-After.

Counted answers of the API say how much is left, in the header fields of draft-ietf-httpapi-ratelimit-headers-11:

    RateLimit-Policy: "read";q=600;w=60
    RateLimit: "read";r=599;t=42
"""

import hashlib
import ipaddress
import logging
import math
import time
from collections.abc import Callable
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.limits.sending import mailbox
from scheduler_project.common.limits.turns import begin_if_long
from scheduler_project.common.models import Tally

logger = logging.getLogger(__name__)


COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""


GUARDING = frozenset(
    {
        *("login", "register", "mail", "mail_login", "mail_network"),
        *("code", "code_day", "code_network", "code_site"),
        "unconfirmed",
    }
)
"""Scopes that prevent guessing, or flooding of a mailbox, phone or calendar: they are counted in PostgreSQL."""


BY_SITE = GUARDING | {"hold"}
"""Scopes whose requests affect other people.

A site's 65,536 IPv6 networks, those of a tunnel for example, count as one in them.
"""


# The ORM has no ON CONFLICT that adds up, and none with a condition.
TALLY = """
INSERT INTO common_tally AS tally (key, count, ends_at) VALUES (%s, 1, to_timestamp(%s))
ON CONFLICT (key) DO UPDATE SET count = tally.count + 1 WHERE tally.count <= %s
RETURNING count
"""
"""The count stops at one beyond the limit, so that the first refusal can be told from later ones."""


MEMORY = 3600
"""Seconds after which failures are forgotten, unless another follows."""


# The ORM has no ON CONFLICT with a condition.
SLOW_DOWN = """
INSERT INTO common_tally AS tally (key, count, ends_at) VALUES (%(key)s, 1, to_timestamp(%(ends_at)s))
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN tally.ends_at <= to_timestamp(%(now)s) THEN 1 ELSE tally.count + 1 END,
    ends_at = EXCLUDED.ends_at
WHERE tally.count < %(free)s
    OR extract(epoch FROM EXCLUDED.ends_at - tally.ends_at)
        >= least(%(longest)s, %(first)s * 2.0 ^ least(tally.count - %(free)s, 20))
RETURNING count
"""
"""`ends_at` is MEMORY after the last try, so the difference of two is the time between the tries."""


SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@lru_cache
def parsed(rate: str) -> tuple[int, int]:
    """Return a rate such as `"600/min"` as (600, 60): number of requests and seconds."""
    number, _, period = rate.partition("/")
    return int(number), SECONDS[period[0]]


@cache
def redis_client() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


class Throttle(BaseThrottle):
    """A throttle that counts the requests of one user (or address, if not logged in) in the scope of the view.

    A view may name its `throttle_scope`; by default reads count as `read` and other requests as `write`. Requests with
    an API key count by the key, as `key`, and, where a view names its scope, as that too. A view whose
    `throttle_subject(request)` returns a text also counts, in the same scope, all requests about that subject, by
    whatever caller: the email whose password is tried, for example. Rates are in
    `REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]`. Without Redis only the `GUARDING` limits apply: a dead cache must
    neither stop the site nor unlock it.
    """

    def __init__(self) -> None:
        self.retry_after: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return whether the request is within its limits. Raises TooBusy for a slow one while too many others run."""
        allowed = not settings.THROTTLE or self.is_within(request, view)
        if allowed and isinstance(request, Request):
            begin_if_long(request)
        return allowed

    def is_within(self, request: Request, view: Any) -> bool:
        named = getattr(view, "throttle_scope", None)
        scope = named or ("read" if request.method in SAFE_METHODS else "write")
        now = time.time()
        if key := getattr(request.user, "key", None):
            self.take(request, "key", f"key:{key.pk}", now)
            if named and self.retry_after is None:
                self.take(request, named, f"key:{key.pk}", now)
        elif request.user.is_authenticated:
            self.take(request, scope, f"user:{request.user.pk}", now)
        else:
            self.take(request, scope, f"ip:{caller(request, scope)}", now)
        if self.retry_after is None and hasattr(view, "throttle_subject"):
            subject = view.throttle_subject(request)
            self.retry_after = None if subject is None else beyond(scope, subject_key(subject), now)
        return self.retry_after is None

    def take(self, request: Request, scope: str, whose: str, now: float) -> None:
        """Count the request, and remember for the answer what is left."""
        quota = take_one(scope, whose, now)
        self.retry_after = quota.seconds_to_wait
        of_api: Any = getattr(request, "_request", None)
        if of_api is not None and quota.used:
            of_api.quota = quota

    def wait(self) -> float | None:
        return self.retry_after


class Quota(NamedTuple):
    """A caller's use of a rate limit in the current window; `used` is 0 if Redis does not answer."""

    scope: str
    limit: int
    period: int
    used: int
    seconds: float
    """The seconds until the next window."""

    @property
    def seconds_to_wait(self) -> float | None:
        return self.seconds if self.used > self.limit else None

    @property
    def headers(self) -> dict[str, str]:
        left = max(0, self.limit - self.used)
        return {
            "RateLimit-Policy": f'"{self.scope}";q={self.limit};w={self.period}',
            "RateLimit": f'"{self.scope}";r={left};t={math.ceil(self.seconds)}',
        }


def with_quotas(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that tells callers of the API what is left of their rate limit."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        quota: Quota | None = getattr(request, "quota", None)
        for name, value in (quota.headers if quota else {}).items():
            response.headers[name] = value
        return response

    return middleware


def beyond(scope: str, whose: str, now: float) -> float | None:
    """Count one more request in this scope. Return None within the limit, else the seconds until the next window."""
    return take_one(scope, whose, now).seconds_to_wait


def take_one(scope: str, whose: str, now: float) -> Quota:
    """Count one more request in this scope, and return what is left."""
    limit, period = parsed(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"][scope])
    window = int(now // period)
    ends_at = (window + 1) * period
    key = f"throttle:{scope}:{whose}:{window}"
    count = tallied(key, limit, ends_at) if scope in GUARDING else counted(key, period)
    if count == limit + 1:
        login = int(whose.removeprefix("user:")) if whose.startswith("user:") else None
        log_security_event(SecurityEvent.LIMIT_REACHED, login=login, scope=scope)
    return Quota(scope, limit, period, count, ends_at - now)


def is_first(event: str, period: int) -> bool:
    """Return whether this is the first such event in its period, to log it once. True while Redis does not answer."""
    return counted(f"first:{event}:{int(time.time() // period)}", period) <= 1


RESTING_SECONDS = 5


resting: dict[Redis, float] = {}
"""Servers that did not answer, with the time until which they are skipped: each attempt would take a second."""


def counted(key: str, period: int) -> int:
    """Return the count in this period, including this one; None while Redis does not answer."""
    client = redis_client()
    if time.monotonic() < resting.get(client, 0):
        return 0
    try:
        count = int(client.eval(COUNT, 1, key, period))
    except RedisError as error:
        if client not in resting:
            logger.warning("Redis does not answer, so nobody's requests are limited: %s", error)
        resting[client] = time.monotonic() + RESTING_SECONDS
        return 0
    if resting and resting.pop(client, None) is not None:
        logger.warning("Redis answers again; requests are limited as before.")
    return count


def tallied(key: str, limit: int, ends_at: float) -> int:
    """Return the count, including this one; beyond the limit it stops rising."""
    with connection.cursor() as cursor:
        cursor.execute(TALLY, [key, ends_at, limit])
        row = cursor.fetchone()
    return limit + 2 if row is None else int(row[0])


class Slowdown(NamedTuple):
    """A number of free tries, after which each doubles the wait: from `first` up to `longest` seconds."""

    free: int
    first: int
    longest: int


def slow_down(key: str, by: Slowdown, now: float) -> float | None:
    """Count one more try. Return None if it may be made now, else the seconds to wait, and do not count it."""
    with connection.cursor() as cursor:
        params = {"key": key, "now": now, "ends_at": now + MEMORY, **by._asdict()}
        cursor.execute(SLOW_DOWN, params)
        if cursor.fetchone() is not None:
            return None
    tally = Tally.objects.filter(key=key).first()
    count, ends_at = (tally.count, tally.ends_at.timestamp()) if tally else (by.free, now + MEMORY)
    wait = min(by.longest, by.first * 2 ** min(count - by.free, 20))
    return max(ends_at - MEMORY + wait - now, 1)


def uncount(key: str) -> None:
    """Uncount one try that was not made, or that succeeded."""
    Tally.objects.filter(key=key, count__gt=0).update(count=F("count") - 1)


def forget(key: str) -> None:
    """Reset the count."""
    Tally.objects.filter(key=key).delete()


def subject_key(subject: str) -> str:
    return f"subject:{hashlib.sha256(subject.encode()).hexdigest()}"


def network(address: str, *, prefix: int = 64) -> str:
    """Return the network of an address: for IPv6 the first 64 or `prefix` bits, because clients choose the others."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found), prefix), strict=False))


def site_network(request: HttpRequest | Request) -> str:
    """Return the network of a whole office or household: an IPv4 address, or the 48 bits of IPv6 assigned to a site.

    Empty if the address is unknown.
    """
    untyped: Any = request
    return network(BaseThrottle().get_ident(untyped) or "", prefix=48)


def caller(request: HttpRequest | Request, scope: str) -> str:
    """Return the caller of a request, as the scope distinguishes callers."""
    untyped: Any = request
    return site_network(request) if scope in BY_SITE else network(BaseThrottle().get_ident(untyped) or "")


def may(scope: str, subject: str) -> bool:
    """Count one more request about the subject, by whatever caller, and return whether it is within the limit."""
    return not settings.THROTTLE or beyond(scope, subject_key(subject), time.time()) is None


def seconds_until(scope: str, subject: str) -> int | None:
    """Count one more request, as `may` does.

    Return None within the limit, else the whole seconds until the next is allowed.
    """
    seconds = beyond(scope, subject_key(subject), time.time()) if settings.THROTTLE else None
    return None if seconds is None else math.ceil(seconds)


def seconds_until_mail(kind: str, address: str) -> int | None:
    """Count one more mail with a link of a kind to a mailbox, by whatever caller, as `seconds_until` does."""
    return seconds_until("mail", f"{kind}:{mailbox(address)}")


def seconds_to_wait(request: HttpRequest, scope: str, subject: str | None = None) -> int | None:
    """Apply `Throttle` to a page. Return None if the request is allowed, else the whole seconds to wait."""
    throttle = Throttle()
    untyped: Any = request
    if throttle.allow_request(untyped, SimpleNamespace(throttle_scope=scope, throttle_subject=lambda _: subject)):
        return None
    return math.ceil(throttle.wait() or 1)
