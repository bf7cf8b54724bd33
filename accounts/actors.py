"""Who does something, and through which face: what every operation is told as `actor`."""

from dataclasses import dataclass
from typing import Self

from django.contrib.auth.models import AnonymousUser

from accounts.models import Client, User
from scheduler_project.common.trail import Face

__all__ = ["Actor", "Face"]


@dataclass(frozen=True)
class Actor:
    """A user (None: the system itself, or a guest) acting through one face.

    Roles are read from the database's rows about that user, never from a token or a request's body. `guest` is the
    client whom a signed link sent to them lets act without logging in: as that client and nothing more, whatever else
    they or whoever is logged in may be.
    """

    user: User | None
    face: Face
    guest: Client | None = None

    @classmethod
    def of(cls, user: User | AnonymousUser, face: Face) -> Self:
        return cls(user if isinstance(user, User) else None, face)

    @property
    def client_id(self) -> int | None:
        client = self.guest or (self.user and self.user.client_or_none)
        return client.pk if client else None

    def may(self, permission: str) -> bool:
        """Return whether the actor is staff with that permission of Django (`app.codename`), or the system itself.

        Operations ask this, the admin asks Django for the same permissions: what a group may do is one table, whatever
        the face.
        """
        if self.user is None:
            return self.face in (Face.JOB, Face.COMMAND)
        return self.user.may(permission) or (self.face in (Face.JOB, Face.COMMAND) and self.user.has_perm(permission))

    def runs(self, provider_id: int, permission: str) -> bool:
        """Return whether the actor may act for that provider: by their own login, or as staff with the permission."""
        if self.may(permission):
            return True
        provider = self.user and self.user.provider_or_none
        return bool(provider and provider.pk == provider_id)
