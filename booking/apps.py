from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookingConfig(AppConfig):
    name = "booking"
    verbose_name = _("Bookings")

    def ready(self) -> None:
        from accounts.clients.imports import unproven
        from accounts.clients.models import known_to_provider
        from booking import receivers  # noqa: F401
        from booking.appointments import unconverted
        from booking.appointments.clients import has_appointment_with
        from booking.invariants import INVARIANTS
        from booking.reservations import guests
        from booking.reservations.errors import SlotTaken
        from scheduler_project.common.audit.log import audited_tables
        from scheduler_project.common.db.invariants import invariants
        from scheduler_project.common.db.retention import retained
        from scheduler_project.common.errors import TryAgain
        from scheduler_project.common.operations import broken_constraints

        broken_constraints["reservation_no_overlap"] = SlotTaken
        broken_constraints["appointment_once_per_series_and_date"] = TryAgain
        for once in ("importedentry_once_per_provider", "service_reference_once_per_owner"):
            broken_constraints[once] = TryAgain
        broken_constraints["service_reference_once_without_owner"] = TryAgain
        broken_constraints["slot_once_per_provider_and_start"] = SlotTaken
        invariants |= INVARIANTS
        unproven.append(guests.booked_as_visitor())
        known_to_provider.append(has_appointment_with)
        retained |= {
            "visitors": lambda now: unconverted.purge_visitors(now=now),
            "holds that came to nothing": lambda now: unconverted.purge_holds(now=now),
        }
        audited_tables |= {
            "booking_schedule": "booking.Schedule",
            "booking_workinghours": "booking.Schedule",
            "booking_dateoverride": "booking.DateOverride",
            "booking_availabilitywindow": "booking.AvailabilityWindow",
            "booking_timeoff": "booking.TimeOff",
            "booking_closure": "booking.Closure",
            "booking_service": "booking.Service",
            "booking_service_providers": "booking.Service",
            "booking_appointmentseries": "booking.AppointmentSeries",
            "booking_calendarfeed": "booking.CalendarFeed",
        }
