"""Errors of services."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError


class ServiceNotOffered(DomainError):
    code = "service_not_offered"
    message = _("This provider doesn't offer this service. Choose another one.")
    remedy = "Choose one of `GET /api/v1/services?provider=`."
