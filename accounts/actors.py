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
    def is_staff(self) -> bool:
        """Whether the actor may do anything but have secrets (`may`): staff, or the system itself."""
        return self.face in (Face.JOB, Face.COMMAND) or (self.user is not None and self.user.is_staff)

    @property
    def client_id(self) -> int | None:
        client = self.guest or (self.user and self.user.client_or_none)
        return client.pk if client else None

    def may(self, permission: str) -> bool:
        """Whether the actor is staff with that permission, or the system itself."""
        return self.is_staff and (self.user is None or self.user.has_perm(permission))

    def runs(self, provider_id: int, *, permission: str = "") -> bool:
        """Whether the actor may act for that provider: it is their own login, or they are staff.

        Where there are secrets to be had, staff need a permission for it, as in the admin.
        """
        if self.may(permission) if permission else self.is_staff:
            return True
        provider = self.user and self.user.provider_or_none
        return bool(provider and provider.pk == provider_id)
