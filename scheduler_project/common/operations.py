"""The frame of every operation: one transaction, with database errors turned into named errors."""

import logging
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)

from scheduler_project.common.audit.log import acting
from scheduler_project.common.db.errors import TOOK_TOO_LONG
from scheduler_project.common.errors import DomainError, TryAgain
from scheduler_project.common.failpoints import Failpoint, reach

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K")

logger = logging.getLogger(__name__)

ATTEMPTS = 3
DELETED_MEANWHILE = "23503"  # a foreign key to a row that was deleted meanwhile
DEADLOCK_OR_SERIALIZATION = ("40P01", "40001")

broken_constraints: dict[str, Callable[[], DomainError]] = {}
"""Errors by the name of the constraint that raises them. Apps fill it in `AppConfig.ready`."""


def operation(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in a transaction of its own, or as one step of the caller's.

    Locks make the answer polite and constraints make it true: a constraint listed in `broken_constraints` raises its
    DomainError. In our own transaction, a deadlock or serialization failure restarts the function, up to three times in
    all; then it raises `TryAgain`. Within a caller's transaction it raises `TryAgain` at once, and the outermost
    operation restarts.

    The `actor` argument is recorded in the audit log; without one, the caller's actor is.
    """
    names = list(signature(function).parameters)
    place = names.index("actor") if "actor" in names else None

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if place is None:
            return in_transaction(*args, **kwargs)
        actor: Any = kwargs["actor"] if "actor" in kwargs else args[place]
        with acting(actor):
            return in_transaction(*args, **kwargs)

    def in_transaction(*args: P.args, **kwargs: P.kwargs) -> R:
        outermost = not connections[DEFAULT_DB_ALIAS].in_atomic_block
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if outermost:
                    return _committed(function, *args, **kwargs)
                with transaction.atomic():
                    return function(*args, **kwargs)
            except IntegrityError as error:
                raise _error_of_constraint(error) from error
            except TryAgain as error:  # raised by a step within
                if attempt == ATTEMPTS or not outermost or not is_undone(error.__cause__):
                    raise
            except DatabaseError as error:
                if not is_undone(error):
                    raise
                if attempt == ATTEMPTS or not outermost:
                    raise TryAgain from error
        raise AssertionError

    return run


def _committed(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    with transaction.atomic():
        answer = function(*args, **kwargs)
        reach(Failpoint.BEFORE_COMMIT)
    reach(Failpoint.AFTER_COMMIT)
    return answer


@operation
def preview(call: Callable[[], R]) -> R:
    """Return the result of `call`, or raise its error, and roll its changes back.

    All previews use this. No change stays, and nothing that waits for the commit (a mail, a task) happens. `call` must
    read everything the result needs from the database.
    """
    answer = call()
    undo()
    return answer


def undo() -> None:
    """Roll back the running operation once it returns. It still returns its result."""
    transaction.set_rollback(True)


def each_by_itself(work: Callable[[K], R], keys: Iterable[K], *, what: str) -> dict[K, R]:
    """Call `work` for each key and return the results by key; `what` names the job in the log.

    An error does not stop the other keys: it is logged, and the first one is raised at the end. A key that loses a
    deadlock or times out on a lock is left for the next run. Only a lost database ends the run at once.
    """
    done: dict[K, R] = {}
    failures: list[Exception] = []
    for key in keys:
        try:
            done[key] = work(key)
        except Exception as error:
            if isinstance(error, TryAgain) or _sqlstate(error) in TOOK_TOO_LONG:
                logger.warning("%s %s is left for the next round: %s", what, key, _in_one_line(error))
            elif isinstance(error, OperationalError | InterfaceError):
                raise
            else:
                # Without a traceback: the first error, which is raised, has one, and the others are often the same.
                logger.error("%s %s failed: %s: %s", what, key, type(error).__name__, _in_one_line(error))  # noqa: TRY400
                failures.append(error)
    if failures:
        raise failures[0]
    return done


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def is_undone(error: BaseException | None) -> bool:
    """Return whether PostgreSQL rolled the transaction back because of a concurrent one."""
    return _sqlstate(error) in DEADLOCK_OR_SERIALIZATION


def _sqlstate(error: BaseException | None) -> str | None:
    return getattr(getattr(error, "__cause__", None), "sqlstate", None)


def _error_of_constraint(error: IntegrityError) -> Exception:
    if _sqlstate(error) == DELETED_MEANWHILE:
        return TryAgain()
    diagnosis = getattr(error.__cause__, "diag", None)
    named = broken_constraints.get(getattr(diagnosis, "constraint_name", None) or "")
    return named() if named else error
