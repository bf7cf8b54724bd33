"""Every page in a real browser: axe's findings on a phone in light and a desktop in dark, and overflow."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import TransactionTestCase
from playwright.sync_api import Page as Tab

from tests.browser.accessibility import violations
from tests.browser.chromium import DESKTOP, PHONE
from tests.pages import PAGES, World

NARROW = {"width": 320, "height": 640}
ZOOMED = {"width": 640, "height": 450}
"""A desktop of 1280 pixels at 200 %."""

MOVING = """() => [...document.querySelectorAll('*')].filter(element => {
    const style = getComputedStyle(element);
    const lasts = durations => durations.split(',').some(duration => parseFloat(duration) > 0.01);
    return lasts(style.transitionDuration) || (style.animationName !== 'none' && lasts(style.animationDuration));
}).map(element => element.tagName + '.' + element.className)"""

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    """The practice, made once, for whoever looks changes nothing. Tables are emptied after the last role."""
    empty = TransactionTestCase._fixture_teardown
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: None)
        yield World()
        empty(None)


@pytest.mark.slow
@pytest.mark.parametrize("role", PAGES)
def test_pages_are_accessible_and_fit(visitor, world, role):
    tab = visitor(reduced_motion="reduce")
    if session := world.browser(role).cookies.get(settings.SESSION_COOKIE_NAME):
        tab.context.add_cookies([{"name": session.key, "value": session.value, "url": settings.SITE_URL}])

    complaints = []
    for page in PAGES[role]:
        answer = tab.goto(page.path(world))
        assert answer
        assert answer.status == page.status
        complaints += [f"{page}: {complaint}" for complaint in faults(tab)]

    assert complaints == []


def faults(tab: Tab) -> list[str]:
    """Return the faults of a page."""
    found = []
    for theme, viewport in (("light", PHONE), ("dark", DESKTOP)):
        tab.emulate_media(color_scheme=theme)
        tab.set_viewport_size(viewport)
        found += [f"{theme}, {viewport['width']} px: {violation}" for violation in violations(tab)]
    for viewport in (NARROW, ZOOMED):
        tab.set_viewport_size(viewport)
        if over := tab.evaluate(SIDEWAYS):
            found.append(f"{viewport['width']} px: {over} px too wide")
    found += [f"moves: {element}" for element in tab.evaluate(MOVING)]
    return found
