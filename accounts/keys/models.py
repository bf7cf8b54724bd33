"""API keys, with which programs sign in."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.keys.scopes import Scope
from accounts.providers.models import Provider
from accounts.users.models import User


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self, *, now: datetime) -> Self:
        """Keys that work, also those that were replaced and work a little longer."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


class ApiKey(models.Model):
    """A key of a login, with which its programs use the API.

    It acts as its owner, within its scopes and, with a `provider`, for that provider only. The key itself is shown once
    and not stored: `prefix` finds the row, `hash` is the SHA-256 of the whole key.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys", verbose_name=_("user"))
    provider = models.ForeignKey(
        Provider,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="api_keys",
        verbose_name=_("only for"),
        help_text=_("Empty: everything its user may do."),
    )
    name = models.CharField(_("name"), max_length=60)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope), verbose_name=_("scopes"))
    prefix = models.CharField(_("prefix"), max_length=8, unique=True)
    hash = models.CharField(max_length=64)
    is_staff = models.BooleanField(default=False)
    """The staff flag of the login when the key was made. A login that becomes staff makes new keys."""
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"), null=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    replaced_by = models.OneToOneField(
        "self", models.SET_NULL, null=True, related_name="replaces", verbose_name=_("replaced by")
    )

    secret_fields = ("hash",)
    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    def is_live(self, now: datetime) -> bool:
        """Return whether the key works. Past `expires_at` it does not."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

    @property
    def shown(self) -> str:
        """The beginning of the key, by which its owner recognizes it."""
        return f"sk_{self.prefix}_…"
