"""Helpers for journeys: an open calendar, received mails, and inspection of pages."""

import re
from datetime import datetime, timedelta

from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client as Browser
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Provider, User
from tests.factories import ALWAYS, open_provider
from tests.reminders.helpers import send

BERLIN = "Europe/Berlin"
"""The timezone of visitors, shown on pages once known."""


def open_calendar(*, horizon_days: int = 5, **policy) -> Provider:
    """Maya, whose calendar is open around the clock for the days ahead."""
    maya = {"provider__name": "Maya Lindqvist", "provider__slug": "maya"}
    return open_provider(hours=ALWAYS, now=timezone.now(), horizon_days=horizon_days, **maya, **policy)


def on_day(days: int, *, hour: int = 10) -> datetime:
    """A full hour some days ahead, in UTC."""
    return timezone.now().replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=days)


def arrive(page: Page, path: str = "/") -> None:
    """Open a page, and wait until times are shown in the visitor's timezone: the first page is reloaded for that."""
    page.goto(path)
    expect(page.locator("main")).to_have_attribute("data-zone", BERLIN)


def log_in(page: Page, base_url: str, user: User) -> None:
    """Log a user in by setting the cookie."""
    known = Browser()
    known.force_login(user)
    session = known.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": base_url}])


def mails_to(address: str) -> list[EmailMessage]:
    """Return all mails sent to an address so far."""
    send(timezone.now())
    return [message for message in mail.outbox if address in message.recipients()[0]]


def link_in(message: EmailMessage, under: str) -> str:
    """Return the one link of a mail to an address below `under`, such as `/r/`."""
    [link] = set(re.findall(rf"https?://[^/\s]+{re.escape(under)}[^\s<>\"]+", str(message.body)))
    return link


def focused(page: Page) -> dict:
    """Return the focused element: its tag, its text, and whether the focus is visible."""
    return page.evaluate(
        """() => {
            const it = document.activeElement, style = getComputedStyle(it);
            const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
            const box = it.getBoundingClientRect();
            return {tag: it.tagName, text: it.getAttribute("aria-label") ?? it.innerText, seen,
                    shown: box.bottom > 0 && box.top < innerHeight};
        }"""
    )
