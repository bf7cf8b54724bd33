"""Journeys of clients with a login: reschedule, cancel, sign up, and log in with a second factor."""

import re
import time

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.utils import timezone
from playwright.sync_api import Page, expect

from booking.models import Appointment
from tests.browser.helpers import arrive, link_in, log_in, mails_to, on_day, open_calendar
from tests.factories import PASSWORD, ClientFactory, appoint

ADA = "ada@example.org"


@pytest.fixture
def appointment(transactional_db) -> Appointment:
    """An appointment of Grace's, in three days."""
    grace = ClientFactory(name="Grace", email="grace@example.org")
    return appoint(open_calendar(), on_day(3), client=grace, now=timezone.now(), title="Check-up")


@pytest.fixture
def page(visitor, appointment, base_url) -> Page:
    """The page of Grace's browser."""
    page = visitor(phone=True)
    log_in(page, base_url, appointment.client.user)
    return page


def heading(page: Page):
    return page.get_by_role("heading", level=1)


def test_client_moves_an_appointment(page, appointment):
    before = appointment.starts_at
    arrive(page, "/me/")

    page.get_by_role("link", name=re.compile("^Reschedule ?: Check-up")).click()
    page.locator("#slots button").first.click()
    expect(heading(page)).to_have_text("Reschedule to this time?")
    page.get_by_role("button", name="Reschedule appointment").click()

    expect(page.get_by_text("The appointment has been rescheduled.")).to_be_visible()
    assert Appointment.objects.get(pk=appointment.pk).starts_at != before


def test_focus_goes_to_the_chosen_day(page, appointment):
    arrive(page, f"/me/appointments/{appointment.pk}/move/")

    page.locator(".days a").first.press("Enter")

    expect(page.locator("#day-name")).to_be_focused()


def test_client_cancels_with_a_reason(page, appointment):
    arrive(page, "/me/")

    page.get_by_role("link", name=re.compile("^Cancel ?: Check-up")).click()
    page.get_by_label("Reason").fill("I am ill")
    page.get_by_role("button", name="Cancel appointment").click()

    expect(page.get_by_text("Your appointment has been cancelled")).to_be_visible()
    expect(page.get_by_text("I am ill")).to_be_visible()
    [*_others, told] = mails_to(appointment.provider.user.email)
    assert "I am ill" in told.body


# --- Logins -----------------------------------------------------------------------------------------------------------


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def give_password(page: Page) -> None:
    page.goto("/account/login/")
    page.get_by_label("Email").fill(ADA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_up(page: Page) -> None:
    arrive(page)
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Email").fill(ADA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(heading(page)).to_have_text("My appointments")


def code(secret: str, *, later: int = 0) -> str:
    """Return the code of an authenticator app now, or some periods later."""
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + later))


def test_somebody_signs_up_logs_out_and_logs_in(visitor, transactional_db):
    page = visitor(phone=True)

    sign_up(page)
    log_out(page)
    give_password(page)

    expect(heading(page)).to_have_text("My appointments")


def test_second_factor_is_set_up_and_asked_for(visitor, transactional_db, settings):
    settings.MFA_TOTP_TOLERANCE = 1  # A code is good once only, and nobody waits half a minute for the next.
    page = visitor(phone=True)
    sign_up(page)
    page.goto(link_in(mails_to(ADA)[-1], "/account/confirm-email/"))
    page.get_by_role("button", name="Yes, verify").click()
    expect(heading(page)).to_have_text("Account")

    page.goto("/account/2fa/")
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    secret = page.get_by_label("Key").input_value()
    page.get_by_label("Authenticator code").fill(code(secret))
    page.get_by_role("button", name="Turn on").click()
    expect(heading(page)).to_have_text(re.compile("Recovery codes|Second factor"))
    log_out(page)
    give_password(page)
    expect(heading(page)).to_have_text("One more step")
    page.get_by_label("Code").fill(code(secret, later=1))
    page.get_by_role("button", name="Sign in").click()

    expect(heading(page)).to_have_text("My appointments")
