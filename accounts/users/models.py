"""Logins."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.languages import language_choices
from scheduler_project.common.time.zones import validate_timezone

if TYPE_CHECKING:
    from accounts.clients.models import Client
    from accounts.keys.models import ApiKey
    from accounts.providers.models import Provider
    from accounts.sign_in.models import SignIn


NOT_IN_NUMBERS = str.maketrans("", "", " -()/.")


def erased_email(user_id: int) -> str:
    """Return the email of a login that was erased."""
    return f"deleted-{user_id}@deleted.invalid"


class Mailbox(models.Func):
    """The mailbox behind an email address: without `+tag`, and without dots for Gmail, which ignores them."""

    function = "scheduler_mailbox"
    output_field = models.TextField()


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def get_queryset(self) -> models.QuerySet["User"]:
        """Join the provider and the client, so that checking roles costs no further query."""
        return super().get_queryset().select_related("provider", "client")

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a login. The email is stored in lower case; without a password the login is unusable."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True} | fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Return the email trimmed and in lower case, so that one mailbox has one spelling.

        All major providers ignore case.
        """
        return (email or "").strip().lower()


class User(AbstractBaseUser, PermissionsMixin):
    """A login: email and password."""

    email = models.EmailField(_("email"))
    name = models.CharField(_("name"), max_length=150)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_timezone])
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=language_choices,
        blank=True,
        help_text=_("Language of the messages this account gets as a provider. Empty: the site's."),
    )
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May use the admin and see everything."))
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Untick this instead of deleting the account.")
    )
    date_joined = models.DateTimeField(_("joined"), default=now)

    secret_fields = ("password",)
    sign_in: "SignIn | None" = None
    """The sign-in of the current request; None for a login that was only looked up."""
    key: "ApiKey | None" = None
    """The API key of the current request, if a program sent one."""

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                fields=["email"],
                name="user_email_once",
                violation_error_message=_("There is already an account with this email."),
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_in_lower_case"),
        ]

    def __str__(self) -> str:
        return self.email

    @classmethod
    def normalize_username(cls, username: str) -> str:
        return UserManager.normalize_email(username)

    def get_full_name(self) -> str:
        return self.name

    def may(self, permission: str) -> bool:
        """Return whether this is a staff login with that permission (`app.codename`), directly or by a group.

        With a key for one provider it has no permission for the whole business: see `provider_for`.
        """
        return self.is_staff and self.only_provider_id is None and self.has_perm(permission)

    @property
    def is_erased(self) -> bool:
        """True once the person's data were erased at their request."""
        return self.email == erased_email(self.pk)

    @property
    def only_provider_id(self) -> int | None:
        """The id of the provider to whom the API key of the request is restricted, or None."""
        return self.key.provider_id if self.key else None

    def reaches(self, provider_id: int | None) -> bool:
        """Return False for another provider than the one to whom the API key of the request is restricted."""
        return self.only_provider_id in (None, provider_id)

    def outranks(self, login: "User") -> bool:
        """Return whether this login may change that one: it is not one of staff, or this one is a superuser."""
        return self.is_superuser or not (login.is_staff or login.is_superuser)

    @property
    def provider_or_none(self) -> "Provider | None":
        """The provider of this login, or None: also if the API key of the request is for another provider."""
        own: Provider | None = getattr(self, "provider", None)
        return own if own is not None and self.reaches(own.pk) else None

    @property
    def client_or_none(self) -> "Client | None":
        """The client of this login, or None: also if the API key of the request is for one provider."""
        return getattr(self, "client", None) if self.only_provider_id is None else None

    def provider_for(self, permission: str) -> "Provider | None":
        """Return the provider as whom this login does what staff need that permission for, or None.

        Its own, or, for staff with the permission, the one to whom the API key of the request is restricted.
        """
        if self.key is not None and self.key.provider is not None and self.is_staff and self.has_perm(permission):
            return self.key.provider
        return self.provider_or_none

    def as_provider(self, path: str, permission: str) -> Q:
        """Return the condition that the lookup path `path` leads to the provider of `provider_for`."""
        provider = self.provider_for(permission)
        return Q(pk__in=[]) if provider is None else Q(**{path: provider.pk})

    def as_client(self, path: str) -> Q:
        """Return the condition that the lookup path `path` leads to the client of this login."""
        client = self.client_or_none
        return Q(pk__in=[]) if client is None else Q(**{path: client.pk})
