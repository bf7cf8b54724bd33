"""Appointments taken over from files, and into them. What an import books is claimed like everything else (R8)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Client, Provider
from accounts.operations.imports import Book, clients_like, repeated
from accounts.operations.people import add_client
from booking.enums import Action, AppointmentStatus, Event, Override, Policy, ReservationStatus
from booking.errors import EndsBeforeStart, InThePast, NotYet, SeriesConflict
from booking.models import (
    Appointment,
    AppointmentEvent,
    AppointmentSeries,
    ImportedEntry,
    Reservation,
    Schedule,
    Service,
)
from booking.operations.appointments import (
    EVENTS,
    TARGETS,
    check_allowed,
    composed,
    do,
    entry,
    locked_appointment,
    move_to,
    reword,
)
from booking.operations.imports.drafts import COLUMNS, Draft, Key, about, minutes_of, read_draft, words_of
from booking.operations.imports.hours import by_provider
from booking.operations.imports.lookups import entries_of, keep, services_of, unnamed_of
from booking.operations.imports.services import told_offsets
from booking.operations.reservations import chosen_length, claim, locked_schedule
from booking.operations.series import Wanted, create_series
from booking.queries import stretch
from booking.signals import appointments_imported
from scheduler_project.common.errors import DomainError, NotAllowed, TryAgain
from scheduler_project.common.imports import (
    Asked,
    Option,
    Outcome,
    Result,
    Sheet,
)
from scheduler_project.common.operations import operation
from scheduler_project.common.tables import Row, RowRefused

BATCH = 500
ENDED: dict[str, Event] = {status: EVENTS[action] for action, status in TARGETS.items() if action != Action.APPROVE}
"""What happened to an appointment that is taken over in one of these states, after it was booked."""

COLUMN_OF = {"start_time": "start", "end_time": "end", "client": "client_reference", "override": "start"}
"""What the operations call a thing that has another name here."""


def import_appointments(rows: list[Row], asked: Asked) -> list[Result]:
    """Book the appointments there are not, and change those there are, as the file has it.

    Each time is claimed by itself; everything else is looked up and written at once. Locks are taken in the order
    everybody keeps: clients, schedules, appointments. So two imports of one file take turns, and the second finds what
    the first one made.
    """
    if not asked.actor.is_staff:
        raise NotAllowed
    slugs = {row.cells.get("provider", "") for row in rows}
    found = Provider.objects.filter(slug__in=slugs).exclude(schedule=None).select_related("schedule")
    providers = {provider.slug: provider for provider in found}
    read = [read_draft(row, providers, asked) for row in rows]
    work = _Work([draft for draft in read if isinstance(draft, Draft)], asked)
    results = [work.take(draft) if isinstance(draft, Draft) else draft for draft in read]
    work.write()
    return results


class _Work:
    """Looks up at once what rows refer to, claims one by one, and gathers the rest to be written at once."""

    def __init__(self, drafts: list[Draft], asked: Asked) -> None:
        self.asked, self.actor, self.now = asked, asked.actor, asked.now
        self.new: list[tuple[Draft, Appointment, list[AppointmentEvent]]] = []
        self.seen: dict[Key, Row] = {}
        providers = {draft.provider.pk for draft in drafts}
        looked = clients_like([draft.client for draft in drafts], [None, *providers])
        self.book = Book(looked)
        lock = Client.objects.filter(pk__in={client.pk for found in self.book.found.values() for client in found})
        list(lock.order_by("pk").select_for_update(no_key=True).values_list("pk"))
        self.schedules = {provider_id: locked_schedule(provider_id) for provider_id in sorted(providers)}
        if asked.options.get("add_clients"):
            self.book = Book(looked.all())  # with those whom an import that was waited for has added
        self.services = services_of(drafts)
        services = {service.pk for found in self.services.values() for service in found}
        keep(providers=providers, services=services, user=self.actor.user and self.actor.user.pk)
        self.offered = set(
            Service.providers.through.objects.filter(provider__in=providers).values_list("provider", "service")
        )
        self.entries = entries_of(drafts)
        self.unnamed = unnamed_of(drafts)

    def take(self, draft: Draft) -> Result:
        row = draft.cells.row
        again = repeated(row, draft.key(), self.seen)
        if again:
            return Result.refused(row, [again], about(row))
        try:
            outcome, says = self._take(draft)
        except TryAgain:
            raise
        except DomainError as refusal:
            refusal.field = COLUMN_OF.get(refusal.field or "", refusal.field)
            refusal.message = _explained(refusal)
            return Result.refused(row, [refusal], about(row))
        return Result(row, outcome, about(row), says)

    def _take(self, draft: Draft) -> tuple[Outcome, str]:
        found = self.entries.get(draft.key()) if draft.reference else None
        if isinstance(found, AppointmentSeries) or (found and draft.values["rrule"]):
            return self._compare_series(draft, found)
        service = self._service(draft)
        if found is None and not draft.reference:
            client = self._known(draft)
            found = self.unnamed.get((draft.provider.pk, draft.starts_at, client.pk, draft.over)) if client else None
        if found is not None:
            return self._follow(draft, found, service)
        self._make(draft, service)
        return Outcome.NEW, ""

    @operation
    def _make(self, draft: Draft, service: Service | None) -> None:
        client = self._known(draft) or self._added(draft)
        if draft.values["rrule"]:
            self._begin_series(draft, client)
        else:
            self._book(draft, client, service)
        if client not in self.book.of((client.owner_id, "reference", client.reference)):
            self.book.add(client)

    # --- Who and what ---

    def _known(self, draft: Draft) -> Client | None:
        """The one client a row means: one of the provider's own book, else with a login, else a guest."""
        wanted = draft.client
        for kept, by in ((draft.provider.pk, True), (None, True), (None, False)):
            keys = Book.keys(kept, wanted["reference"], wanted["email"], wanted["name"], str(wanted["phone"]))
            if not (wanted["reference"] or wanted["email"] or wanted["phone"]):
                keys = [(kept, "name", wanted["name"])]
            for key in keys:
                candidates = [client for client in self.book.of(key) if kept or bool(client.user_id) == by]
                if len(candidates) > 1:
                    says = _("Several clients are known by this. Give their reference, as the export does.")
                    raise RowRefused("ambiguous_client", says, f"client_{key[1]}")
                if candidates:
                    return candidates[0]
        return None

    def _added(self, draft: Draft) -> Client:
        """A client there was not, put into the provider's address book."""
        wanted = draft.client
        if not self.asked.options.get("add_clients"):
            says = _("There is no such client. Import the clients first, or have them added.")
            raise RowRefused("unknown_client", says, next(f"client_{name}" for name, value in wanted.items() if value))
        given = {name: wanted[name] for name in ("email", "phone")}
        name = wanted["name"] or wanted["email"].partition("@")[0]
        if not name:
            raise RowRefused("required", _("This is needed."), "client_name")
        client = add_client(
            name=name, timezone=draft.timezone, owner=draft.provider, actor=self.actor, now=self.now, **given
        )
        if wanted["reference"]:
            Client.objects.filter(pk=client.pk).update(reference=wanted["reference"])
            client.reference = wanted["reference"]
        return client

    def _service(self, draft: Draft) -> Service | None:
        """The one service a row means: offered and active before others, for what was agreed elsewhere stands."""
        reference, name = (draft.cells.text(column) for column in ("service_reference", "service"))
        if not (reference or name):
            return None
        found = self.services.get(("reference", reference), []) or self.services.get(("name", name), [])
        found = [service for service in found if service.owner_id in (None, draft.provider.pk)]
        rank = {service.pk: ((draft.provider.pk, service.pk) in self.offered, service.is_active) for service in found}
        best = [service for service in found if rank[service.pk] == max(rank.values())]
        column = "service" if name else "service_reference"
        if not best:
            raise RowRefused("unknown_service", _("There is no such service of this provider."), column)
        if len(best) > 1:
            says = _("Several services have this name. Give their reference, as the export does.")
            raise RowRefused("ambiguous_service", says, column)
        return best[0]

    # --- What is new ---

    def _overrides(self, draft: Draft) -> list[Override]:
        if draft.starts_at <= self.now:
            if not self.asked.options.get("past"):
                raise InThePast(_("This time has passed. Choose to take over the past as well."), field="start")
            return [Override.PAST]
        return [Override.NOTICE, *([Override.HOURS] if self.asked.options.get("outside_hours") else [])]

    def _book(self, draft: Draft, client: Client, service: Service | None) -> None:
        schedule, overrides = self.schedules[draft.provider.pk], self._overrides(draft)
        past = draft.starts_at <= self.now
        status = AppointmentStatus(draft.status or ("completed" if past else "scheduled"))
        if status in (AppointmentStatus.COMPLETED, AppointmentStatus.MISSED) and not past:
            raise NotYet(field="status")
        length = chosen_length(schedule, draft.starts_at, draft.ends_at, self.actor)
        if draft.over:
            reservation = self._let_go(draft, schedule, client, service, overrides, length)
        else:
            reservation = claim(
                schedule=schedule,
                service=service,
                client_id=client.pk,
                starts_at=draft.starts_at,
                length=length,
                expires_at=None,
                actor=self.actor,
                now=self.now,
                overrides=overrides,
                taken_over=True,
            )
        reservation.provider, reservation.client, reservation.service = draft.provider, client, service
        says = {name: draft.values[name] for name in ("title", "description", "reminder_offsets")}
        made = composed(reservation, now=self.now, status=status, timezone=draft.timezone, **says)
        made.cancellation_reason = draft.values["reason"] if draft.over else ""
        details = {"status": status, "overrides": reservation.overrides, "reference": draft.reference}
        events = [entry(made, Event.BOOKED, self.actor, self.now, **details)]
        if status in ENDED:
            details = {"status": status, "reason": made.cancellation_reason}
            events.append(entry(made, ENDED[status], self.actor, self.now, **details))
        self.new.append((draft, made, events))

    def _let_go(
        self,
        draft: Draft,
        schedule: Schedule,
        client: Client,
        service: Service | None,
        overrides: list[Override],
        length: timedelta | None,
    ) -> Reservation:
        """The reservation of what was cancelled or declined elsewhere: it claims nothing, so somebody else may."""
        time = stretch(schedule, service, draft.starts_at, length)
        return Reservation.objects.create(
            provider=draft.provider,
            client=client,
            service=service,
            **time._asdict(),
            status=ReservationStatus.RELEASED,
            closed_at=self.now,
            overrides=sorted(overrides),
            created_by=self.actor.user,
            face=self.actor.face,
            created_at=self.now,
        )

    def _begin_series(self, draft: Draft, client: Client) -> None:
        if draft.over:
            raise RowRefused("cancelled_series", _("A series that was cancelled is not taken over."), "status")
        wanted = Wanted(
            provider_id=draft.provider.pk,
            client_id=client.pk,
            rrule=draft.values["rrule"],
            starts=draft.starts_at,
            timezone=draft.timezone,
            duration_minutes=minutes_of(draft),
            title=draft.values["title"],
            description=draft.values["description"],
            exdates=draft.exdates,
            overrides=[Override.NOTICE, *([Override.HOURS] if self.asked.options.get("outside_hours") else [])],
        )
        quietly = not self.asked.options.get("tell")
        change = create_series(
            wanted=wanted, policy=Policy.ALL_OR_NOTHING, actor=self.actor, now=self.now, quietly=quietly
        )
        if draft.reference:
            ImportedEntry.objects.create(provider=draft.provider, reference=draft.reference, series=change.series)

    def write(self) -> None:
        """Write the appointments whose times were claimed, with their history; have them reminded of."""
        Appointment.objects.bulk_create([made for _draft, made, _events in self.new], batch_size=BATCH)
        ImportedEntry.objects.bulk_create(
            [
                ImportedEntry(provider=draft.provider, reference=draft.reference, appointment=made)
                for draft, made, _events in self.new
                if draft.reference
            ],
            batch_size=BATCH,
        )
        events = [event for _draft, made, events in self.new for event in events]
        for event in events:
            event.appointment = event.appointment  # It has an id only now.
        AppointmentEvent.objects.bulk_create(events, batch_size=BATCH)
        if events:
            booked = [event for event in events if event.event == Event.BOOKED]
            tell = bool(self.asked.options.get("tell"))
            appointments_imported.send(Appointment, events=booked, tell=tell, now=self.now)

    # --- What there is already ---

    def _compare_series(self, draft: Draft, found: AppointmentSeries | Appointment) -> tuple[Outcome, str]:
        same = (
            isinstance(found, AppointmentSeries)
            and found.rrule == draft.values["rrule"]
            and found.instant(found.start_date) == draft.starts_at
            and found.duration_minutes == (minutes_of(draft) or found.duration_minutes)
        )
        if not same:
            says = _("This was imported before and differs now. Change the series itself.")
            raise RowRefused("series_differs", says, "rrule" if draft.values["rrule"] else "reference")
        return Outcome.UNCHANGED, ""

    def _follow(self, draft: Draft, there: Appointment, service: Service | None) -> tuple[Outcome, str]:
        """Let an appointment there is be what the file says, by the rules for moving, rewording and ending it."""
        self._check_client(draft, there.client)
        wanted = words_of(draft, service or there.service)
        words = {name: value for name, value in wanted.items() if getattr(there, name) != value}
        moved = self._moved(draft, there, service)
        action = None
        if draft.status and draft.status != there.status:
            action = next((action for action, status in TARGETS.items() if status == draft.status), None)
            if action is None:
                says = _("An appointment that is %(status)s cannot become %(wanted)s again.")
                raise RowRefused("bad_transition", says % {"status": there.status, "wanted": draft.status}, "status")
        if not (words or moved or action):
            return Outcome.UNCHANGED, ""
        self._change(draft, there, words, moved, action)
        said = [*(["start"] if moved else []), *words, *(["status"] if action else [])]
        return Outcome.CHANGED, ", ".join(said)

    @operation
    def _change(
        self,
        draft: Draft,
        there: Appointment,
        words: dict[str, Any],
        moved: tuple[datetime, timedelta, Service | None] | None,
        action: Action | None,
    ) -> None:
        among: list[AppointmentEvent] | None = None if self.asked.options.get("tell") else []
        common: dict[str, Any] = {"actor": self.actor, "now": self.now, "among": among}
        appointment = locked_appointment(there.pk)
        if moved:
            check_allowed(Action.RESCHEDULE, appointment, self.actor, self.now)
            starts_at, length, service = moved
            move_to(
                appointment,
                schedule=self.schedules[draft.provider.pk],
                service=service,
                starts_at=starts_at,
                length=length,
                overrides=self._overrides(draft),
                **common,
            )
        if words:
            reword(appointment, words, **common)
        if action:
            check_allowed(action, appointment, self.actor, self.now)
            do(appointment, action, reason=draft.values["reason"], **common)

    def _moved(
        self, draft: Draft, there: Appointment, service: Service | None
    ) -> tuple[datetime, timedelta, Service | None] | None:
        """The time, length and service an appointment is to have, if they are not those it has."""
        asked = {"service", "service_reference"} & draft.cells.row.cells.keys()
        service = service if asked else there.service
        length = there.reservation.length
        if draft.ends_at:
            length = draft.ends_at - draft.starts_at
        elif service and service != there.service:
            length = service.duration
        if length <= timedelta():
            raise EndsBeforeStart(field="end")
        if (draft.starts_at, length, service) == (there.starts_at, there.reservation.length, there.service):
            return None
        return draft.starts_at, length, service

    def _check_client(self, draft: Draft, there: Client) -> None:
        wanted = draft.client
        same = (
            there.reference == wanted["reference"]
            or (wanted["email"] and there.email == wanted["email"])
            or (not wanted["email"] and wanted["name"] and there.name == wanted["name"])
        )
        if not same:
            says = _("This appointment is %s's. Who comes cannot be changed; cancel it and book another.")
            raise RowRefused("client_differs", says % there, "client_email")


