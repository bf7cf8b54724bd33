"""The app with its guards against double booking taken away: the control that shows the races do race.

The schedule is read without its lock, and slots are taken without looking whether somebody has them by now. (The
benchmark itself drops the exclusion constraint.) What is left is the look before the write, as a naive app has it.
"""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import import_string

GUARDS = {
    "booking.availability.locks.LOCK_SCHEDULE": "FOR NO KEY UPDATE OF schedule",
    "booking.reservations.claims.TAKE": "AND slot.reservation_id IS NULL",
}
"""The statements of reserving that a guard stands in."""


class Unguarded(AppConfig):
    name = "tests.slow.benchmarks"
    label = "unguarded"

    def ready(self) -> None:
        for path, guard in GUARDS.items():
            module, name = path.rsplit(".", 1)
            setattr(import_module(module), name, without(import_string(path), guard))


def without(statement: str, guard: str) -> str:
    assert guard in statement, f"{guard} is not there to be taken away."
    return statement.replace(guard, "")
