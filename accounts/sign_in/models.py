"""Sign-ins: the places where a login is signed in."""

import uuid
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.sign_in.user_agents import describe_user_agent
from accounts.users.models import User


class SignInQuerySet(models.QuerySet["SignIn"]):
    def live(self) -> Self:
        """Sign-ins that were not ended. Some may have expired: see `accounts.sign_in.sign_ins`."""
        return self.filter(ended_at=None)


class SignIn(models.Model):
    """A sign-in of a login: a browser session, or a program's family of tokens.

    The session stores its id, and each token has it as the claim `sid`. Each request reads the row together with the
    login, so that ending the row ends the session and all tokens at once. It holds no secret: `refresh_id` is the `jti`
    of the current refresh token, `former_refresh_id` that of the one replaced at `refreshed_at`.
    """

    class Kind(models.TextChoices):
        BROWSER = "browser", _("browser")
        PROGRAM = "program", _("app")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sign_ins", verbose_name=_("user"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    address = models.GenericIPAddressField(_("network address"), null=True)
    user_agent = models.CharField(_("app"), max_length=300, blank=True)
    is_staff = models.BooleanField(default=False)
    """The staff flag of the login at the time of signing in. A login that becomes staff must sign in again."""
    refresh_id = models.CharField(max_length=32, blank=True)
    former_refresh_id = models.CharField(max_length=32, blank=True)
    refreshed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("signed in"))
    last_used_at = models.DateTimeField(_("last used"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = SignInQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        ordering = ["-last_used_at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def description(self) -> str:
        """The browser or program in words."""
        return describe_user_agent(self.user_agent)
