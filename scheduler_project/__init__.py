"""The frame: settings, the Celery app, the URL map, the API's index, and the embedded servers."""

import zoneinfo

from scheduler_project.celery import app

__all__ = ["app"]  # Without it, a process other than a worker would use the default broker, which nobody configured.

# Zones come from the shipped tzdata package, not from the machine: old zone data shift real appointments.
zoneinfo.reset_tzpath(to=())
