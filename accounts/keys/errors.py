"""Refusals of API keys, and to make them."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class KeyRefused(DomainError):
    """A key that does not work."""

    code = "key_invalid"
    kind = ErrorKind.UNAUTHENTICATED
    message = _("This API key is not valid.")
    remedy = "Check that the whole key is sent, as `Authorization: Bearer sk_…`, and to the right site."


class KeyRevoked(KeyRefused):
    code = "key_revoked"
    message = _("This API key was revoked.")
    remedy = "Ask its owner to create a new one, and send that."


class KeyExpired(KeyRefused):
    code = "key_expired"
    message = _("This API key has expired. Create a new one. Next time, rotate the key before it expires.")
    remedy = "Ask its owner to create a new one. `expires_at` of a key says when to rotate it."


class KeyOfInactiveUser(KeyRefused):
    code = "key_user_inactive"
    message = _("The account of this API key is not active.")
    remedy = "Ask staff to activate the account, or use a key of someone else."


class KeyBeforeStaff(KeyRefused):
    code = "key_before_staff"
    message = _("This API key was created before its user became staff. Create a new one.")
    remedy = "Ask its owner to create a new one, with the permission “Can add API key”."


class ScopeMissing(DomainError):
    code = "scope_missing"
    kind = ErrorKind.FORBIDDEN
    message = _("This API key lacks the scope “%(scope)s”.")
    remedy = "Create a key with the scope that the message names. A key's own scopes do not change."


class NotForKeys(DomainError):
    code = "not_for_keys"
    kind = ErrorKind.FORBIDDEN
    message = _("API keys can't do this. Sign in with your account.")
    remedy = "Send the access token of a person in place of the key."


class KeyEnded(DomainError):
    code = "key_ended"
    kind = ErrorKind.CONFLICT
    message = _("This key has been revoked or replaced, or has expired.")
    remedy = "Use the key that replaced it, or create another."


class TooManyKeys(DomainError):
    code = "too_many_keys"
    kind = ErrorKind.CONFLICT
    message = _("You've reached the limit for API keys. Revoke one first.")
    remedy = "Revoke a key that is no longer used: see `last_used_at`."


class NoScope(DomainError):
    code = "no_scope"
    message = _("Choose at least one scope.")
    remedy = "Send `scopes` with one or more of `read`, `book`, `manage` and `webhooks`."


class ExpiryPast(DomainError):
    code = "expiry_past"
    message = _("Choose a time in the future.")
    remedy = "Send a later `expires_at`."
