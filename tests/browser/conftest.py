"""What tests in a real browser have: the site served for real, and a page that fails the test when it complains."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.browser.chromium import CHROMIUM, DESKTOP, LAUNCH, PHONE

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs a loop in the thread of the tests.


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="there is no Chromium on this machine"))


@pytest.fixture(scope="session")
def playwright(django_db_setup) -> Iterator[Playwright]:
    """Playwright; beside its loop Django gives this thread another connection, and would leave the one before open."""
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
def visitor(browser: Browser, base_url: str) -> Iterator:
    """`visitor()` opens a page of its own: a desktop in Berlin, unless told otherwise (`phone=True`, Playwright's own
    words for a context). At the end of the test no page may have complained: no error, no violation of the policy.
    """
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
