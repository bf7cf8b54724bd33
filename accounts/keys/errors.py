"""Refusals of API keys, and to make them."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class KeyRefused(DomainError):
    """A key that does not work."""

    code = "key_invalid"
    kind = ErrorKind.UNAUTHENTICATED
    message = _("This API key is not valid.")


class KeyRevoked(KeyRefused):
    code = "key_revoked"
    message = _("This API key was revoked.")


class KeyExpired(KeyRefused):
    code = "key_expired"
    message = _("This API key has expired. Create a new one. Next time, rotate the key before it expires.")


class KeyOfInactiveUser(KeyRefused):
    code = "key_user_inactive"
    message = _("The account of this API key is not active.")


class KeyBeforeStaff(KeyRefused):
    code = "key_before_staff"
    message = _("This API key was created before its user became staff. Create a new one.")


class ScopeMissing(DomainError):
    code = "scope_missing"
    kind = ErrorKind.FORBIDDEN
    message = _("This API key lacks the scope “%(scope)s”.")


class NotForKeys(DomainError):
    code = "not_for_keys"
    kind = ErrorKind.FORBIDDEN
    message = _("API keys can't do this. Sign in with your account.")


class KeyEnded(DomainError):
    code = "key_ended"
    kind = ErrorKind.CONFLICT
    message = _("This key has been revoked or replaced, or has expired.")


class TooManyKeys(DomainError):
    code = "too_many_keys"
    kind = ErrorKind.CONFLICT
    message = _("You've reached the limit for API keys. Revoke one first.")


class NoScope(DomainError):
    code = "no_scope"
    message = _("Choose at least one scope.")


class ExpiryPast(DomainError):
    code = "expiry_past"
    message = _("Choose a time in the future.")
