"""The beat scheduler: the table in `celery.py` fills the one in the database, where changes by staff persist."""

from typing import Any

from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from scheduler_project.common import process


class Scheduler(DatabaseScheduler):
    """The scheduler of django-celery-beat, which would otherwise overwrite the changes by staff at every start."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        process.is_now(process.Process.BEAT)
        super().__init__(*args, **kwargs)

    def update_from_dict(self, mapping: dict[str, Any]) -> None:
        known = set(PeriodicTask.objects.filter(name__in=mapping).values_list("name", flat=True))
        super().update_from_dict({name: entry for name, entry in mapping.items() if name not in known})
