"""Errors of clients."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class ClientExists(DomainError):
    code = "client_exists"
    kind = ErrorKind.CONFLICT
    message = _("This address book already has a client with this email.")
    remedy = "Find the client with `GET /api/v1/clients?search=` and use that id."
