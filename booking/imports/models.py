"""References of imported appointments in the system they came from."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Provider
from booking.appointments.models import Appointment
from booking.series.models import AppointmentSeries

LONGEST_REFERENCE = 300


class ImportedEntry(models.Model):
    """The name another system has for an appointment or a series of one provider, such as a calendar's UID.

    By it a second import of the same file finds what the first one made. Two providers' calendars may hold the same
    meeting under one name.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="+", db_index=False, verbose_name=_("provider"))
    reference = models.CharField(_("reference"), max_length=LONGEST_REFERENCE)
    appointment = models.OneToOneField(
        Appointment, models.CASCADE, null=True, related_name="imported", verbose_name=_("appointment")
    )
    series = models.OneToOneField(
        AppointmentSeries, models.CASCADE, null=True, related_name="imported", verbose_name=_("series")
    )

    class Meta:
        verbose_name = _("imported entry")
        verbose_name_plural = _("imported entries")
        constraints = [
            models.UniqueConstraint(fields=["provider", "reference"], name="importedentry_once_per_provider"),
            models.CheckConstraint(
                condition=Q(appointment__isnull=True) ^ Q(series__isnull=True), name="importedentry_of_one_thing"
            ),
        ]

    def __str__(self) -> str:
        return self.reference
