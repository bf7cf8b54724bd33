"""A day at the front desk in a real browser: a call, changed hours, a failed reminder, arriving clients."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Client
from booking.availability.operations import take_time_off
from booking.models import Appointment
from reminders.models import Message
from reminders.templates.admin import keep_html
from tests.browser.accessibility import violations
from tests.browser.chromium import DESKTOP, PHONE
from tests.browser.helpers import log_in, on_day
from tests.factories import SYSTEM, ClientFactory, MessageFactory, ServiceFactory, UserFactory, appoint, hold, minutes
from tests.groups import FRONT_DESK, MANAGER, staff_of

pytestmark = pytest.mark.provider(horizon_days=8)

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

TABLET = {"width": 820, "height": 1180}


@pytest.fixture
def dashboard(visitor, provider, base_url) -> Page:
    """The browser of a staff member at the front desk."""
    page = visitor(timezone_id="UTC")
    log_in(page, base_url, staff_of(FRONT_DESK, name="Kim"))
    return page


@pytest.fixture
def ada(transactional_db) -> Client:
    return ClientFactory(name="Ada Byron", email="ada@example.org", phone="+442079460123")


def test_takes_a_call_and_books(dashboard, provider):
    ServiceFactory(name="First visit", providers=[provider])
    day = on_day(2)
    dashboard.goto("/admin/")
    dashboard.get_by_role("link", name="Day by provider").first.click()
    dashboard.get_by_label("Day:").fill(f"{day:%Y-%m-%d}")
    dashboard.get_by_role("button", name="Show").click()

    dashboard.get_by_role("link", name="free: book 10:00").click()
    dashboard.get_by_label("Name:", exact=True).fill("Grace Hopper")
    dashboard.get_by_label("Phone:").fill("+44 20 7946 0999")
    dashboard.get_by_label("Service:").select_option("First visit")
    expect(dashboard.get_by_role("radio", name="10:00", exact=True)).to_be_checked()
    dashboard.get_by_role("button", name="Book", exact=True).click()

    expect(
        dashboard.get_by_text("Booked. We have no way to contact Grace Hopper. Please tell them yourself.")
    ).to_be_visible()
    expect(dashboard.get_by_role("link", name="+442079460999")).to_have_attribute("href", "tel:+442079460999")
    made = Appointment.objects.get()
    assert (made.starts_at, made.called, made.status) == (day, "First visit", "scheduled")


def test_books_for_a_known_client_without_javascript(visitor, base_url, provider, ada):
    page = visitor(timezone_id="UTC", java_script_enabled=False)
    log_in(page, base_url, staff_of(FRONT_DESK))
    page.goto("/admin/booking/appointment/add/")
    page.get_by_label("Provider").select_option("Maya Lindqvist")
    page.get_by_role("button", name="Continue").click()

    page.get_by_label("Name, email or phone").fill("020 7946")
    page.get_by_label("Name, email or phone").fill("7946 0123")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("radio", name="Ada Byron").check()
    page.locator("fieldset.chips input").first.check()
    page.get_by_role("button", name="Book", exact=True).click()

    expect(page.get_by_text("Booked. We've notified Ada Byron.")).to_be_visible()


def test_books_beside_the_rules_only_with_a_reason(dashboard, provider, ada):
    provider.schedule.working_hours.all().delete()
    day = on_day(2)
    dashboard.goto(f"/admin/booking/appointment/add/?schedule={provider.schedule.pk}&client={ada.pk}")

    dashboard.get_by_text("Custom time or length").click()
    dashboard.get_by_label("Day", exact=True).fill(f"{day + timedelta(days=90):%Y-%m-%d}")
    dashboard.get_by_label("Time:").fill("10:00")
    dashboard.get_by_label("Outside the provider's hours").check()
    dashboard.get_by_label("At shorter notice").check()
    dashboard.get_by_role("button", name="Book", exact=True).click()
    expect(dashboard.get_by_text("Give a reason for overriding these rules.")).to_be_visible()
    dashboard.get_by_label("Reason:").fill("Flies out the day after")
    dashboard.get_by_role("button", name="Book", exact=True).click()

    expect(dashboard.get_by_text("Booked. We've notified Ada Byron.")).to_be_visible()
    expect(dashboard.get_by_text("reason: Flies out the day after")).to_be_visible()


def test_moves_a_booking_after_the_hours_changed(dashboard, provider, ada):
    made = appoint(provider, on_day(2), client=ada, now=timezone.now())
    away = {"start_date": made.starts_at.date(), "end_date": made.starts_at.date()}
    take_time_off(provider_id=provider.pk, fields=away, actor=SYSTEM, now=timezone.now())
    dashboard.goto("/admin/")

    dashboard.get_by_role("link", name="Reschedule: Ada Byron").click()
    expect(dashboard.get_by_text("No times available that day.")).to_be_visible()
    dashboard.get_by_label("Day", exact=True).fill(f"{on_day(3):%Y-%m-%d}")
    dashboard.get_by_role("button", name="Show available times").click()
    dashboard.get_by_role("radio", name="11:00", exact=True).check()
    dashboard.get_by_role("button", name="Reschedule").click()

    expect(dashboard.get_by_text("Rescheduled. We've notified Ada Byron.")).to_be_visible()
    assert Appointment.objects.detailed().get().starts_at == on_day(3, hour=11)


def test_sees_why_a_reminder_failed_and_sends_it_again(dashboard, provider, ada):
    made = appoint(provider, on_day(2), client=ada, now=timezone.now())
    failed = Message.objects.filter(appointment=made, kind="reminder").first()
    Message.objects.filter(pk=failed.pk).update(status="failed", error="550 No such mailbox", failures=1)
    dashboard.goto("/admin/")

    panel = dashboard.get_by_role("region", name="Failed messages")
    expect(panel.get_by_text("550 No such mailbox")).to_be_visible()
    dashboard.goto(f"/admin/booking/appointment/{made.pk}/change/")
    dashboard.get_by_role("button", name="Send again").click()

    expect(dashboard.get_by_text("Queued.")).to_be_visible()
    expect(dashboard.get_by_role("button", name="Send again")).to_have_count(0)
    failed.refresh_from_db()
    assert failed.status == "pending"


def test_message_on_a_phone_is_not_cut_off(dashboard, provider, ada):
    dashboard.set_viewport_size(PHONE)
    appoint(provider, on_day(2), client=ada, now=timezone.now())
    message = Message.objects.filter(recipient="client").first()
    dashboard.goto(f"/admin/reminders/message/{message.pk}/change/")

    hidden = "rows => rows.filter(row => row.scrollWidth > row.clientWidth).length"
    assert dashboard.locator(".form-row").evaluate_all(hidden) == 0


def test_marks_who_came_with_one_click(dashboard, provider, ada):
    now = timezone.now()
    start = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    made = appoint(provider, start, client=ada, now=start - minutes(1), overrides=("hours", "notice"))
    dashboard.goto("/admin/")

    dashboard.get_by_role("button", name="Completed: Ada Byron").click()

    expect(dashboard.get_by_text("Marked as completed: Ada Byron.")).to_be_visible()
    made.refresh_from_db()
    assert made.status == "completed"


def test_confirms_a_hold_for_whoever_calls(dashboard, provider, ada):
    hold(provider, on_day(2), client=ada, now=timezone.now())
    dashboard.goto("/admin/")

    dashboard.get_by_role("button", name="Confirm: Ada Byron").click()

    expect(dashboard.get_by_text("Confirmed for Ada Byron.")).to_be_visible()
    assert Appointment.objects.get().status == "scheduled"


def test_sees_what_an_action_would_do_before_it_is_done(dashboard, provider, ada):
    appoint(provider, on_day(2), client=ada, now=timezone.now())
    dashboard.goto("/admin/booking/appointment/")

    dashboard.get_by_role("checkbox").nth(1).check()
    dashboard.get_by_label("Action:").select_option("Cancel…")
    dashboard.get_by_role("button", name="Go", exact=True).click()
    expect(dashboard.get_by_role("heading", name="1 would succeed")).to_be_visible()
    assert Appointment.objects.get().status == "scheduled"
    dashboard.get_by_label("Reason").fill("Burst pipe")
    dashboard.get_by_role("button", name="Apply: 1").click()

    expect(dashboard.get_by_text("Appointments cancelled: 1.")).to_be_visible()
    assert Appointment.objects.get().cancellation_reason == "Burst pipe"


@pytest.fixture
def main_pages(provider, ada) -> list[str]:
    """Return the main pages of the admin, with data on each."""
    made = appoint(provider, on_day(2), client=ada, now=timezone.now())
    held = hold(provider, on_day(3), client=ada, now=timezone.now())
    message = MessageFactory(appointment=made, status="failed", error="421 busy", useful_until=made.starts_at)
    return [
        "",
        f"booking/appointment/day/?date={made.starts_at:%Y-%m-%d}",
        "booking/appointment/add/",
        f"booking/appointment/add/?schedule={provider.schedule.pk}&client={ada.pk}",
        "booking/appointment/",
        f"booking/appointment/{made.pk}/change/",
        f"booking/appointment/{made.pk}/do/reschedule/",
        f"booking/appointment/{made.pk}/do/cancel/",
        "booking/reservation/",
        f"booking/reservation/{held.pk}/change/",
        f"booking/schedule/{provider.schedule.pk}/change/",
        f"booking/timeoff/add/?schedule={provider.schedule.pk}",
        "accounts/client/?q=ada",
        f"accounts/client/{ada.pk}/change/",
        f"reminders/message/{message.pk}/change/",
        "django_celery_beat/periodictask/add/",
    ]


@pytest.mark.slow
def test_main_pages_fit_and_complain_of_nothing(visitor, base_url, main_pages):
    page = visitor(timezone_id="UTC")
    log_in(page, base_url, UserFactory(superuser=True))

    too_wide = []
    for path in main_pages:
        page.goto(f"/admin/{path}")
        for viewport in (DESKTOP, TABLET, PHONE):
            page.set_viewport_size(viewport)
            if page.evaluate(SIDEWAYS):
                too_wide.append(f"{path}, {viewport['width']} px")

    assert too_wide == []


@pytest.mark.slow
def test_main_pages_are_accessible_in_both_themes(browser, base_url, main_pages):
    page = browser.new_context(base_url=base_url, reduced_motion="reduce").new_page()
    log_in(page, base_url, UserFactory(superuser=True))

    found = []
    for path in main_pages:
        page.goto(f"/admin/{path}")
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            for viewport in (DESKTOP, PHONE):
                page.set_viewport_size(viewport)
                found += [f"{path}, {theme}, {viewport['width']} px: {said}" for said in complaints(page)]
    page.context.close()

    assert found == []


def complaints(page: Page) -> list[str]:
    """Return axe's complaints about a page by WCAG 2.2 AA, without the search boxes of Django's Select2."""
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    return violations(page, exclude=".select2-container", runOnly=rules)


# --- Words ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def manager(visitor, base_url) -> Page:
    page = visitor()
    log_in(page, base_url, staff_of(MANAGER, name="Robin"))
    return page


def test_sees_a_mail_as_mail_programs_show_it(manager):
    manager.goto("/admin/reminders/messagetemplate/add/?kind=booked&channel=email&recipient=client&language=en")
    manager.get_by_label("Text:").fill("Hello <b>{{ client_name }}</b>")
    with manager.expect_popup() as opened:
        manager.get_by_role("button", name="Preview and test").click()

    letter = opened.value.frame_locator("iframe")
    expect(letter.get_by_text("Hello <b>Alex Sample</b>")).to_be_visible()
    expect(letter.locator(".card")).to_have_css("border-radius", "12px")


def test_a_mail_that_is_shown_runs_nothing(browser, base_url):
    """Opened on its own it lacks the frame's sandbox, and has its own."""
    robin = staff_of(MANAGER)
    request = RequestFactory().get("/")
    request.user = robin
    written = "document.querySelector('p').innerText = 'ran'"
    html = f"<style>p {{ color: #010203 }}</style><p>Still here</p><script>{written}</script>"
    page = browser.new_page(base_url=base_url)
    log_in(page, base_url, robin)

    page.goto(keep_html(request, f'{html}<img src="x" onerror="{written}">'))

    expect(page.get_by_text("Still here")).to_have_css("color", "rgb(1, 2, 3)")
