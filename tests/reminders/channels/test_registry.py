"""The registry of channels."""

import pytest
from django.conf import settings

from reminders.channels.registry import CHANNELS, channel_choices, personal, personal_channels, personal_choices
from scheduler_project.common.limits.sending import limits_of


def test_each_channel_has_one_object_under_its_name():
    assert list(CHANNELS) == ["email", "sms", "webhook"]
    assert all(channel.name == name for name, channel in CHANNELS.items())


def test_choices_are_the_channels_in_their_order_and_words():
    assert channel_choices() == [("email", "email"), ("sms", "SMS"), ("webhook", "webhook")]
    assert personal_choices() == [("email", "email"), ("sms", "SMS")]


def test_a_webhook_reaches_no_person():
    with pytest.raises(KeyError):
        personal("webhook")


@pytest.mark.parametrize(
    ("name", "written", "stored"),
    [("email", "Ada@Example.ORG", "ada@example.org"), ("sms", "+44 20 7946 0123", "+442079460123")],
)
def test_a_channel_spells_its_addresses(name, written, stored):
    assert personal(name).spelled(written) == stored
    assert personal(name).checked(written) == stored


def test_personal_channels_are_all_that_clients_choose_from():
    assert list(personal_channels()) == ["email", "sms"]


@pytest.mark.parametrize("name", CHANNELS)
def test_limits_are_documented_as_they_are(name):
    written = ",".join(f"{scope}={hour}/{day}" for scope, (hour, day) in CHANNELS[name].limits.items())

    assert f"# SEND_LIMITS_{name.upper()}={written}\n" in (settings.BASE_DIR / ".env.example").read_text()
    assert f"`{written}`" in (settings.BASE_DIR / "docs/reference/settings.md").read_text()


def test_a_setting_changes_one_limit_of_a_channel(settings):
    settings.SEND_LIMITS = {"sms": {"sender": (1, 2)}}

    assert limits_of("sms", "sender", trusted=True) == (1, 2)
    assert limits_of("sms", "site", trusted=True) == CHANNELS["sms"].limits["site"]
