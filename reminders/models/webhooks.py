"""Where a provider's own programs want to be told."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Provider, User


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """A provider sees their own; staff all, if they may change them: whoever may can have their secrets."""
        if not isinstance(user, User):
            return self.none()
        sees_all = user.may("reminders.change_webhookendpoint")
        return self if sees_all else self.filter(provider__user=user)

    def active(self) -> Self:
        return self.filter(disabled_at=None)


class WebhookEndpoint(models.Model):
    """An address of a provider's own program, told of events as Standard Webhooks has it (standardwebhooks.com).

    `secret` signs each request; while `previous_secret` is still accepted (until `previous_until`) both do. It is
    stored as it is, for signing needs it, and shown only once.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="webhooks", verbose_name=_("provider"))
    url = models.URLField(_("address"), max_length=500)
    description = models.CharField(_("description"), max_length=200, blank=True)
    events = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("events"),
        default=list,
        blank=True,
        help_text=_("Such as “appointment.booked”. Empty: all."),
    )
    secret = models.CharField(_("secret"), max_length=100, editable=False)
    previous_secret = models.CharField(max_length=100, blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True, editable=False)
    disabled_reason = models.CharField(_("why disabled"), max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), editable=False)

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
