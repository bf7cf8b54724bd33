"""A filter that shows a series' rule in words."""

from typing import Any

from django import template

from booking.models import AppointmentSeries
from booking.series.rule_in_words import rule_in_words

register = template.Library()


@register.inclusion_tag("booking/rule.html")
def rule_of(series: AppointmentSeries) -> dict[str, Any]:
    """Return the rule in words; an uncommon rule as it is written."""
    return {"words": rule_in_words(series), "rrule": series.rrule}
