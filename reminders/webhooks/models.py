"""Webhook endpoints of providers."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Provider, User


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Webhooks the user may see: a provider their own, staff all if they may change them.

        To see one exposes its secret.
        """
        if not isinstance(user, User):
            return self.none()
        permission = "reminders.change_webhookendpoint"
        return self if user.may(permission) else self.filter(user.as_provider("provider", permission))

    def active(self) -> Self:
        return self.filter(disabled_at=None)


class WebhookEndpoint(models.Model):
    """The URL of a provider's own program, which receives events according to Standard Webhooks (standardwebhooks.com).

    `secret` signs each request; until `previous_until`, `previous_secret` signs it too. Secrets are stored in plain
    text, because signing needs them, and shown only once.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="webhooks", verbose_name=_("provider"))
    url = models.URLField(_("address"), max_length=500)
    description = models.CharField(_("description"), max_length=200, blank=True)
    events = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("events"),
        default=list,
        blank=True,
        help_text=_("Such as “appointment.booked”. Leave empty for all events."),
    )
    secret = models.CharField(_("secret"), max_length=100, editable=False)
    previous_secret = models.CharField(max_length=100, blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True, editable=False)
    disabled_reason = models.CharField(_("why disabled"), max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), editable=False)

    secret_fields = ("secret", "previous_secret")
    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering = ["provider__name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "url"], name="webhookendpoint_address_once_per_provider")
        ]

    def __str__(self) -> str:
        return self.url

    def wants(self, event: str) -> bool:
        return not self.events or event in self.events
