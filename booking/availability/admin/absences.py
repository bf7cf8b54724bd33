"""The admin of time off and closures."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy

from booking.admin.base import Previews, ScheduleForm, previewed, provider_filter, report_effect, staff
from booking.availability import operations as availability
from booking.availability.admin.schedules import LocalTimesAdmin
from booking.models import Absence, Closure, Schedule, TimeOff
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.pages.forms import LocalDateTimeField


class AbsenceForm(ScheduleForm):
    starts_at = LocalDateTimeField(label=gettext_lazy("Start"), required=False)
    ends_at = LocalDateTimeField(
        label=gettext_lazy("End"), required=False, help_text=gettext_lazy("Enter a start and an end, or whole days.")
    )

    def wanted(self) -> dict[str, Any]:
        names = ("starts_at", "ends_at", "start_date", "end_date", "reason")
        return {name: self.cleaned_data[name] for name in names}


ABSENCE_FIELDS = ("start_date", "end_date", "starts_at", "ends_at", "reason")


@admin.register(TimeOff)
class TimeOffAdmin(LocalTimesAdmin):
    form = AbsenceForm
    fields = ABSENCE_FIELDS
    list_display = ("schedule", "start_date", "end_date", "starts", "ends", "reason")
    list_filter = (provider_filter("schedule__provider"),)
    list_select_related = ("schedule__provider",)
    search_fields = ("schedule__provider__name", "reason")
    date_hierarchy = "start_date"

    def save_model(self, request: HttpRequest, obj: TimeOff, form: Any, change: bool) -> None:
        actor, now = staff(request), timezone.now()
        if change:
            old = TimeOff.objects.select_related("schedule").get(pk=obj.pk)
            done = availability.change_time_off(time_off=old, fields=form.wanted(), actor=actor, now=now)
        else:
            provider_id = form.schedule.provider_id
            done = availability.take_time_off(provider_id=provider_id, fields=form.wanted(), actor=actor, now=now)
        obj.__dict__.update(done.made.__dict__)
        report_effect(request, done)

    def delete_model(self, request: HttpRequest, obj: TimeOff) -> None:
        report_effect(request, availability.end_time_off(time_off=obj, actor=staff(request), now=timezone.now()))


class ClosureForm(AbsenceForm):
    @property
    def schedule(self) -> Schedule:  # type: ignore[override]
        """No one provider's schedule: instants are read on the clocks of the user who writes them."""
        return Schedule(timezone=timezone.get_current_timezone_name())


@admin.register(Closure)
class ClosureAdmin(Previews):
    form = ClosureForm
    fields = ABSENCE_FIELDS
    refusal_fields = {"start_time": "starts_at", "end_time": "ends_at"}
    list_display = ("__str__", "start_date", "end_date", "starts", "ends", "reason")
    search_fields = ("reason",)
    date_hierarchy = "start_date"

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Hide "Save and continue": changing a closure deletes it and creates another, so nothing is left to edit."""
        return super().render_change_form(request, {**context, "show_save_and_continue": False}, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Closure, form: Any, change: bool) -> None:
        actor, now = staff(request), timezone.now()
        changes = []
        if change:
            old = Closure.objects.get(pk=obj.pk)
            changes.append(availability.reopen_business(closure=old, actor=actor, now=now))
        counted = previewed(request) and not change
        close = availability.preview_closing if counted else availability.close_business
        changes.append(close(fields=form.wanted(), actor=actor, now=now))
        obj.__dict__.update(changes[-1].made.__dict__)
        report_effect(request, *changes)

    def delete_model(self, request: HttpRequest, obj: Closure) -> None:
        report_effect(request, availability.reopen_business(closure=obj, actor=staff(request), now=timezone.now()))

    @admin.display(description=here(gettext_lazy("start")), ordering="starts_at")
    def starts(self, closure: Absence) -> str:
        return local_time(closure.starts_at)

    @admin.display(description=here(gettext_lazy("end")), ordering="ends_at")
    def ends(self, closure: Absence) -> str:
        return local_time(closure.ends_at)
