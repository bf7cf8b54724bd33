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


class Remembered(models.Model):
    """The table of Django's cache: what django-allauth counts guesses in, and the codes that were used."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "common_cache"

    def __str__(self) -> str:
        return self.cache_key


class Tally(models.Model):
    """How many requests of one kind there were within one window of a rate limit that must not fail."""

    key = models.CharField(max_length=200, primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
