"""Filters that show the table of statuses and actions: facts of a status, and the buttons of what is allowed."""

from collections.abc import Iterable
from typing import NamedTuple

from django import template

from booking.appointments.transitions import STATUSES, TRANSITIONS, Action, AppointmentStatus, Transition
from scheduler_project.common.validators import isolated

register = template.Library()


class Button(NamedTuple):
    action: str
    row: Transition


@register.filter
def badge(status: str) -> str:
    """Return the class of a status's badge."""
    return STATUSES[AppointmentStatus(status)].badge


@register.filter
def is_usual(status: str) -> bool:
    """Return True for the status that lists and calendars leave unsaid."""
    return STATUSES[AppointmentStatus(status)].is_usual


@register.filter
def is_upcoming(status: str) -> bool:
    return STATUSES[AppointmentStatus(status)].is_upcoming


@register.filter
def one_click(allowed: Iterable[str]) -> list[Button]:
    """Return the buttons of those allowed actions that ask for nothing more."""
    rows = [Button(action, TRANSITIONS[Action(action)]) for action in allowed]
    return [button for button in rows if button.row.button]


@register.filter
def outcomes(allowed: Iterable[str]) -> list[Button]:
    """Return the buttons of those allowed actions that say how it went."""
    return [button for button in one_click(allowed) if button.row.only_once_begun]


@register.filter
def about(text: str, person: object) -> str:
    """Return the name of a button with the person it is about."""
    return str(text) % {"who": isolated(str(person))}
