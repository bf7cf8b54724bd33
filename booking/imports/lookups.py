"""Look-ups, in few statements, of all that rows about appointments refer to."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.clients.imports import ClientIndex, clients_like
from accounts.models import Client
from booking.appointments.transitions import FREEING
from booking.imports.parse import Draft
from booking.models import Appointment, AppointmentSeries, ImportedEntry, Service
from scheduler_project.common.files.csv_reader import RowRefused
from scheduler_project.common.files.imports import Key

# What rows refer to is locked by the transaction itself. If each savepoint's foreign keys were to lock it, PostgreSQL
# would write down anew for every row all the savepoints that have: twice the rows, four times the work. The ORM has no
# FOR KEY SHARE.
KEEP = (
    "SELECT id FROM accounts_provider WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
    "SELECT id FROM booking_service WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
    "SELECT id FROM accounts_user WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
)


def keep(*, providers: Iterable[int], services: Iterable[int], user: int | None) -> None:
    """Let none of these be deleted until the transaction ends."""
    with connection.cursor() as cursor:
        for statement, ids in zip(KEEP, (providers, services, [user] if user else []), strict=True):
            cursor.execute(statement, [list(ids)])


class Lookups:
    """The clients, services and appointments that rows may mean, as they are now."""

    def __init__(self, drafts: list[Draft]) -> None:
        providers = {draft.provider.pk for draft in drafts}
        through = Service.providers.through.objects
        self.book = ClientIndex(clients_meant(drafts))
        self.services = _services(drafts)
        self.offered = set(through.filter(provider__in=providers).values_list("provider", "service"))
        self.entries = _entries(drafts)
        self.without_reference = _without_reference(drafts)

    def client(self, draft: Draft) -> Client | None:
        """The one client a row means: one of the provider's own book, else with a login, else any other of nobody's.

        Only the first may be known by name: names are not unique, and whoever is meant sees what is booked for them.
        """
        wanted = draft.client
        for owner, with_login in ((draft.provider.pk, True), (None, True), (None, False)):
            name = wanted["name"] if owner else ""
            keys = ClientIndex.keys(owner, wanted["reference"], wanted["email"], name, str(wanted["phone"]))
            if name and not (wanted["reference"] or wanted["email"] or wanted["phone"]):
                keys = [(owner, "name", name)]
            for key in keys:
                candidates = [client for client in self.book.of(key) if owner or bool(client.user_id) == with_login]
                if len(candidates) > 1:
                    says = _("Several clients match. Use the client's reference, as in the export.")
                    raise RowRefused("ambiguous_client", says, f"client_{key[1]}")
                if candidates:
                    return candidates[0]
        return None

    def add_client(self, client: Client) -> None:
        """Let later rows mean somebody who was added for one."""
        if client not in self.book.of((client.owner_id, "reference", client.reference)):
            self.book.add(client)

    def service(self, draft: Draft) -> Service | None:
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
            raise RowRefused("unknown_service", _("This provider doesn't offer this service."), column)
        if len(best) > 1:
            says = _("Several services have this name. Use the service's reference, as in the export.")
            raise RowRefused("ambiguous_service", says, column)
        return best[0]

    def by_reference(self, draft: Draft) -> Appointment | AppointmentSeries | None:
        """Return the existing appointment or series with a row's reference; None if there is none."""
        return self.entries.get(draft.key()) if draft.reference else None

    def by_client_and_time(self, draft: Draft) -> Appointment | None:
        """Return the existing appointment of the same client at the same time, for a row without a reference."""
        client = None if draft.reference else self.client(draft)
        if client is None:
            return None
        return self.without_reference.get((draft.provider.pk, draft.starts_at, client.pk, draft.over))


def clients_meant(drafts: list[Draft]) -> QuerySet[Client]:
    """Return the clients that rows may mean: of each provider's own address book, or of nobody's."""
    owners = {draft.provider.pk for draft in drafts}
    return clients_like([draft.client for draft in drafts], [None, *owners], owner__isnull=False)


def _services(drafts: list[Draft]) -> dict[Key, list[Service]]:
    names = {draft.cells.text("service") for draft in drafts} - {""}
    references = {draft.cells.text("service_reference") for draft in drafts} - {""}
    found: dict[Key, list[Service]] = {}
    for service in Service.objects.filter(Q(name__in=names) | Q(reference__in=references)).order_by("pk"):
        for key in (("reference", service.reference), ("name", service.name)):
            found.setdefault(key, []).append(service)
    return found


def _entries(drafts: list[Draft]) -> dict[Key, Appointment | AppointmentSeries]:
    """Return existing appointments and series by provider and reference, from earlier imports or made here."""
    references = {draft.reference for draft in drafts} - {""}
    providers = {draft.provider.pk for draft in drafts}
    detailed = [f"appointment__reservation__{name}" for name in ("provider", "client", "service")]
    known = ImportedEntry.objects.filter(provider__in=providers, reference__in=references)
    found: dict[Key, Appointment | AppointmentSeries] = {}
    for each in known.select_related("series", *detailed):
        found[each.provider_id, each.reference] = each.appointment or each.series  # type: ignore[assignment]
    ours = {reference: uid for reference in references if (uid := own_uid(reference))}
    made = Appointment.objects.detailed().filter(uid__in=ours.values(), reservation__provider__in=providers)
    by_uid = {appointment.uid: appointment for appointment in made} if ours else {}
    for reference, uid in ours.items():
        if uid in by_uid:
            found.setdefault((by_uid[uid].provider.pk, reference), by_uid[uid])
    return found


def own_uid(reference: str) -> UUID | None:
    """The calendar UID of an appointment made here, as the export and our calendar files write it."""
    try:
        return UUID(reference.removesuffix("@scheduler"))
    except ValueError:
        return None


def _without_reference(drafts: list[Draft]) -> dict[Key, Appointment]:
    """The appointments at the times of rows without a reference, by provider, start, client, and whether they are off.

    Of several cancelled ones the first.
    """
    without = [draft for draft in drafts if not draft.reference]
    existing = Appointment.objects.detailed().filter(
        reservation__provider__in={draft.provider.pk for draft in without},
        reservation__starts_at__in={draft.starts_at for draft in without},
    )
    found: dict[Key, Appointment] = {}
    for made in existing.order_by("pk") if without else ():
        found.setdefault((made.provider.pk, made.starts_at, made.client.pk, made.status in FREEING), made)
    return found
