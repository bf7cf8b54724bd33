"""`manage.py dispatch_reminders`: one round of what the dispatcher does every few seconds, by hand."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from reminders.dispatcher import dispatch


class Command(BaseCommand):
    help = "Sends all messages that are due, and says how many went out."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{dispatch(clock=timezone.now)} sent")
