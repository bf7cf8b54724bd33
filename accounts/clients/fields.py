"""The contact fields of a client, in one list.

Forms, pages, the API, the admin, imports, exports, search, archive and erasure read it. To add a field, add a row to
`CONTACT_FIELDS`, its column in `models.py`, and a migration.
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
from scheduler_project.common.files.cells import zone
from scheduler_project.common.pages.forms import ZoneField
from scheduler_project.common.validators import no_link

DELETED = "Deleted"
"""The name shown for erased people."""


class Trace(Enum):
    """The way in which a value is found in texts about the client elsewhere: in files to import, in stored answers."""

    WORD = "as a whole word"
    ANYWHERE = "anywhere"


@dataclass(frozen=True)
class GuestQuestion:
    """The form field of a contact field for guests."""

    is_required: bool = False
    help_text: str | Promise = ""
    widget: forms.Widget | None = None
    validators: tuple[Callable[[Any], None], ...] = ()


def is_contained(name: str, text: str) -> Q:
    return Q((f"{name}__icontains", text))


def has_digits(name: str, text: str) -> Q:
    """Return the condition for a number that contains these digits, in any format."""
    digits = text.translate(NOT_IN_NUMBERS)
    return Q((f"{name}__contains", digits)) if digits.removeprefix("+").isdecimal() else Q()


def mail_link(email: str, about: str) -> str:
    return f"mailto:{quote(email, safe='@')}" + (f"?subject={quote(about)}" if about else "")


def same(value: Any) -> Any:
    return value


@dataclass(frozen=True, eq=False)
class ContactField:
    """A column of `Client` with a contact detail or a fact about the person.

    Staff read and change every field, and so does the provider who keeps the client.
    """

    name: str
    label: str | Promise
    help_text: str | Promise = ""
    is_own: bool = True
    """True if clients change it themselves."""
    is_private: bool = False
    """True if clients never see it."""
    is_shared_with_login: bool = False
    """True if a login has the same column; both change together."""
    is_required: bool = False
    is_title: bool = False
    """True for the name that clients are called by."""
    in_summary: bool = False
    """True if the short form of a client has it: in lists, in appointments, in webhooks."""
    empty: str = ""
    """The default value."""
    guest: GuestQuestion | None = None
    """The question to guests, and to those who book for a new client; None if they are not asked."""
    search: Callable[[str, str], Q] | None = None
    """The search condition, by the column and the search text."""
    verified_by: str = ""
    """The column with the verified value."""
    erased: str | None = ""
    """The value after erasure; None for a field that is no personal data and stays."""
    trace: Trace | None = None
    traced: Callable[[Any], str] = str
    """The part of a value that is searched in files."""
    normalized: Callable[[Any], Any] = same
    read: Callable[[str], Any] | None = None
    """The parser of an import's cell, if it differs from the column's."""
    in_files: str = ""
    """The line about it in the reference of imports."""
    form_class: type[forms.Field] | None = None
    """The form field, if it differs from the column's."""
    attrs: dict[str, Any] = field(default_factory=dict)
    """The HTML attributes of the form field."""
    href: Callable[[Any, str], str] | None = None
    """The link of a value, for a message about a subject."""
    shown: Callable[[Any], str] = str
    variable: str | Promise = ""
    """The description of the variable `client_<name>` in messages. Messages to clients have only the title."""
    sample: str | Promise = ""

    @property
    def proof(self) -> str:
        """The name of the property of `Client` that says whether the value is verified."""
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
        guest=GuestQuestion(
            is_required=True, widget=forms.TextInput(attrs={"autocomplete": "name"}), validators=(no_link,)
        ),
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
        guest=GuestQuestion(
            is_required=True,
            help_text=_("We'll email you a confirmation link."),
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
        help_text=_("Include the country code, such as +49 30 1234567."),
        in_summary=True,
        guest=GuestQuestion(
            widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "placeholder": "+49 30 1234567"})
        ),
        search=has_digits,
        verified_by="verified_phone",
        trace=Trace.ANYWHERE,
        traced=lambda phone: str(phone.national_number),  # written with or without its country
        in_files="with its country: `+49 30 901820`",
        href=lambda phone, _about: f"tel:{phone}",
        shown=lambda phone: str(phone.as_international),
        variable=_("the client's phone number, in messages to the provider"),
        sample="+44 20 7946 0123",
    ),
    ContactField(
        "timezone",
        _("Time zone"),
        help_text=_("Times in their messages use this time zone."),
        is_shared_with_login=True,
        empty="UTC",
        erased=None,
        read=zone,
        in_files="IANA; empty: UTC",
        form_class=ZoneField,
    ),
    ContactField(
        "notes",
        _("Private notes"),
        help_text=_("Never shown to the client."),
        is_own=False,
        is_private=True,
        in_files="never shown to the client",
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
    """Return the names of these fields. One that can be verified is followed by the name of that property."""
    return [
        name
        for each in fields_with(**wanted)
        for name in ((each.name, each.proof) if each.verified_by else (each.name,))
    ]


ON_ACCOUNT_PAGE = [each for each in fields_with(is_own=True, is_shared_with_login=False) if not each.verified_by]
"""Fields that clients change on their account page. A field that must be verified changes on its own page."""


SHARED_WITH_LOGIN = field_names(is_shared_with_login=True)


def cleaned(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values in the form in which they are stored. Values of other fields stay as they are."""
    known = {each.name: each.normalized for each in CONTACT_FIELDS}
    return {name: known.get(name, same)(value) for name, value in values.items()}


def matching(text: str, path: str = "") -> Q:
    """Return the condition for rows whose client has `text` in one of the searched fields.

    `path` leads from the row to the client, such as `reservation__client__`.
    """
    found = Q()
    for each in CONTACT_FIELDS:
        if each.search:
            found |= each.search(f"{path}{each.name}", text)
    return found


def contact_search(path: str = "") -> tuple[str, ...]:
    """Return the columns in which an admin's list searches for clients, with the `path` to them."""
    return tuple(f"{path}{each.name}" for each in CONTACT_FIELDS if each.search)


def summary_of(client: Any) -> dict[str, Any]:
    """Return the short form of a client, for appointments in the API and in webhooks."""
    return {"id": client.pk} | {each.name: str(getattr(client, each.name)) for each in fields_with(in_summary=True)}


def archived(client: Any) -> dict[str, str]:
    """Return the values for a client's archive: all but those that are private to the provider and staff."""
    columns = [column for each in fields_with(is_private=False) for column in each.columns]
    return {column: str(getattr(client, column)) for column in columns}


def erasure() -> dict[str, str]:
    """Return the columns with personal data, with their values after erasure."""
    return {
        column: each.erased if column == each.name else ""
        for each in CONTACT_FIELDS
        if each.erased is not None
        for column in each.columns
    }


def traces(client: Any, trace: Trace | None = None) -> set[str]:
    """Return the texts by which files are found to concern a client; without `trace`, those for stored answers."""
    known = {each: getattr(client, each.name) for each in CONTACT_FIELDS if each.trace}
    return {
        each.traced(value) if trace else str(value)
        for each, value in known.items()
        if value and value != each.erased and trace in (None, each.trace)
    }
