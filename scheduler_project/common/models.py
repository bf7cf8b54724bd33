"""Models of the frame."""

from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.audit.log import Source
from scheduler_project.common.pictures.models import Picture
from scheduler_project.common.site.models import SiteSettings

__all__ = ["Picture", "SiteSettings"]
"""Gathered here for Django; the frame's own models follow."""

REPEATABLE = timedelta(days=2)
"""Time for which a write can be repeated with its Idempotency-Key."""


class IdempotentRequest(models.Model):
    """A write with an `Idempotency-Key`, and its response (R13).

    The row is inserted before the write and in the same transaction, so the unique constraint makes a repetition wait
    for the first one and then find its response. It contains no secrets, and the response is erased with the people it
    names.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    caller = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="Who it was, if nobody with a login."
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True, help_text="The answer as it was sent, but for secrets.")
    erased = models.BooleanField(default=False, db_default=False, help_text="The answer named somebody who is erased.")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotentrequest_once_per_user_and_key"),
            models.UniqueConstraint(
                fields=["caller", "key"],
                condition=models.Q(user=None),
                name="idempotentrequest_once_per_caller_and_key",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Remembered(models.Model):
    """A row of Django's cache table: django-allauth's counts of guesses, and the codes that were used."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "common_cache"

    def __str__(self) -> str:
        return self.cache_key


class Tally(models.Model):
    """The number of requests in one window of a rate limit that must work without Redis."""

    key = models.CharField(max_length=200, primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class SendCount(models.Model):
    """The number of messages of one sender, to one address or of the site, per hour and day (`limits/sending.py`).

    `hour` and `day` are whole ones since 1970, in UTC; each has its own count.
    """

    channel = models.CharField(max_length=10)
    scope = models.CharField(max_length=10)
    subject = models.CharField(max_length=60, blank=True)
    hour = models.PositiveIntegerField()
    hour_count = models.PositiveIntegerField()
    day = models.PositiveIntegerField()
    day_count = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "scope", "subject"], name="sendcount_once")]

    def __str__(self) -> str:
        return f"{self.channel} {self.scope} {self.subject}"


class Outage(models.Model):
    """A server that does not answer or rejects our login (`outages.py`). The row is deleted once it answers again."""

    key = models.CharField(_("what"), max_length=60, primary_key=True)
    since = models.DateTimeField(_("since"))
    tried_at = models.DateTimeField(_("last attempt"))
    probes = models.PositiveIntegerField(_("attempts since"), default=0)
    next_probe_at = models.DateTimeField(_("next attempt"))
    error = models.CharField(_("error"), max_length=500)

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering = ["since", "key"]

    def __str__(self) -> str:
        return self.key


class Inspection(models.Model):
    """The result of checking the invariants (`db/invariants.py`)."""

    at = models.DateTimeField(_("at"))
    seconds = models.FloatField(_("seconds"))
    found = models.PositiveIntegerField(_("rows with problems"))
    broken = models.JSONField(
        _("problems found"), help_text=_("The first ones, each with check, table, key and problem.")
    )

    class Meta:
        verbose_name = _("data check")
        verbose_name_plural = _("data checks")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC"


class Change(models.Model):
    """A change of one row of a table with an audit log. Triggers write it; no operation changes or deletes it.

    `row_id` is the key of the row it is filed under (`audit.log`). `changes` is {column: [before, after]}; null instead
    of the pair stands for a secret, or for erased personal data. A deleted login stays as a number.
    """

    class Kind(models.TextChoices):
        INSERT = "insert", _("added")
        UPDATE = "update", _("changed")
        DELETE = "delete", _("deleted")

    at = models.DateTimeField(_("at"), db_index=True)
    table_name = models.CharField(_("what"), max_length=63)
    row_id = models.BigIntegerField(_("row"))
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        verbose_name=_("by"),
    )
    face = models.CharField(
        _("through"),
        max_length=10,
        choices=Source,
        blank=True,
        help_text=_("Empty if changed directly in the database."),
    )
    key = models.ForeignKey(
        "accounts.ApiKey",
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("API key"),
        help_text=_("The API key a program used to act for the user."),
    )
    changes = models.JSONField(_("changes"))

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["table_name", "row_id", "-id"], name="change_history")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M} UTC"


class ImportedFile(models.Model):
    """A file to import, stored from its preview to its import, so that any web process finds it.

    The result of the preview is stored too, so that showing it again computes nothing and locks nothing. After the
    import only the counts and the refused rows are kept. The row is deleted after a day.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    sheet = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    content = models.BinaryField(help_text="The file; empty once it was imported.")
    options = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)
    done_at = models.DateTimeField(null=True)
    previewed_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict, help_text="How many rows had, or in the preview would have, which outcome.")
    shown = models.JSONField(default=dict, help_text="The rows that the preview lists, by outcome.")
    refused = models.BinaryField(default=b"", help_text="The refused rows with the reasons, as a file.")

    def __str__(self) -> str:
        return self.name
