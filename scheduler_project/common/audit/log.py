"""The audit log: who changed what, when, and through which source. Rows are only added.

Triggers write it (`triggers.py`), for every kind of change: an operation, a plain save, `QuerySet.update`, SQL. This
module sends the database the actor at the last moment: with a write to a table with an audit log.
"""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple, Protocol, cast

from celery import current_task
from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _


class Source(models.TextChoices):
    """The sources of changes."""

    API = "api", _("API")
    PAGE = "page", _("page")
    ADMIN = "admin", _("admin")
    JOB = "job", _("background job")
    COMMAND = "command", _("command")


audited_tables: dict[str, str] = {}
"""Tables with an audit log: table → label of the model its rows are filed under. Apps fill it in `AppConfig.ready`.

Parts (a schedule's working hours) are filed under the whole, with its key."""


class ActorLike(Protocol):
    """The part of an operation's `actor` that the audit log needs."""

    @property
    def user(self) -> Any: ...
    @property
    def source(self) -> str: ...


class AuditActor(NamedTuple):
    user_id: int | None
    source: str
    key_id: int | None = None
    """The API key with which a program acted for the user."""


current_actor: ContextVar[ActorLike | None] = ContextVar("current_actor", default=None)
"""The actor of the current operation."""


current_request: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)
"""The current request, whose user is the actor outside of operations."""


def by_request(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that stores the request while it is handled."""

    def middleware(request: HttpRequest) -> HttpResponse:
        token = current_request.set(request)
        try:
            return get_response(request)
        finally:
            current_request.reset(token)

    return middleware


@contextmanager
def acting(actor: ActorLike) -> Iterator[None]:
    """Set the actor within the block. `@operation` does so with its own `actor`."""
    token = current_actor.set(actor)
    try:
        yield
    finally:
        current_actor.reset(token)


def audit_actor() -> AuditActor:
    """Return the actor: that of the operation, else the logged-in user, else a job or a command."""
    actor = current_actor.get()
    if actor is not None:
        return AuditActor(actor.user.pk if actor.user else None, str(actor.source), _key_of(actor.user))
    request = current_request.get()
    user = getattr(request, "user", None)
    user_id = user.pk if user is not None and user.is_authenticated else None
    return AuditActor(user_id, source_of(request), _key_of(user))


def _key_of(user: Any) -> int | None:
    key = getattr(user, "key", None)
    return None if key is None else int(key.pk)


def source_of(request: HttpRequest | None) -> str:
    """Return the source of a request; without a request it is a job or a command."""
    if request is None:
        return Source.JOB.value if bool(current_task) else Source.COMMAND.value
    source = {"api": Source.API, "mcp": Source.API, "admin": Source.ADMIN}.get(
        request.path_info.lstrip("/").partition("/")[0], Source.PAGE
    )
    return source.value


WRITE = re.compile(r"\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?(\w+)", re.IGNORECASE)


def set_audit_context(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement. If it writes to a table with an audit log, send the database the actor first.

    That costs these writes one more round trip. The actor is set each time, for this transaction only: a rolled-back
    savepoint may have undone an earlier setting, and a pooler may hand the connection on.
    """
    written = WRITE.match(sql) if isinstance(sql, str) else None
    if written is None or written[1] not in audited_tables:
        return execute(sql, params, many, context)
    connection = context["connection"]
    with transaction.atomic(using=connection.alias, savepoint=False), connection.cursor() as cursor:
        user_id, source, key_id = audit_actor()
        cursor.execute(  # The ORM has no set_config.
            "SELECT set_config('scheduler.user', %s, true), set_config('scheduler.face', %s, true), "
            "set_config('scheduler.key', %s, true)",
            ["" if user_id is None else str(user_id), source, "" if key_id is None else str(key_id)],
        )
        return execute(sql, params, many, context)


def erase(model: type[models.Model], rows: Collection[int], columns: Collection[str]) -> None:
    """Erase the values of these columns of these rows from the audit log; actor, time and names of columns stay.

    Call it after the change of the rows themselves, in the same transaction.
    """
    from scheduler_project.common.models import Change  # That module imports the sources from here.

    table = model._meta.db_table  # noqa: SLF001  (documented, whatever its name)
    logged = Change.objects.filter(table_name=table, row_id__in=rows, changes__has_any_keys=list(columns))
    with allow_erasing():
        logged.update(changes=nulled("changes", columns))


def nulled(column: str, keys: Collection[str]) -> models.Expression:
    """Return a column's JSON object with null for each of these keys that it has."""
    null = Cast(models.Value("null"), models.JSONField())
    value: Any = models.F(column)
    for key in keys:
        path = models.Value([key], ArrayField(models.TextField()))
        parts = (value, path, null, models.Value(value=False))
        value = models.Func(*parts, function="jsonb_set", output_field=models.JSONField())
    return cast("models.Expression", value)


@contextmanager
def allow_erasing() -> Iterator[None]:
    """Allow values in append-only rows to become null: the only way past the triggers."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:  # The ORM has no set_config.
        cursor.execute("SELECT set_config('scheduler.erasing', 'on', true)")
        yield
        cursor.execute("SELECT set_config('scheduler.erasing', '', true)")


@contextmanager
def allow_deleting(before: datetime) -> Iterator[None]:
    """Allow the deletion of rows of the audit log that are older than `before` and more than 30 days: the only way."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:  # The ORM has no set_config.
        cursor.execute("SELECT set_config('scheduler.forgetting', %s, true)", [before.isoformat()])
        yield
        cursor.execute("SELECT set_config('scheduler.forgetting', '', true)")
