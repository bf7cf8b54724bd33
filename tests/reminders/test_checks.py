"""The start-up checks of the settings that say how to remind."""

import pytest

from reminders.checks import settings_make_sense


def test_usual_settings_make_sense():
    assert settings_make_sense() == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("REMINDER_OFFSETS", ["1 day", "soon"], "reminders.E001"),
        ("REMINDER_CHANNELS", ["email", "pigeon"], "reminders.E002"),
        ("REMINDER_CHANNELS", ["email", "webhook"], "reminders.E002"),
        ("SEND_LEASE_SECONDS", 29, "reminders.E003"),
    ],
)
def test_settings_that_make_none_stop_the_start(settings, name, value, code):
    setattr(settings, name, value)

    assert [error.id for error in settings_make_sense()] == [code]
