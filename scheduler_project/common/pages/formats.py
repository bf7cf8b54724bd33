"""The formats of days and times in each language."""

from django.utils.translation import pgettext_lazy

LONG = pgettext_lazy("day and time, as Django's date filter writes it", "l, j F Y, H:i")


DAY = pgettext_lazy("day with its weekday, as Django's date filter writes it", "l j F Y")


MONTH = pgettext_lazy("month and year, as Django's date filter writes it", "F Y")


CLOCK = pgettext_lazy("time of day, as Django's date filter writes it", "H:i")


SHORT = pgettext_lazy("day and time in a text message, as Django's date filter writes it", "D j M Y, H:i")


WEEKDAY = pgettext_lazy("day in a narrow column, as Django's date filter writes it", "D j M")
