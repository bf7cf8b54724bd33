"""`/dashboard/week/` and `/dashboard/day/`."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.urls import reverse

from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from booking.pages.calendar_layout import laid_out
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    TimeOffFactory,
    appoint,
    at,
    hold,
    open_provider,
)
from tests.groups import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


QUERIES = 15
BERLIN = ZoneInfo("Europe/Berlin")


def week(browser, **query):
    return browser.get(reverse("dashboard-week"), query)


def column(provider, day, **more):
    """One day, laid out by itself."""
    return laid_out(provider.schedule, [date.fromisoformat(day)], NOON).days[0]


def test_week_shows_the_week_of_a_date(dashboard, provider):
    appoint(provider, at("2026-03-12 09:00"), title="Trial lesson")

    page = week(dashboard, date="2026-03-15").content.decode()

    assert "Trial lesson" in page
    assert "Mon 9 Mar" in page
    assert "Sun 15 Mar" in page


def test_week_leads_to_the_ones_beside_it(dashboard):
    page = week(dashboard, date="2026-03-11").content.decode()

    assert "?date=2026-03-02" in page
    assert "?date=2026-03-16" in page


@pytest.mark.parametrize("nonsense", ["", "yesterday", "2026-02-30", "0001-01-01", "9999-12-31", "2026-03-09\x00"])
def test_week_shows_this_one_for_what_is_no_date(dashboard, nonsense):
    answer = week(dashboard, date=nonsense)

    assert (answer.status_code, "Mon 2 Mar" in answer.content.decode()) == (200, True)


def test_week_does_not_show_what_was_cancelled(dashboard, provider):
    made = appoint(provider, at("2026-03-04 09:00"), title="Trial lesson")
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert "Trial lesson" not in week(dashboard).content.decode()


def test_week_shows_a_hold_without_a_link(dashboard, provider):
    held = hold(provider, at("2026-03-04 09:00"))

    page = week(dashboard).content.decode()

    assert held.client.name in page
    assert "Held until 12:30" in page


def test_week_shows_no_hold_past_its_end(dashboard, provider):
    held = hold(provider, at("2026-03-04 09:00"), now=NOON - timedelta(minutes=30))

    assert held.client.name not in week(dashboard).content.decode()


def test_week_shows_nothing_of_others(dashboard):
    other = open_provider(horizon_days=4)
    theirs = appoint(other, at("2026-03-04 09:00"))

    assert theirs.client.name not in week(dashboard).content.decode()


def test_week_says_why_one_is_away(dashboard, provider):
    TimeOffFactory(schedule=provider.schedule, reason="Skiing")

    assert "Skiing" in week(dashboard).content.decode()


def test_week_has_no_inline_style(dashboard, provider):
    appoint(provider, at("2026-03-04 09:00"))

    assert "style=" not in week(dashboard).content.decode()


@pytest.mark.parametrize("number", [1, 12])
def test_week_costs_the_same_however_many_there_are(dashboard, provider, django_assert_max_num_queries, number):
    for quarter in range(number):
        appoint(provider, at("2026-03-04 09:00") + timedelta(minutes=15 * quarter))

    with django_assert_max_num_queries(QUERIES):
        answer = week(dashboard)

    assert answer.content.decode().count('class="block scheduled') == number


# --- Where things stand -----------------------------------------------------------------------------------------------


def test_layout_places_an_appointment_by_hours_and_minutes(provider):
    appoint(provider, at("2026-03-04 10:30"))

    (block,) = column(provider, "2026-03-04").entries

    assert block.place == "from-h1 from-m30 for-h0 for-m15"


def test_layout_shows_the_hours_that_are_open():
    provider = open_provider(horizon_days=4, timezone="Europe/Berlin")

    grid = laid_out(provider.schedule, [date(2026, 3, 4)], NOON)

    assert (grid.rows[0], grid.rows[-1]) == ((9, 0), (16, 0))


def test_layout_reaches_beyond_the_hours_for_an_appointment(provider):
    appoint(provider, at("2026-03-04 19:00"), overrides=["hours"])

    grid = laid_out(provider.schedule, [date(2026, 3, 4)], NOON)

    assert grid.rows[-1] == (19, 0)


def test_layout_cuts_at_midnight_what_goes_on():
    provider = open_provider(horizon_days=4, hours=ALWAYS)
    appoint(provider, at("2026-03-03 23:30"), ends_at=at("2026-03-04 01:00"), actor=SYSTEM)

    before, after = (column(provider, day).entries[0] for day in ("2026-03-03", "2026-03-04"))

    assert (before.place, before.continued) == ("from-h23 from-m30 for-h0 for-m30", False)
    assert (after.place, after.continued) == ("from-h0 from-m0 for-h1 for-m0", True)


def test_layout_of_the_day_the_clocks_go_forward_lacks_an_hour():
    provider = open_provider(horizon_days=30, hours=ALWAYS, timezone="Europe/Berlin")

    grid = laid_out(provider.schedule, [date(2026, 3, 29)], NOON)

    assert [hour for hour, _again in grid.rows] == [0, 1, *range(3, 24)]


def test_layout_of_the_day_the_clocks_go_back_has_an_hour_twice():
    provider = open_provider(horizon_days=2, hours=ALWAYS, timezone="Europe/Berlin")

    grid = laid_out(provider.schedule, [date(2026, 10, 25)], NOON)

    assert [row for row in grid.rows if row[0] == 2] == [(2, 0), (2, 1)]
    assert len(grid.rows) == 25


def test_layout_shades_the_hour_a_day_lacks_beside_days_that_have_it():
    provider = open_provider(horizon_days=30, hours=ALWAYS, timezone="Europe/Berlin")

    saturday, sunday = laid_out(provider.schedule, [date(2026, 3, 28), date(2026, 3, 29)], NOON).days

    assert [block.place for block in saturday.ground if block.kind == "lacking"] == []
    assert [block.place for block in sunday.ground if block.kind == "lacking"] == ["from-h2 from-m0 for-h1 for-m0"]


def test_layout_ends_before_the_gap_what_ends_there():
    provider = open_provider(horizon_days=30, hours=ALWAYS, timezone="Europe/Berlin")
    appoint(provider, at("2026-03-29 00:00"), ends_at=at("2026-03-29 01:00"), actor=SYSTEM)

    _saturday, sunday = laid_out(provider.schedule, [date(2026, 3, 28), date(2026, 3, 29)], NOON).days

    assert sunday.entries[0].place == "from-h1 from-m0 for-h1 for-m0"


def test_layout_parts_the_two_hours_of_one_name():
    provider = open_provider(horizon_days=300, hours=ALWAYS, timezone="Europe/Berlin", slot_minutes=60)
    for start in ("2026-10-25 00:00", "2026-10-25 01:00"):
        appoint(provider, at(start), actor=SYSTEM)

    first, second = column(provider, "2026-10-25").entries

    assert (first.place, second.place) == ("from-h2 from-m0 for-h1 for-m0", "from-h3 from-m0 for-h1 for-m0")


def test_layout_marks_now_on_today_only(provider):
    days = [date(2026, 3, 2), date(2026, 3, 3)]

    today, tomorrow = laid_out(provider.schedule, days, NOON).days

    assert (today.clock.place, tomorrow.clock) == ("from-h3 from-m0 for-h0 for-m0", None)


def test_day_is_shown_in_the_providers_zone():
    provider = open_provider(horizon_days=4, timezone="Europe/Berlin")
    appoint(provider, at("2026-03-04 09:00"))
    browser = browser_of(provider.user)
    browser.cookies["timezone"] = "America/New_York"

    page = browser.get(reverse("dashboard-day"), {"date": "2026-03-04"}).content.decode()

    assert '10:00<span class="end"> – 10:15</span>' in page


@pytest.mark.parametrize(("clock", "drawn"), [("2026-03-02 13:00", True), ("2026-03-02 23:30", False)])
def test_day_draws_now_only_within_the_hours_shown(dashboard, clock, drawn):
    with time_machine.travel(at(clock), tick=False):
        page = dashboard.get(reverse("dashboard-day")).content.decode()

    assert ('<div class="now ' in page) == drawn
