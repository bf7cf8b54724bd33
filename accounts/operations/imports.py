"""Clients taken over from files, and into them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import ClientExists
from accounts.models import Client, Provider, User, new_reference
from accounts.operations.people import IN_STEP, different
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.imports import Asked, Cells, Outcome, Result, Sheet, of_field, take_turns, zone
from scheduler_project.common.tables import Row, RowRefused
from scheduler_project.common.text import one_line

BATCH = 500
CHANGED_AT_ONCE = 100
"""Of a statement that says for each row what it becomes, PostgreSQL reads every line for every row."""

COLUMNS = ("reference", "owner", "name", "email", "phone", "timezone", "notes")
PERMISSIONS = ("accounts.add_client", "accounts.change_client")

WRITTEN = ("reference", "name", "email", "phone", "timezone", "notes")

unproven: list[Exists] = []
"""Conditions on a client of nobody's under which their email is only what they say; added in `AppConfig.ready`."""

Key = tuple[Any, ...]


def is_ours(reference: str) -> bool:
    """Whether a reference is one that a system like this gave by itself; another system's may take its place."""
    try:
        return str(UUID(reference)) == reference
    except ValueError:
        return False


def providers_named(rows: Iterable[Row], column: str, **more: Any) -> dict[str, Provider]:
    """The providers whose slugs stand in a column, by slug: one query."""
    slugs = {slug for row in rows for slug in row.cells.get(column, "").split()}
    return {provider.slug: provider for provider in Provider.objects.filter(slug__in=slugs).order_by()}


def named(providers: dict[str, Provider]) -> Any:
    """Reads one of these providers."""

    def read(slug: str) -> Provider:
        if slug not in providers:
            raise RowRefused("unknown_provider", _("There is no provider with this slug."))
        return providers[slug]

    return read


def repeated(row: Row, key: Key, seen: dict[Key, Row]) -> RowRefused | None:
    """Why a row is refused that says the same thing as one above."""
    first = seen.setdefault(key, row)
    if first is row:
        return None
    return RowRefused("repeated", _("Line %d of this file is about the same.") % first.number)


