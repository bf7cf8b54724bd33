"""Long work leaves threads to spare: staff who ask for figures of years do not keep visitors from booking."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from scheduler_project.common.api_errors import refusal_response
from scheduler_project.common.errors import TooBusy
from scheduler_project.common.pages import unavailable

LONG = re.compile(r"/(?:admin/|numbers/|dashboard/numbers/|api/(?:v1/)?(?:admin|analytics)(?:/|$))")
"""Where work may take long. So may every search in the API (`search=`)."""

PATIENCE_SECONDS = 1.0
"""How long one request waits for its turn, as long as that leaves another thread free."""


class Turns:
    """At most `WEB_LONG_WORK` at a time in this process, and one thread free whoever waits."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.working = 0
        self.waiting = 0

    def begin(self) -> None:
        """Raises TooBusy."""
        with self.changed:
            if self.working >= settings.WEB_LONG_WORK:
                self._wait()
            self.working += 1

    def end(self) -> None:
        with self.changed:
            self.working -= 1
            self.changed.notify()

    def _wait(self) -> None:
        if settings.WEB_LONG_WORK + self.waiting + 1 >= settings.WEB_THREADS:
            raise TooBusy
        self.waiting += 1
        try:
            if not self.changed.wait_for(lambda: self.working < settings.WEB_LONG_WORK, PATIENCE_SECONDS):
                raise TooBusy
        finally:
            self.waiting -= 1


turns = Turns()


def with_threads_to_spare(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that lets long work have only some of the threads, and refuses more of it at once with 503."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_long(request):
            return get_response(request)
        try:
            turns.begin()
        except TooBusy as refusal:
            return refusal_response(refusal) if request.path_info.startswith("/api/") else unavailable(refusal)
        with ended_unless_kept() as keep:
            response = get_response(request)
            if response.streaming:  # It is put together while it is sent.
                keep(response)
            return response

    return middleware


@contextmanager
def ended_unless_kept() -> Iterator[Callable[[HttpResponse], None]]:
    """End the turn with the block, or with the response that was given to `keep`."""
    kept = False

    def keep(response: HttpResponse) -> None:
        nonlocal kept
        kept = True
        response._resource_closers.append(turns.end)  # type: ignore[attr-defined]  # noqa: SLF001

    try:
        yield keep
    finally:
        if not kept:
            turns.end()


def is_long(request: HttpRequest) -> bool:
    path = request.path_info
    return LONG.match(path) is not None or (
        path.startswith("/api/") and "search=" in str(request.META.get("QUERY_STRING", ""))
    )
