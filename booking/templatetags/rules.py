"""A series' rule as people say it."""

from typing import Any

from django import template

from booking.models import AppointmentSeries
from booking.series.rule_in_words import in_words

register = template.Library()


@register.inclusion_tag("booking/rule.html")
def rule_of(series: AppointmentSeries) -> dict[str, Any]:
    """The rule in words, or as it is written where we have none."""
    return {"words": in_words(series), "rrule": series.rrule}
