"""The date in the address of a dashboard's page."""

from datetime import date

from django import forms
from django.http import HttpRequest

from scheduler_project.common.pages.forms import DayField
from scheduler_project.common.time.zones import YEARS


def asked_date(request: HttpRequest) -> date | None:
    """Return the date in the address; None if there is none or it is not valid."""
    try:
        chosen = DayField(required=False).clean(request.GET.get("date"))
    except forms.ValidationError:
        return None
    return chosen if chosen and chosen.year in YEARS else None
