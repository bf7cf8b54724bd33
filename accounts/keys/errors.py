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
    message = _("This API key has expired. Create another, or rotate keys before they expire.")


class KeyOfInactiveUser(KeyRefused):
    code = "key_user_inactive"
    message = _("The account of this API key is not active.")


class KeyBeforeStaff(KeyRefused):
    code = "key_before_staff"
    message = _("This API key was made before its user became staff. Create another.")


class ScopeMissing(DomainError):
    code = "scope_missing"
    kind = ErrorKind.FORBIDDEN
    message = _("This API key lacks the scope “%(scope)s”.")


class NotForKeys(DomainError):
    code = "not_for_keys"
    kind = ErrorKind.FORBIDDEN
    message = _("API keys may not do this. Log in as a person.")


class KeyEnded(DomainError):
    code = "key_ended"
    kind = ErrorKind.CONFLICT
    message = _("This key was revoked, replaced or has expired.")


class TooManyKeys(DomainError):
    code = "too_many_keys"
    kind = ErrorKind.CONFLICT
    message = _("You have as many API keys as you may. Revoke one first.")


class NoScope(DomainError):
    code = "no_scope"
    message = _("Choose at least one scope.")


class ExpiryPast(DomainError):
    code = "expiry_past"
    message = _("Choose a time that is still to come.")
