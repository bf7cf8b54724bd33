"""The admin of periodic tasks, in place of the one that django-celery-beat registers."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.admin import PeriodicTaskAdmin as BeatsTaskAdmin
from django_celery_beat.models import PeriodicTask

from scheduler_project.common.admin.base import ListAdmin
from scheduler_project.common.admin.times import here, local_time

admin.site.unregister(PeriodicTask)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ListAdmin, BeatsTaskAdmin):
    """Periodic tasks and their schedules. A task's only results are the time of its last run and the number of runs."""

    change_form_template = "admin/change_form.html"  # Its own has an inline script, which our policy blocks.
    list_display = ("name", "enabled", "scheduler", "last_run", "total_run_count")
    list_filter = ("enabled", "one_off", "task")
    date_hierarchy = None
    readonly_fields = (*BeatsTaskAdmin.readonly_fields, "total_run_count")

    @admin.display(description=here(gettext_lazy("last run")), ordering="last_run_at")
    def last_run(self, task: PeriodicTask) -> str:
        return local_time(task.last_run_at)

    def get_fieldsets(self, request: HttpRequest, obj: PeriodicTask | None = None) -> Any:
        shown = [
            (name, {**options, "fields": [field for field in options["fields"] if field != "last_run_at"]})
            for name, options in super().get_fieldsets(request, obj)
        ]
        return [*shown, (_("Runs"), {"fields": ["last_run_at", "total_run_count"]})]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, forms.SplitDateTimeField):
            for widget, part in zip(field.widget.widgets, (_("day"), _("time")), strict=True):
                widget.attrs["aria-label"] = f"{field.label}, {part}"
        return field

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Drop the package's own actions, which check no permission: any viewer could stop and start tasks."""
        return super().get_actions(request) if self.has_change_permission(request) else {}
