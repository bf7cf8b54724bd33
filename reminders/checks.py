"""System checks of the reminder settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ValidationError

from reminders.channels.registry import CHANNELS, personal_channels
from scheduler_project.common.time.offsets import canonical


@register(Tags.security, deploy=True)
def nothing_is_printed(**kwargs: Any) -> list[CheckMessage]:
    """Warn if messages are printed to a log: anybody who reads it can use their links and codes."""
    printed = [channel.prints() for channel in CHANNELS.values() if channel.prints()]
    return [Warning(f"{name} prints links and codes that act for people.", id="reminders.W002") for name in printed]


@register()
def settings_make_sense(**kwargs: Any) -> list[CheckMessage]:
    """Report unknown offsets and channels, the channels' own problems, and a lease shorter than sending may take."""
    found: list[CheckMessage] = []
    try:
        canonical(settings.REMINDER_OFFSETS)
    except ValidationError as error:
        found.append(Error(f"REMINDER_OFFSETS: {error.messages[0]}", id="reminders.E001"))
    if unknown := set(settings.REMINDER_CHANNELS) - set(personal_channels()):
        channels = ", ".join(personal_channels())
        found.append(
            Error(f"REMINDER_CHANNELS: {', '.join(sorted(unknown))}; there are {channels}.", id="reminders.E002")
        )
    if unknown := settings.SEND_LIMITS.keys() - CHANNELS.keys():
        names = ", ".join(sorted(f"SEND_LIMITS_{name.upper()}" for name in unknown))
        found.append(Error(f"{names}; there are {', '.join(CHANNELS)}.", id="reminders.E005"))
    for channel in CHANNELS.values():
        found += channel.checks()
    if settings.SEND_LEASE_SECONDS < 3 * settings.SEND_TIMEOUT_SECONDS:
        found.append(
            Error(
                "SEND_LEASE_SECONDS must be at least three times SEND_TIMEOUT_SECONDS.",
                hint="Otherwise somebody else sends what is still being sent.",
                id="reminders.E003",
            )
        )
    return found
