from django.apps import AppConfig


class BookingConfig(AppConfig):
    name = "booking"

    def ready(self) -> None:
        from booking import receivers  # noqa: F401
        from booking.errors import SlotTaken
        from scheduler_project.common.operations import broken_constraints

        broken_constraints["reservation_no_overlap"] = SlotTaken
        broken_constraints["slot_once_per_provider_and_start"] = SlotTaken
