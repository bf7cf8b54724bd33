"""Filters of the table of statuses and actions: facts of a status, and buttons of allowed actions."""

from collections.abc import Iterable
from typing import NamedTuple

from django import template

from booking.appointments.transitions import STATUSES, TRANSITIONS, Action, AppointmentStatus, Transition, has_outcome
from scheduler_project.common.validators import isolated

register = template.Library()
register.filter(has_outcome)


class Button(NamedTuple):
    action: str
    row: Transition


@register.filter
def badge(status: str) -> str:
    """Return the class of a status's badge."""
    return STATUSES[AppointmentStatus(status)].badge


@register.filter
def is_usual(status: str) -> bool:
    """Return True for the status that lists and calendars do not mention."""
    return STATUSES[AppointmentStatus(status)].is_usual


@register.filter
def is_upcoming(status: str) -> bool:
    return STATUSES[AppointmentStatus(status)].is_upcoming


@register.filter
def one_click(allowed: Iterable[str]) -> list[Button]:
    """Return the buttons of the allowed actions that need no form."""
    rows = [Button(action, TRANSITIONS[Action(action)]) for action in allowed]
    return [button for button in rows if button.row.button]


@register.filter
def outcomes(allowed: Iterable[str]) -> list[Button]:
    """Return the buttons of the allowed actions that set an outcome."""
    return [button for button in one_click(allowed) if button.row.only_once_begun]


@register.filter
def about(text: str, person: object) -> str:
    """Return the label of a button with the person's name."""
    return str(text) % {"who": isolated(str(person))}
