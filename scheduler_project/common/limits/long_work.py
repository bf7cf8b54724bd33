"""A limit on slow requests, so that staff who ask for years of reports leave threads to visitors."""

import re
import weakref
from collections.abc import Callable, Iterable, Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from scheduler_project.common.errors import TooBusy
from scheduler_project.common.limits.turns import begin, turns
from scheduler_project.common.pages.base import unavailable

LONG_PAGES = re.compile(r"/(?:admin|numbers|dashboard/numbers)/")
"""Paths of slow pages. For the API see `turns.py`."""


def with_threads_to_spare(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Limit slow requests to some of the threads, and answer further ones with 503 at once.

    It must be the last middleware: the user is known by then, and rate limits have been applied.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if LONG_PAGES.match(request.path_info) and request.user.is_authenticated:
            try:
                begin(request)
            except TooBusy as refusal:
                return unavailable(refusal)
        response = None
        try:
            response = get_response(request)
        finally:
            if hasattr(request, "long_turn") and not _kept(response):
                turns.end()
        return response

    return middleware


def _kept(response: HttpResponse | None) -> bool:
    """Keep the slot until a streamed response (an export, for example) has been sent.

    The slot is released once: when the response is read to its end, closed, or garbage-collected.
    """
    if not isinstance(response, StreamingHttpResponse):
        return False
    end = weakref.finalize(response, turns.end)
    end.atexit = False
    response._resource_closers.append(end)  # noqa: SLF001
    response.streaming_content = _ended_after(response.streaming_content, end)
    return True


def _ended_after(parts: Iterable[bytes], end: Callable[[], object]) -> Iterator[bytes]:
    try:
        yield from parts
    finally:
        end()
