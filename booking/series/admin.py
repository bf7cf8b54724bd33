"""The admin of series: read, extend and cancel them. Their occurrences are ordinary appointments."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clients.fields import contact_search
from booking.admin.base import local_time_with_zone, provider_filter, staff
from booking.appointments.staff_forms import StaffReasonForm
from booking.models import Appointment, AppointmentSeries
from booking.reservations.enums import Override
from booking.series import operations
from booking.series.enums import SeriesScope
from booking.series.rule_in_words import rule_in_words
from scheduler_project.common.admin.base import ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.forms import DayField

SHOWN_FOR = timedelta(days=30)
"""The time for which past occurrences stay on a series' page. The list of appointments has them all."""


class CancelSeriesForm(StaffReasonForm):
    occurrence = DayField(
        label=gettext_lazy("From"),
        required=False,
        help_text=gettext_lazy(
            "Local date of an occurrence: cancels it and all later ones. Leave empty to cancel all upcoming ones."
        ),
    )


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", _("active")), ("over", _("over or cancelled"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now = timezone.now()
        if self.value() == "active":
            return queryset.active(now=now)
        return queryset.over(now=now) if self.value() == "over" else queryset


class OccurrenceInline(ReadOnly, admin.TabularInline):
    model = Appointment
    fields = ("occurrence", "local_start", "status")
    readonly_fields = fields
    show_change_link = True
    verbose_name_plural = gettext_lazy("occurrences: last 30 days and upcoming")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        since = timezone.now() - SHOWN_FOR
        found = super().get_queryset(request).filter(reservation__starts_at__gte=since)
        return found.select_related("reservation").order_by("reservation__starts_at", "pk")

    @admin.display(description=gettext_lazy("start (series time zone)"))
    def local_start(self, appointment: Appointment) -> str:
        return local_time_with_zone(appointment.starts_at, appointment.timezone)


