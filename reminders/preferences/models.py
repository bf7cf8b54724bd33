"""Reminder preferences of clients, and opt-outs."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, User
from reminders.channels.registry import channel_choices, personal_channels, personal_choices
from reminders.enums import OptOutSource
from scheduler_project.common.languages import language_choices


class Preferences(models.Model):
    """The reminder preferences of one client.

    Without a row the defaults apply: the site's channels, its language, any hour.
    """

    client = models.OneToOneField(Client, models.CASCADE, related_name="preferences", verbose_name=_("client"))
    channels = ArrayField(
        models.CharField(max_length=10, choices=personal_choices),
        verbose_name=_("channels"),
        null=True,
        blank=True,
        help_text=_("Leave empty to use the site's channels."),
    )
    language = models.CharField(_("language"), max_length=10, choices=language_choices, blank=True)
    quiet_from = models.TimeField(
        _("quiet from"),
        null=True,
        blank=True,
        help_text=_("In the client's time zone. Reminders due in quiet hours are sent earlier."),
    )
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    updated_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="preferences_quiet_hours_have_two_ends",
            )
        ]

    def __str__(self) -> str:
        return str(self.client)


class OptOutQuerySet(models.QuerySet["OptOut"]):
    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Opt-outs the user may see: staff all, others those of their login's proved addresses."""
        if not isinstance(user, User):
            return self.none()
        if user.may("reminders.view_optout"):
            return self
        if user.only_provider_id is not None:  # An address is of a person, not of a provider.
            return self.none()
        theirs = Q(pk__in=[])
        for name, channel in personal_channels().items():
            address = channel.address_of_login(user)
            if address and channel.is_proved(user, address):
                theirs |= Q(channel=name, address=address)
        return self.filter(theirs)

    def standing(self) -> Self:
        return self.filter(ended_at=None)


class OptOut(models.Model):
    """An address that wants no more reminders (an SMS number: no messages at all), with time and source.

    The row stores the address itself (an email in lower case, a number in E.164), whatever client has it later. Rows
    are kept; a withdrawn one has the time of its withdrawal.
    """

    channel = models.CharField(_("channel"), max_length=10, choices=channel_choices)
    address = models.CharField(_("address"), max_length=254)
    at = models.DateTimeField(_("since"))
    source = models.CharField(_("source"), max_length=10, choices=OptOutSource)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = OptOutQuerySet.as_manager()

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address"], condition=Q(ended_at__isnull=True), name="optout_stands_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.address}"
