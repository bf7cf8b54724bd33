"""Long work leaves threads to spare: staff who ask for figures of years do not keep visitors from booking."""

import re
import weakref
from collections.abc import Callable, Iterable, Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from scheduler_project.common.errors import TooBusy
from scheduler_project.common.pages import unavailable
from scheduler_project.common.turns import begin, turns

LONG_PAGES = re.compile(r"/(?:admin|numbers|dashboard/numbers)/")
"""Where work may take long. For the API `turns.py` says where."""


def with_threads_to_spare(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that lets long work have only some of the threads, and refuses more of it at once with 503.

    It stands last, where it is known who asks and that they do not ask too often.
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
    """Leave the turn to an answer that is put together while it is sent, such as an export.

    It ends once: when the last of it was read, when it is closed, or when nobody knows of it any more.
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
