"""Providers: people and resources that can be booked."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.users.models import User
from scheduler_project.common.db.translations import TranslatedModel
from scheduler_project.common.languages import spoken_language_choices
from scheduler_project.common.pictures.models import PictureField
from scheduler_project.common.validators import validate_origin


class Unpublished(models.TextChoices):
    """Reasons why a provider is not published."""

    VERIFY_EMAIL = "verify_email", _("Verify your email")
    AWAIT_APPROVAL = "await_approval", _("Waiting for approval")
    DECLINED = "declined", _("Declined")
    INACTIVE = "inactive", _("Not active")


VETTED = ("is_approved", "is_verified")
"""Flags of a provider who may write to others: staff approved them, and they verified their email."""


PUBLISHED = ("is_active", *VETTED)
"""Flags of a provider who is published: anybody can find and book them."""


def published(path: str = "") -> Q:
    """Return the condition that the provider at the lookup path `path` (for example `"owner__"`) is published."""
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
            rows = self.filter(published() | user.as_provider("pk", "accounts.view_provider"))
            return rows if user.only_provider_id is None else rows.filter(pk=user.only_provider_id)
        return self.published()

    def editable_by(self, user: "User | AnonymousUser | None") -> Self:
        """Providers whose schedules the user may manage or view: all for staff, their own for a provider."""
        if user is None or not user.is_authenticated:
            return self.none()
        mine = user.as_provider("pk", "accounts.view_provider")
        return self if user.may("accounts.view_provider") else self.filter(mine)


class Provider(TranslatedModel):
    """A person or a resource that can be booked."""

    translated = ("title", "specialization", "bio")

    user = models.OneToOneField(
        User, models.SET_NULL, null=True, blank=True, related_name="provider", verbose_name=_("user")
    )
    name = models.CharField(_("name"), max_length=150)
    slug = models.SlugField(_("slug"), max_length=80, help_text=_("The last part of the booking link."))
    specialization = models.CharField(_("specialisation"), max_length=100, blank=True, db_index=True)
    bio = models.TextField(_("bio"), max_length=5000, blank=True)
    title = models.CharField(
        _("title"),
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text=_("Shown next to the name: a degree, a role or pronouns, such as “Physiotherapist, she/her”."),
    )
    languages = ArrayField(
        models.CharField(max_length=3, choices=spoken_language_choices),
        verbose_name=_("languages"),
        size=20,
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Languages they speak with clients."),
    )
    photo = PictureField(verbose_name=_("photo"))
    accepts_new_clients = models.BooleanField(
        _("accepts new clients"),
        default=True,
        db_default=True,
        help_text=_("Untick to let only previous clients book."),
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Untick to stop taking bookings."))
    embed_origins = ArrayField(
        models.CharField(max_length=200, validators=[validate_origin]),
        verbose_name=_("websites that may embed the booking pages"),
        size=20,
        default=list,
        blank=True,
        help_text=_("Such as https://www.example.org, separated by commas. Empty: no website."),
    )
    is_approved = models.BooleanField(
        pgettext_lazy("provider", "approved"), default=True, help_text=_("Hidden from clients until ticked.")
    )
    is_verified = models.BooleanField(
        _("email verified"),
        default=True,
        editable=False,
        help_text=_("Their account's email was verified, or staff added them."),
    )
    declined_at = models.DateTimeField(pgettext_lazy("provider", "declined"), null=True, blank=True, editable=False)
    decline_reason = models.CharField(
        _("reason for declining"), max_length=500, blank=True, editable=False, help_text=_("Shown to the provider.")
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
        """True if the provider may write to others, and can be booked once active."""
        return all(getattr(self, fact) for fact in VETTED)

    @property
    def is_published(self) -> bool:
        """True if anybody may find and book the provider."""
        return all(getattr(self, fact) for fact in PUBLISHED)

    @property
    def missing(self) -> list[Unpublished]:
        """The reasons why the provider is not published, first those that the provider can change."""
        found = [] if self.is_verified else [Unpublished.VERIFY_EMAIL]
        if not self.is_approved:
            found.append(Unpublished.DECLINED if self.declined_at else Unpublished.AWAIT_APPROVAL)
        return found if self.is_active else [*found, Unpublished.INACTIVE]

    @property
    def spoken(self) -> list[str]:
        """The languages that the provider speaks, in the active language."""
        names = dict(spoken_language_choices())
        return [names.get(code, code) for code in self.languages]

    @property
    def initials(self) -> str:
        """The initials shown in place of a picture: of the first and the last word of the name."""
        names = [name for name in self.name.split() if name[0].isalnum()]
        return "".join(name[0] for name in dict.fromkeys((*names[:1], *names[-1:]))).upper()
