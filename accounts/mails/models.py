"""The mails that accounts sends."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Exists

from scheduler_project.common.models import Outage
from scheduler_project.common.outages import MAIL_SERVER


class MailQuerySet(models.QuerySet["Mail"]):
    def due(self, *, now: datetime) -> Self:
        """Mails to send by now, the longest waiting first."""
        return self.filter(next_at__lte=now).order_by("next_at")

    def open(self) -> Self:
        """Mails that may be sent even while the mail server does not answer."""
        return self.exclude(Exists(Outage.objects.filter(key=MAIL_SERVER)))


class Mail(models.Model):
    """A mail about a login, waiting to be sent. The row is deleted once the mail is sent.

    A row without text is a link to set a new password, for the owner of this email at the time of sending, if there is
    one: no key is stored here. `next_at` is the next attempt, or, during an attempt, the time from which another worker
    may try. From `useful_until` on the mail is not sent any more, because its link has expired.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    to = models.EmailField(max_length=254)
    language = models.CharField(max_length=10)
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField(db_index=True)
    useful_until = models.DateTimeField()

    objects = MailQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.pk)
