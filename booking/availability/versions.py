"""Versions of slots: whoever changes a provider's slots writes the next one, and conditional requests compare it.

A version is at least the clock's, so that a database restored from a backup repeats none. The caller holds the
schedule's lock; a version is therefore never older than the slots that somebody reads with it.
"""

from collections.abc import Collection

from django.db import connection

# A part of TAKE and VACATE, and the ORM has no ON CONFLICT that compares: `make bench` (reserve).
NEXT_VERSION = """
INSERT INTO booking_slotsversion (provider_id, version)
SELECT {provider}, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint FROM {changed} GROUP BY 1
ON CONFLICT (provider_id) DO UPDATE SET version = greatest(booking_slotsversion.version + 1, excluded.version)
"""


def next_version_sql(provider: str, changed: str) -> str:
    """Return the statement that gives a new version to each provider in the column or parameter of `changed`."""
    return NEXT_VERSION.format(provider=provider, changed=changed)


# A part of NEXT_VERSION.
BUMP = next_version_sql("provider_id", "unnest(%s::bigint[]) AS changed(provider_id)")


def bump_versions(provider_ids: Collection[int]) -> None:
    """Write that the slots of these providers have changed. The caller holds the locks of their schedules."""
    with connection.cursor() as cursor:
        cursor.execute(BUMP, [list(provider_ids)])
