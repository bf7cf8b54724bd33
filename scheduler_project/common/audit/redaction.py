"""Removal of secrets from logs and from Django's error pages for developers.

Two kinds are removed: known secrets (the site's own, and those of the current request), and everything that looks like
one. `Formatter` does it for all log output, tracebacks included."""

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

from scheduler_project.common.audit.log import current_request

HIDDEN = "[hidden]"


SHORTEST = 6
"""Minimum length of a known secret: a shorter one would match within ordinary words."""


WITHIN_NAMES = r"password|passwd|passphrase|secret|token|sessionid|authorization|cookie|api_?key"


NAMES = rf"\w{{0,40}}(?:{WITHIN_NAMES})\w{{0,40}}"
"""Names of fields that hold a secret.

All patterns here are bounded in length: anybody may send a megabyte in which a name could begin at each position.
"""


SECRET_NAME = re.compile(rf"{WITHIN_NAMES}|\A(?:access|refresh|code|otp|signature|key)\Z", re.IGNORECASE)
"""Parts of the name of a field that holds a secret."""


SECRET_PARTS = frozenset({"token", "key", "uid", "uidb36"})
"""Parameters of URLs that are secrets, by their names in the URL map."""


PATTERNS: list[tuple[re.Pattern[str], str]] = [
    # scheme://user:password@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://)[^\s/@'\"]{0,200}:[^\s@'\"]{0,200}@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # Links that work for anybody who has them, and URLs of calendar feeds.
    (re.compile(r"(/(?:a|h|r|unsubscribe|calendar|confirm-email|letter)/)[^\s/?#'\"<>]{8,}"), rf"\1{HIDDEN}"),
    (re.compile(r"([?&;]visitor=)[^\s&#'\"<>]+"), rf"\1{HIDDEN}"),  # the key to a visitor's holds in embedded pages
    (re.compile(r"(/password/reset/)(?!key/)[^\s/?#'\"<>]+/[^\s/?#'\"<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(/password/reset/key/)[^\s/?#'\"<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer|Basic|Guest|Token)\s+[\w.~+/=:-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{6,500}\.[\w-]+\.[\w-]*"), HIDDEN),  # a JWT
    (re.compile(r"\bwhsec_[\w+/=-]+"), HIDDEN),  # a webhook's secret
    (re.compile(r"\bsk_[a-z0-9]{8}_\w+"), HIDDEN),  # an API key
    # name=value, "name": "value"
    (
        re.compile(rf"(\b(?:{NAMES})\b[\"']?\s*(?:=|:)\s*\[?)([\"'])(?:(?!\2)[^\\\n]|\\.)+\2", re.IGNORECASE),
        rf"\1\2{HIDDEN}\2",
    ),
    (re.compile(rf"([?&;\s](?:{NAMES})=)[^\s&;'\"\[]+", re.IGNORECASE), rf"\1{HIDDEN}"),
]


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without secrets: the site's own, those given, and everything that looks like one."""
    for secret in sorted({*own_secrets(), *secrets}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


@cache
def own_secrets() -> frozenset[str]:
    """Return the secrets of this site: its keys and the passwords of its servers, also URL-encoded."""
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
    """Return the secrets of a request: cookies, credentials, and fields and parts of its URL."""
    request = getattr(request, "_request", request)
    if not isinstance(request, HttpRequest):
        return set()
    found: list[Any] = [*request.COOKIES.values(), request.headers.get("cookie")]
    found += [request.headers.get("authorization", "").partition(" ")[2], request.headers.get("authorization")]
    match = request.resolver_match
    found += [value for name, value in (match.kwargs if match else {}).items() if name in SECRET_PARTS]
    forms: list[Any] = [request.GET, getattr(request, "_post", None) or {}]
    for fields in forms:  # Nothing is read here that the view has not read.
        found += [value for name in fields if SECRET_NAME.search(name) for value in fields.getlist(name)]
    found += _secret_fields(getattr(request, "fields_read", None))
    return set(_spelt(found))


def remember_fields(request: Any) -> None:
    """Store the parsed fields of an API request for `request_secrets`: DRF offers no other way to them."""
    data = getattr(request, "_full_data", None)
    if isinstance(data, dict | list):
        request._request.fields_read = data  # noqa: SLF001  (DRF's own way)


def _secret_fields(data: Any) -> Iterator[Any]:
    """Yield the values of fields named like secrets, at any depth."""
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
    """A formatter that removes secrets from a record and its traceback.

    Secrets of the request are removed from the message only: a cookie equal to the time or to a logger's name must not
    hide these. The log of security events contains no secrets and is exempt.
    """

    def format(self, record: logging.LogRecord) -> str:
        request = getattr(record, "request", None) or current_request.get()
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
    """A filter that shortens Django's errors about suspicious requests (an unknown host) to a few lines a minute.

    They are no errors of this site, and anybody can send any number of them.
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
    """A filter of Django's page for developers: no secrets of settings and requests, with or without DEBUG."""

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
        """Return nothing: a function's variables may contain anything."""
        return []


class Reporter(ExceptionReporter):
    """Django's page for developers, without secrets."""

    def get_traceback_html(self) -> SafeString:
        return SafeString(redact(super().get_traceback_html(), request_secrets(self.request)))

    def get_traceback_text(self) -> SafeString:
        return SafeString(redact(super().get_traceback_text(), request_secrets(self.request)))
