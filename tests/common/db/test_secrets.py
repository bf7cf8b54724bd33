"""Models name their columns with secrets."""

import re

import pytest
from django.apps import apps

from accounts.models import User
from booking.models import Appointment, CalendarFeed
from reminders.models import Message
from scheduler_project.common.db.secrets import leads_to_secret, secret_fields

OURS = [
    model for name in ("accounts", "booking", "reminders", "common") for model in apps.get_app_config(name).get_models()
]

SOUNDS_SECRET = re.compile("token|secret|key|hash|password")

NO_SECRETS = {
    "common.Change.key": "the row of an API key",
    "common.IdempotentRequest.key": "a caller's own name of their request",
    "common.Remembered.cache_key": "a name",
    "common.Tally.key": "what is counted; subjects are hashed",
    "common.Outage.key": "the name of a server",
    "reminders.Message.key": "the Message-ID, which every reader of the mail sees",
    "reminders.Reminder.key": "the same",
}
"""Columns that only sound like secrets, with the reason."""


def test_every_column_that_sounds_like_a_secret_is_one_or_has_a_reason():
    unsaid = {
        f"{model._meta.label}.{field.name}"
        for model in OURS
        for field in model._meta.concrete_fields
        if SOUNDS_SECRET.search(field.name) and field.name not in secret_fields(model)
    }

    assert unsaid == set(NO_SECRETS)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_secret_is_a_column(model):
    assert set(secret_fields(model)) <= {field.name for field in model._meta.concrete_fields}


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (User, "password"),
        (CalendarFeed, "token__startswith"),
        (Message, "mail__text__contains"),
        (Message, "reservation__client__user__password__startswith"),
        (Appointment, "reservation__provider__webhooks__secret"),
    ],
)
def test_lookup_leads_to_a_secret_along_any_path(model, lookup):
    assert leads_to_secret(model, lookup)


@pytest.mark.parametrize(
    "lookup", ["status__exact", "details__secret", "reservation__client__name", "nothing__at__all"]
)
def test_other_lookups_do_not(lookup):
    assert not leads_to_secret(Message, lookup)
