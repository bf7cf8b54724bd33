"""Services taken over from files, and into them."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clients.imports import provider_with_slug, providers_named
from accounts.models import Provider
from accounts.people import changed_values
from booking.models import Service
from booking.services.models import SETTINGS
from booking.signals import reminders_reset
from scheduler_project.common.db.references import is_ours, new_reference
from scheduler_project.common.files.cells import Cells, Column, of_field, yes_or_no
from scheduler_project.common.files.csv_reader import Row, RowRefused
from scheduler_project.common.files.imports import BATCH, Changes, ImportOptions, Key, Result, RowOutcome, Sheet
from scheduler_project.common.time.offsets import canonical


def offsets(text: str) -> list[str]:
    """Return reminder times from text: offsets separated by commas, or `none` for never."""
    return [] if text.lower() == "none" else canonical(text.split(","))


def offsets_text(value: Sequence[str] | None, _row: Any) -> str:
    return "" if value is None else ", ".join(value) or "none"


REMINDERS = Column(
    "reminders", read=offsets, empty=None, draft_as="reminder_offsets", value="reminder_offsets", write=offsets_text
)


PROVIDERS = ArraySubquery(Provider.objects.filter(services=OuterRef("pk")).order_by().values("slug"))
"""The slugs of those who offer a service."""


def setting(name: str) -> Column:
    """Return the column of one of the service's settings. An empty cell means the default."""
    field: Any = Service._meta.get_field(name)  # noqa: SLF001
    if isinstance(field, models.BooleanField):
        about = "yes or no; empty: yes" if field.default else "yes or no"
        return Column(name, about, read=yes_or_no, empty=field.default)
    is_needed = not field.blank and not field.has_default()
    return Column(name, is_needed=is_needed, read=of_field(Service, name), empty=field.get_default())


COLUMNS = (
    Column("reference", "without it, recognised by `name` among its owner's", read=of_field(Service, "reference")),
    Column("owner", "slug of the provider who owns it; empty: the business", value="owner__slug"),
    Column(
        "providers",
        "slugs of those who offer it, separated by spaces",
        value=PROVIDERS,
        write=lambda slugs, _row: " ".join(sorted(slugs)),
    ),
    *(REMINDERS if name == "reminder_offsets" else setting(name) for name in SETTINGS),
)


def import_services(rows: list[Row], import_options: ImportOptions) -> list[Result]:
    """Add the services there are not, and change those there are.

    A service is known by reference, else by its name among its owner's. Who offers it is what the file says, if it has
    that column; the service of one provider is offered by that provider alone.
    """
    providers = providers_named(rows, "owner") | providers_named(rows, "providers")
    drafts = [_read(row, providers) for row in rows]
    names = {draft["name"] for _cells, draft in drafts}
    references = {draft["reference"] for _cells, draft in drafts if draft["reference"]}
    found: dict[Key, list[Service]] = {}
    existing = Service.objects.filter(Q(name__in=names) | Q(reference__in=references)).order_by("pk")
    for service in existing.select_for_update(of=("self",), no_key=True):
        for key in ((service.owner_id, "reference", service.reference), (service.owner_id, "name", service.name)):
            found.setdefault(key, []).append(service)
    offered = _offered(service for services in found.values() for service in services)
    changes = ServiceChanges(import_options, found, offered)
    results = [changes.take(cells, draft, "name") for cells, draft in drafts]
    changes.write()
    return results


def _read(row: Row, providers: dict[str, Provider]) -> tuple[Cells, dict[str, Any]]:
    cells = Cells(row)
    draft = cells.draft(COLUMNS)
    draft["owner"] = owner = cells.take("owner", provider_with_slug(providers), None)
    one = provider_with_slug(providers)
    offering: list[Provider] = cells.take(
        "providers", lambda text: [one(slug) for slug in text.replace(",", " ").split()], []
    )
    draft["providers"] = {provider.pk for provider in offering} if "providers" in cells or not owner else {owner.pk}
    if owner and draft["providers"] - {owner.pk}:
        cells.refuse("not_allowed", _("Only the provider who owns a service can offer it."), "providers")
    return cells, draft


def _offered(services: Iterable[Service]) -> dict[int, set[int]]:
    """Return the ids of the providers who offer these services, by service."""
    offered: dict[int, set[int]] = {}
    through = Service.providers.through.objects.filter(service__in={service.pk for service in services})
    for service_id, provider_id in through.values_list("service", "provider"):
        offered.setdefault(service_id, set()).add(provider_id)
    return offered


class ServiceChanges(Changes[Service]):
    def __init__(
        self, import_options: ImportOptions, found: dict[Key, list[Service]], offered: dict[int, set[int]]
    ) -> None:
        super().__init__(Service)
        self.now, self.found, self.offered = import_options.now, found, offered
        self.reset: list[Service] = []
        self.offering: list[tuple[Service, set[int]]] = []
        self.again: list[Service] = []

    def apply(self, cells: Cells, draft: dict[str, Any]) -> tuple[RowOutcome, Iterable[str]]:
        owner_id = draft["owner"] and draft["owner"].pk
        by_name = (owner_id, "name", draft["name"])
        key = (owner_id, "reference", draft["reference"]) if draft["reference"] else by_name
        self.check_first(cells.row, key)
        candidates = self.found.get(key, [])
        if not candidates and draft["reference"] and not is_ours(draft["reference"]):
            candidates = [service for service in self.found.get(by_name, []) if is_ours(service.reference)]
        if len(candidates) > 1:
            says = _("Several services have this name. Use the service's reference, as in the export.")
            raise RowRefused("ambiguous_service", says, "name")
        providers = draft.pop("providers")
        if candidates:
            return self._change(cells, candidates[0], draft, providers)
        draft["reference"] = draft["reference"] or new_reference()
        self.new.append(Service(**draft))
        self.offering.append((self.new[-1], providers))
        return RowOutcome.NEW, ()

    def _change(
        self, cells: Cells, service: Service, draft: dict[str, Any], providers: set[int]
    ) -> tuple[RowOutcome, Iterable[str]]:
        given = {column.draft_as or column.name for column in COLUMNS if column.name in cells}
        wanted = {name: draft[name] for name in draft if name in given and (name != "reference" or draft[name])}
        wanted = changed_values(service, wanted)
        self.change(service, wanted)
        if "reminder_offsets" in wanted:
            self.reset.append(service)
        changed = list(wanted)
        if "providers" in cells and providers != self.offered.get(service.pk, set()):
            self.again.append(service)
            self.offering.append((service, providers))
            changed.append("providers")
        return RowOutcome.CHANGED if changed else RowOutcome.UNCHANGED, changed

    def write(self) -> None:
        super().write()
        through = Service.providers.through
        if self.again:
            through.objects.filter(service__in=self.again).delete()
        through.objects.bulk_create(
            [
                through(service_id=service.pk, provider_id=provider_id)
                for service, providers in self.offering
                for provider_id in sorted(providers)
            ],
            batch_size=BATCH,
        )
        for service in self.reset:
            reminders_reset.send(Service, schedule=None, service=service, now=self.now)


SERVICES = Sheet(
    name="services",
    model=Service,
    title=gettext_lazy("services"),
    columns=COLUMNS,
    takes_turns=True,
    permissions=("booking.add_service", "booking.change_service"),
    work=import_services,
)
