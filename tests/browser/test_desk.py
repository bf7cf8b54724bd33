"""Journeys of providers: change hours, book series for clients, record outcomes."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Client, Provider
from booking.models import Appointment
from tests.browser.helpers import log_in, on_day
from tests.factories import ClientFactory, appoint, minutes

pytestmark = pytest.mark.provider(horizon_days=24)


@pytest.fixture
def ada(provider) -> Client:
    """A client in the provider's address book."""
    return ClientFactory(owner=provider, user=None, name="Ada Byron", email="ada@example.org")


@pytest.fixture
def page(visitor, provider, base_url) -> Page:
    """The page of the provider's browser."""
    page = visitor(timezone_id="UTC")
    log_in(page, base_url, provider.user)
    return page


def under_way(provider: Provider, client: Client) -> Appointment:
    """An appointment that began within the last quarter of an hour."""
    now = timezone.now()
    start = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    return appoint(provider, start, client=client, now=start - minutes(1), overrides=("hours", "notice"))


def test_hours_that_strand_an_appointment_say_so_and_keep_it(page, provider, ada):
    stranded = appoint(provider, on_day(3), client=ada, now=timezone.now(), overrides=("notice",))
    day = f"{stranded.starts_at:%A}"
    page.goto("/dashboard/hours/")

    page.get_by_role("button", name=f"Remove time range 1 on {day}").click()
    expect(page.get_by_role("button", name=f"Remove time range 1 on {day}")).to_have_count(0)
    page.get_by_role("button", name="Review changes").click()

    outlook = page.get_by_role("region", name="What this changes")
    expect(outlook.get_by_role("heading")).to_be_focused()
    expect(outlook.get_by_text("Ada Byron", exact=True)).to_be_visible()
    assert provider.schedule.working_hours.count() == 7
    outlook.get_by_role("button", name="Save anyway").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert provider.schedule.working_hours.count() == 6
    assert Appointment.objects.get(pk=stranded.pk).status == "scheduled"


def test_focus_is_kept_when_stretches_are_edited(page, provider):
    page.goto("/dashboard/hours/")

    page.get_by_role("button", name="Add a time range on Monday").press("Enter")

    expect(page.get_by_label("Monday, time range 2, start")).to_be_focused()
    page.get_by_role("button", name="Remove time range 2 on Monday").press("Enter")
    expect(page.get_by_role("button", name="Add a time range on Monday")).to_be_focused()


def test_series_with_a_conflict_is_shown_first_and_the_rest_is_booked(page, provider, ada):
    first = on_day(3)
    appoint(provider, first + timedelta(weeks=1), now=timezone.now())
    page.goto("/dashboard/book/")

    page.get_by_label("Ada Byron").check()
    page.get_by_role("textbox", name="Day").fill(f"{first:%Y-%m-%d}")
    page.get_by_text("Custom time").click()
    page.locator("#id_time").fill("10:00")
    page.get_by_text("Repeat this appointment").click()
    page.get_by_role("combobox", name="Repeat").select_option("weekly")
    page.get_by_label("How many times").fill("3")
    page.get_by_role("button", name="Book", exact=True).click()

    expect(page.get_by_text("2 can be booked, 1 cannot. Nothing is booked yet.")).to_be_visible()
    assert not Appointment.objects.filter(reservation__client=ada).exists()
    page.get_by_role("button", name="Book the 2 available ones").click()
    expect(page.get_by_role("heading", name="Part of a series")).to_be_visible()
    booked = Appointment.objects.filter(reservation__client=ada).order_by("reservation__starts_at")
    assert [row.starts_at for row in booked] == [first, first + timedelta(weeks=2)]


def test_appointment_is_completed(page, provider, ada):
    made = under_way(provider, ada)

    page.goto(f"/dashboard/appointments/{made.pk}/")
    page.get_by_role("button", name="Completed").click()

    expect(page.locator(".page-head .badge")).to_have_text("completed")


def test_appointment_is_completed_without_javascript(visitor, base_url, provider, ada):
    made = under_way(provider, ada)
    page = visitor(java_script_enabled=False)
    log_in(page, base_url, provider.user)

    page.goto(f"/dashboard/appointments/{made.pk}/")
    page.get_by_role("button", name="Completed").click()

    expect(page.locator(".page-head .badge")).to_have_text("completed")
    assert Appointment.objects.get().status == "completed"
