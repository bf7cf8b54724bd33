"""Times as shown in the admin."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import lazy


def local_time(instant: datetime | None, zone: str = "") -> str:
    """Return an instant like `Mon 2026-03-02 14:00` in the local time of `zone`, else of the reader.

    The column's label names the zone.
    """
    if instant is None:
        return "–"
    return date_format(timezone.localtime(instant, ZoneInfo(zone) if zone else None), "D Y-m-d H:i")


def _here(label: Any) -> str:
    return f"{label} ({timezone.get_current_timezone_name()})"


here = lazy(_here, str)
"""The label of a column of times in the reader's timezone, with its name."""
