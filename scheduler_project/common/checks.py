"""System checks of the database and the configuration.

`manage.py check --database default` runs them, and so does `migrate`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.db import connections

from scheduler_project.common import sending_capacity
from scheduler_project.common.time.zones import validate_timezone, zone_names


@register(Tags.database)
def zones_agree(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report the zones in use for which PostgreSQL and tzdata have different offsets this year or next (R20)."""
    moments = [datetime(year, month, 15, 12, tzinfo=UTC) for year in _years() for month in range(1, 13)]
    found: list[CheckMessage] = []
    for alias in databases or []:
        used = zones_in_use(alias)
        with connections[alias].cursor() as cursor:  # The ORM has no model of PostgreSQL's zones.
            cursor.execute(
                """
                SELECT name, array_agg(extract(epoch FROM (moment AT TIME ZONE name) - (moment AT TIME ZONE 'UTC'))::int
                                       ORDER BY moment)
                FROM pg_timezone_names, unnest(%s::timestamptz[]) AS moment
                WHERE name = ANY(%s::text[])
                GROUP BY name
                """,
                [moments, sorted(used)],
            )
            theirs = dict(cursor.fetchall())
        apart = sorted(name for name in used if theirs.get(name) != _offsets(name, moments))
        if apart:
            found.append(
                Warning(
                    f"PostgreSQL ({alias}) and the tzdata package disagree on timezones in use: {', '.join(apart)}.",
                    hint="The application reckons with tzdata; update PostgreSQL's zones so that SQL reports agree.",
                    id="common.W001",
                )
            )
    return found


def zones_in_use(alias: str) -> set[str]:
    """Return every timezone used by a row, in the tables that exist already."""
    tables = set(connections[alias].introspection.table_names())
    return {
        name
        for model in apps.get_models()
        for field in model._meta.concrete_fields  # noqa: SLF001  (documented API, whatever its name)
        if validate_timezone in field.validators and model._meta.db_table in tables  # noqa: SLF001
        for name in model._base_manager.using(alias).values_list(field.name, flat=True).distinct()  # noqa: SLF001
        if name in zone_names()
    }


RESERVE = 5
"""Connections reserved for commands, backups and administrators."""


@register(Tags.database)
def connections_suffice(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Compare the connections this configuration may use with those the server allows (R22)."""
    if "default" not in (databases or []) or connections["default"].settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        return []  # Behind a pooler, the pooler limits the number.
    needed = connections_needed()
    total, allowed = sum(needed.values()), connections_allowed("default")
    parts = ", ".join(f"{name} {count}" for name, count in needed.items())
    if total > allowed:
        return [
            Error(
                f"This configuration can use {total} database connections ({parts}), and PostgreSQL allows {allowed}.",
                hint="Raise max_connections, or lower WEB_WORKERS, WEB_THREADS or WORKER_PROCESSES.",
                id="common.E001",
            )
        ]
    return [
        Info(
            f"This configuration can use {total} of the {allowed} database connections PostgreSQL allows ({parts}).",
            id="common.I001",
        )
    ]


@register(Tags.security)
def proxies_are_counted(**kwargs: Any) -> list[CheckMessage]:
    """Warn if all visitors would seem to have the proxy's address, and so would share each rate limit."""
    in_front = getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    if in_front is None or settings.TRUSTED_PROXIES:
        return []
    return [
        Warning(
            "BEHIND_TLS_PROXY is on and TRUSTED_PROXIES is 0: every visitor seems to come from the proxy, and all of "
            "them together have the limits of one.",
            hint="TRUSTED_PROXIES says how many proxies add to X-Forwarded-For: mostly 1.",
            id="common.W002",
        )
    ]


def connections_needed() -> dict[str, int]:
    """Return the maximum number of connections of each kind of process, for one worker and one sender."""
    lines = sending_capacity.lines()
    return {
        "web": settings.WEB_WORKERS * settings.WEB_THREADS,
        "worker": settings.WORKER_PROCESSES,
        "sender": settings.WORKER_PROCESSES * (1 + lines),
        "beat": 1,
        "reserve": RESERVE,
    }


def connections_allowed(alias: str) -> int:
    """Return the number of connections the server allows this role and database, without those for superusers."""
    with connections[alias].cursor() as cursor:  # The ORM has no model of PostgreSQL's settings and roles.
        cursor.execute(
            """
            SELECT least(
                current_setting('max_connections')::int
                  - current_setting('superuser_reserved_connections')::int
                  - coalesce(current_setting('reserved_connections', true)::int, 0),
                (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
                (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
            )
            """
        )
        allowed: int = cursor.fetchone()[0]
    return allowed


def _years() -> tuple[int, int]:
    this_year = datetime.now(UTC).year
    return this_year, this_year + 1


def _offsets(name: str, moments: list[datetime]) -> list[int]:
    zone = ZoneInfo(name)
    return [int(moment.astimezone(zone).utcoffset().total_seconds()) for moment in moments]  # type: ignore[union-attr]
