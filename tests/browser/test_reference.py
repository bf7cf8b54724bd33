"""The documentation of the API in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import PHONE

pytestmark = pytest.mark.slow
PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(29, 35, 36)"}
FROM_REDOC = "https://cdn.redoc.ly/"
"""A small logo that Redoc asks for. The policy refuses it, and Redoc leaves it out."""


@pytest.fixture
def reader(browser, base_url):
    """Return a function that opens the documentation. The page must report no error but the logo it may not load."""
    complaints, contexts = [], []

    def open_page(path: str = "/api/v1/docs", **context) -> Page:
        contexts.append(
            browser.new_context(base_url=base_url, **{"viewport": {"width": 1280, "height": 900}, **context})
        )
        page = contexts[-1].new_page()
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        expect(page.locator("h1", has_text="Scheduler API")).to_be_visible(timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in complaints if FROM_REDOC not in text] == []


@pytest.mark.parametrize("theme", PAPER)
def test_reference_shows_guides_and_operations_in_the_colours_of_the_system(reader, theme):
    page = reader(color_scheme=theme)

    expect(page.locator("body")).to_have_css("background-color", PAPER[theme])
    expect(page.get_by_role("menuitem").first).to_be_visible()
    expect(page.locator("h2", has_text="Hold a time").first).to_be_attached()


def test_reference_fits_a_phone(reader):
    page = reader(viewport=PHONE)

    assert page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_reference_is_read_by_keyboard(reader):
    page = reader()

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "content"

    page.get_by_role("menuitem", name="Availability", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"#tag/Availability$"))


def test_reference_is_searched(reader):
    page = reader()

    page.get_by_label("Search").fill("reschedule")

    expect(page.get_by_role("menuitem").filter(has_text="Reschedule").first).to_be_visible()
