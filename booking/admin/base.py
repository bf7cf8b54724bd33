"""Mixins and helpers that the admins of schedules and bookings share."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor, Source
from accounts.models import Provider
from booking.availability.hours import open_hours
from booking.availability.operations import AvailabilityChange
from booking.models import Appointment, Schedule, TimeOff
from scheduler_project.common.admin.base import SHOWN, ChooseOne, StaffModelAdmin
from scheduler_project.common.admin.times import local_time
from scheduler_project.common.errors import DomainError
from scheduler_project.common.operations import preview
from scheduler_project.common.pages.forms import LocalDateTimeField, ModelForm
from scheduler_project.common.time.intervals import DAY, covers
from scheduler_project.common.validators import isolated


def staff(request: HttpRequest) -> Actor:
    return Actor.of(request.user, Source.ADMIN)


def provider_filter(path: str, *, required: bool = False) -> type[admin.SimpleListFilter]:
    """Return a list filter by provider; `path` leads from the row to the provider.

    If required, it shows no rows until one is chosen.
    """

    class ProviderListFilter(admin.SimpleListFilter):
        title = gettext_lazy("provider (choose one)") if required else gettext_lazy("provider")
        parameter_name = "provider"

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(str(pk), name) for pk, name in Provider.objects.values_list("pk", "name")]

        def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
            if self.value() is None:
                return queryset.none() if required else queryset
            if not str(self.value()).isdecimal():
                raise IncorrectLookupParameters
            return queryset.filter(**{path: self.value()})

    return ProviderListFilter


def in_zone(form: forms.BaseForm, zone: str) -> None:
    """Read and show the times of a form on the clocks of `zone`, and name the zone in their labels."""
    for field in form.fields.values():
        if isinstance(field, LocalDateTimeField):
            field.zone = zone
            field.label = f"{field.label} ({zone})"


class ScheduleForm(ModelForm):
    """A form about one schedule, which reads and shows times on the clocks of that schedule.

    The operation that writes a row validates it; the model does not.
    """

    schedule: Schedule
    """The schedule. The admin sets it on the class when it makes the form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if hasattr(self.instance, "schedule_id"):
            self.instance.schedule = self.schedule
        in_zone(self, self.schedule.timezone)

    def _get_validation_exclusions(self) -> set[str]:
        return {*super()._get_validation_exclusions(), *self.fields}  # type: ignore[misc]


def refusal_in_words(refusal: DomainError, schedule: Schedule) -> str:
    """Return a refusal's message with the times it names, on the schedule's own clocks."""
    zone = schedule.timezone
    alternatives = [time["start_time"] for time in refusal.details.get("alternatives", [])]
    nearest = [text for text in refusal.details.get("nearest", []) if "T" in text]
    times = ", ".join(local_time(LocalDateTimeField().to_python(text), zone) for text in alternatives or nearest)
    if not times:
        if "alternatives" in refusal.details:
            return f"{refusal.message} " + _("No available times nearby.")
        return str(refusal.message)
    says = type(refusal).message if nearest else refusal.message
    return f"{says} {zone}: {times}."


def choose_from_many(field: Any, like: Any) -> None:
    """Give a choice the search of the model field `like`."""
    field.widget = ChooseOne(like, admin.site, choices=field.choices, attrs={"class": "wide-choice"})


