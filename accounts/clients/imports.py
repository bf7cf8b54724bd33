"""Import and export of clients."""

from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clients.errors import ClientExists
from accounts.clients.fields import CONTACT_FIELDS, SHARED_WITH_LOGIN, VERIFIED, cleaned
from accounts.models import Client, Provider, User
from accounts.people import changed_values
from scheduler_project.common.db.references import is_ours, new_reference
from scheduler_project.common.files.cells import Cells, Column, of_field
from scheduler_project.common.files.csv_reader import Row, RowRefused
from scheduler_project.common.files.imports import (
    CHANGED_AT_ONCE,
    Changes,
    ImportOptions,
    Key,
    Result,
    RowOutcome,
    Sheet,
)

unproven: list[Exists] = []
"""Conditions under which the email of a client without an owner is unproven; added in `AppConfig.ready`."""


def providers_named(rows: Iterable[Row], column: str) -> dict[str, Provider]:
    """Return the providers whose slugs are in a column, by slug, with one query."""
    slugs = {slug for row in rows for slug in row.cells.get(column, "").split()}
    return {provider.slug: provider for provider in Provider.objects.filter(slug__in=slugs).order_by()}


def provider_with_slug(providers: dict[str, Provider]) -> Any:
    """Return a parser that accepts the slug of one of these providers."""

    def read(slug: str) -> Provider:
        if slug not in providers:
            raise RowRefused("unknown_provider", _("There is no provider with this slug."))
        return providers[slug]

    return read


class ClientIndex:
    """The existing clients that the rows may refer to, loaded at once: by reference, by email, by name and phone.

    Clients who entered their own name, email and phone are notified of bookings, so they must not be matched by these
    alone: registered clients match by their verified email, guests by reference only. Only clients kept by a provider
    match by name.
    """

    def __init__(self, clients: QuerySet[Client]) -> None:
        self.found: dict[Key, list[Client]] = {}
        for client in clients:
            self.add(client)

    def add(self, client: Client) -> None:
        for key in self.keys(client.owner_id, client.reference, client.email, client.name, str(client.phone)):
            if key[1] == "reference" or getattr(client, "proven", True):
                self.found.setdefault(key, []).append(client)
        if client.owner_id is not None:
            self.found.setdefault((client.owner_id, "name", client.name), []).append(client)

    @staticmethod
    def keys(owner_id: int | None, reference: str, email: str, name: str, phone: str) -> list[Key]:
        """Return the keys that identify a client, the most reliable first."""
        keys: list[Key] = [(owner_id, "reference", reference)] if reference else []
        if email:
            keys.append((owner_id, "email", email))
        elif name:
            keys.append((owner_id, "name", name, phone))
        return keys

    def of(self, key: Key) -> list[Client]:
        return self.found.get(key, [])


def clients_like(drafts: Iterable[dict[str, Any]], owners: Iterable[int | None], **by_name: Any) -> QuerySet[Client]:
    """Clients in these owners' books (None: without an owner) with a reference, an email or a name of `drafts`.

    `by_name` narrows the matches by name.
    """
    drafts = list(drafts)
    known = Q(reference__in={draft["reference"] for draft in drafts if draft["reference"]})
    known |= Q(email__in={draft["email"] for draft in drafts if draft["email"]})
    known |= Q(**by_name, name__in={draft["name"] for draft in drafts if draft["name"] and not draft["email"]})
    kept = {owner for owner in owners if owner is not None}
    books = Q(owner__in=kept) | (Q(owner=None) if None in owners else Q())
    verified = EmailAddress.objects.filter(user=OuterRef("user"), email=OuterRef("email"), verified=True)
    proven = Q(owner__isnull=False) | Q(
        Q(user=None) | Exists(verified), *(~Q(said) for said in unproven), is_unproved=False
    )
    return Client.objects.filter(known, books).exclude(name="").order_by("pk").annotate(proven=proven)


COLUMNS = (
    Column(
        "reference",
        "without it, recognised by `email` within one address book, or else by `name` and `phone`",
        read=of_field(Client, "reference"),
    ),
    Column("owner", "slug of the provider whose address book it is; empty: the business's", value="owner__slug"),
    *(
        Column(
            field.name,
            field.in_files,
            is_needed=field.is_required,
            read=field.read or of_field(Client, field.name),
            empty=field.empty,
        )
        for field in CONTACT_FIELDS
    ),
)


