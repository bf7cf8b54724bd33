"""Clients: the people who book."""

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from accounts.clients.fields import matching
from accounts.providers.models import Provider
from accounts.users.models import Mailbox, User
from scheduler_project.common.db.references import ReferenceField
from scheduler_project.common.db.revisions import RevisionField
from scheduler_project.common.time.zones import validate_timezone

known_to_provider: "list[Callable[[Provider], Q]]" = []
"""Conditions, beside the address book, that make a client one of a provider's. Apps above add theirs."""


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
        provider, own = user.provider_for("accounts.view_client"), user.as_client("pk")
        return self.filter(own if provider is None else own | _clients_of(provider))

    def editable_by(self, user: "User | AnonymousUser | None") -> Self:
        """Clients whose details the user may manage: all for staff, their address book for a provider, themself for a
        client."""
        if user is None or not user.is_authenticated:
            return self.none()
        mine = user.as_provider("owner", "accounts.view_client") | user.as_client("pk")
        return self if user.may("accounts.view_client") else self.filter(mine)

    def matching(self, text: str) -> Self:
        """Clients with `text` in one of the searched contact fields."""
        return self.filter(matching(text))


def erased_reference(client_id: int) -> str:
    """Return the reference of a client who was erased."""
    return f"deleted-{client_id}"


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
        help_text=_("The provider whose address book lists this client. Empty for clients who signed up themselves."),
    )
    name = models.CharField(_("name"), max_length=150)
    email = models.EmailField(_("email"), blank=True)
    phone = PhoneNumberField(_("phone"), blank=True)
    verified_phone = PhoneNumberField(
        _("verified phone"),
        blank=True,
        editable=False,
        help_text=_("The number verified by a code, or entered by staff or an approved provider."),
    )
    is_unproved = models.BooleanField(
        _("unverified email"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_("A guest booked with this email, but nobody has verified it yet."),
    )
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_timezone])
    notes = models.TextField(_("notes"), max_length=5000, blank=True, help_text=_("Never shown to the client."))
    reference = ReferenceField(_("reference"))
    created_at = models.DateTimeField(_("created"), default=now, editable=False)
    revision = RevisionField(_("revision"))

    objects = ClientQuerySet.as_manager()

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        ordering = ["name", "pk"]
        indexes = [
            models.Index(Mailbox("email"), condition=Q(owner=None) & ~Q(email=""), name="client_mailbox"),
            models.Index(fields=["email"], name="client_email"),
            models.Index(fields=["revision", "id"], name="client_revision"),
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
    def is_erased(self) -> bool:
        """True once the person's data were erased at their request."""
        return self.reference == erased_reference(self.pk)

    @property
    def phone_is_verified(self) -> bool:
        """True if text messages may go to the phone number. A changed number must be verified again."""
        return bool(self.phone) and self.phone == self.verified_phone