class Book:
    """The clients that rows may mean, looked up at once: by reference, by email, by name and phone.

    Whoever wrote themself down chose their name, email and phone, and is told what is booked for them: if they
    registered, they are known by an email they verified; if they booked as a visitor, by reference only. By name alone
    only those whom a provider keeps are known.
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
        """By what a client is known, the surest first."""
        keys: list[Key] = [(owner_id, "reference", reference)] if reference else []
        if email:
            keys.append((owner_id, "email", email))
        elif name:
            keys.append((owner_id, "name", name, phone))
        return keys

    def of(self, key: Key) -> list[Client]:
        return self.found.get(key, [])


def clients_like(drafts: Iterable[dict[str, Any]], owners: Iterable[int | None], **by_name: Any) -> QuerySet[Client]:
    """Those in these owners' books (None: nobody's) with a reference, an email or a name of `drafts`.

    `by_name` narrows those of that name.
    """
    drafts = list(drafts)
    known = Q(reference__in={draft["reference"] for draft in drafts if draft["reference"]})
    known |= Q(email__in={draft["email"] for draft in drafts if draft["email"]})
    known |= Q(**by_name, name__in={draft["name"] for draft in drafts if draft["name"] and not draft["email"]})
    kept = {owner for owner in owners if owner is not None}
    books = Q(owner__in=kept) | (Q(owner=None) if None in owners else Q())
    verified = EmailAddress.objects.filter(user=OuterRef("user"), email=OuterRef("email"), verified=True)
    proven = Q(owner__isnull=False) | Q(Q(user=None) | Exists(verified), *(~Q(said) for said in unproven))
    return Client.objects.filter(known, books).exclude(name="").order_by("pk").annotate(proven=proven)


# --- Import -----------------------------------------------------------------------------------------------------------

READ = {
    "name": of_field(Client, "name", one_line),
    "email": of_field(Client, "email"),
    "phone": of_field(Client, "phone"),
    "timezone": zone,
    "notes": of_field(Client, "notes"),
    "reference": of_field(Client, "reference", one_line),
}


def import_clients(rows: list[Row], asked: Asked) -> list[Result]:
    """Add the clients there are not, and change those there are, in a number of statements that rows do not change.

    A client is known by reference, else by email within an address book, else by name and phone. Columns that are not
    in the file stay as they are.
    """
    if not all(map(asked.actor.may, PERMISSIONS)):
        raise NotAllowed
    take_turns("clients")
    owners = providers_named(rows, "owner")
    drafts = [(Cells(row), *_read(row, owners)) for row in rows]
    ids = {owner.pk if owner else None for _cells, _refusals, _draft, owner in drafts}
    looked = clients_like((draft for *_rest, draft, _owner in drafts), ids, email="")
    book = Book(looked.select_for_update(of=("self",), no_key=True))
    seen: dict[Key, Row] = {}
    work = _Work(asked)
    results = []
    for cells, refusals, draft, owner in drafts:
        results.append(work.take(cells, refusals, draft, owner, book, seen))
    work.write()
    return results


def _read(row: Row, owners: dict[str, Provider]) -> tuple[list[Any], dict[str, Any], Provider | None]:
    cells = Cells(row)
    cells.need("name")
    draft = {name: cells.take(name, read, "") for name, read in READ.items()}
    draft["email"] = User.objects.normalize_email(draft["email"])
    draft["timezone"] = draft["timezone"] or "UTC"
    owner = cells.take("owner", named(owners), None)
    return cells.refusals, draft, owner


class _Work:
    """What is to be written, gathered to be written at once."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.new: list[Client] = []
        self.changed: list[Client] = []
        self.columns: set[str] = set()
        self.logins: list[User] = []

    def take(
        self,
        cells: Cells,
        refusals: list[Any],
        draft: dict[str, Any],
        owner: Provider | None,
        book: Book,
        seen: dict[Key, Row],
    ) -> Result:
        row = cells.row
        about = " · ".join(cells.text(column)[:60] for column in ("name", "email") if cells.text(column))
        owner_id = owner.pk if owner else None
        keys = Book.keys(owner_id, draft["reference"], draft["email"], draft["name"], str(draft["phone"]))
        if not refusals and keys:
            again = [repeated(row, keys[0], seen)]
            if owner_id and draft["email"]:
                again.append(repeated(row, (owner_id, "email", draft["email"]), seen))
            refusals = [refusal for refusal in again if refusal][:1]
        if refusals:
            return Result.refused(row, refusals, about)
        found = self._found(keys, draft, book)
        if isinstance(found, list):
            return Result.refused(row, found, about)
        if found is None:
            reference = draft["reference"] or new_reference()
            values = draft | {"reference": reference, "owner": owner, "created_at": self.asked.now}
            values["verified_phone"] = draft["phone"]
            self.new.append(Client(**values))
            return Result(row, Outcome.NEW, about)
        wanted = {name: draft[name] for name in WRITTEN if name in cells and (name != "reference" or draft[name])}
        wanted = different(found, wanted)
        if "email" in wanted and owner_id and wanted["email"]:
            others = book.of((owner_id, "email", wanted["email"]))
            if any(other.pk != found.pk for other in others):
                return Result.refused(row, [ClientExists(field="email")], about)
        return self._change(row, found, wanted, about)

    def _found(self, keys: list[Key], draft: dict[str, Any], book: Book) -> Client | list[Any] | None:
        """The one client a row means, None if there is none, or why it cannot be said."""
        for key in keys:
            candidates = book.of(key)
            if key[1] != "reference" and draft["reference"]:
                once = key[0] is not None and key[1] == "email"  # An address book has an email once.
                may = once or not is_ours(draft["reference"])
                replaceable = [client for client in candidates if may and is_ours(client.reference)]
                if once and candidates and not replaceable:
                    return [ClientExists(field="email")]
                candidates = replaceable
            if len(candidates) > 1:
                says = _("Several clients are known by this. Give their reference, as the export does.")
                return [RowRefused("ambiguous_client", says, key[1])]
            if candidates:
                return candidates[0]
        return None

    def _change(self, row: Row, client: Client, wanted: dict[str, Any], about: str) -> Result:
        if not wanted:
            return Result(row, Outcome.UNCHANGED, about)
        if wanted.get("phone"):
            wanted = {**wanted, "verified_phone": wanted["phone"]}
        for name, value in wanted.items():
            setattr(client, name, value)
        self.changed.append(client)
        self.columns |= wanted.keys()
        if client.user_id and client.owner_id is None and set(IN_STEP) & set(wanted):
            self.logins.append(User(pk=client.user_id, **{name: getattr(client, name) for name in IN_STEP}))
        return Result(row, Outcome.CHANGED, about, ", ".join(name for name in wanted if name in COLUMNS))

    def write(self) -> None:
        Client.objects.bulk_create(self.new, batch_size=BATCH)
        if self.changed:
            Client.objects.bulk_update(self.changed, sorted(self.columns), batch_size=CHANGED_AT_ONCE)
        if self.logins:
            User.objects.bulk_update(self.logins, IN_STEP, batch_size=CHANGED_AT_ONCE)


# --- Export -----------------------------------------------------------------------------------------------------------


def export_clients(clients: QuerySet[Client]) -> Iterator[Sequence[Any]]:
    """Rows as `import_clients` reads them; visitors who never said who they are left out."""
    named = clients.exclude(name="")
    columns = ("reference", "owner__slug", "name", "email", "phone", "timezone", "notes")
    for row in named.values_list(*columns).iterator(chunk_size=2000):
        yield [value if value is not None else "" for value in row]


CLIENTS = Sheet(
    name="clients",
    model=Client,
    title=gettext_lazy("clients"),
    columns=COLUMNS,
    required=frozenset({"name"}),
    permissions=PERMISSIONS,
    work=import_clients,
    export=export_clients,
)
