"""Changes of availability that are previewed and then confirmed (R6)."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from booking.availability.operations import AvailabilityChange
from booking.models import Schedule
from scheduler_project.common.errors import DomainError
from scheduler_project.common.operations import preview
from scheduler_project.common.pages.formats import SHORT
from scheduler_project.common.pages.forms import LocalDateTimeField

NOT_TYPED = ("csrfmiddlewaretoken", "do", "sure")


class PreviewedChange(NamedTuple):
    """The effect of a change or of its preview; `sure` is sent with the same fields to confirm the preview."""

    change: AvailabilityChange
    action: str
    sure: str
    done: bool


def action_of(request: HttpRequest) -> str:
    """Return the action of the pressed button, or the previewed action that the button confirms."""
    return request.POST.get("sure", "").partition(":")[0] or request.POST.get("do", "")


def do_if_previewed(request: HttpRequest, call: Callable[[], AvailabilityChange]) -> PreviewedChange:
    """Run `call` if its preview was shown with the very same fields; otherwise preview it."""
    action = action_of(request)
    sure = f"{action}:{_mark(request, action)}"
    done = constant_time_compare(request.POST.get("sure", ""), sure)
    change = call() if done else preview(call)
    if done:
        messages.success(request, _("Saved."))
    return PreviewedChange(change, action, sure, done)


def _mark(request: HttpRequest, action: str) -> str:
    typed = sorted((name, values) for name, values in request.POST.lists() if name not in NOT_TYPED)
    return salted_hmac("booking.views.desk.changing", repr((request.path, action, typed))).hexdigest()


def with_nearest_times(refusal: DomainError, schedule: Schedule) -> DomainError:
    """Return the refusal, its message with the nearest times on the schedule's own clocks."""
    nearest = [text for text in refusal.details.get("nearest", []) if "T" in text]
    if nearest:
        instants: list[Any] = [LocalDateTimeField().to_python(text) for text in nearest]
        times = ", ".join(date_format(instant.astimezone(schedule.zone), str(SHORT)) for instant in instants)
        refusal.message = f"{type(refusal).message} {times}."
    return refusal