@admin.register(AppointmentSeries)
class AppointmentSeriesAdmin(ReadOnly, StaffModelAdmin):
    list_display = ("name", "provider", "client", "rule", "state", "occurrences")
    list_filter = (StateFilter, provider_filter("provider"), "service")
    list_select_related = ("provider", "client", "service")
    search_fields = ("title", "service__name", "provider__name", *contact_search("client__"))
    date_hierarchy = "start_date"
    ordering = ("-pk",)
    fields = (
        "provider",
        "client",
        "service",
        "title",
        "description",
        "rule",
        "local_start",
        "duration_minutes",
        "state",
        "occurrences",
        "exceptions",
        "gaps_display",
        "overrides_display",
        "reminder_offsets",
        "booked_until",
        "ends",
        "created_by",
        "face",
        "made",
    )
    readonly_fields = fields
    inlines = (OccurrenceInline,)
    actions = ("cancel", "extend")
    change_form_template = "admin/tools_change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppointmentSeries]:
        return super().get_queryset(request).annotate(number=Count("appointments"))

    def has_arrange_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("booking.change_appointmentseries")

    # --- One series ---

    def get_urls(self) -> list[Any]:
        one = self.admin_site.admin_view(self.cancel_view)
        return [path("<int:pk>/cancel/", one, name="booking_appointmentseries_cancel"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        series = self.get_object(request, object_id)
        tools = []
        if series and self.has_arrange_permission(request) and _is_active(series):
            tools = [(_("Cancel upcoming"), reverse("admin:booking_appointmentseries_cancel", args=[series.pk]))]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def cancel_view(self, request: HttpRequest, pk: int) -> Any:
        """Ask for the first date and the reason, and cancel."""
        series = self.get_object(request, str(pk))
        if series is None:
            raise Http404
        if not self.has_arrange_permission(request):
            raise PermissionDenied
        form = CancelSeriesForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            day = form.cleaned_data["occurrence"]
            try:
                change = operations.cancel_series(
                    series_id=pk,
                    scope=SeriesScope.FOLLOWING if day else SeriesScope.ALL,
                    occurrence=day,
                    reason=form.cleaned_data["reason"],
                    actor=staff(request),
                    now=timezone.now(),
                )
            except DomainError as refusal:
                form.add_error("occurrence" if refusal.field == "from" else None, str(refusal.message))
            else:
                messages.success(request, _("Appointments cancelled: %d.") % len(change.cancelled))
                return HttpResponseRedirect(self.change_url(pk))
        return self.ask(
            request,
            title=_("Cancel upcoming"),
            submit=_("Cancel upcoming"),
            original=series,
            about=[f"{self.name(series)}: {series.client}, {series.provider}", self.local_start(series), series.rrule],
            form=form,
            back=self.change_url(pk),
        )

    # --- Many series ---

    @admin.action(description=gettext_lazy("Cancel upcoming…"), permissions=["arrange"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[AppointmentSeries]) -> Any:
        form = StaffReasonForm(request.POST if "answered" in request.POST else None)
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        actor, now = staff(request), timezone.now()

        def apply(series: AppointmentSeries) -> None:
            operations.cancel_series(series_id=series.pk, scope=SeriesScope.ALL, reason=reason, actor=actor, now=now)

        return self.after_preview(
            request,
            queryset.select_related(*self.list_select_related).order_by("provider", "pk"),
            apply,
            title=_("Cancel upcoming"),
            done=_("Series cancelled: %d."),
            form=form,
            describe=lambda row: f"{self.name(row)}: {row.client}, {row.provider}",
        )

    @admin.action(description=gettext_lazy("Book up to the horizon now"), permissions=["arrange"])
    def extend(self, request: HttpRequest, queryset: QuerySet[AppointmentSeries]) -> None:
        """Book the occurrences up to the horizon now, as a job does daily."""
        actor, now = staff(request), timezone.now()
        made = sum(operations.extend_series(series_id=series.pk, now=now, actor=actor) for series in queryset)
        messages.success(request, _("Appointments booked: %d.") % made)

    # --- Columns ---

    @admin.display(description=gettext_lazy("series"), ordering="title")
    def name(self, series: AppointmentSeries) -> str:
        return series.title or str(series.service or _("Appointment"))

    @admin.display(description=gettext_lazy("rule"), ordering="rrule")
    def rule(self, series: AppointmentSeries) -> str:
        return rule_in_words(series) or series.rrule

    @admin.display(description=gettext_lazy("start (series time zone)"), ordering="start_date")
    def local_start(self, series: AppointmentSeries) -> str:
        return local_time_with_zone(series.instant(series.start_date), series.timezone)

    @admin.display(description=gettext_lazy("state"))
    def state(self, series: AppointmentSeries) -> str:
        if series.cancelled_at:
            return _("cancelled")
        return _("active") if _is_active(series) else _("over")

    @admin.display(description=gettext_lazy("appointments"), ordering="number")
    def occurrences(self, series: AppointmentSeries) -> str:
        url = reverse("admin:booking_appointment_changelist")
        number = getattr(series, "number", 0)
        return format_html('<a href="{}?series__id__exact={}">{}</a>', url, series.pk, number)

    @admin.display(description=gettext_lazy("exceptions"))
    def exceptions(self, series: AppointmentSeries) -> str:
        return ", ".join(map(str, series.exdates)) or "–"

    @admin.display(description=gettext_lazy("could not be booked"))
    def gaps_display(self, series: AppointmentSeries) -> str:
        return ", ".join(f"{gap['occurrence']} ({gap['reason']})" for gap in series.gaps) or "–"

    @admin.display(description=gettext_lazy("overrides"))
    def overrides_display(self, series: AppointmentSeries) -> str:
        return ", ".join(str(Override(name).label) for name in series.overrides) or "–"

    @admin.display(description=here(gettext_lazy("booked until")), ordering="generated_until")
    def booked_until(self, series: AppointmentSeries) -> str:
        return local_time(series.generated_until)

    @admin.display(description=here(gettext_lazy("end")), ordering="ends_at")
    def ends(self, series: AppointmentSeries) -> str:
        return local_time(series.ends_at)

    @admin.display(description=here(gettext_lazy("created")), ordering="created_at")
    def made(self, series: AppointmentSeries) -> str:
        return local_time(series.created_at)


def _is_active(series: AppointmentSeries) -> bool:
    return series.is_active(timezone.now())
