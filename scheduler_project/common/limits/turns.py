"""A limit on parallel slow requests, so that threads are left for all others."""

import re
import threading
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from scheduler_project.common.errors import TooBusy

LONG_API = re.compile(r"/api/(?:v1/)?(?:admin|analytics)(?:/|$)")
"""Paths of slow API requests. Every search in the API (`search=`) is slow too."""


PATIENCE_SECONDS = 1.0
"""Seconds a request waits for its slot, if that leaves another thread free."""


class Turns:
    """The slots for slow requests: `WEB_LONG_WORK` in this process.

    One thread always stays free of waiting requests.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.working = 0
        self.waiting = 0

    def begin(self) -> None:
        """Take a slot, if need be after a wait. Raises TooBusy."""
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
    """Take a slot for a slow API request, after authentication and rate limiting.

    Anonymous requests take none: they are refused at once, and could otherwise take all slots from staff. Raises
    TooBusy.
    """
    plain = request._request  # noqa: SLF001  (DRF's own way)
    searches = "search=" in plain.META.get("QUERY_STRING", "")
    if (searches or LONG_API.match(plain.path_info)) and request.user.is_authenticated:
        begin(plain)


def begin(request: HttpRequest) -> None:
    """Take a slot, once per request. `with_threads_to_spare` releases it. Raises TooBusy."""
    if not hasattr(request, "long_turn"):
        turns.begin()
        request.long_turn = True  # type: ignore[attr-defined]
