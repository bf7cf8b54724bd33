"""The actor of an operation: the user, and the source (page, API, admin, command) of their request."""

from dataclasses import dataclass
from typing import Self

from django.contrib.auth.models import AnonymousUser

from accounts.models import Client, User
from scheduler_project.common.audit.log import Source

__all__ = ["Actor", "Source"]


@dataclass(frozen=True)
class Actor:
    """A user acting through one source; `user` is None for the system itself and for a guest.

    Roles come from the database rows about that user, never from a token or a request body. `guest` is the client whose
    signed link was opened. The link gives that client's rights and nothing more, even if the visitor has other roles or
    somebody else is logged in.
    """

    user: User | None
    source: Source
    guest: Client | None = None

    @classmethod
    def of(cls, user: User | AnonymousUser, source: Source) -> Self:
        return cls(user if isinstance(user, User) else None, source)

    @property
    def client_id(self) -> int | None:
        client = self.guest or (self.user and self.user.client_or_none)
        return client.pk if client else None

    def may(self, permission: str) -> bool:
        """Return whether the actor is the system, or staff with that Django permission (`app.codename`).

        Operations and the admin check the same permissions, so a group's rights are the same everywhere.
        """
        if self.user is None:
            return self.source in (Source.JOB, Source.COMMAND)
        return self.user.may(permission) or (
            self.source in (Source.JOB, Source.COMMAND) and self.user.has_perm(permission)
        )

    def runs(self, provider_id: int | None, permission: str) -> bool:
        """Return whether the actor may act for that provider: as the provider's own login, or as staff with the
        permission."""
        if self.may(permission):
            return True
        provider = self.user and self.user.provider_for(permission)
        return bool(provider and provider.pk == provider_id)

    def reaches(self, provider_id: int | None) -> bool:
        """Return False for another provider than the one to whom the actor's API key is restricted."""
        return self.user is None or self.user.reaches(provider_id)
