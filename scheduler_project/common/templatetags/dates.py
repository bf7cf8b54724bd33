"""Django's filter `date`, which writes the first of a month as the language does. Built into every template."""

from datetime import date
from typing import Any

from django import template
from django.template import defaultfilters

from scheduler_project.common.pages.formats import on

register = template.Library()


@register.filter("date", expects_localtime=True, is_safe=False)
def date_of(value: Any, form: str | None = None) -> str:
    """Return a date or an instant in a format, by default the language's."""
    return defaultfilters.date(value, on(value, form) if form and isinstance(value, date) else form)
