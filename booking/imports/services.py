"""Services taken over from files, and into them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clients.imports import CHANGED_AT_ONCE, is_ours, named, providers_named, repeated
from accounts.models import Provider
from booking.models import Service
from booking.signals import reminders_reset
from scheduler_project.common.db.references import new_reference
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.files.csv_reader import Row, RowRefused
from scheduler_project.common.files.imports import (
    Cells,
    ImportOptions,
    Result,
    RowOutcome,
    Sheet,
    of_field,
    take_turns,
    yes_or_no,
)
from scheduler_project.common.time.offsets import canonical

BATCH = 500


COLUMNS = (
    "reference",
    "owner",
    "name",
    "providers",
    "duration_minutes",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "needs_approval",
    "reminders",
    "is_active",
    "description",
)


PERMISSIONS = ("booking.add_service", "booking.change_service")


Key = tuple[Any, ...]


def offsets(text: str) -> list[str]:
    """Return reminder times from text: offsets separated by commas, or `none` for never."""
    return [] if text.lower() == "none" else canonical(text.split(","))


def offsets_text(value: Sequence[str] | None) -> str:
    return "" if value is None else ", ".join(value) or "none"


READ: dict[str, tuple[Any, Any]] = {
    "reference": (of_field(Service, "reference"), ""),
    "name": (of_field(Service, "name"), ""),
    "description": (of_field(Service, "description"), ""),
    "duration_minutes": (of_field(Service, "duration_minutes"), 0),
    "buffer_before_minutes": (of_field(Service, "buffer_before_minutes"), 0),
    "buffer_after_minutes": (of_field(Service, "buffer_after_minutes"), 0),
    "needs_approval": (yes_or_no, False),
    "is_active": (yes_or_no, True),
    "reminders": (offsets, None),
}
"""The reader of each column, and the value of an empty cell."""


def import_services(rows: list[Row], asked: ImportOptions) -> list[Result]:
    """Add the services there are not, and change those there are.

    A service is known by reference, else by its name among its owner's. Who offers it is what the file says, if it has
    that column; the service of one provider is offered by that provider alone.
    """
    if not all(map(asked.actor.may, PERMISSIONS)):
        raise NotAllowed
    take_turns("services")
    providers = providers_named(rows, "owner") | providers_named(rows, "providers")
    drafts = [_read(row, providers) for row in rows]
    names = {draft["name"] for _cells, draft in drafts}
    references = {draft["reference"] for _cells, draft in drafts if draft["reference"]}
    found: dict[Key, list[Service]] = {}
    there = Service.objects.filter(Q(name__in=names) | Q(reference__in=references)).order_by("pk")
    for service in there.select_for_update(of=("self",), no_key=True):
        for key in ((service.owner_id, "reference", service.reference), (service.owner_id, "name", service.name)):
            found.setdefault(key, []).append(service)
    offered = _offered(service for services in found.values() for service in services)
    work = _Work(asked, found, offered)
    results = [work.take(cells, draft) for cells, draft in drafts]
    work.write()
    return results


def _read(row: Row, providers: dict[str, Provider]) -> tuple[Cells, dict[str, Any]]:
    cells = Cells(row)
    cells.need("name", "duration_minutes")
    draft = {name: cells.take(name, read, empty) for name, (read, empty) in READ.items()}
    draft["reminder_offsets"] = draft.pop("reminders")
    draft["owner"] = owner = cells.take("owner", named(providers), None)
    one = named(providers)
    offering: list[Provider] = cells.take(
        "providers", lambda text: [one(slug) for slug in text.replace(",", " ").split()], []
    )
    draft["providers"] = {provider.pk for provider in offering} if "providers" in cells or not owner else {owner.pk}
    if owner and draft["providers"] - {owner.pk}:
        cells.refuse("not_allowed", _("A provider's own service is offered by that provider alone."), "providers")
    return cells, draft


def _offered(services: Iterable[Service]) -> dict[int, set[int]]:
    """Return the ids of the providers who offer these services, by service."""
    offered: dict[int, set[int]] = {}
    through = Service.providers.through.objects.filter(service__in={service.pk for service in services})
    for service_id, provider_id in through.values_list("service", "provider"):
        offered.setdefault(service_id, set()).add(provider_id)
    return offered


class _Work:
    """Changes gathered while rows are read, and then written at once."""

    def __init__(self, asked: ImportOptions, found: dict[Key, list[Service]], offered: dict[int, set[int]]) -> None:
        self.asked, self.found, self.offered = asked, found, offered
        self.seen: dict[Key, Row] = {}
        self.new: list[tuple[Service, set[int]]] = []
        self.changed: list[Service] = []
        self.reset: list[Service] = []
        self.offering: list[tuple[Service, set[int]]] = []
        self.columns: set[str] = set()

    def take(self, cells: Cells, draft: dict[str, Any]) -> Result:
        row, about, owner = cells.row, cells.text("name")[:60], draft["owner"]
        owner_id = owner.pk if owner else None
        by_name = (owner_id, "name", draft["name"])
        key = (owner_id, "reference", draft["reference"]) if draft["reference"] else by_name
        again = None if cells.refusals else repeated(row, key, self.seen)
        if cells.refusals or again:
            return Result.refused(row, [*cells.refusals, *([again] if again else [])], about)
        candidates = self.found.get(key, [])
        if not candidates and draft["reference"] and not is_ours(draft["reference"]):
            candidates = [service for service in self.found.get(by_name, []) if is_ours(service.reference)]
        if len(candidates) > 1:
            says = _("Several services have this name. Give their reference, as the export does.")
            return Result.refused(row, [RowRefused("ambiguous_service", says, "name")], about)
        providers = draft.pop("providers")
        if not candidates:
            draft["reference"] = draft["reference"] or new_reference()
            self.new.append((Service(**draft), providers))
            return Result(row, RowOutcome.NEW, about)
        return self._change(cells, candidates[0], draft, providers, about)

    def _change(self, cells: Cells, service: Service, draft: dict[str, Any], providers: set[int], about: str) -> Result:
        wanted = {
            name: value
            for name, value in draft.items()
            if {"reminder_offsets": "reminders"}.get(name, name) in cells
            and getattr(service, name) != value
            and (name != "reference" or value)
        }
        for name, value in wanted.items():
            setattr(service, name, value)
        if wanted:
            self.changed.append(service)
            self.columns |= wanted.keys()
        if "reminder_offsets" in wanted:
            self.reset.append(service)
        said = list(wanted)
        if "providers" in cells and providers != self.offered.get(service.pk, set()):
            self.offering.append((service, providers))
            said.append("providers")
        return Result(cells.row, RowOutcome.CHANGED if said else RowOutcome.UNCHANGED, about, ", ".join(said))

    def write(self) -> None:
        Service.objects.bulk_create([service for service, _providers in self.new], batch_size=BATCH)
        if self.changed:
            Service.objects.bulk_update(self.changed, sorted(self.columns), batch_size=CHANGED_AT_ONCE)
        through = Service.providers.through
        if self.offering:
            through.objects.filter(service__in=[service for service, _providers in self.offering]).delete()
        through.objects.bulk_create(
            [
                through(service_id=service.pk, provider_id=provider_id)
                for service, providers in [*self.new, *self.offering]
                for provider_id in sorted(providers)
            ],
            batch_size=BATCH,
        )
        for service in self.reset:
            reminders_reset.send(Service, schedule=None, service=service, now=self.asked.now)


def export_services(services: QuerySet[Service]) -> Iterator[Sequence[Any]]:
    """Rows as `import_services` reads them."""
    for service in services.select_related("owner").prefetch_related("providers").iterator(chunk_size=500):
        yield [
            service.reference,
            service.owner.slug if service.owner else "",
            service.name,
            " ".join(sorted(provider.slug for provider in service.providers.all())),
            service.duration_minutes,
            service.buffer_before_minutes,
            service.buffer_after_minutes,
            service.needs_approval,
            offsets_text(service.reminder_offsets),
            service.is_active,
            service.description,
        ]


SERVICES = Sheet(
    name="services",
    model=Service,
    title=gettext_lazy("services"),
    columns=COLUMNS,
    required=frozenset({"name", "duration_minutes"}),
    permissions=PERMISSIONS,
    work=import_services,
    export=export_services,
)