def _explained(refusal: DomainError) -> str:
    """A refusal in words that need no list beside them."""
    if isinstance(refusal, SeriesConflict):
        conflicts = refusal.details["conflicts"]
        reasons = ", ".join(f"{one['occurrence']} ({one['reason']})" for one in conflicts[:5])
        return _("%(number)d of its dates cannot be booked: %(dates)s.") % {"number": len(conflicts), "dates": reasons}
    return {
        "slot_taken": _("This time is taken by another booking."),
        "outside_hours": _("The provider is not available at this time. Choose to book outside the hours as well."),
    }.get(refusal.code) or str(refusal.message)


# --- Export -----------------------------------------------------------------------------------------------------------

EXPORTED = (
    *("imported__reference", "uid", "reservation__provider__slug"),
    *(f"reservation__client__{name}" for name in ("reference", "email", "name", "phone")),
    *("reservation__service__reference", "reservation__service__name"),
    *("reservation__starts_at", "reservation__ends_at", "timezone"),
    *("title", "description", "status", "cancellation_reason", "reminder_offsets"),
)


def export_appointments(appointments: QuerySet[Appointment]) -> Iterator[Sequence[Any]]:
    """Rows as `import_appointments` reads them; times on the appointment's own clocks, with their offset."""
    for (
        reference,
        uid,
        *who,
        starts_at,
        ends_at,
        zone_name,
        title,
        description,
        status,
        reason,
        reminders,
    ) in appointments.values_list(*EXPORTED).iterator(chunk_size=2000):
        own = ZoneInfo(zone_name)
        yield [
            reference or str(uid),
            *("" if value is None else value for value in who),
            starts_at.astimezone(own),
            ends_at.astimezone(own),
            zone_name,
            title,
            description,
            status,
            reason,
            told_offsets(reminders),
        ]


OPTIONS = (
    Option(
        "outside_hours",
        gettext_lazy("Book outside the hours as well"),
        gettext_lazy("This is recorded. Booked time stays booked."),
    ),
    Option(
        "past",
        gettext_lazy("Take over the past as well"),
        gettext_lazy("This is recorded. What has passed counts as completed, unless the file says otherwise."),
    ),
    Option(
        "add_clients",
        gettext_lazy("Add clients there are not"),
        gettext_lazy("Into the provider's address book."),
        permission="accounts.add_client",
    ),
    Option(
        "tell",
        gettext_lazy("Tell both sides, and webhooks"),
        gettext_lazy("Otherwise nobody is told of what is imported. Reminders are sent in any case."),
    ),
)


APPOINTMENTS = Sheet(
    name="appointments",
    model=Appointment,
    title=gettext_lazy("appointments"),
    columns=COLUMNS,
    required=frozenset({"provider", "start"}),
    permissions=("booking.add_appointment", "booking.change_appointment"),
    work=import_appointments,
    parts=by_provider,
    export=export_appointments,
    options=OPTIONS,
)
