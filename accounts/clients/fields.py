"""The contact fields of a client, in one list.

Forms, pages, the API, the admin, imports, exports, search, archive and erasure take them from here. A new field is a
row of `CONTACT_FIELDS`, its column in `models.py`, and a migration.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import quote

from django import forms
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.users.models import NOT_IN_NUMBERS, UserManager
from scheduler_project.common.files.imports import zone
from scheduler_project.common.pages.forms import ZoneField
from scheduler_project.common.validators import no_link

DELETED = "Deleted"
"""The name shown for erased people."""


class Trace(Enum):
    """The form in which text left elsewhere (a file to import, a stored answer) names the client."""

    WORD = "as a whole word"
    ANYWHERE = "anywhere"


@dataclass(frozen=True)
class Guest:
    """The question to guests for a field."""

    is_required: bool = False
    help_text: str | Promise = ""
    widget: forms.Widget | None = None
    validators: tuple[Callable[[Any], None], ...] = ()


def is_contained(name: str, text: str) -> Q:
    return Q((f"{name}__icontains", text))


def has_digits(name: str, text: str) -> Q:
    """Return the condition for a number that contains these digits, in whatever format they are written."""
    digits = text.translate(NOT_IN_NUMBERS)
    return Q((f"{name}__contains", digits)) if digits.removeprefix("+").isdecimal() else Q()


def mail_link(email: str, about: str) -> str:
    return f"mailto:{quote(email, safe='@')}" + (f"?subject={quote(about)}" if about else "")


def same(value: Any) -> Any:
    return value


@dataclass(frozen=True, eq=False)
class ContactField:
    """A column of `Client` that says who a client is or how to reach them.

    Staff read and change every field, and so does the provider who keeps the client.
    """

    name: str
    label: str | Promise
    help_text: str | Promise = ""
    is_own: bool = True
    """Clients change it themselves."""
    is_private: bool = False
    """Clients never see it."""
    is_shared_with_login: bool = False
    """A login has the same column, and both change together."""
    is_required: bool = False
    is_title: bool = False
    """Clients are called by it."""
    in_summary: bool = False
    """It belongs to the short form of a client: in lists, in appointments, for webhooks."""
    empty: str = ""
    """The value if none is given."""
    guest: Guest | None = None
    """Guests, and whoever books for somebody new, are asked for it."""
    search: Callable[[str, str], Q] | None = None
    """The condition for a column and a text searched for."""
    verified_by: str = ""
    """The column with the value that is proved."""
    erased: str | None = ""
    """The value after erasure; None: it says nothing about a person, and stays."""
    trace: Trace | None = None
    traced: Callable[[Any], str] = str
    """The part of a value that is looked for in files."""
    normalized: Callable[[Any], Any] = same
    read: Callable[[str], Any] | None = None
    """The reader of a cell of an import, if not that of the column."""
    form_class: type[forms.Field] | None = None
    """The field of forms, if not that of the column."""
    attrs: dict[str, Any] = field(default_factory=dict)
    """Attributes of the box in forms."""
    href: Callable[[Any, str], str] | None = None
    """The link of a value, to a message about something."""
    shown: Callable[[Any], str] = str
    variable: str | Promise = ""
    """The description of the variable `client_<name>` in messages. Only the title is in messages to clients."""
    sample: str | Promise = ""

    @property
    def proof(self) -> str:
        """The name of the property of `Client` that says whether the value is proved."""
        return f"{self.name}_is_verified"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name, self.verified_by) if self.verified_by else (self.name,)


CONTACT_FIELDS = (
    ContactField(
        "name",
        _("Name"),
        is_shared_with_login=True,
        is_required=True,
        is_title=True,
        in_summary=True,
        guest=Guest(is_required=True, widget=forms.TextInput(attrs={"autocomplete": "name"}), validators=(no_link,)),
        search=is_contained,
        erased=DELETED,
        trace=Trace.WORD,
        variable=_("the client's name"),
        sample=_("Alex Sample"),
    ),
    ContactField(
        "email",
        _("Email"),
        is_own=False,
        in_summary=True,
        guest=Guest(
            is_required=True,
            help_text=_("The link to confirm goes there."),
            widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        ),
        search=is_contained,
        trace=Trace.ANYWHERE,
        normalized=UserManager.normalize_email,
        href=mail_link,
        variable=_("the client's email address, in messages to the provider"),
        sample="alex@example.org",
    ),
    ContactField(
        "phone",
        _("Phone"),
        help_text=_("With the country, such as +49 30 1234567."),
        in_summary=True,
        guest=Guest(
            widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "placeholder": "+49 30 1234567"})
        ),
        search=has_digits,
        verified_by="verified_phone",
        trace=Trace.ANYWHERE,
        traced=lambda phone: str(phone.national_number),  # written with or without its country
        href=lambda phone, _about: f"tel:{phone}",
        shown=lambda phone: str(phone.as_international),
        variable=_("the client's phone number, in messages to the provider"),
        sample="+44 20 7946 0123",
    ),
    ContactField(
        "timezone",
        _("Timezone"),
        help_text=_("In which they are told times."),
        is_shared_with_login=True,
        empty="UTC",
        erased=None,
        read=zone,
        form_class=ZoneField,
    ),
    ContactField(
        "notes",
        _("Private notes"),
        help_text=_("Never shown to the client."),
        is_own=False,
        is_private=True,
        attrs={"rows": 6},
    ),
)


VERIFIED = tuple(each for each in CONTACT_FIELDS if each.verified_by)


GUEST_FIELDS = tuple(each for each in CONTACT_FIELDS if each.guest)


def fields_with(**wanted: bool) -> list[ContactField]:
    """Return the fields with these properties (`is_private=False`), in their order."""
    return [each for each in CONTACT_FIELDS if all(getattr(each, name) == value for name, value in wanted.items())]


def field_names(**wanted: bool) -> list[str]:
    """Return the names of the fields with these properties."""
    return [each.name for each in fields_with(**wanted)]


def with_proofs(**wanted: bool) -> list[str]:
    """Return the names of these fields; one that can be proved is followed by the name of that yes or no."""
    return [
        name
        for each in fields_with(**wanted)
        for name in ((each.name, each.proof) if each.verified_by else (each.name,))
    ]


ON_ACCOUNT_PAGE = [each for each in fields_with(is_own=True, is_shared_with_login=False) if not each.verified_by]
"""Fields that clients change on the page of their account. One that is proved changes where it is proved."""


SHARED_WITH_LOGIN = field_names(is_shared_with_login=True)


def cleaned(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values in the form that is stored; others than contact fields stay as they are."""
    known = {each.name: each.normalized for each in CONTACT_FIELDS}
    return {name: known.get(name, same)(value) for name, value in values.items()}


