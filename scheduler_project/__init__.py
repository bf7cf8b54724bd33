"""The frame: settings, the Celery app, the URL map, the API's index, and the embedded servers."""

import zoneinfo

from scheduler_project.celery import app

__all__ = ["app"]  # Without it, a process that is no worker would ring at a broker that nobody named.

# Zones come from the shipped tzdata package, not from whatever the machine has (an old one shifts real appointments).
zoneinfo.reset_tzpath(to=())
