"""The trail: who changed what, when, and through which face. Rows are only ever added.

Triggers write it (`triggers.py`), whatever way a change takes: an operation, a plain save, `QuerySet.update`, SQL. Here
the database is told who is at work, at the first moment it needs to know: with a write to a table that has a trail.
"""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from celery import current_task
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _


class Face(models.TextChoices):
    """Where a deed came in."""

    API = "api", _("API")
    PAGE = "page", _("page")
    ADMIN = "admin", _("admin")
    JOB = "job", _("background job")
    COMMAND = "command", _("command")


trailed: dict[str, str] = {}
"""The tables with a trail: table → label of the model its rows are filed under. Apps fill it in `AppConfig.ready`.

The parts of something (a schedule's working hours) are filed under the whole, with its key.
"""


# --- Who is at work -------------------------------------------------------------------------------------------------


class Doer(Protocol):
    """What operations are told as `actor`, as far as the trail must know."""

    @property
    def user(self) -> Any: ...
    @property
    def face(self) -> str: ...


class Who(NamedTuple):
    user_id: int | None
    face: str


doer: ContextVar[Doer | None] = ContextVar("doer", default=None)
"""The actor of the operation that runs."""

asker: ContextVar[HttpRequest | None] = ContextVar("asker", default=None)
"""The request that is being answered: who is at work where no operation says so."""


def by_request(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that remembers the request for as long as it takes to answer it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        token = asker.set(request)
        try:
            return get_response(request)
        finally:
            asker.reset(token)

    return middleware


@contextmanager
def acting(actor: Doer) -> Iterator[None]:
    """Let an actor be who does what is done within. `@operation` does so for those it is told of."""
    token = doer.set(actor)
    try:
        yield
    finally:
        doer.reset(token)


def who() -> Who:
    """Who is at work: the actor of the operation, or whoever is logged in, or a job, or a command."""
    actor = doer.get()
    if actor is not None:
        return Who(actor.user.pk if actor.user else None, str(actor.face))
    request = asker.get()
    user = getattr(request, "user", None)
    return Who(user.pk if user is not None and user.is_authenticated else None, face_of(request))


def face_of(request: HttpRequest | None) -> str:
    """The face a request comes through; without one it is a job or a command."""
    if request is None:
        return Face.JOB.value if bool(current_task) else Face.COMMAND.value
    face = {"api": Face.API, "admin": Face.ADMIN}.get(request.path_info.lstrip("/").partition("/")[0], Face.PAGE)
    return face.value


WRITE = re.compile(r"\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?(\w+)", re.IGNORECASE)


def tell_who(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement; one that writes to a table with a trail after the database was told who is at work.

    That is a round trip more for those, and nothing for the others. It is said each time, in the transaction and for
    it alone: a savepoint may have taken back what was said before, and a pooler hands the connection on.
    """
    written = WRITE.match(sql) if isinstance(sql, str) else None
    if written is None or written[1] not in trailed:
        return execute(sql, params, many, context)
    connection = context["connection"]
    with transaction.atomic(using=connection.alias, savepoint=False), connection.cursor() as cursor:
        user_id, face = who()
        cursor.execute(
            "SELECT set_config('scheduler.user', %s, true), set_config('scheduler.face', %s, true)",
            ["" if user_id is None else str(user_id), face],
        )
        return execute(sql, params, many, context)


# --- Erasing --------------------------------------------------------------------------------------------------------

ERASE = """
UPDATE common_change
SET changes = changes || (
    SELECT jsonb_object_agg(name, NULL) FROM jsonb_object_keys(changes) AS name WHERE name = ANY(%(columns)s))
WHERE table_name = %(table)s AND row_id = ANY(%(rows)s) AND changes ?| %(columns)s
"""


def erase(model: type[models.Model], rows: Collection[int], columns: Collection[str]) -> None:
    """Take what the trail tells of these columns of these rows out of it: that they changed, by whom and when stays.

    To be called after the rows themselves were changed, in the same transaction.
    """
    with erasing() as cursor:
        table = model._meta.db_table  # noqa: SLF001  (documented, whatever its name)
        cursor.execute(ERASE, {"table": table, "rows": list(rows), "columns": list(columns)})


@contextmanager
def erasing() -> Iterator[Any]:
    """The one way past the triggers that keep rows as they were written: values in them may become null, no more."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT set_config('scheduler.erasing', 'on', true)")
        yield cursor
        cursor.execute("SELECT set_config('scheduler.erasing', '', true)")


@contextmanager
def forgetting(before: datetime) -> Iterator[None]:
    """The one way to delete rows of the trail: those written before an instant, and more than 30 days ago."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT set_config('scheduler.forgetting', %s, true)", [before.isoformat()])
        yield
        cursor.execute("SELECT set_config('scheduler.forgetting', '', true)")
