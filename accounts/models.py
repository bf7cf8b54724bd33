"""Logins, providers and clients."""

import uuid
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Self
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Exists, Q
from django.db.models.functions import Cast, Lower
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from accounts.user_agents import describe_user_agent
from scheduler_project.common.models import Outage
from scheduler_project.common.outages import MAIL_SERVER
from scheduler_project.common.text import validate_origin
from scheduler_project.common.times import validate_timezone

NOT_IN_NUMBERS = str.maketrans("", "", " -()/.")


def new_reference() -> str:
    """Return a new reference: the name of a row in files, unique across all installations."""
    return str(uuid4())


class ReferenceField(models.CharField):
    """The name of a row in imported and exported files: the one another system gave it, or one of ours.

    PostgreSQL generates the references of rows that existed before the column.
    """

    def __init__(self, verbose_name: Any = None, **kwargs: Any) -> None:
        own = {
            "max_length": 200,
            "default": new_reference,
            "db_default": Cast(RandomUUID(), models.CharField(max_length=200)),
            "editable": False,
        }
        super().__init__(verbose_name, **kwargs | own)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for given in ("max_length", "default", "db_default", "editable"):
            kwargs.pop(given, None)
        return name, path, args, kwargs


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
        """Return the email trimmed and in lower case, so that one mailbox has one spelling (all major providers ignore
        case)."""
        return (email or "").strip().lower()


class User(AbstractBaseUser, PermissionsMixin):
    """A login: email and password."""

    email = models.EmailField(_("email"))
    name = models.CharField(_("name"), max_length=150)
    timezone = models.CharField(_("timezone"), max_length=64, default="UTC", validators=[validate_timezone])
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=settings.LANGUAGES,
        blank=True,
        help_text=_("Of the messages sent to this login as a provider. Empty: the site's."),
    )
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May use the admin and see everything."))
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Untick instead of deleting a login."))
    date_joined = models.DateTimeField(_("joined"), default=now)

    sign_in: "SignIn | None" = None
    """The sign-in of the current request; None for a login that was only looked up."""

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
        """Return whether this is a staff login with that permission (`app.codename`), directly or by a group."""
        return self.is_staff and self.has_perm(permission)

    @property
    def provider_or_none(self) -> "Provider | None":
        """Return the provider of this login, or None."""
        return getattr(self, "provider", None)

    @property
    def client_or_none(self) -> "Client | None":
        """Return the client of this login, or None."""
        return getattr(self, "client", None)


class Unpublished(models.TextChoices):
    """Reasons why a provider is not published."""

    VERIFY_EMAIL = "verify_email", _("Verify your email")
    AWAIT_APPROVAL = "await_approval", _("Waiting for approval")
    DECLINED = "declined", _("Declined")
    INACTIVE = "inactive", _("Not active")


VETTED = ("is_approved", "is_verified")
"""Flags of a provider who may write to others: staff approved them, and they verified their email."""

PUBLISHED = ("is_active", *VETTED)
"""Flags of a provider whom anybody may find and book."""


def published(path: str = "") -> Q:
    """Return the condition that the provider at the lookup path `path` (such as `"owner__"`) is published."""
    return Q(**{f"{path}{fact}": True for fact in PUBLISHED})


def vetted_sql(alias: str) -> str:
    """Return `Provider.is_vetted` as SQL for the table or alias `alias`."""
    return " AND ".join(f"{alias}.{fact}" for fact in VETTED)


def published_sql(alias: str) -> str:
    """Return `Provider.is_published` as SQL for the table or alias `alias`."""
    return " AND ".join(f"{alias}.{fact}" for fact in PUBLISHED)


class ProviderQuerySet(models.QuerySet["Provider"]):
    def published(self) -> Self:
        """Providers that anybody may see and book."""
        return self.filter(published())

    def awaiting_approval(self) -> Self:
        """Providers who verified their email and wait for a decision by staff."""
        return self.filter(is_active=True, is_approved=False, is_verified=True, declined_at=None)

    def visible_to(self, user: "User | AnonymousUser | None") -> Self:
        """Providers the user may see: all for staff, otherwise the published ones and the user's own."""
        if user is not None and user.is_authenticated:
            if user.may("accounts.view_provider"):
                return self
            return self.filter(published() | Q(user=user))
        return self.published()

    def editable_by(self, user: "User | AnonymousUser | None") -> Self:
        """Providers whose calendars the user may manage or view: all for staff, their own for a provider."""
        if user is None or not user.is_authenticated:
            return self.none()
        return self if user.may("accounts.view_provider") else self.filter(user=user)


