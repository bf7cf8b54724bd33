"""The clock of whoever reads: 13:30 or 1:30 PM."""

from contextvars import ContextVar

from django.utils.functional import Promise, lazy
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from scheduler_project.common.countries import CLOCKS_OF_12_HOURS, country_of
from scheduler_project.common.site.enums import Clock
from scheduler_project.common.site.queries import site_settings

chosen: ContextVar[str] = ContextVar("clock", default="")
"""The clock that the visitor chose, for the current request."""


def has_12_hours(zone: str) -> bool:
    """Return whether times in this zone are written like 1:30 PM: as the visitor chose, else as the site says, else as
    readers of English in the zone's country expect."""
    clock = chosen.get() or site_settings().clock
    if clock:
        return clock == Clock.HOURS_12
    return (get_language() or "").startswith("en") and country_of(zone) in CLOCKS_OF_12_HOURS


def format_in(zone: str, form: str | Promise) -> str:
    """Return a format of Django's date filter with the clock for this zone."""
    text = str(form)
    return text.replace("H:i", "g:i A").replace(r" \U\h\r", "") if has_12_hours(zone) else text


def _in_current_zone(form: Promise) -> str:
    return format_in(get_current_timezone_name(), form)


with_clock = lazy(_in_current_zone, str)
"""Return a format with the clock for the current timezone, when it is used."""
