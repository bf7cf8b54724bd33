"""Tasks: read the clock, call one operation, return a count."""

from celery import shared_task
from django.utils import timezone

from reminders.dispatch import dispatcher
from reminders.phones import operations as phones
from reminders.plan import operations as plan
from scheduler_project.common.waking import wake

WOKEN_AT = "reminders:rang"


@shared_task(acks_late=False)
def dispatch_reminders() -> int:
    """Run one round of the dispatcher.

    The message is acknowledged early: the database holds the work, so a lost task loses nothing.
    """
    return dispatcher.dispatch(clock=timezone.now, linger=1)


@shared_task
def plan_reminders() -> int:
    return plan.replan_all(now=timezone.now())


@shared_task(acks_late=False)
def send_codes() -> int:
    return phones.send_due(clock=timezone.now)


def wake_code_sender() -> None:
    """Start the task that sends the codes."""
    wake(send_codes)


def wake_dispatcher() -> None:
    """Start the dispatcher, once for all calls within half a second: it waits for more messages longer than that."""
    wake(dispatch_reminders, together=WOKEN_AT)
