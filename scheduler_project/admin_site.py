"""The admin site: a sidebar by task, and a first page with the work to do now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db.models import Count, Min, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_celery_beat.models import PeriodicTask

from booking.appointments.transitions import AWAITING_APPROVAL
from reminders.channels.base import PersonalChannel
from reminders.channels.registry import CHANNELS
from reminders.dispatch import leases
from reminders.enums import MessageStatus
from reminders.models import Message
from scheduler_project import health
from scheduler_project.common.admin.panels import Panel, panels
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.models import Inspection, Outage
from scheduler_project.common.site.queries import site_settings

LATE = timedelta(minutes=2)
"""Messages due for longer than this are not being sent."""


SELDOM = timedelta(days=9)
"""Maximum age of the last inspection, which runs every Sunday."""


SILENT = timedelta(minutes=10)
"""Maximum silence of beat, which stores its runs every three minutes."""


@dataclass(frozen=True)
class Link:
    """A page in the sidebar beside the lists of rows, for users with the permission."""

    label: Any
    name: str
    permission: str = ""
    query: str = ""


SIDEBAR: dict[Any, list[str | Link]] = {
    gettext_lazy("Front desk"): [
        Link(gettext_lazy("Today"), "admin:index"),
        Link(gettext_lazy("Day by provider"), "admin:booking_appointment_day", "booking.view_appointment"),
        Link(gettext_lazy("Book an appointment"), "admin:booking_appointment_add", "booking.add_appointment"),
        "booking.Appointment",
        Link(
            gettext_lazy("Requests"),
            "admin:booking_appointment_changelist",
            "booking.view_appointment",
            f"?status__exact={AWAITING_APPROVAL}",
        ),
        "booking.Reservation",
        "booking.AppointmentSeries",
        Link(gettext_lazy("Reports"), "numbers", "booking.view_appointment"),
    ],
    gettext_lazy("Calendar"): [
        "booking.Schedule",
        "booking.WorkingHours",
        "booking.DateOverride",
        "booking.AvailabilityWindow",
        "booking.TimeOff",
        "booking.Closure",
        "booking.Slot",
    ],
    gettext_lazy("People"): ["accounts.Client", "accounts.Provider", "accounts.User", "accounts.SignIn", "auth.Group"],
    gettext_lazy("Messages"): [
        "reminders.Message",
        "reminders.Reminder",
        "reminders.Preferences",
        "reminders.OptOut",
    ],
    gettext_lazy("Set-up"): [
        Link(gettext_lazy("Site settings"), "admin:common_sitesettings_changelist", "common.view_sitesettings"),
        "booking.Service",
        "reminders.MessageTemplate",
        "reminders.WebhookEndpoint",
        "booking.CalendarFeed",
    ],
}
"""The sections of the sidebar. Lists not named here are under System."""


class Autocomplete(AutocompleteJsonView):
    """Autocomplete with the admins' descriptions of rows: two clients called Kim need more than a name."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        describe = getattr(self.model_admin, "describe", str)
        return {"id": str(getattr(obj, to_field_name)), "text": describe(obj)}


class StaffSite(admin.AdminSite):
    index_title = gettext_lazy("Today")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        title = site_settings().title
        sections = self._sections(request, context["available_apps"])
        return {**context, "site_header": title, "site_title": title, "sections": sections}

    def _sections(self, request: HttpRequest, app_list: list[Any]) -> list[dict[str, Any]]:
        """Return the sections of the sidebar that the user may see."""
        lists = {
            f"{app['app_label']}.{row['object_name']}": row
            for app in app_list
            for row in app["models"]
            if row["admin_url"]
        }
        sections = []
        for name, entries in SIDEBAR.items():
            found = [
                self._linked(request, entry) if isinstance(entry, Link) else _listed(lists.pop(entry, None))
                for entry in entries
            ]
            sections.append({"name": name, "entries": [entry for entry in found if entry]})
        sections.append({"name": _("System"), "entries": [_listed(row) for row in lists.values()]})
        return [section for section in sections if section["entries"]]

    def _linked(self, request: HttpRequest, link: Link) -> dict[str, Any] | None:
        if link.permission and not request.user.has_perm(link.permission):
            return None
        url = reverse(link.name) + link.query
        return {"label": link.label, "url": url, "current": request.get_full_path() == url}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        now = timezone.now()
        made = [make(request, now) for make in (*panels, state_of_the_system)]
        context = {"panels": [panel for panel in made if panel], "subtitle": None, **(extra_context or {})}
        return super().index(request, context)

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return Autocomplete.as_view(admin_site=self)(request)


