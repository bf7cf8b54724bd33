"""Named errors for a database that does not answer in time."""

import logging

from django.db import Error
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.audit.log import current_request
from scheduler_project.common.db.postgresql.places import NoConnectionFree
from scheduler_project.common.errors import DomainError, ErrorKind, TooBusy

logger = logging.getLogger(__name__)


TOOK_TOO_LONG = frozenset(
    {
        "57014",  # statement_timeout, or somebody cancelled it
        "55P03",  # lock_timeout
        "25P03",  # idle_in_transaction_session_timeout
        "25P04",  # transaction_timeout
    }
)


AWAY = frozenset(
    {
        "53300",  # too many connections
        "57P01",  # shutting down
        "57P02",  # another process of it crashed
        "57P03",  # starting up
    }
)


class TookTooLong(DomainError):
    code = "took_too_long"
    kind = ErrorKind.UNAVAILABLE
    message = _(
        "This took too long, so we stopped it. Try again in a moment. If you were changing something, first "
        "check whether the change was saved."
    )
    remedy = "Read whether it was done, or send it again with the same `Idempotency-Key`."
    retry_after = 5


class Unavailable(DomainError):
    code = "unavailable"
    kind = ErrorKind.UNAVAILABLE
    message = _(
        "We can't reach our database. Try again in a moment. If you were changing something, first check whether "
        "the change was saved."
    )
    remedy = "Wait as many seconds as `Retry-After` says, then send it again with the same `Idempotency-Key`."
    retry_after = 5


def refusal_for(error: BaseException | None) -> DomainError | None:
    """Return the error for a database that timed out or is not reachable. None for any other exception."""
    if isinstance(error, NoConnectionFree):
        return TooBusy()
    if not isinstance(error, Error):
        return None
    cause = error.__cause__
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate in TOOK_TOO_LONG:
        logger.warning("Stopped: %s: %s", getattr(current_request.get(), "path", "-"), " ".join(str(error).split()))
        return TookTooLong()
    lost = sqlstate is None and type(cause).__name__ in {"OperationalError", "ConnectionTimeout"}
    if lost or sqlstate in AWAY or (sqlstate or "").startswith("08"):
        logger.error("The database cannot be reached: %s", " ".join(str(error).split()))
        return Unavailable()
    return None
