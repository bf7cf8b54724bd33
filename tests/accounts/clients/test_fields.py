"""The list of contact fields is the only place to add one."""

from accounts.clients.fields import CONTACT_FIELDS
from accounts.models import Client
from tests.changed import run_cases

OTHERS = {"id", "user", "owner", "reference", "created_at"}
"""Columns of a client that say nothing about them: keys, whose they are, and when they were added."""


def test_a_field_is_added_in_the_list_and_the_model_alone():
    run_cases("tests.accounts.clients.pronouns")


def test_every_column_of_a_client_is_a_contact_field_or_says_nothing_about_them():
    listed = {column for field in CONTACT_FIELDS for column in field.columns}

    assert {column.name for column in Client._meta.concrete_fields} == listed | OTHERS
