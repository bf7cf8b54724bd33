"""The registry of channels."""

import pytest

from reminders.channels.registry import CHANNELS, personal, personal_channels
from reminders.enums import OF_PEOPLE, Channel


def test_each_channel_has_one_object_under_its_name():
    assert list(CHANNELS) == Channel.values
    assert all(channel.name == name for name, channel in CHANNELS.items())


def test_the_channels_of_people_are_those_that_clients_may_choose_in_the_same_order_and_words():
    assert [(name, channel.label) for name, channel in personal_channels().items()] == OF_PEOPLE


def test_a_webhook_reaches_no_person():
    with pytest.raises(KeyError):
        personal("webhook")


@pytest.mark.parametrize(
    ("name", "written", "stored"),
    [("email", "Ada@Example.ORG", "ada@example.org"), ("sms", "+44 20 7946 0123", "+442079460123")],
)
def test_a_channel_spells_its_addresses(name, written, stored):
    assert personal(name).spelled(written) == stored
