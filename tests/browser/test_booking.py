"""Booking without an account, from the first page to the appointment."""

import re

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from booking.models import Appointment, Reservation, Schedule
from tests.browser.helpers import arrive, focused, link_in, log_in, mails_to, on_day
from tests.factories import ClientFactory, ServiceFactory, hold
from tests.looking import broken_promises

ADA = "ada@example.org"


@pytest.fixture(autouse=True)
def _service(provider) -> None:
    ServiceFactory(name="First visit", duration_minutes=45, providers=[provider])


@pytest.fixture
def path(provider) -> str:
    """The page to choose a time for the service."""
    return f"/p/maya/book/{provider.services.get().pk}/"


class Hand:
    """Interactions with a page, counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def tap(self, role: str, name: str | re.Pattern) -> None:
        self.count += 1
        self.page.get_by_role(role, name=name).first.click()

    def type(self, label: str, text: str) -> None:
        self.count += 1
        self.page.get_by_label(label).fill(text)

    def follow(self, link: str) -> None:
        self.count += 1
        self.page.goto(link)


def slots(page: Page):
    return page.locator("#slots button.slot")


def take(page: Page) -> None:
    """Take the first time that is shown, and so come to the details."""
    slots(page).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your details")


def book_as_guest(hand: Hand) -> None:
    """Do all of a guest's steps, from the first page to the appointment's own page."""
    hand.tap("link", "Maya Lindqvist")
    hand.tap("link", "First visit")
    hand.tap("button", re.compile(r"^\w+ \d+ \w+ \d{4}, \d\d:\d\d, 45 minutes$"))
    hand.type("Name", "Ada")
    hand.type("Email", ADA)
    hand.tap("button", "Continue")
    expect(hand.page.get_by_role("heading", level=1)).to_have_text("Check your email")
    [asked] = mails_to(ADA)
    hand.follow(link_in(asked, "/r/"))
    hand.tap("button", "Confirm")
    expect(hand.page.get_by_role("heading", level=1)).to_have_text("Your appointment is booked")


def test_guest_books_on_a_phone_with_eight_interactions(visitor, provider, base_url):
    page = visitor(phone=True)
    arrive(page)
    hand = Hand(page)

    book_as_guest(hand)

    assert hand.count <= 8
    assert Appointment.objects.get().client.name == "Ada"
    for calendar in ("Download .ics", "Google", "Outlook"):
        expect(page.get_by_role("link", name=calendar).first).to_be_visible()
    assert broken_promises() == {}
    page.goto(link_in(mails_to(ADA)[-1], "/a/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your appointment is booked")


def test_guest_books_without_javascript(visitor, provider, base_url):
    page = visitor(phone=True, java_script_enabled=False)
    page.goto("/")

    book_as_guest(Hand(page))

    assert Appointment.objects.get().client.name == "Ada"


def test_one_of_two_who_click_at_once_is_told_and_goes_on(visitor, provider, path):
    pages = [visitor(), visitor(phone=True)]
    for page in pages:
        arrive(page, path)
    with transaction.atomic():
        Schedule.objects.select_for_update().get()
        for page in pages:
            with page.expect_request(lambda request: request.method == "POST"):
                slots(page).first.click(no_wait_after=True)
    for page in pages:
        page.wait_for_load_state()
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Your details|has just been taken"))
    told = [page for page in pages if page.get_by_text("This time has just been taken").count()]
    assert len(told) == 1

    told[0].locator("button.slot").first.click()

    expect(told[0].get_by_role("heading", level=1)).to_have_text("Your details")
    assert Reservation.objects.held(now=timezone.now()).count() == 2
    assert broken_promises() == {}


def test_time_that_somebody_else_takes_leaves_an_open_page(visitor, provider, path):
    page = visitor()
    page.clock.install()
    arrive(page, path)
    taken = slots(page).first.get_attribute("value")
    hold(provider, timezone.datetime.fromisoformat(taken.partition("@")[2]), now=timezone.now())

    page.clock.fast_forward(12_000)

    expect(page.locator(f'button[value="{taken}"]')).to_have_count(0)
    expect(page.locator("#news")).to_have_text("The available times have changed.")
    take(page)


@pytest.fixture
def full_day(path) -> str:
    """Return the page to choose a time on a day still complete."""
    return f"{path}?day={on_day(3):%Y-%m-%d}"


def held_now():
    return Reservation.objects.held(now=timezone.now())


def own(page: Page):
    return page.locator("#slots button.slot.own")


@pytest.mark.parametrize("java_script", [True, False])
def test_visitor_who_goes_back_sees_their_own_hold_and_moves_it(visitor, provider, full_day, java_script):
    page = visitor(phone=True, java_script_enabled=java_script)
    page.goto(full_day)
    first = slots(page).first.get_attribute("value")
    take(page)
    page.go_back()
    page.reload()
    expect(page.get_by_text("We are holding")).to_be_visible()
    expect(own(page)).to_have_attribute("value", first)

    slots(page).nth(1).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Your details")
    assert held_now().count() == 1
    page.get_by_role("link", name="Choose another time").click()
    page.goto(full_day)
    expect(own(page)).not_to_have_attribute("value", first)
    expect(page.locator(f'button[value="{first}"]')).to_be_visible()
    assert broken_promises() == {}


def test_visitor_who_taps_the_same_time_again_comes_to_the_same_details(visitor, provider, full_day):
    page = visitor()
    arrive(page, full_day)
    take(page)
    page.go_back()

    take(page)

    assert Reservation.objects.count() == 1


def test_five_visits_that_go_back_each_time_hold_five_times(visitor, provider, full_day):
    for _visit in range(5):
        page = visitor()
        arrive(page, full_day)
        for number in range(3):
            slots(page).nth(number).click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Your details")
            page.go_back()

    assert held_now().count() == 5


def test_visitor_who_loses_a_race_still_has_what_they_held(visitor, provider, full_day):
    page = visitor()
    arrive(page, full_day)
    value = slots(page).first.get_attribute("value")
    take(page)
    page.goto(full_day)
    wanted = slots(page).nth(6).get_attribute("value")
    hold(provider, timezone.datetime.fromisoformat(wanted.partition("@")[2]), now=timezone.now())

    page.locator(f'button[value="{wanted}"]').click()

    expect(page.get_by_role("heading", level=1)).to_have_text("This time has just been taken")
    page.get_by_role("link", name="Continue with this time").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your details")
    page.goto(full_day)
    expect(own(page)).to_have_attribute("value", value)


def test_hold_that_runs_out_is_said_and_loses_nothing_typed(visitor, provider, path):
    page = visitor()
    page.clock.install()
    arrive(page, path)
    take(page)
    expect(page.locator("[data-until]")).to_have_text(re.compile(r"^\d+:\d\d$"))
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Note").fill("My knee hurts")
    Reservation.objects.update(expires_at=timezone.now())

    page.clock.fast_forward("11:00")

    expect(page.get_by_role("heading", level=1)).to_have_text("Your hold has expired")
    expect(page.get_by_label("Name")).to_have_value("Ada")
    expect(page.get_by_label("Note")).to_have_value("My knee hurts")
    page.locator("button.slot").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your details")
    expect(page.get_by_label("Name")).to_have_value("Ada")


def tab_to(page: Page, text: str | re.Pattern) -> None:
    """Press Tab until the element with that text has the focus, which is always visible."""
    for _press in range(80):
        page.keyboard.press("Tab")
        now = focused(page)
        assert now["tag"] != "BODY"
        assert now["seen"], now
        assert now["shown"], now
        if re.search(text, now["text"]):
            return
    raise AssertionError(f"{text} cannot be reached with Tab")


def test_time_is_held_with_the_keyboard_alone(visitor, provider):
    page = visitor()
    arrive(page)

    tab_to(page, "Maya Lindqvist")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text("What would you like to book?")
    tab_to(page, "First visit")
    page.keyboard.press("Enter")
    expect(page.locator("#picker")).to_be_visible()
    days = page.locator("a.day")
    last = days.last.get_attribute("aria-label")
    tab_to(page, f"^{re.escape(last)}$")
    page.keyboard.press("Enter")
    expect(page.locator("#day-name")).to_be_focused()
    assert last.startswith(page.locator("#day-name").inner_text())
    assert focused(page)["seen"]
    tab_to(page, "45 minutes$")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Your details")
    assert Reservation.objects.held(now=timezone.now()).count() == 1


@pytest.mark.provider(horizon_days=40)
def test_focus_follows_the_month(visitor, provider):
    page = visitor()
    arrive(page, "/p/maya/book/")

    page.get_by_role("link", name="Next month").press("Enter")

    expect(page.locator("#month-name")).to_be_focused()
    page.get_by_role("link", name="Previous month").press("Enter")
    expect(page.locator("#month-name")).to_be_focused()


def test_focus_stays_where_it_is_when_times_change(visitor, provider, full_day):
    page = visitor()
    page.clock.install()
    arrive(page, full_day)
    [taken, kept] = [slots(page).nth(number) for number in (0, 5)]
    value = taken.get_attribute("value")
    kept.focus()
    label = focused(page)["text"]
    hold(provider, timezone.datetime.fromisoformat(value.partition("@")[2]), now=timezone.now())

    page.clock.fast_forward(12_000)

    expect(page.locator(f'button[value="{value}"]')).to_have_count(0)
    assert focused(page)["text"] == label


def test_client_with_a_login_books_without_a_mail(visitor, provider, path, base_url):
    page = visitor()
    client = ClientFactory(name="Grace")
    log_in(page, base_url, client.user)
    arrive(page, path)

    slots(page).first.click()
    page.get_by_role("button", name="Book appointment").click()

    expect(page.get_by_text("Your appointment is booked")).to_be_visible()
    assert Appointment.objects.get().client == client
