"""The outbox with a guard removed: controls that show that the chaos detects the effect."""

from typing import Any

from reminders.dispatch import attempts, dispatcher, leases

LOCK = "FOR NO KEY UPDATE SKIP LOCKED"
RECORDED_BY_ITS_HOLDER = "AND claim = %(claim)s "


def without_lease() -> None:
    """Send due messages without leasing them."""
    looked_up = leases.TAKE_LEASES[leases.TAKE_LEASES.index("SELECT id") : leases.TAKE_LEASES.index(")\nUPDATE")]
    leases.TAKE_LEASES = without(looked_up, LOCK)
    attempts.RECORD_ATTEMPT = without(attempts.RECORD_ATTEMPT, RECORDED_BY_ITS_HOLDER)


def marked_early() -> None:
    """Mark messages as sent before sending them."""
    attempt = dispatcher.Batch.attempt

    def mark_and_attempt(batch: dispatcher.Batch, message: Any) -> attempts.AttemptResult:
        attempts.record_attempt(attempts.AttemptResult(message, "", batch.clock(), 0), now=batch.clock())
        return attempt(batch, message)

    dispatcher.Batch.attempt = mark_and_attempt  # type: ignore[method-assign]


CONTROLS = {"lease": without_lease, "early": marked_early}


def without(statement: str, guard: str) -> str:
    assert guard in statement, f"{guard} is not there to be taken away."
    return statement.replace(guard, "")