def _listed(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return row and {"label": row["name"], "url": row["admin_url"], "add": row["add_url"]}


def state_of_the_system(request: HttpRequest, now: datetime) -> Panel | None:
    """Return the panel about database, broker, beat, outbox and invariants, for users who look after any of them."""
    clockwork = request.user.has_perm("django_celery_beat.view_periodictask")
    if not clockwork and not request.user.has_perm("reminders.view_message"):
        return None
    latest = _latest()
    context = {
        "facts": [
            *_servers(),
            _beat(latest.get("beat"), now),
            _outbox(now),
            *_channels(now),
            _inspected(latest.get("inspection"), now),
        ],
        "clockwork": clockwork,
        "inspections": request.user.has_perm("common.view_inspection"),
    }
    return Panel("admin/panels/system.html", context)


def _servers() -> list[dict[str, Any]]:
    database, broker = health.database(), health.broker()
    return [
        {"name": _("Database"), "well": database == "ok", "says": "" if database == "ok" else database},
        {"name": _("Background job queue"), "well": broker == "ok", "says": "" if broker == "ok" else broker},
    ]


def _latest() -> dict[str, tuple[datetime, int]]:
    """Return the last run of each task, or the first start of beat, and the latest inspection, with one query."""
    seen = PeriodicTask.objects.annotate(seen=Coalesce("last_run_at", "date_changed")).order_by("-seen")
    beat = seen.values_list(Value("beat"), "seen", Value(0))[:1]
    inspection = Inspection.objects.order_by("-at").values_list(Value("inspection"), "at", "found")[:1]
    return {name: (at, found) for name, at, found in beat.union(inspection, all=True)}


def _beat(last: tuple[datetime, int] | None, now: datetime) -> dict[str, Any]:
    name = _("Periodic tasks")
    if last is None:
        return {"name": name, "well": False, "says": _("none has run yet")}
    minutes = int((now - last[0]).total_seconds()) // 60
    text = _("last active %(minutes)d min ago") % {"minutes": minutes} if minutes > 0 else _("active now")
    return {"name": name, "well": now - last[0] < SILENT, "says": text}


def _outbox(now: datetime) -> dict[str, Any]:
    due = Message.objects.filter(status=MessageStatus.PENDING, next_at__lte=now)
    found = due.aggregate(count=Count("pk"), oldest=Min("next_at"))
    if not found["count"]:
        return {"name": _("Messages to send"), "well": True, "says": _("nothing due")}
    waits = now - found["oldest"]
    says = _("%(count)d due, the oldest for %(minutes)d min") % {
        "count": found["count"],
        "minutes": int(waits.total_seconds()) // 60,
    }
    return {"name": _("Messages to send"), "well": waits < LATE, "says": says}


def _channels(now: datetime) -> list[dict[str, Any]]:
    """Return the state of each channel's server, with the number of messages that wait for it."""
    down = {row.key: row for row in Outage.objects.all()}
    facts = []
    for name, channel in CHANNELS.items():
        endpoints = sum(key.startswith(f"{name}:") for key in down)
        if isinstance(channel, PersonalChannel):
            if channel.is_offered() or name in down:
                facts.append(_channel(channel, down.get(name), now))
        elif endpoints:
            says = ngettext("%(count)d not responding", "%(count)d not responding", endpoints) % {"count": endpoints}
            facts.append({"name": channel.server, "well": True, "says": says})  # Its providers have to fix it.
    return facts


def _channel(channel: PersonalChannel, outage: Outage | None, now: datetime) -> dict[str, Any]:
    name = channel.server
    if outage is None:
        is_well = channel.is_set_up()
        return {"name": name, "well": is_well, "says": "" if is_well else channel.not_set_up}
    waiting = leases.waiting(channel=channel.name, now=now)
    says = _("down since %(at)s: %(count)d waiting. %(error)s") % {
        "at": here(local_time(outage.since)),
        "count": waiting,
        "error": outage.error,
    }
    return {"name": name, "well": False, "says": says}


def _inspected(last: tuple[datetime, int] | None, now: datetime) -> dict[str, Any]:
    """Return the state of the latest inspection; none yet is fine, because the first comes on a Sunday."""
    name = _("Data check")
    if last is None:
        return {"name": name, "well": True, "says": _("none yet")}
    at, found = here(local_time(last[0])), last[1]
    if not found:
        return {"name": name, "well": now - last[0] < SELDOM, "says": _("%(at)s: no problems found") % {"at": at}}
    says = ngettext(
        "%(at)s: %(found)d row with problems",
        "%(at)s: %(found)d rows with problems",
        found,
    )
    return {"name": name, "well": False, "says": says % {"at": at, "found": found}}
