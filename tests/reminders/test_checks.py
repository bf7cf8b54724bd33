"""The system checks of the reminder settings."""

import pytest

from reminders.checks import nothing_is_printed, settings_make_sense


def test_usual_settings_make_sense():
    assert settings_make_sense() == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("REMINDER_OFFSETS", ["1 day", "soon"], "reminders.E001"),
        ("REMINDER_CHANNELS", ["email", "pigeon"], "reminders.E002"),
        ("REMINDER_CHANNELS", ["email", "webhook"], "reminders.E002"),
        ("SEND_LIMITS", {"pigeon": {"site": (1, 2)}}, "reminders.E005"),
        ("SEND_LEASE_SECONDS", 29, "reminders.E003"),
    ],
)
def test_settings_that_make_none_stop_the_start(settings, name, value, code):
    setattr(settings, name, value)

    assert [error.id for error in settings_make_sense()] == [code]


def test_sms_for_everybody_without_a_gateway_stop_the_start(settings):
    settings.REMINDER_CHANNELS, settings.SMS_GATEWAY = ["email", "sms"], "none"
    assert [error.id for error in settings_make_sense()] == ["reminders.E004"]

    settings.SMS_GATEWAY = "file"
    assert settings_make_sense() == []


def test_no_mail_server_is_warned_of(settings):
    settings.EMAIL_BACKEND = "scheduler_project.common.mail.smtp.NoMailServer"

    assert [warning.id for warning in settings_make_sense()] == ["reminders.W001"]


def test_what_would_print_links_and_codes_is_warned_of_where_it_is_served(settings):
    settings.SMS_GATEWAY = "file"
    assert nothing_is_printed() == []

    settings.SMS_GATEWAY = "console"
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    assert [warning.id for warning in nothing_is_printed()] == ["reminders.W002"] * 2
