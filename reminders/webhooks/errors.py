"""Errors of webhooks."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class BadAddress(DomainError):
    code = "bad_address"
    message = _("Use an https://host/path address without a login, on a standard port and outside private networks.")


class UnknownEvent(DomainError):
    code = "unknown_event"
    message = _("Unknown event. Choose one of the events listed.")


class EndpointExists(DomainError):
    code = "endpoint_exists"
    kind = ErrorKind.CONFLICT
    message = _("This provider already has a webhook with this address.")


class TooManyEndpoints(DomainError):
    code = "too_many_endpoints"
    kind = ErrorKind.CONFLICT
    message = _("This provider has reached the limit for webhooks. Delete one first.")


class EndpointDisabled(DomainError):
    code = "endpoint_disabled"
    kind = ErrorKind.CONFLICT
    message = _("This webhook is disabled. Enable it first.")
