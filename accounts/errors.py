"""Every way accounts says no."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, Kind


class EmailTaken(DomainError):
    code = "email_taken"
    kind = Kind.CONFLICT
    message = _("There is already an account with this email. Log in, or reset the password.")


class ClientExists(DomainError):
    code = "client_exists"
    kind = Kind.CONFLICT
    message = _("This address book already has a client with this email.")
