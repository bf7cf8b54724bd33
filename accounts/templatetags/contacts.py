"""Filters that show the contact fields of a client."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django import template

from accounts.clients.fields import ContactField, fields_with
from accounts.models import Client

register = template.Library()


class Contact(NamedTuple):
    field: ContactField
    value: Any
    text: str
    href: str


@register.filter
def contacts(client: Client, about: str = "") -> list[Contact]:
    """Return the contact details of a client; mails to them have the subject `about`."""
    return [contact for contact in _shown(client, fields_with(in_summary=True, is_title=False), about) if contact.value]


@register.filter
def details(client: Client) -> list[Contact]:
    """Return all fields that the client may see, except their name."""
    return _shown(client, fields_with(is_private=False, is_title=False))


@register.filter
def private_details(client: Client) -> list[Contact]:
    """Return the fields that only staff and the provider who keeps the client may see."""
    return _shown(client, fields_with(is_private=True))


def _shown(client: Client, fields: Iterable[ContactField], about: str = "") -> list[Contact]:
    return [_contact(field, getattr(client, field.name), about) for field in fields]


def _contact(field: ContactField, value: Any, about: str) -> Contact:
    href = field.href(value, about) if value and field.href else ""
    return Contact(field, value, field.shown(value) if value else "", href)
