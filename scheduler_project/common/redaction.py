"""Secrets stay out of logs and of the error pages that developers see.

Two kinds are taken out: those that are known (the site's own, and what the request that is being answered brought), and
whatever looks like one. What logs write goes through `Formatter`, tracebacks and all.
"""

import logging
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from scheduler_project.common.trail import asker

HIDDEN = "[hidden]"

SHORTEST = 6
"""A known secret with fewer characters is not looked for: it would be found in the middle of words."""

WITHIN_NAMES = r"password|passwd|passphrase|secret|token|sessionid|authorization|cookie|api_?key"
NAMES = rf"\w{{0,40}}(?:{WITHIN_NAMES})\w{{0,40}}"
"""What holds a secret is called so, wherever it stands. How long it may be is bounded, as everywhere here: anybody may
send a megabyte in which each place could be the beginning of a name."""
SECRET_NAME = re.compile(rf"{WITHIN_NAMES}|\A(?:access|refresh|code|otp|signature|key)\Z", re.IGNORECASE)
"""What is in the name of a field that holds a secret."""

SECRET_PARTS = frozenset({"token", "key", "uid", "uidb36"})
"""The parts of an address that open something, as the URL map calls them."""

PATTERNS: list[tuple[re.Pattern[str], str]] = [
    # scheme://user:password@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://)[^\s/@'\"]{0,200}:[^\s@'\"]{0,200}@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # Links that act for whoever has them, and addresses of calendar feeds.
    (re.compile(r"(/(?:a|h|r|unsubscribe|calendar|confirm-email|letter)/)[^\s/?#'\"<>]{8,}"), rf"\1{HIDDEN}"),
    (re.compile(r"([?&;]visitor=)[^\s&#'\"<>]+"), rf"\1{HIDDEN}"),  # whose holds the pages in a frame show and move
    (re.compile(r"(/password/reset/)(?!key/)[^\s/?#'\"<>]+/[^\s/?#'\"<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(/password/reset/key/)[^\s/?#'\"<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer|Basic|Token)\s+[\w.~+/=:-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{6,500}\.[\w-]+\.[\w-]*"), HIDDEN),  # a JWT
    (re.compile(r"\bwhsec_[\w+/=-]+"), HIDDEN),  # a webhook's secret
    # name=value, "name": "value"
    (
        re.compile(rf"(\b(?:{NAMES})\b[\"']?\s*(?:=|:)\s*\[?)([\"'])(?:(?!\2)[^\\\n]|\\.)+\2", re.IGNORECASE),
        rf"\1\2{HIDDEN}\2",
    ),
    (re.compile(rf"([?&;\s](?:{NAMES})=)[^\s&;'\"\[]+", re.IGNORECASE), rf"\1{HIDDEN}"),
]


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without secrets: the site's own, those given, and whatever looks like one."""
    for secret in sorted({*own_secrets(), *secrets}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


@cache
def own_secrets() -> frozenset[str]:
    """What this site must tell nobody: its keys and the passwords of its servers, also as URLs write them."""
    urls = [settings.REDIS_URL, str(settings.CELERY_BROKER_URL)]
    of_urls = [urlsplit(url).password for url in urls]
    found = [
        settings.SECRET_KEY,
        *settings.SECRET_KEY_FALLBACKS,
        *(str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()),
        settings.EMAIL_HOST_PASSWORD,
        settings.TWILIO_AUTH_TOKEN,
        *of_urls,
    ]
    return frozenset(_spelt(found))


def request_secrets(request: Any) -> set[str]:
    """What a request brought that is nobody else's: cookies, credentials, fields and parts of its address."""
    request = getattr(request, "_request", request)
    if not isinstance(request, HttpRequest):
        return set()
    found: list[Any] = [*request.COOKIES.values(), request.headers.get("cookie")]
    found += [request.headers.get("authorization", "").partition(" ")[2], request.headers.get("authorization")]
    match = request.resolver_match
    found += [value for name, value in (match.kwargs if match else {}).items() if name in SECRET_PARTS]
    forms: list[Any] = [request.GET, getattr(request, "_post", None) or {}]
    for fields in forms:  # A form that was not read is not read here.
        found += [value for name in fields if SECRET_NAME.search(name) for value in fields.getlist(name)]
    found += _named(getattr(request, "fields_read", None))
    return set(_spelt(found))


def remember_fields(request: Any) -> None:
    """Note what an API request said, for `request_secrets`, if it has been read: DRF keeps it to itself."""
    data = getattr(request, "_full_data", None)
    if isinstance(data, dict | list):
        request._request.fields_read = data  # noqa: SLF001  (DRF's own way)


def _named(data: Any) -> Iterator[Any]:
    """The values of whatever is called like a secret, however deep."""
    waiting = [data]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            for name, value in each.items():
                if SECRET_NAME.search(name) and isinstance(value, str):
                    yield value
                waiting.append(value)
        elif isinstance(each, list):
            waiting += each


def _spelt(secrets: Iterable[Any]) -> Iterator[str]:
    for secret in secrets:
        if isinstance(secret, str) and len(secret) >= SHORTEST:
            yield secret
            yield unquote(secret)
            yield repr(secret)[1:-1]


class Formatter(logging.Formatter):
    """Writes a record, its traceback included, without secrets.

    What a request brought is looked for only in what is said about it: a cookie that reads like a time or the name of a
    logger hides neither, and the log of security events, which holds no secrets, is spared it altogether.
    """

    def format(self, record: logging.LogRecord) -> str:
        request = getattr(record, "request", None) or asker.get()
        secrets = set() if record.name == "security" else request_secrets(request)
        record.message = redact(record.getMessage(), secrets)
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        parts = [self.formatMessage(record)]
        if record.exc_info:
            parts.append(redact(self.formatException(record.exc_info), secrets))
        if record.stack_info:
            parts.append(redact(self.formatStack(record.stack_info), secrets))
        return "\n".join(parts)


class Quiet(logging.Filter):
    """Makes one line of a request that Django found suspicious, such as one for an unknown host, and a few a minute.

    They are nobody's mistake here, and anybody can send as many as they like.
    """

    def __init__(self, each: int = 5, seconds: float = 60) -> None:
        super().__init__()
        self.each = each
        self.seconds = seconds
        self.ends = 0.0
        self.counts: Counter[str] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("django.security."):
            return True
        if (now := time.monotonic()) >= self.ends:
            self.ends = now + self.seconds
            self.counts.clear()
        self.counts[record.name] += 1
        if self.counts[record.name] > self.each:
            return False
        record.exc_info = record.exc_text = record.stack_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args = repr(record.getMessage()[:200])[1:-1], ()
        if self.counts[record.name] == self.each:
            record.msg += f" (More of these are not written for {self.seconds:.0f} seconds.)"
        return True


class ReporterFilter(SafeExceptionReporterFilter):
    """What Django's page for developers may show of settings and requests: no secrets, with DEBUG on either."""

    hidden_settings = re.compile(
        r"API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|CREDENTIAL|DATABASE|_URL$|ENVIRON", re.IGNORECASE
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        return redact(cleansed) if isinstance(cleansed, str) else cleansed

    def get_safe_cookies(self, request: Any) -> dict[str, Any]:
        return dict.fromkeys(getattr(request, "COOKIES", {}), self.cleansed_substitute)

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        shown: Any = super().get_post_parameters(request)
        return {name: self.cleansed_substitute if SECRET_NAME.search(name) else shown[name] for name in shown}

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        """None: what a function works with may be anything."""
        return []


class Reporter(ExceptionReporter):
    """Django's page for developers, without secrets."""

    def get_traceback_html(self) -> SafeString:
        return SafeString(redact(super().get_traceback_html(), request_secrets(self.request)))

    def get_traceback_text(self) -> SafeString:
        return SafeString(redact(super().get_traceback_text(), request_secrets(self.request)))
