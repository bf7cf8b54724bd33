"""The list of contact fields is the only place to add one."""

import pytest
from django.contrib import admin

from accounts.clients.fields import CONTACT_FIELDS, contact_search
from accounts.models import Client
from tests.changed import run_cases

OTHERS = {"id", "user", "owner", "reference", "created_at", "is_unproved", "revision"}
"""Columns of a client that say nothing about them: keys, whose they are, how they were added, the latest change."""


def test_a_field_is_added_in_the_list_and_the_model_alone():
    run_cases("tests.accounts.clients.pronouns")


def test_every_column_of_a_client_is_a_contact_field_or_says_nothing_about_them():
    listed = {column for field in CONTACT_FIELDS for column in field.columns}

    assert {column.name for column in Client._meta.concrete_fields} == listed | OTHERS


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_every_list_of_the_admin_that_searches_for_clients_does_so_by_all_contacts(model):
    searched = admin.site._registry[model].search_fields
    paths = {name[: name.index("client__") + len("client__")] for name in searched if "client__" in name}

    assert all(set(contact_search(path)) <= set(searched) for path in paths)


def test_clients_are_found_by_name_email_and_phone():
    assert contact_search() == ("name", "email", "phone")