def import_clients(rows: list[Row], import_options: ImportOptions) -> list[Result]:
    """Add new clients and update existing ones, with a number of statements that does not depend on the number of rows.

    A client is matched by reference, else by email within an address book, else by name and phone. Columns missing from
    the file keep their values.
    """
    owners = providers_named(rows, "owner")
    drafts = [_read(row, owners) for row in rows]
    ids = {draft["owner"] and draft["owner"].pk for _cells, draft in drafts}
    known = clients_like((draft for _cells, draft in drafts), ids, email="")
    changes = ClientChanges(import_options, ClientIndex(known.select_for_update(of=("self",), no_key=True)))
    results = [changes.take(cells, draft, "name", "email") for cells, draft in drafts]
    changes.write()
    return results


def _read(row: Row, owners: dict[str, Provider]) -> tuple[Cells, dict[str, Any]]:
    cells = Cells(row)
    return cells, cleaned(cells.draft(COLUMNS)) | {"owner": cells.take("owner", provider_with_slug(owners), None)}


class ClientChanges(Changes[Client]):
    def __init__(self, import_options: ImportOptions, book: ClientIndex) -> None:
        super().__init__(Client)
        self.now, self.book = import_options.now, book
        self.logins: list[User] = []

    def apply(self, cells: Cells, draft: dict[str, Any]) -> tuple[RowOutcome, Iterable[str]]:
        owner_id = draft["owner"] and draft["owner"].pk
        keys = ClientIndex.keys(owner_id, draft["reference"], draft["email"], draft["name"], str(draft["phone"]))
        by_email = [(owner_id, "email", draft["email"])] if owner_id and draft["email"] else []
        self.check_first(cells.row, *keys[:1], *by_email)
        found = self._found(keys, draft)
        if found is None:
            draft["reference"] = draft["reference"] or new_reference()
            proved = {field.verified_by: draft[field.name] for field in VERIFIED}
            self.new.append(Client(**draft, **proved, created_at=self.now))
            return RowOutcome.NEW, ()
        wanted = {name: draft[name] for name in draft if name in cells and (name != "reference" or draft[name])}
        wanted = changed_values(found, wanted)
        if owner_id and wanted.get("email"):
            others = self.book.of((owner_id, "email", wanted["email"]))
            if any(other.pk != found.pk for other in others):
                raise ClientExists(field="email")
        return self._change(found, wanted)

    def _found(self, keys: list[Key], draft: dict[str, Any]) -> Client | None:
        """Return the one client a row refers to; None if there is none. Raises RowRefused and ClientExists."""
        for key in keys:
            candidates = self.book.of(key)
            if key[1] != "reference" and draft["reference"]:
                once = key[0] is not None and key[1] == "email"  # An address book has an email once.
                may = once or not is_ours(draft["reference"])
                replaceable = [client for client in candidates if may and is_ours(client.reference)]
                if once and candidates and not replaceable:
                    raise ClientExists(field="email")
                candidates = replaceable
            if len(candidates) > 1:
                says = _("Several clients match. Use the client's reference, as in the export.")
                raise RowRefused("ambiguous_client", says, key[1])
            if candidates:
                return candidates[0]
        return None

    def _change(self, client: Client, wanted: dict[str, Any]) -> tuple[RowOutcome, Iterable[str]]:
        proved = {field.verified_by: wanted[field.name] for field in VERIFIED if wanted.get(field.name)}
        self.change(client, wanted | proved)
        if client.user_id and client.owner_id is None and set(SHARED_WITH_LOGIN) & set(wanted):
            self.logins.append(User(pk=client.user_id, **{name: getattr(client, name) for name in SHARED_WITH_LOGIN}))
        return RowOutcome.CHANGED if wanted else RowOutcome.UNCHANGED, wanted

    def write(self) -> None:
        super().write()
        if self.logins:
            User.objects.bulk_update(self.logins, SHARED_WITH_LOGIN, batch_size=CHANGED_AT_ONCE)


CLIENTS = Sheet(
    name="clients",
    model=Client,
    title=gettext_lazy("clients"),
    columns=COLUMNS,
    takes_turns=True,
    permissions=("accounts.add_client", "accounts.change_client"),
    work=import_clients,
    exported=~Q(name=""),
)
