"""Errors of webhooks."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class BadAddress(DomainError):
    code = "bad_address"
    message = _("Use an https://host/path address without a login, on a standard port and outside private networks.")
    remedy = "Send a public `https` address without user and password."


class UnknownEvent(DomainError):
    code = "unknown_event"
    message = _("Unknown event. Choose one of the events listed.")
    remedy = "Choose from `details.events`, or send none to receive all events."


class EndpointExists(DomainError):
    code = "endpoint_exists"
    kind = ErrorKind.CONFLICT
    message = _("This provider already has a webhook with this address.")
    remedy = "Find it with `GET /api/v1/webhooks` and change it with `PATCH`."


class TooManyEndpoints(DomainError):
    code = "too_many_endpoints"
    kind = ErrorKind.CONFLICT
    message = _("This provider has reached the limit for webhooks. Delete one first.")
    remedy = "Delete one, or let one address take more events."


class EndpointDisabled(DomainError):
    code = "endpoint_disabled"
    kind = ErrorKind.CONFLICT
    message = _("This webhook is disabled. Enable it first.")
    remedy = "Call `POST /api/v1/webhooks/{id}/enable`."
