"""Start-up checks (`manage.py check --database default`)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from scheduler_project.common.times import validate_timezone, zone_names


@register(Tags.database)
def zones_agree(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report the zones in use whose offsets PostgreSQL and tzdata see differently this year or next (R20)."""
    moments = [datetime(year, month, 15, 12, tzinfo=UTC) for year in _years() for month in range(1, 13)]
    found: list[CheckMessage] = []
    for alias in databases or []:
        used = zones_in_use(alias)
        with connections[alias].cursor() as cursor:
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
    """Every timezone that some row names, as far as the tables exist yet."""
    tables = set(connections[alias].introspection.table_names())
    return {
        name
        for model in apps.get_models()
        for field in model._meta.concrete_fields  # noqa: SLF001  (documented API, whatever its name)
        if validate_timezone in field.validators and model._meta.db_table in tables  # noqa: SLF001
        for name in model._base_manager.using(alias).values_list(field.name, flat=True).distinct()  # noqa: SLF001
        if name in zone_names()
    }


def _years() -> tuple[int, int]:
    this_year = datetime.now(UTC).year
    return this_year, this_year + 1


def _offsets(name: str, moments: list[datetime]) -> list[int]:
    zone = ZoneInfo(name)
    return [int(moment.astimezone(zone).utcoffset().total_seconds()) for moment in moments]  # type: ignore[union-attr]
