"""Reads of the site's settings, which every page needs and hardly anybody changes."""

import time
from dataclasses import dataclass

from django.db import DatabaseError

from scheduler_project.common.site.models import ONLY, SiteSettings

FRESH_SECONDS = 10
"""The time after which another process's change is seen here."""


@dataclass(frozen=True)
class Kept:
    row: SiteSettings
    until: float


_kept: Kept | None = None


def site_settings() -> SiteSettings:
    """Return the site's settings, at most `FRESH_SECONDS` old. Without a database, those that were known last."""
    kept = _kept
    if kept is not None and time.monotonic() < kept.until:
        return kept.row
    try:
        row = SiteSettings.objects.select_related("logo").defer("logo__content").filter(pk=ONLY).first()
    except DatabaseError:
        return kept.row if kept else SiteSettings(pk=ONLY)
    return keep(row or SiteSettings(pk=ONLY))


def keep(row: SiteSettings) -> SiteSettings:
    """Use this row in this process for `FRESH_SECONDS`."""
    global _kept  # noqa: PLW0603  (One assignment, so threads see the old row or the new one.)
    _kept = Kept(row, time.monotonic() + FRESH_SECONDS)
    return row


def forget() -> None:
    """Read the settings anew at the next use in this process."""
    global _kept  # noqa: PLW0603
    _kept = None
