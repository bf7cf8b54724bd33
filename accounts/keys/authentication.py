"""Authentication by API key: `Authorization: Bearer sk_…`."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.keys.errors import KeyRefused, NotForKeys, ScopeMissing
from accounts.keys.operations import user_of_key
from accounts.keys.scopes import scope_for
from accounts.models import ApiKey, User


def key_in(request: Request) -> str | None:
    """Return the text of the API key in a request, or None for other credentials, such as tokens."""
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" and text.lstrip().startswith("sk_") else None


class KeyAuthentication(BaseAuthentication):
    """An authentication that recognizes keys by how they begin, so that it costs tokens and sessions nothing.

    It also checks the scope. That is the earliest place that all operations pass, and no view can forget it.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        text = key_in(request)
        if text is None:
            return None
        try:
            user = user_of_key(text, now=timezone.now())
        except KeyRefused as error:
            raise AuthenticationFailed(error.message, error.code) from error
        assert user.key is not None
        untyped: Any = request._request  # noqa: SLF001  (DRF's own way)
        untyped.user_of_key = user  # for the log: with a refusal, DRF makes the user nobody
        self.check_scope(request, user.key)
        return user, user.key

    def check_scope(self, request: Request, key: ApiKey) -> None:
        check_scope(request, key)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def check_scope(request: Request, key: ApiKey) -> None:
    """Raise PermissionDenied with the code of ScopeMissing or NotForKeys for what the key may not do."""
    match = request.resolver_match
    scope = scope_for(match.url_name if match else None, request.method)
    if scope is None:
        raise PermissionDenied(NotForKeys.message, NotForKeys.code)
    if scope not in key.scopes:
        raise PermissionDenied(str(ScopeMissing.message) % {"scope": scope.value}, ScopeMissing.code)


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The description of the authentication in the API's schema."""

    target_class = "accounts.keys.authentication.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sk_…", "description": "An API key."}