class ChooseSchedule(forms.Form):
    """The first step of adding something to a schedule: the choice of the schedule."""

    schedule = forms.ModelChoiceField(Schedule.objects.select_related("provider"), label=gettext_lazy("Provider"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose_from_many(self.fields["schedule"], TimeOff.schedule.field)


class InScheduleAdmin(StaffModelAdmin):
    """An admin of rows that belong to one schedule. The schedule comes first, since all times are in its zone."""

    refusal_fields = {"start_time": "starts_at", "end_time": "ends_at"}

    def schedule_of(self, obj: Any) -> Schedule:
        return obj.schedule

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form_class = super().get_form(request, obj, change=change, **kwargs)
        schedule = self.schedule_of(obj) if obj else getattr(request, "schedule", None)
        return type(form_class.__name__, (form_class,), {"schedule": schedule})

    def explain(self, refusal: DomainError, form: Any) -> str:
        return refusal_in_words(refusal, form.schedule)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """Ask for a schedule first, unless the address names one (`?schedule=`)."""
        choice = ChooseSchedule(request.GET if "schedule" in request.GET else None)
        if not self.has_add_permission(request) or choice.is_valid():
            schedule = choice.cleaned_data["schedule"] if choice.is_valid() else None
            request.schedule = schedule  # type: ignore[attr-defined]
            title = _("Add %(name)s for %(provider)s (%(zone)s)") % {
                "name": self.opts.verbose_name,
                "provider": schedule and isolated(schedule.provider.name),
                "zone": schedule and schedule.timezone,
            }
            return super().add_view(request, form_url, {**(extra_context or {}), "title": title})
        return self.ask(
            request,
            title=_("Add %s: choose a provider") % self.opts.verbose_name,
            submit=_("Continue"),
            form=choice,
            method="get",
            back=self.list_url(),
        )


def report_effect(request: HttpRequest, *changes: AvailabilityChange) -> None:
    """Report what changes of availability did, or in a preview would do, to free slots and appointments (R6)."""
    _note_preview(request)
    added = sum(change.slots_added for change in changes)
    removed = sum(change.slots_removed for change in changes)
    says = _("Free slots: %(added)d added, %(removed)d removed.")
    if previewed(request):
        says = _("Free slots: %(added)d would be added, %(removed)d removed.")
    messages.info(request, says % {"added": added, "removed": removed})
    found = {row.pk: row for change in changes for row in change.conflicts}
    prefetch_related_objects(list(found.values()), "reservation__provider__schedule")
    stranded = [row for row in found.values() if len(changes) == 1 or _outside(row)]
    if not stranded:
        return
    links = format_html_join(", ", '<a href="{}">{}</a>', ((_url(row), _line(row)) for row in stranded[:SHOWN]))
    count = len(stranded)
    if previewed(request):
        warning = ngettext(
            "%d appointment would be outside the hours. It would stay booked; you can keep, reschedule or cancel it:",
            "%d appointments would be outside the hours. They would stay booked; you can keep, reschedule or "
            "cancel each:",
            count,
        )
    else:
        warning = ngettext(
            "%d appointment is now outside the hours. It's still booked; keep, reschedule or cancel it:",
            "%d appointments are now outside the hours. They're still booked; keep, reschedule or cancel each:",
            count,
        )
    rest = _(" and %d more.") % (count - SHOWN) if count > SHOWN else ""
    messages.warning(request, format_html("{} {}{}", warning % count, links, rest))


class Previews(StaffModelAdmin):
    """An admin of changes of availability.

    A second button previews saving (R6): it saves, shows the effect, rolls back.
    """

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return super().render_change_form(request, {**context, "previews": True}, *args, **kwargs)

    def submitted(self, request: HttpRequest, view: Callable[[], Any]) -> Any:
        if not previewed(request):
            return super().submitted(request, view)
        answer = preview(view)
        if not hasattr(request, "saved"):
            return answer
        request.tried = True  # type: ignore[attr-defined]
        return view()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form_class: Any = super().get_form(request, obj, change=change, **kwargs)
        if not hasattr(request, "tried"):
            return form_class

        class PreviewableForm(form_class):
            def is_valid(self) -> bool:
                """Return False always, so that the form is shown again as it was filled in, without errors."""
                super().is_valid()
                return False

        return PreviewableForm

    def response_add(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if previewed(request):
            return _saved(request)
        return super().response_add(request, *args, **kwargs)

    def response_change(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if previewed(request):
            return _saved(request)
        return super().response_change(request, *args, **kwargs)


def previewed(request: HttpRequest) -> bool:
    return "_preview" in request.POST


def _saved(request: HttpRequest) -> HttpResponse:
    """Note that everything was saved and is about to be rolled back. The form is shown again instead of this answer."""
    _note_preview(request)
    request.saved = True  # type: ignore[attr-defined]
    return HttpResponse()


def _note_preview(request: HttpRequest) -> None:
    """Announce the preview once, before any other message."""
    if previewed(request) and not hasattr(request, "noted"):
        request.noted = True  # type: ignore[attr-defined]
        messages.info(request, _("Preview: nothing has been saved yet."))


def _outside(appointment: Appointment) -> bool:
    """Return True if it still lies outside the hours after all changes: one change may restore what another took."""
    start, end = appointment.starts_at, appointment.ends_at
    return not covers(open_hours(appointment.provider.schedule, start - DAY, end + DAY), start, end)


def _url(appointment: Appointment) -> str:
    return reverse("admin:booking_appointment_change", args=[appointment.pk])


def _line(appointment: Appointment) -> str:
    when = local_time_with_zone(appointment.starts_at, appointment.provider.schedule.timezone)
    names = (appointment.called, str(appointment.client), appointment.provider.name)
    return ", ".join([*map(isolated, names), when])


def local_time_with_zone(instant: Any, zone: str) -> str:
    """Return an instant on a row's own clocks, with the zone's name."""
    return f"{local_time(instant, str(ZoneInfo(zone)))} {zone}" if instant else "–"
