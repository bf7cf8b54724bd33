"""`/mail/`: the mails stored instead of sent, for people who try the site on their own machine."""

import email
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scheduler_project.common.pages.base import secret_page

MOST_MAILS = 50
BETWEEN_MAILS = b"-" * 79 + b"\n"
"""Separator that Django writes after each mail of a file."""


@secret_page
def mailbox(request: HttpRequest) -> HttpResponse:
    """Show the latest mails, newest first, with clickable links.

    The settings enable it only if no other machine has access.
    """
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if not settings.MAILBOX or not folder:
        raise Http404
    return render(request, "mailbox.html", {"mails": list(mails(Path(folder)))})


def mails(folder: Path) -> Iterator[dict[str, Any]]:
    found: list[EmailMessage] = []
    for file in sorted(folder.glob("*.log"), reverse=True)[:MOST_MAILS]:
        kept = [part for part in file.read_bytes().split(BETWEEN_MAILS) if part.strip()]
        found += [email.message_from_bytes(part, policy=default) for part in kept]
    found.sort(key=sent_at, reverse=True)
    for mail in found[:MOST_MAILS]:
        text = mail.get_body(("plain",))
        yield {
            "subject": str(mail["Subject"]),
            "to": str(mail["To"]),
            "at": sent_at(mail),
            "text": text.get_content() if text else "",
        }


def sent_at(mail: EmailMessage) -> datetime:
    """Return the date of a mail. Mails give UTC as `-0000`, which Python reads as no timezone."""
    date: datetime = mail["Date"].datetime
    return date if date.tzinfo else date.replace(tzinfo=UTC)
