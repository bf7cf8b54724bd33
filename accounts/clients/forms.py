"""Form fields for the contact fields of a client."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django import forms

from accounts.clients.fields import CONTACT_FIELDS, GUEST_FIELDS, ContactField
from accounts.models import Client
from scheduler_project.common.pages.forms import field_of

F = TypeVar("F", bound=type[forms.BaseForm])


def with_contacts(fields: Iterable[ContactField], make: Callable[[ContactField], forms.Field]) -> Callable[[F], F]:
    """Return a class decorator that adds these fields before a form's own."""

    def put(form: F) -> F:
        collected: Any = form
        collected.base_fields = {field.name: make(field) for field in fields} | collected.base_fields
        collected.declared_fields = collected.base_fields
        return form

    return put


def form_field(field: ContactField, **more: Any) -> forms.Field:
    """Return the form field of a contact field."""
    column: Any = Client._meta.get_field(field.name)  # noqa: SLF001
    known: dict[str, Any] = {"label": field.label, "help_text": field.help_text, "required": not column.blank} | more
    found = field.form_class(**known) if field.form_class else field_of(column, **known)
    assert found
    found.widget.attrs |= field.attrs
    return found


def for_newcomer(field: ContactField) -> forms.Field:
    """Return the form field for a client who may be new. It is optional, since a known client needs none."""
    return form_field(field, required=False)


def for_guest(field: ContactField) -> forms.Field:
    """Return the form field of a contact field for a guest."""
    assert field.guest
    question = field.guest
    more: dict[str, Any] = {"widget": question.widget} if question.widget else {}
    if question.help_text:
        more["help_text"] = question.help_text
    return form_field(field, required=question.is_required, validators=question.validators, **more)


contacts = with_contacts(CONTACT_FIELDS, form_field)


newcomers_contacts = with_contacts(GUEST_FIELDS, for_newcomer)


guests_contacts = with_contacts(GUEST_FIELDS, for_guest)
