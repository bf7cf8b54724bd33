"""Errors of an SMS gateway's callbacks."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class BadSignature(DomainError):
    code = "bad_signature"
    kind = ErrorKind.FORBIDDEN
    message = _("The SMS gateway's signature is missing or invalid.")
    remedy = "Set the gateway's secret in the settings, and this address at the gateway as it is public."
