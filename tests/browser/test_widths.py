"""Pages on narrow screens: nothing is ever scrolled sideways."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from booking.links import appointment_token
from booking.models import Appointment
from tests.browser.helpers import log_in, on_day, open_calendar
from tests.factories import ClientFactory, ServiceFactory, UserFactory, appoint

WIDTHS = (320, 390)

A4 = 718
"""The width of an A4 sheet between its margins, in pixels."""

LONG = "Donaudampfschifffahrtsgesellschaftskapitän"


@pytest.fixture
def appointment(transactional_db) -> Appointment:
    provider = open_calendar(provider__specialization=f"{LONG}: physiotherapy")
    ServiceFactory(name=f"{LONG} – first visit", providers=[provider])
    client = ClientFactory(name=f"Maximiliane {LONG}")
    return appoint(provider, on_day(3), client=client, now=timezone.now(), title=LONG)


def too_wide(page: Page, *paths: str) -> list[tuple[str, int]]:
    """Return the pages wider than the screen, with their widths."""
    found = []
    for path in paths:
        page.goto(path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 640})
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append((path, width))
    return found


def test_pages_of_visitors_fit(visitor, appointment):
    [service] = appointment.provider.services.all()
    page = visitor(timezone_id="UTC")

    assert (
        too_wide(
            page,
            "/",
            "/p/maya/",
            f"/p/maya/book/{service.pk}/",
            f"/s/{service.pk}/",
            f"/a/{appointment_token(appointment)}/",
            f"/a/{appointment_token(appointment)}/move/",
            "/account/login/",
            "/account/signup/",
            "/timezone/",
        )
        == []
    )
    page.goto(f"/p/maya/book/{service.pk}/")
    page.locator("#slots button.slot").first.click()
    page.wait_for_url("**/h/**")
    assert too_wide(page, page.url) == []


def test_pages_of_clients_fit(visitor, appointment, base_url):
    page = visitor(timezone_id="UTC")
    log_in(page, base_url, appointment.client.user)

    assert (
        too_wide(
            page,
            "/me/",
            "/me/past/",
            f"/me/appointments/{appointment.pk}/",
            f"/me/appointments/{appointment.pk}/move/",
            f"/me/appointments/{appointment.pk}/cancel/",
            "/me/calendar/",
            "/me/reminders/",
            "/account/",
            "/account/2fa/",
        )
        == []
    )


def test_pages_of_providers_fit(visitor, appointment, base_url):
    page = visitor(timezone_id="UTC")
    log_in(page, base_url, appointment.provider.user)
    dashboard = (
        "",
        "week/",
        "day/",
        "requests/",
        "book/",
        "clients/",
        "clients/add/",
        "services/",
        "services/add/",
        "hours/",
        "hours/date/",
        "windows/",
        "time-off/",
        "settings/",
        "calendar/",
        f"appointments/{appointment.pk}/",
        f"appointments/{appointment.pk}/move/",
    )

    assert too_wide(page, *(f"/dashboard/{path}" for path in dashboard)) == []


@pytest.mark.parametrize("language", ["en-GB", "de-DE", "fr-FR", "es-ES"])
def test_menu_of_a_phone_stays_in_one_line(visitor, base_url, appointment, language):
    heights = {}
    for user in (appointment.provider.user, UserFactory(superuser=True)):
        page = visitor(phone=True, timezone_id="UTC", locale=language)
        log_in(page, base_url, user)
        page.goto("/account/")
        heights[user.email] = page.locator(".site-header").evaluate("header => header.offsetHeight")

    assert max(heights.values()) < 60, heights


def test_numbers_fit_on_paper_with_all_their_tables(visitor, base_url, appointment):
    page = visitor(timezone_id="UTC")
    log_in(page, base_url, UserFactory(superuser=True))
    page.goto("/numbers/")

    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4, "height": 1040})

    assert page.evaluate("document.documentElement.scrollWidth") == A4
    assert (
        page.locator("table.numbers").evaluate_all("tables => tables.filter(one => !one.checkVisibility()).length") == 0
    )
