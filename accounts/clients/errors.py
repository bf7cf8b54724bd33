"""Errors of clients."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, Kind


class ClientExists(DomainError):
    code = "client_exists"
    kind = Kind.CONFLICT
    message = _("This address book already has a client with this email.")
