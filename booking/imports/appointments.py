"""Appointments taken over from files. What an import books is claimed like everything else (R8)."""

from django.utils.translation import gettext as _

from accounts.models import Client, Provider
from booking.appointments.enums import Event
from booking.availability.locks import locked_schedule
from booking.imports.create_new import added_client, begin_series, booked
from booking.imports.lookups import Lookups, clients_meant, keep
from booking.imports.parse import Draft, read_draft, row_label
from booking.imports.update_existing import compare_series, update_existing
from booking.models import Appointment, AppointmentEvent, AppointmentSeries, ImportedEntry, Schedule, Service
from booking.series.errors import SeriesConflict
from booking.signals import appointments_imported
from scheduler_project.common.errors import DomainError, TryAgain
from scheduler_project.common.files.csv_reader import Row
from scheduler_project.common.files.imports import BATCH, ImportOptions, Key, Result, RowOutcome, repeated
from scheduler_project.common.operations import operation

COLUMN_OF = {"start_time": "start", "end_time": "end", "client": "client_reference", "override": "start"}
"""The file's column for a field that the operations call by another name."""


def import_appointments(rows: list[Row], import_options: ImportOptions) -> list[Result]:
    """Book the appointments there are not, and change those there are, as the file has it.

    Each time is claimed by itself; everything else is looked up and written at once. Locks are taken in the order
    everybody keeps: clients, schedules, appointments. So two imports of one file take turns, and the second finds what
    the first one made.
    """
    read = read_drafts(rows, import_options)
    work = _Work([draft for draft in read if isinstance(draft, Draft)], import_options)
    results = [work.take(draft) if isinstance(draft, Draft) else draft for draft in read]
    work.write()
    return results


def read_drafts(rows: list[Row], import_options: ImportOptions) -> list[Draft | Result]:
    """Return each row as a draft, or as a refusal if it cannot be read."""
    slugs = {row.cells.get("provider", "") for row in rows}
    found = Provider.objects.filter(slug__in=slugs).exclude(schedule=None).select_related("schedule")
    providers = {provider.slug: provider for provider in found}
    return [read_draft(row, providers, import_options) for row in rows]


class _Work:
    """Looks up at once what rows refer to, claims one by one, and gathers the rest to be written at once."""

    def __init__(self, drafts: list[Draft], import_options: ImportOptions) -> None:
        self.import_options = import_options
        self.new: list[tuple[Draft, Appointment, list[AppointmentEvent]]] = []
        self.seen: dict[Key, Row] = {}
        providers = {draft.provider.pk for draft in drafts}
        clients = Client.objects.filter(pk__in=clients_meant(drafts).values("pk")).order_by("pk")
        list(clients.select_for_update(no_key=True).values_list("pk"))
        self.schedules: dict[int, Schedule] = {pk: locked_schedule(pk) for pk in sorted(providers)}
        self.lookups = Lookups(drafts)  # with whatever an import that was waited for has made
        services = {service.pk for found in self.lookups.services.values() for service in found}
        keep(providers=providers, services=services, user=import_options.actor.user and import_options.actor.user.pk)

    def take(self, draft: Draft) -> Result:
        row = draft.cells.row
        try:
            self._check_first(draft, draft.key())
            outcome, says = self._take(draft)
        except TryAgain:
            raise
        except DomainError as refusal:
            refusal.field = COLUMN_OF.get(refusal.field or "", refusal.field)
            refusal.message = _refusal_in_words(refusal)
            return Result.refused(row, [refusal], row_label(row))
        return Result(row, outcome, row_label(row), says)

    def _check_first(self, draft: Draft, key: Key) -> None:
        if again := repeated(draft.cells.row, key, self.seen):
            raise again

    def _take(self, draft: Draft) -> tuple[RowOutcome, str]:
        found = self.lookups.by_reference(draft)
        if isinstance(found, AppointmentSeries) or (found and draft.values["rrule"]):
            compare_series(draft, found)
            return RowOutcome.UNCHANGED, ""
        service = self.lookups.service(draft)
        found = found or self.lookups.by_client_and_time(draft)
        if found is not None:
            self._check_first(draft, ("existing", found.pk))
            return update_existing(draft, found, service, self.schedules[draft.provider.pk], self.import_options)
        self._make(draft, service)
        return RowOutcome.NEW, ""

    @operation
    def _make(self, draft: Draft, service: Service | None) -> None:
        client = self.lookups.client(draft) or added_client(draft, self.import_options)
        if draft.values["rrule"]:
            begin_series(draft, client, self.import_options)
        else:
            made, events = booked(draft, client, service, self.schedules[draft.provider.pk], self.import_options)
            self.new.append((draft, made, events))
        self.lookups.add_client(client)

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
            new = [event for event in events if event.event == Event.BOOKED]
            tell = bool(self.import_options.chosen.get("tell"))
            appointments_imported.send(Appointment, events=new, tell=tell, now=self.import_options.now)


def _refusal_in_words(refusal: DomainError) -> str:
    """A refusal in words that need no list beside them."""
    if isinstance(refusal, SeriesConflict):
        conflicts = refusal.details["conflicts"]
        reasons = ", ".join(f"{one['occurrence']} ({one['reason']})" for one in conflicts[:5])
        return _("%(number)d of its dates can't be booked: %(dates)s.") % {"number": len(conflicts), "dates": reasons}
    return {
        "slot_taken": _("This time is already booked."),
        "outside_hours": _(
            "The provider isn't available at this time. To book it anyway, allow booking outside the hours."
        ),
    }.get(refusal.code) or str(refusal.message)
