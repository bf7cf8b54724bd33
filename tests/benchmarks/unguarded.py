"""The app with its guards against double booking taken away: the control that shows the races do race.

The schedule is read without its lock, and slots are taken without looking whether somebody has them by now. (The
benchmark itself drops the exclusion constraint.) What is left is the look before the write, as a naive app has it.
"""

from django.apps import AppConfig

GUARDS = {
    "LOCK_SCHEDULE": "FOR NO KEY UPDATE OF schedule",
    "TAKE": "AND slot.reservation_id IS NULL",
}
"""The statements in `booking.operations.reservations`, and what makes each of them safe."""


class Unguarded(AppConfig):
    name = "tests.benchmarks"
    label = "unguarded"

    def ready(self) -> None:
        from booking.operations import reservations

        for name, guard in GUARDS.items():
            setattr(reservations, name, without(getattr(reservations, name), guard))


def without(statement: str, guard: str) -> str:
    assert guard in statement, f"{guard} is not there to be taken away."
    return statement.replace(guard, "")
