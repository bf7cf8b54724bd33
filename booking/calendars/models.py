"""Calendar feeds."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, Provider, User


class CalendarFeedQuerySet(models.QuerySet["CalendarFeed"]):
    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Feeds that a user may see: a provider and a client their own, staff all if they may change them.

        The address is a secret.
        """
        if not isinstance(user, User):
            return self.none()
        permission = "booking.change_calendarfeed"
        mine = user.as_provider("provider", permission) | user.as_client("client")
        return self if user.may(permission) else self.filter(mine)

    def readable(self) -> Self:
        """Feeds whose address works: not those of a person whose login was deactivated."""
        return self.exclude(Q(provider__user__is_active=False) | Q(client__user__is_active=False))


class CalendarFeed(models.Model):
    """The secret address of one provider's or one client's calendar. All who know it can subscribe.

    The token is stored as it is, because the address is shown again. Renewing or closing the feed ends the old address.
    """

    provider = models.OneToOneField(
        Provider, models.CASCADE, null=True, blank=True, related_name="feed", verbose_name=_("provider")
    )
    client = models.OneToOneField(
        Client, models.CASCADE, null=True, blank=True, related_name="feed", verbose_name=_("client")
    )
    token = models.CharField(_("token"), max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), help_text=_("When this link was created."))

    secret_fields = ("token",)
    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(provider__isnull=False, client__isnull=True)
                | Q(provider__isnull=True, client__isnull=False),
                name="calendarfeed_of_one",
            )
        ]

    def __str__(self) -> str:
        return str(self.owner)

    @property
    def owner(self) -> Provider | Client:
        owner = self.provider or self.client
        assert owner is not None
        return owner
