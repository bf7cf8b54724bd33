"""Tasks: read the clock, call one operation, return a count."""

from celery import shared_task
from django.utils import timezone

from accounts.mails import operations as mails
from scheduler_project.common.doorbells import ring


@shared_task(acks_late=False)
def send_mails() -> int:
    return mails.send_due(clock=timezone.now)


def wake_sender() -> None:
    """Start the task that sends the mails."""
    ring(send_mails)
