"""The free times a provider chooses from, and what to say when one is not to be had."""

from datetime import date, datetime

from django import forms
from django.utils.dateparse import parse_datetime

from booking.availability.search import FreeTime, SlotQuery, free_times
from booking.models import Schedule, Service
from booking.services.models import lasting
from scheduler_project.common.errors import DomainError
from scheduler_project.common.time.zones import day_interval

FIELDS = {"start_time": "time", "end_time": "minutes", "override": "overrides", "starts": "time"}
"""The names in our forms of fields that the operations call by another name."""


def free_on(
    day: date, schedule: Schedule, service: Service | None, minutes: int | None, now: datetime, *, any_notice: bool
) -> list[FreeTime]:
    """The times of a local day at which a service, or a meeting of so many minutes, may start."""
    meeting = lasting(schedule.length_for(service, minutes), service)
    start, until = day_interval(day, schedule.zone)
    search = SlotQuery(start, until, now, schedule.provider_id, meeting, any_notice=any_notice, hidden=True)
    return free_times(search)


def refuse(form: forms.BaseForm, error: DomainError) -> list[datetime]:
    """Show a refusal at the field it is about, and return the nearest free times it offers instead."""
    field = FIELDS.get(error.field or "", error.field)
    form.add_error(field if field in form.fields else None, str(error.message))
    offered = [parse_datetime(one["start_time"]) for one in error.details.get("alternatives", ())]
    return [instant for instant in offered if instant]
