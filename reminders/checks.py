"""Start-up checks of the settings that say how to remind."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError

from reminders.enums import OF_PEOPLE
from scheduler_project.common.offsets import canonical


@register()
def settings_make_sense(**kwargs: Any) -> list[CheckMessage]:
    """Refuse offsets and channels there are not, and a lease that would end while a message is still going out."""
    found: list[CheckMessage] = []
    try:
        canonical(settings.REMINDER_OFFSETS)
    except ValidationError as error:
        found.append(Error(f"REMINDER_OFFSETS: {error.messages[0]}", id="reminders.E001"))
    if unknown := set(settings.REMINDER_CHANNELS) - set(dict(OF_PEOPLE)):
        channels = ", ".join(dict(OF_PEOPLE))
        found.append(
            Error(f"REMINDER_CHANNELS: {', '.join(sorted(unknown))}; there are {channels}.", id="reminders.E002")
        )
    if settings.SEND_LEASE_SECONDS < 3 * settings.SEND_TIMEOUT_SECONDS:
        found.append(
            Error(
                "SEND_LEASE_SECONDS must be at least three times SEND_TIMEOUT_SECONDS.",
                hint="Otherwise somebody else sends what is still being sent.",
                id="reminders.E003",
            )
        )
    return found
