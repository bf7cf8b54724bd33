"""Turns at what takes long: at most so many at a time, so that threads are left for everybody else."""

import re
import threading
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from scheduler_project.common.errors import TooBusy

LONG_API = re.compile(r"/api/(?:v1/)?(?:admin|analytics)(?:/|$)")
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


def begin_if_long(request: Any) -> None:
    """Take a turn for a request of the API that may take long, once it is known who asks and how often they do.

    Nobody unknown takes one: whoever asks for the figures and is refused does so in a moment, as often as they like,
    and would leave no turn to staff. Raises TooBusy.
    """
    plain = request._request  # noqa: SLF001  (DRF's own way)
    searches = "search=" in plain.META.get("QUERY_STRING", "")
    if (searches or LONG_API.match(plain.path_info)) and request.user.is_authenticated:
        begin(plain)


def begin(request: HttpRequest) -> None:
    """Take a turn, once for each request. `with_threads_to_spare` ends it. Raises TooBusy."""
    if not hasattr(request, "long_turn"):
        turns.begin()
        request.long_turn = True  # type: ignore[attr-defined]
