"""The formats of days and times in each language; those with a time of day by the reader's clock."""

from datetime import date

from django.utils.functional import Promise
from django.utils.translation import pgettext, pgettext_lazy

from scheduler_project.common.site.clock import with_clock

LONG_24_HOURS = pgettext_lazy("day and time, as Django's date filter writes it", "l, j F Y, H:i")


SHORT_24_HOURS = pgettext_lazy("day and time in a text message, as Django's date filter writes it", "D j M Y, H:i")


LONG = with_clock(LONG_24_HOURS)


DAY = pgettext_lazy("day with its weekday, as Django's date filter writes it", "l j F Y")


MONTH = pgettext_lazy("month and year, as Django's date filter writes it", "F Y")


CLOCK = with_clock(pgettext_lazy("time of day, as Django's date filter writes it", "H:i"))


SHORT = with_clock(SHORT_24_HOURS)


WEEKDAY = pgettext_lazy("day in a narrow column, as Django's date filter writes it", "D j M")


def on(day: date, form: str | Promise) -> str:
    """Return a format for this day: of the first of a month as the language writes it, such as “1er mars”."""
    first = pgettext("the day of the first of a month, as Django's date filter writes it", "j")
    return str(form).replace("j", first) if getattr(day, "day", None) == 1 else str(form)
