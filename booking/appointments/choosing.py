"""The free times that a provider chooses from, and the display of a refusal."""

from datetime import date, datetime

from django import forms
from django.utils.dateparse import parse_datetime

from booking.availability.search import FreeTime, SlotQuery, free_times
from booking.models import Schedule, Service
from booking.services.models import with_length
from scheduler_project.common.errors import DomainError
from scheduler_project.common.time.zones import day_interval

FIELDS = {"start_time": "time", "end_time": "minutes", "override": "overrides", "starts": "time"}
"""The form fields of the operations' arguments that have another name in the forms."""


def free_on(
    day: date, schedule: Schedule, service: Service | None, minutes: int | None, now: datetime, *, any_notice: bool
) -> list[FreeTime]:
    """Return the free times of a local day for a service, or for a meeting of that many minutes."""
    meeting = with_length(schedule.length_for(service, minutes), service)
    start, until = day_interval(day, schedule.zone)
    search = SlotQuery(start, until, now, schedule.provider_id, meeting, any_notice=any_notice, hidden=True)
    return free_times(search)


def refuse_with_alternatives(form: forms.BaseForm, error: DomainError) -> list[datetime]:
    """Add a refusal to the form field that it concerns. Return the nearest free times that it offers instead."""
    field = FIELDS.get(error.field or "", error.field)
    form.add_error(field if field in form.fields else None, str(error.message))
    offered = [parse_datetime(one["start_time"]) for one in error.details.get("alternatives", ())]
    return [instant for instant in offered if instant]
