"""Refusals to erase a person."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class AppointmentsComing(DomainError):
    code = "appointments_coming"
    kind = ErrorKind.CONFLICT
    message = _("There are upcoming appointments. Reschedule or cancel them first, so nobody is left waiting.")
    remedy = "Reschedule or cancel them first: `GET /api/v1/appointments?status=upcoming` lists them."
