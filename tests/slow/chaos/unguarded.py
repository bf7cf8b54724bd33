"""The outbox with a guard removed: controls that show that the chaos detects the effect."""

from typing import Any

from reminders.outbox import dispatcher
from reminders.outbox import operations as outbox_operations

LOCK = "FOR NO KEY UPDATE SKIP LOCKED"
SETTLED_BY_ITS_CLAIMER = "AND claim = %(claim)s "


def without_lease() -> None:
    """Send due messages without claiming them."""
    looked_up = outbox_operations.CLAIM[
        outbox_operations.CLAIM.index("SELECT id") : outbox_operations.CLAIM.index(")\nUPDATE")
    ]
    outbox_operations.CLAIM = without(looked_up, LOCK)
    outbox_operations.RECORD_ATTEMPT = without(outbox_operations.RECORD_ATTEMPT, SETTLED_BY_ITS_CLAIMER)


def marked_early() -> None:
    """Mark messages as sent before sending them."""
    attempt = dispatcher.Batch.attempt

    def mark_and_attempt(batch: dispatcher.Batch, message: Any) -> outbox_operations.AttemptResult:
        outbox_operations.record_attempt(
            outbox_operations.AttemptResult(message, "", batch.clock(), 0), now=batch.clock()
        )
        return attempt(batch, message)

    dispatcher.Batch.attempt = mark_and_attempt  # type: ignore[method-assign]


CONTROLS = {"lease": without_lease, "early": marked_early}


def without(statement: str, guard: str) -> str:
    assert guard in statement, f"{guard} is not there to be taken away."
    return statement.replace(guard, "")
