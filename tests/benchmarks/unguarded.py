"""The app with its guards against double booking taken away: the control that shows the races do race.

The schedule is read without its lock, and slots are claimed without looking whether somebody has them by now. (The
benchmark itself drops the exclusion constraint.) What is left is the look before the write, as a naive app has it.
"""

from typing import Any

from django.apps import AppConfig
from django.db.models import QuerySet


class Unguarded(AppConfig):
    name = "tests.benchmarks"
    label = "unguarded"

    def ready(self) -> None:
        from booking.models import Schedule, Slot
        from booking.operations import appointments, reservations

        def schedule(provider_id: int) -> Schedule:
            return Schedule.objects.select_related("provider").get(provider=provider_id)

        class Unchecked:
            """Stands in for Slot: an update of chosen slots takes them from whoever has them."""

            class objects:  # noqa: N801
                @staticmethod
                def filter(**lookup: Any) -> QuerySet[Slot]:
                    if "pk__in" in lookup:
                        lookup.pop("reservation", None)
                    return Slot.objects.filter(**lookup)

        reservations.locked_schedule = appointments.locked_schedule = schedule
        reservations.Slot = Unchecked