class Provider(models.Model):
    """A person or a resource that can be booked."""

    user = models.OneToOneField(
        User, models.SET_NULL, null=True, blank=True, related_name="provider", verbose_name=_("user")
    )
    name = models.CharField(_("name"), max_length=150)
    slug = models.SlugField(_("slug"), max_length=80, help_text=_("The end of the public address."))
    specialization = models.CharField(_("specialization"), max_length=100, blank=True, db_index=True)
    bio = models.TextField(_("bio"), max_length=5000, blank=True)
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Untick to take no more bookings."))
    embed_origins = ArrayField(
        models.CharField(max_length=200, validators=[validate_origin]),
        verbose_name=_("websites that may embed the booking pages"),
        size=20,
        default=list,
        blank=True,
        help_text=_("Such as https://www.example.org, separated by commas. Empty: none may."),
    )
    is_approved = models.BooleanField(_("approved"), default=True, help_text=_("Hidden from clients until ticked."))
    is_verified = models.BooleanField(
        _("email verified"),
        default=True,
        editable=False,
        help_text=_("Their login answered at its email once, or staff added them."),
    )
    declined_at = models.DateTimeField(_("declined"), null=True, blank=True, editable=False)
    decline_reason = models.CharField(
        _("why declined"), max_length=500, blank=True, editable=False, help_text=_("Told to the provider.")
    )
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    objects = ProviderQuerySet.as_manager()

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["slug"], name="provider_slug_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_vetted(self) -> bool:
        """Return whether the provider may write to others, and can be booked once active."""
        return all(getattr(self, fact) for fact in VETTED)

    @property
    def is_published(self) -> bool:
        """Return whether anybody may find and book the provider."""
        return all(getattr(self, fact) for fact in PUBLISHED)

    @property
    def missing(self) -> list[Unpublished]:
        """Return why the provider is not published, beginning with what the provider can do about it."""
        found = [] if self.is_verified else [Unpublished.VERIFY_EMAIL]
        if not self.is_approved:
            found.append(Unpublished.DECLINED if self.declined_at else Unpublished.AWAIT_APPROVAL)
        return found if self.is_active else [*found, Unpublished.INACTIVE]

    @property
    def initials(self) -> str:
        """Return the initials shown instead of a picture: of the first and the last word of the name."""
        names = [name for name in self.name.split() if name[0].isalnum()]
        return "".join(name[0] for name in dict.fromkeys((*names[:1], *names[-1:]))).upper()


known_to_provider: "list[Callable[[Provider], Q]]" = []
"""Conditions, beside the address book, that make a client one of a provider's; higher apps add theirs."""


class ClientQuerySet(models.QuerySet["Client"]):
    def of_provider(self, provider: Provider) -> Self:
        """A provider's clients: their address book and the clients known to them otherwise."""
        return self.filter(_clients_of(provider))

    def visible_to(self, user: "User | AnonymousUser | None") -> Self:
        """Clients the user may see: all for staff, their own clients for a provider, themself for a client."""
        if user is None or not user.is_authenticated:
            return self.none()
        if user.may("accounts.view_client"):
            return self
        provider = user.provider_or_none
        return self.filter(Q(user=user) if provider is None else Q(user=user) | _clients_of(provider))

    def editable_by(self, user: "User | AnonymousUser | None") -> Self:
        """Clients whose details the user may manage: all for staff, their address book for a provider, themself for a
        client."""
        if user is None or not user.is_authenticated:
            return self.none()
        return self if user.may("accounts.view_client") else self.filter(Q(owner__user=user) | Q(user=user))

    def matching(self, text: str) -> Self:
        """Clients with `text` in the name, the email or the phone number, in whatever format the number is written."""
        wanted = Q(name__icontains=text) | Q(email__icontains=text)
        digits = text.translate(NOT_IN_NUMBERS)
        if digits.removeprefix("+").isdecimal():
            wanted |= Q(phone__contains=digits)
        return self.filter(wanted)


def _clients_of(provider: Provider) -> Q:
    return reduce(or_, (find(provider) for find in known_to_provider), Q(owner=provider))


