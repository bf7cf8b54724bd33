"""What the frame itself remembers."""

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
