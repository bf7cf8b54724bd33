"""`manage.py dispatch_reminders`: run one round of the dispatcher by hand."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from reminders.dispatch.dispatcher import dispatch


class Command(BaseCommand):
    help = "Sends all messages that are due, and says how many went out."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{dispatch(clock=timezone.now)} sent")
