from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookingConfig(AppConfig):
    name = "booking"
    verbose_name = _("Bookings")

    def ready(self) -> None:
        from accounts.models import known_to_provider
        from accounts.operations.imports import unproven
        from booking import receivers  # noqa: F401
        from booking.errors import SlotTaken
        from booking.invariants import INVARIANTS
        from booking.operations import guests
        from booking.queries import has_appointment_with
        from scheduler_project.common.errors import TryAgain
        from scheduler_project.common.invariants import invariants
        from scheduler_project.common.operations import broken_constraints
        from scheduler_project.common.retention import retained
        from scheduler_project.common.trail import trailed

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
            "visitors": lambda now: guests.tidy_visitors(now=now),
            "holds that came to nothing": lambda now: guests.forget_holds(now=now),
        }
        trailed |= {
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
