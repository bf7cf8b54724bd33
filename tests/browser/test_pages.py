"""The pages in a real browser."""

from playwright.sync_api import expect


def test_home_in_the_visitors_timezone(visitor):
    page = visitor(timezone_id="America/New_York")

    page.goto("/")

    expect(page.locator("main")).to_have_attribute("data-zone", "America/New_York")
