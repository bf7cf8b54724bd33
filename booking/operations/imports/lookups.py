"""What rows about appointments refer to, looked up at once."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.models import Q

from booking.models import Appointment, AppointmentSeries, ImportedEntry, Service
from booking.operations.imports.drafts import NEVER_WAS, Draft, Key

# What rows refer to is locked by the transaction itself. If each savepoint's foreign keys were to lock it, PostgreSQL
# would write down anew for every row all the savepoints that have: twice the rows, four times the work.
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


def services_of(drafts: list[Draft]) -> dict[Key, list[Service]]:
    names = {draft.cells.text("service") for draft in drafts} - {""}
    references = {draft.cells.text("service_reference") for draft in drafts} - {""}
    found: dict[Key, list[Service]] = {}
    for service in Service.objects.filter(Q(name__in=names) | Q(reference__in=references)).order_by("pk"):
        for key in (("reference", service.reference), ("name", service.name)):
            found.setdefault(key, []).append(service)
    return found


def entries_of(drafts: list[Draft]) -> dict[Key, Appointment | AppointmentSeries]:
    """What was made before, by provider and reference: of an earlier import, or of this system's own making."""
    references = {draft.reference for draft in drafts} - {""}
    providers = {draft.provider.pk for draft in drafts}
    detailed = [f"appointment__reservation__{name}" for name in ("provider", "client", "service")]
    known = ImportedEntry.objects.filter(provider__in=providers, reference__in=references)
    found: dict[Key, Appointment | AppointmentSeries] = {}
    for each in known.select_related("series", *detailed):
        found[each.provider_id, each.reference] = each.appointment or each.series  # type: ignore[assignment]
    ours = {uid: reference for reference in references if (uid := own_uid(reference))}
    for made in Appointment.objects.detailed().filter(uid__in=ours, reservation__provider__in=providers):
        found.setdefault((made.provider.pk, ours[made.uid]), made)
    return found


def own_uid(reference: str) -> UUID | None:
    """The calendar UID of an appointment made here, as the export and our calendar files write it."""
    try:
        return UUID(reference.removesuffix("@scheduler"))
    except ValueError:
        return None


def unnamed_of(drafts: list[Draft]) -> dict[Key, Appointment]:
    """The appointments at the times of rows without a reference, by provider, start, client, and whether they are off.

    Of several cancelled ones the first.
    """
    without = [draft for draft in drafts if not draft.reference]
    there = Appointment.objects.detailed().filter(
        reservation__provider__in={draft.provider.pk for draft in without},
        reservation__starts_at__in={draft.starts_at for draft in without},
    )
    found: dict[Key, Appointment] = {}
    for made in there.order_by("pk") if without else ():
        found.setdefault((made.provider.pk, made.starts_at, made.client.pk, made.status in NEVER_WAS), made)
    return found
