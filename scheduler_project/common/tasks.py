"""Housekeeping of the frame."""

from datetime import timedelta

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from scheduler_project.common.models import IdempotentRequest, ImportedFile

KEPT = timedelta(days=2)
FILES_KEPT = timedelta(days=1)


@shared_task
def tidy() -> int:
    """Forget answers to repeated writes after two days, files that were to be imported after one, and ended tokens and
    sessions. Returns how many answers.
    """
    now = timezone.now()
    forgotten, _ = IdempotentRequest.objects.filter(created_at__lt=now - KEPT).delete()
    ImportedFile.objects.filter(created_at__lt=now - FILES_KEPT).delete()
    call_command("flushexpiredtokens")
    call_command("clearsessions")
    return forgotten
