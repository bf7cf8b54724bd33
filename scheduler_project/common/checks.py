"""Start-up checks (`manage.py check --database default`)."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from scheduler_project.common.times import zone_names


@register(Tags.database)
def zones_agree(databases: list[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report the zones whose offsets PostgreSQL and the tzdata package see differently this year or next (R20)."""
    moments = [datetime(year, month, 15, 12, tzinfo=UTC) for year in _years() for month in range(1, 13)]
    found: list[CheckMessage] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute(
                """
                SELECT name, array_agg(extract(epoch FROM (moment AT TIME ZONE name) - (moment AT TIME ZONE 'UTC'))::int
                                       ORDER BY moment)
                FROM pg_timezone_names, unnest(%s::timestamptz[]) AS moment
                WHERE name = ANY(%s::text[])
                GROUP BY name
                """,
                [moments, sorted(zone_names())],
            )
            theirs = dict(cursor.fetchall())
        apart = sorted(name for name in zone_names() if theirs.get(name) != _offsets(name, moments))
        if apart:
            found.append(
                Warning(
                    f"PostgreSQL ({alias}) and the tzdata package disagree on {len(apart)} timezones: "
                    f"{', '.join(apart[:10])}.",
                    hint="The application reckons with tzdata; update PostgreSQL's zones so that SQL reports agree.",
                    id="common.W001",
                )
            )
    return found


def _years() -> tuple[int, int]:
    this_year = datetime.now(UTC).year
    return this_year, this_year + 1


def _offsets(name: str, moments: list[datetime]) -> list[int]:
    zone = ZoneInfo(name)
    return [int(moment.astimezone(zone).utcoffset().total_seconds()) for moment in moments]  # type: ignore[union-attr]
