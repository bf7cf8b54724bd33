"""Errors of webhooks."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class BadAddress(DomainError):
    code = "bad_address"
    message = _(
        "A webhook's address is https://host/path, without a login in it, at one of the usual ports and not in a "
        "private network."
    )


class UnknownEvent(DomainError):
    code = "unknown_event"
    message = _("There is no such event. The events there are are listed.")


class EndpointExists(DomainError):
    code = "endpoint_exists"
    kind = ErrorKind.CONFLICT
    message = _("This provider already has a webhook with this address.")


class TooManyEndpoints(DomainError):
    code = "too_many_endpoints"
    kind = ErrorKind.CONFLICT
    message = _("This provider has as many webhooks as one may have. Delete one first.")


class EndpointDisabled(DomainError):
    code = "endpoint_disabled"
    kind = ErrorKind.CONFLICT
    message = _("This webhook is disabled. Enable it first.")