def matching(text: str) -> Q:
    """Return the condition for clients with `text` in one of the fields that are searched."""
    found = Q()
    for each in CONTACT_FIELDS:
        if each.search:
            found |= each.search(each.name, text)
    return found


def summary_of(client: Any) -> dict[str, Any]:
    """Return the short form of a client, as appointments in the API and webhooks have it."""
    return {"id": client.pk} | {each.name: str(getattr(client, each.name)) for each in fields_with(in_summary=True)}


def archived(client: Any) -> dict[str, str]:
    """Return the values that a client's archive holds: all but what others wrote down privately."""
    columns = [column for each in fields_with(is_private=False) for column in each.columns]
    return {column: str(getattr(client, column)) for column in columns}


def erasure() -> dict[str, str]:
    """Return the columns that say something about a person, with their values after erasure."""
    return {
        column: each.erased if column == each.name else ""
        for each in CONTACT_FIELDS
        if each.erased is not None
        for column in each.columns
    }


def traces(client: Any, trace: Trace | None = None) -> set[str]:
    """Return the texts by which files are known to be about a client; without `trace`, those of stored answers."""
    known = {each: getattr(client, each.name) for each in CONTACT_FIELDS if each.trace}
    return {
        each.traced(value) if trace else str(value)
        for each, value in known.items()
        if value and value != each.erased and trace in (None, each.trace)
    }
