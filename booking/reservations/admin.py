"""The admin of reservations and slots, to read. Only operations write them."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clients.fields import contact_search
from booking.admin.base import local_time_with_zone, provider_filter, staff
from booking.appointments.operations import confirm
from booking.models import Reservation, Slot
from booking.reservations import operations as reservations
from booking.reservations.enums import Override, ReservationStatus
from scheduler_project.common.admin.base import ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.base import back
from scheduler_project.common.validators import isolated


@admin.register(Reservation)
class ReservationAdmin(ReadOnly, StaffModelAdmin):
    list_display = ("local_start", "client", "service", "provider", "state")
    list_filter = ("status", "face", provider_filter("provider"))
    list_select_related = ("provider__schedule", "client", "service")
    search_fields = ("provider__name", *contact_search("client__"), "service__name")
    date_hierarchy = "starts_at"
    ordering = ("-pk",)
    list_per_page = 50
    fields = (
        "provider",
        "client",
        "service",
        "starts",
        "ends",
        "local_start",
        "claimed",
        "state",
        "expires",
        "overrides_display",
        "created_by",
        "face",
        "made",
        "closed",
        "appointment_link",
    )
    readonly_fields = fields
    actions = ("confirm_holds", "release_holds")
    change_form_template = "admin/tools_change_form.html"
    change_list_template = "admin/tools_change_list.html"

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("booking.change_reservation")

    def has_confirm_permission(self, request: HttpRequest) -> bool:
        return self.has_release_permission(request) and request.user.has_perm("booking.add_appointment")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("expire/", view(self.expire_view), name="booking_reservation_expire"),
            path("<int:pk>/confirm/", view(self.confirm_view), name="booking_reservation_confirm"),
            path("<int:pk>/release/", view(self.release_view), name="booking_reservation_release"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        return super().get_queryset(request).select_related("provider__schedule", "client", "service")

    # --- One hold ---

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        held = self.get_object(request, object_id)
        tools = []
        if held and held.state(timezone.now()) == ReservationStatus.HELD:
            if self.has_confirm_permission(request):
                tools.append(
                    (_("Confirm for the client"), reverse("admin:booking_reservation_confirm", args=[held.pk]))
                )
            if self.has_release_permission(request):
                tools.append((_("Release"), reverse("admin:booking_reservation_release", args=[held.pk])))
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Confirm a hold for a client who says so on the phone."""
        held = self._asked(request, pk, allowed=self.has_confirm_permission(request))
        if request.method != "POST":
            return self._ask_about(request, held, _("Confirm for the client"))
        try:
            made = confirm(reservation_id=pk, actor=staff(request), now=timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
            return HttpResponseRedirect(back(request, self.change_url(pk)))
        messages.success(request, _("Confirmed for %s.") % isolated(str(held.client)))
        return HttpResponseRedirect(back(request, reverse("admin:booking_appointment_change", args=[made.pk])))

    def release_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Release a hold: its time is free at once."""
        held = self._asked(request, pk, allowed=self.has_release_permission(request))
        if request.method != "POST":
            return self._ask_about(request, held, _("Release"))
        try:
            reservations.release(reservation_id=pk, actor=staff(request), now=timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
        else:
            messages.success(request, _("Released. Others can book this time again."))
        return HttpResponseRedirect(back(request, self.change_url(pk)))

    def _asked(self, request: HttpRequest, pk: int, *, allowed: bool) -> Reservation:
        found = self.get_object(request, str(pk))
        if found is None:
            raise Http404
        if not allowed:
            raise PermissionDenied
        return found

    def _ask_about(self, request: HttpRequest, held: Reservation, title: str) -> HttpResponse:
        return self.ask(
            request,
            title=title,
            submit=title,
            original=held,
            about=[f"{held.client}, {held.provider}", self.local_start(held)],
            back=self.change_url(held.pk),
        )

    # --- Many ---

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        tools = [(_("Expire overdue holds"), reverse("admin:booking_reservation_expire"))]
        allowed = tools if self.has_release_permission(request) else []
        return super().changelist_view(request, {**(extra_context or {}), "tools": allowed})

    def expire_view(self, request: HttpRequest) -> HttpResponse:
        """Mark every overdue hold as expired, as the sweeper does every few seconds."""
        if not self.has_release_permission(request):
            raise PermissionDenied
        now = timezone.now()
        if request.method == "POST":
            messages.success(request, _("Holds expired: %d.") % reservations.expire_due(now=now))
            return HttpResponseRedirect(self.list_url())
        return self.ask(
            request,
            title=_("Expire overdue holds"),
            submit=_("Expire holds"),
            about=[_("Overdue holds: %d") % Reservation.objects.stale(now=now).count()],
            back=self.list_url(),
        )

    @admin.action(description=gettext_lazy("Confirm selected holds for their clients…"), permissions=["confirm"])
    def confirm_holds(self, request: HttpRequest, queryset: QuerySet[Reservation]) -> Any:
        actor, now = staff(request), timezone.now()

        def apply(reservation: Reservation) -> None:
            confirm(reservation_id=reservation.pk, actor=actor, now=now)

        title, done = _("Confirm holds for their clients"), _("Holds confirmed: %d.")
        return self._previewed(request, queryset, apply, title=title, done=done)

    @admin.action(description=gettext_lazy("Release selected holds…"), permissions=["release"])
    def release_holds(self, request: HttpRequest, queryset: QuerySet[Reservation]) -> Any:
        actor, now = staff(request), timezone.now()

        def apply(reservation: Reservation) -> None:
            reservations.release(reservation_id=reservation.pk, actor=actor, now=now)

        return self._previewed(request, queryset, apply, title=_("Release holds"), done=_("Holds released: %d."))

    def _previewed(self, request: HttpRequest, queryset: Any, apply: Any, *, title: str, done: str) -> Any:
        return self.after_preview(
            request,
            queryset.order_by("provider", "pk"),  # all requests lock schedules in the same order
            apply,
            title=title,
            done=done,
            describe=lambda row: f"{row.client}, {row.provider}, {self.local_start(row)}",
        )

    @admin.display(description=here(gettext_lazy("start")), ordering="starts_at")
    def starts(self, reservation: Reservation) -> str:
        return local_time(reservation.starts_at)

    @admin.display(description=here(gettext_lazy("end")), ordering="ends_at")
    def ends(self, reservation: Reservation) -> str:
        return local_time(reservation.ends_at)

    @admin.display(description=gettext_lazy("start (provider's time zone)"), ordering="starts_at")
    def local_start(self, reservation: Reservation) -> str:
        return local_time_with_zone(reservation.starts_at, reservation.provider.schedule.timezone)

    @admin.display(description=here(gettext_lazy("claimed, with buffers")))
    def claimed(self, reservation: Reservation) -> str:
        return f"{local_time(reservation.blocked_from)} – {local_time(reservation.blocked_until)}"

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, reservation: Reservation) -> str:
        ended = reservation.state(timezone.now()) != reservation.status
        return _("hold overdue") if ended else reservation.get_status_display()

    @admin.display(description=here(gettext_lazy("expires")), ordering="expires_at")
    def expires(self, reservation: Reservation) -> str:
        return local_time(reservation.expires_at)

    @admin.display(description=here(gettext_lazy("created")), ordering="created_at")
    def made(self, reservation: Reservation) -> str:
        return local_time(reservation.created_at)

    @admin.display(description=here(gettext_lazy("ended")))
    def closed(self, reservation: Reservation) -> str:
        return local_time(reservation.closed_at)

    @admin.display(description=gettext_lazy("overrides"))
    def overrides_display(self, reservation: Reservation) -> str:
        return ", ".join(str(Override(name).label) for name in reservation.overrides) or "–"

    @admin.display(description=gettext_lazy("appointment"))
    def appointment_link(self, reservation: Reservation) -> str:
        appointment = getattr(reservation, "appointment", None)
        if appointment is None:
            return "–"
        url = reverse("admin:booking_appointment_change", args=[appointment.pk])
        return format_html('<a href="{}">{}</a>', url, appointment)


class SlotStateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("free", _("free")), ("claimed", _("claimed")), ("withdrawn", _("withdrawn"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Slot]) -> QuerySet[Slot]:
        wanted = {
            "free": {"reservation__isnull": True},
            "claimed": {"reservation__isnull": False},
            "withdrawn": {"reservation__isnull": False, "withdrawn": True},
        }
        return queryset.filter(**wanted.get(self.value() or "", {}))


@admin.register(Slot)
class SlotAdmin(ReadOnly, StaffModelAdmin):
    """The slots of one provider at a time: there are millions of slots, too many for a list."""

    list_display = ("local_start", "starts", "state", "reservation")
    list_filter = (provider_filter("provider", required=True), SlotStateFilter)
    list_select_related = ("provider__schedule", "reservation")
    date_hierarchy = "starts_at"
    ordering = ("starts_at",)
    show_facets = ShowFacets.NEVER
    fields = ("provider", "starts", "ends", "local_start", "state", "reservation")
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if "provider" not in request.GET:
            messages.info(request, _("Choose a provider in the filter to see their slots."))
        return super().changelist_view(request, extra_context)

    @admin.display(description=here(gettext_lazy("start")), ordering="starts_at")
    def starts(self, slot: Slot) -> str:
        return local_time(slot.starts_at)

    @admin.display(description=here(gettext_lazy("end")))
    def ends(self, slot: Slot) -> str:
        return local_time(slot.ends_at)

    @admin.display(description=gettext_lazy("start (provider's time zone)"), ordering="starts_at")
    def local_start(self, slot: Slot) -> str:
        return local_time_with_zone(slot.starts_at, slot.provider.schedule.timezone)

    @admin.display(description=gettext_lazy("state"))
    def state(self, slot: Slot) -> str:
        if slot.reservation_id is None:
            return _("free")
        return _("withdrawn: still claimed, but outside the current hours") if slot.withdrawn else _("claimed")
