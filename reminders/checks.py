"""System checks of the reminder settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ValidationError

from reminders.enums import OF_PEOPLE
from scheduler_project.common.time.offsets import canonical

NO_MAIL_SERVER = "scheduler_project.common.mail.smtp.NoMailServer"
PRINTING = "django.core.mail.backends.console.EmailBackend"


@register(Tags.security, deploy=True)
def nothing_is_printed(**kwargs: Any) -> list[CheckMessage]:
    """Warn if mails and SMS are printed to a log: their links and codes work for any reader."""
    printed = [
        name
        for name, is_printed in (
            ("EMAIL_URL=consolemail://", settings.EMAIL_BACKEND == PRINTING),
            ("SMS_GATEWAY=console", settings.SMS_GATEWAY == "console"),
        )
        if is_printed
    ]
    return [Warning(f"{name} prints links and codes that act for people.", id="reminders.W002") for name in printed]


@register()
def settings_make_sense(**kwargs: Any) -> list[CheckMessage]:
    """Reject unknown offsets and channels, and a lease that would end while a message is still being sent."""
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
    if "sms" in settings.REMINDER_CHANNELS and settings.SMS_GATEWAY == "none":
        found.append(
            Error("REMINDER_CHANNELS has sms, but SMS_GATEWAY names nothing that sends them.", id="reminders.E004")
        )
    if settings.EMAIL_BACKEND == NO_MAIL_SERVER:
        found.append(
            Warning(
                "No mail server is set up: mails wait, and nobody is reminded or can confirm a time.",
                hint="EMAIL_URL=smtp+tls://user:password@host:587; consolemail:// prints mails on the own machine.",
                id="reminders.W001",
            )
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
