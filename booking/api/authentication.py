"""Authentication of guests: `Authorization: Guest <token>`, by the token of a hold or of an appointment.

The token makes nobody a user. It says on whose holds, or on which appointment, the request may act; each view checks
what it leads to.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from booking.links import appointment_from_token, hold_from_guest_token
from scheduler_project.common.errors import NotFound

KEYWORD = "Guest"


@dataclass(frozen=True)
class Visitor:
    """A guest by the token of a hold: the reference of the client created for them, and that hold."""

    reference: str
    reservation_id: int

    @property
    def caller(self) -> str:
        """The name under which their repeatable writes are kept."""
        return f"visitor:{self.reference}"


@dataclass(frozen=True)
class Attendee:
    """A guest by the token of an appointment, the one in the link mailed to its client.

    Without `client_id` by one of the first tokens, which named no client.
    """

    appointment_id: int
    client_id: int | None
    token: str

    @property
    def caller(self) -> str:
        return f"appointment:{self.appointment_id}"


Guest = Visitor | Attendee


class GuestTokenNotValid(AuthenticationFailed):
    default_code = "guest_token_not_valid"
    default_detail = _("This token doesn't belong to a hold or an appointment. Hold a time to get one.")
    remedy = "Send the `guest_token` of the newest answer, as `Authorization: Guest …`."


class GuestTokenExpired(AuthenticationFailed):
    default_code = "guest_token_expired"
    default_detail = _("This token has expired: it's valid for one day. Hold a time again.")
    remedy = "Hold a time again. Appointments are changed by the link in their mail."


class GuestAuthentication(BaseAuthentication):
    """An anonymous user, with the guest as `request.auth`. Whatever follows `Guest` and is no token of ours is 401."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Guest] | None:
        keyword, *rest = get_authorization_header(request).split() or [b""]
        if keyword.lower() != KEYWORD.lower().encode():
            return None
        if len(rest) != 1 or not rest[0].isascii():
            raise GuestTokenNotValid
        return AnonymousUser(), guest_of(rest[0].decode())

    def authenticate_header(self, request: Request) -> str:
        return f'{KEYWORD} realm="api"'


def guest_of(token: str) -> Guest:
    """Return the guest of a token. Raises GuestTokenNotValid, GuestTokenExpired."""
    try:
        return Visitor(*hold_from_guest_token(token))
    except signing.SignatureExpired:
        raise GuestTokenExpired from None
    except (signing.BadSignature, ValueError, TypeError):
        pass
    try:
        return Attendee(*appointment_from_token(token), token)
    except NotFound:
        raise GuestTokenNotValid from None


class UsersAndGuests(BasePermission):
    """A permission for everybody who is logged in, and for guests with a token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated or isinstance(request.auth, Guest))


class GuestScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The description of the authentication in the API's schema, for the operations that take it."""

    target_class = "booking.api.authentication.GuestAuthentication"
    name = "guestAuth"

    def get_security_requirement(self, auto_schema: Any) -> Any:
        view = auto_schema.view
        taken = getattr(view, "guest_actions", frozenset()) | getattr(view, "open_actions", frozenset())
        return {self.name: []} if getattr(view, "action", None) in taken else None

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": f"`{KEYWORD} <guest_token>`: the token that came with a hold or an appointment of a guest.",
        }