class Client(models.Model):
    """A person who books: registered with a login, kept in one provider's address book (`owner`), or a guest.

    A guest has neither login nor owner, and no name until they have entered one.
    """

    user = models.OneToOneField(
        User, models.SET_NULL, null=True, blank=True, related_name="client", verbose_name=_("user")
    )
    owner = models.ForeignKey(
        Provider,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="clients",
        verbose_name=_("owner"),
        help_text=_("The provider whose address book this is in; empty for those who registered themselves."),
    )
    name = models.CharField(_("name"), max_length=150)
    email = models.EmailField(_("email"), blank=True)
    phone = PhoneNumberField(_("phone"), blank=True)
    verified_phone = PhoneNumberField(
        _("verified phone"),
        blank=True,
        editable=False,
        help_text=_("The number that answered a code, or that staff or an approved provider wrote down."),
    )
    timezone = models.CharField(_("timezone"), max_length=64, default="UTC", validators=[validate_timezone])
    notes = models.TextField(_("notes"), max_length=5000, blank=True, help_text=_("Never shown to the client."))
    reference = ReferenceField(_("reference"))
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    objects = ClientQuerySet.as_manager()

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        ordering = ["name", "pk"]
        indexes = [
            models.Index(Mailbox("email"), condition=Q(owner=None) & ~Q(email=""), name="client_mailbox"),
            models.Index(fields=["email"], name="client_email"),
        ]
        constraints = [
            models.UniqueConstraint(
                "owner",
                Lower("email"),
                condition=~Q(email="") & Q(owner__isnull=False),
                name="client_email_once_per_owner",
                violation_error_message=_("This address book already has a client with this email."),
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="client_email_in_lower_case"),
            models.UniqueConstraint(
                fields=["owner", "reference"],
                condition=Q(owner__isnull=False),
                name="client_reference_once_per_owner",
            ),
            models.UniqueConstraint(
                fields=["reference"], condition=Q(owner__isnull=True), name="client_reference_once_without_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.name or gettext("Visitor")

    @property
    def phone_is_verified(self) -> bool:
        """Return whether text messages may go to the phone number. A changed number must be verified again."""
        return bool(self.phone) and self.phone == self.verified_phone


class MailQuerySet(models.QuerySet["Mail"]):
    def due(self, *, now: datetime) -> Self:
        """Mails to send by now, the longest waiting first."""
        return self.filter(next_at__lte=now).order_by("next_at")

    def open(self) -> Self:
        """Mails that may be sent even while the mail server does not answer."""
        return self.exclude(Exists(Outage.objects.filter(key=MAIL_SERVER)))


class Mail(models.Model):
    """A mail about a login, waiting to be sent. The row is deleted once the mail is sent.

    A row without text is a link to set a new password, for the owner of this email at the time of sending, if there is
    one: no key is stored here. `next_at` is the next attempt, or, during an attempt, the time from which another worker
    may try. From `useful_until` on the mail is not sent any more, because its link has expired.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    to = models.EmailField(max_length=254)
    language = models.CharField(max_length=10)
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField(db_index=True)
    useful_until = models.DateTimeField()

    objects = MailQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.pk)


class SignInQuerySet(models.QuerySet["SignIn"]):
    def live(self) -> Self:
        """Sign-ins that were not ended. Some may have expired: see `accounts.operations.sign_ins`."""
        return self.filter(ended_at=None)


class SignIn(models.Model):
    """A sign-in of a login: a browser session, or a program's family of tokens.

    The session stores its id, and each token has it as the claim `sid`. Each request reads the row together with the
    login, so that ending the row ends the session and all tokens at once. It holds no secret: `refresh_id` is the `jti`
    of the current refresh token, `former_refresh_id` that of the one replaced at `refreshed_at`.
    """

    class Kind(models.TextChoices):
        BROWSER = "browser", _("browser")
        PROGRAM = "program", _("program")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sign_ins", verbose_name=_("user"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    address = models.GenericIPAddressField(_("network address"), null=True)
    user_agent = models.CharField(_("program"), max_length=300, blank=True)
    is_staff = models.BooleanField(default=False)
    """Staff flag of the login at the time of signing in: a login that becomes staff must sign in again."""
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
        """Return the browser or program in words."""
        return describe_user_agent(self.user_agent)
