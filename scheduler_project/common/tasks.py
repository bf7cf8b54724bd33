"""Housekeeping of the frame."""

from datetime import timedelta

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from scheduler_project.common.models import IdempotentRequest, Remembered, Tally

KEPT = timedelta(days=2)


@shared_task
def tidy() -> int:
    """Forget answers to repeated writes after two days, and ended limits, tokens and sessions.

    Returns how many answers.
    """
    now = timezone.now()
    forgotten, _ = IdempotentRequest.objects.filter(created_at__lt=now - KEPT).delete()
    Remembered.objects.filter(expires__lt=now).delete()
    Tally.objects.filter(ends_at__lt=now).delete()
    call_command("flushexpiredtokens")
    call_command("clearsessions")
    return forgotten
