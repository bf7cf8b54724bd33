"""Refusals to erase a person."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class AppointmentsComing(DomainError):
    code = "appointments_coming"
    kind = ErrorKind.CONFLICT
    message = _("There are appointments to come. Move or cancel them first, so that nobody waits in vain.")
