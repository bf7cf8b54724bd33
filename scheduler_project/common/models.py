"""What the frame itself remembers."""

from uuid import uuid4

from django.conf import settings
from django.db import models


class IdempotentRequest(models.Model):
    """A write that was sent with an `Idempotency-Key`, and the answer it got (R13).

    The row is inserted before the write and in the same transaction, so the unique constraint makes a repetition wait
    for the first one and then find its answer.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True, help_text="The answer as it was sent.")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotentrequest_once_per_user_and_key")]

    def __str__(self) -> str:
        return self.key


class ImportedFile(models.Model):
    """A file on its way in: kept from its preview to its import, so that any web process finds it.

    Once it was imported, what is kept of it are the rows that were refused. It is forgotten after a day.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    sheet = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    content = models.BinaryField()
    options = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)
    done_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict, help_text="How many rows had which outcome.")

    def __str__(self) -> str:
        return self.name
