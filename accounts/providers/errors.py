"""Errors of providers."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class SlugTaken(DomainError):
    code = "slug_taken"
    kind = ErrorKind.CONFLICT
    message = _("This booking link is taken. Choose another slug.")
    remedy = "Send another `slug`."
