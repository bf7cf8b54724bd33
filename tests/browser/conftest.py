"""Fixtures for tests in a real browser: a live site, and pages that fail the test on an error."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from accounts.models import Provider
from tests.browser.chromium import CHROMIUM, DESKTOP, LAUNCH, PHONE
from tests.browser.helpers import open_calendar
from tests.conftest import provider_fields

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs a loop in the thread of the tests.


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="there is no Chromium on this machine"))


@pytest.fixture(scope="session")
def playwright(django_db_setup) -> Iterator[Playwright]:
    """Playwright. Its loop gives this thread another database connection, so the previous one is closed."""
    connection.close()
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict:
    return LAUNCH


@pytest.fixture(scope="session")
def base_url(live_server) -> str:
    return live_server.url


@pytest.fixture(autouse=True)
def _site(live_server, settings, transactional_db):
    """Links in mails lead to the site under test."""
    settings.SITE_URL = live_server.url


@pytest.fixture
def provider(request, transactional_db) -> Provider:
    """The provider of a website, with an open calendar from now on; `pytest.mark.provider` says what is otherwise."""
    return open_calendar(**provider_fields(request))


@pytest.fixture
def visitor(browser: Browser, base_url: str) -> Iterator:
    """Return `visitor()`, which opens a new page: a desktop in Berlin by default (`phone=True`, or Playwright's
    options of a context). At the end of the test the pages must have reported no error and no violation of the
    policy."""
    complaints: list[str] = []
    contexts = []

    def open_page(*, phone: bool = False, **context) -> Page:
        options = {"viewport": PHONE if phone else DESKTOP, "timezone_id": "Europe/Berlin", "locale": "en-GB"}
        contexts.append(browser.new_context(base_url=base_url, **options | context))
        contexts[-1].set_default_timeout(10_000)
        page = contexts[-1].new_page()
        page.on("console", lambda message: message.type == "error" and heard(message.text, message.location))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    def heard(text: str, location: dict) -> None:
        if "Failed to load resource" not in text:  # A refusal is a 4xx, which Chromium reports by itself.
            complaints.append(f"{text} ({location.get('url')})")

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
