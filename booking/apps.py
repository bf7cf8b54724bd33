from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookingConfig(AppConfig):
    name = "booking"
    verbose_name = _("Booking")

    def ready(self) -> None:
        from booking import receivers  # noqa: F401
        from booking.errors import SlotTaken
        from scheduler_project.common.errors import TryAgain
        from scheduler_project.common.operations import broken_constraints

        broken_constraints["reservation_no_overlap"] = SlotTaken
        broken_constraints["appointment_once_per_series_and_date"] = TryAgain
        for once in ("importedentry_once_per_provider", "service_reference_once_per_owner"):
            broken_constraints[once] = TryAgain
        broken_constraints["service_reference_once_without_owner"] = TryAgain
        broken_constraints["slot_once_per_provider_and_start"] = SlotTaken
