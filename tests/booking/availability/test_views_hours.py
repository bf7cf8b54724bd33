"""`/dashboard/hours/`: weekly hours and date overrides."""

import re
from datetime import date, time

import pytest
from django.test import Client as Browser

from booking.models import DateOverride, WorkingHours
from tests.factories import DateOverrideFactory, WorkingHoursFactory, appoint, at
from tests.html import links_of
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


HOURS = "/dashboard/hours/"
ONE_DATE = "/dashboard/hours/date/"

TUESDAY_9_TO_12 = {"start-1": "09:00", "end-1": "12:00", "do": "save"}


def sure_of(answer) -> str:
    """Return the value sent by the button under a preview."""
    return re.search(r'name="sure" value="([^"]+)"', answer.content.decode())[1]


def saved(browser, path, fields, deed="save"):
    """Show the preview, then confirm it."""
    preview = browser.post(path, fields | {"do": deed})
    return browser.post(path, {**fields, "sure": sure_of(preview)})


def weekly(provider):
    rows = WorkingHours.objects.filter(schedule=provider.schedule)
    return list(rows.values_list("weekday", "start_time", "end_time"))


def test_hours_are_shown_with_their_timezone(dashboard):
    page = dashboard.get(HOURS).content.decode()

    assert 'value="09:00"' in page
    assert "Times in UTC" in page


def test_saving_hours_first_shows_whom_they_strand_and_changes_nothing(dashboard, provider):
    appointment = appoint(provider, at("2026-03-05 09:00"))
    before = dump()

    answer = dashboard.post(HOURS, TUESDAY_9_TO_12)

    assert answer.context["tried"].change.conflicts == [appointment]
    assert appointment.client.name in answer.content.decode()
    assert dump() == before


def test_whom_hours_strand_can_be_moved_or_cancelled_from_there(dashboard, provider):
    appointment = appoint(provider, at("2026-03-05 09:00"))

    links = links_of(dashboard.post(HOURS, TUESDAY_9_TO_12))

    page = f"/dashboard/appointments/{appointment.pk}/"
    assert {f"{page}move/", f"{page}?do=cancel#cancel"} <= set(links)
    assert "<details open>\n              <summary>Cancel" in dashboard.get(page, {"do": "cancel"}).content.decode()


def test_saving_hours_after_their_preview_keeps_the_stranded_appointment(dashboard, provider):
    appointment = appoint(provider, at("2026-03-05 09:00"))

    answer = saved(dashboard, HOURS, TUESDAY_9_TO_12)

    assert answer.status_code == 302
    assert weekly(provider) == [(1, time(9), time(12))]
    appointment.refresh_from_db()
    assert appointment.status == "scheduled"


def test_saving_other_hours_than_were_previewed_previews_them(dashboard, provider):
    before = weekly(provider)
    sure = sure_of(dashboard.post(HOURS, TUESDAY_9_TO_12))

    answer = dashboard.post(HOURS, {**TUESDAY_9_TO_12, "end-1": "11:00", "sure": sure})

    assert answer.status_code == 200
    assert not answer.context["tried"].done
    assert weekly(provider) == before


def test_hours_until_midnight_and_past_it_are_saved_and_explained(dashboard, provider):
    fields = {"start-4": ["18:00"], "end-4": ["24:00"], "start-5": ["22:00"], "end-5": ["02:00"]}

    saved(dashboard, HOURS, fields)

    assert weekly(provider) == [(4, time(18), time(0)), (5, time(22), time(2))]
    page = dashboard.get(HOURS).content.decode()
    assert "until midnight" in page
    assert "ends the next day" in page


def test_adding_a_stretch_keeps_what_was_typed(dashboard, provider):
    before = dump()

    answer = dashboard.post(HOURS, {"start-1": "08:15", "end-1": "", "do": "add-1"})

    day = answer.context["form"].days[1]
    assert day.rows == [("08:15", ""), ("", "")]
    assert dump() == before


def test_removing_a_stretch_takes_it_out_of_the_form(dashboard):
    answer = dashboard.post(HOURS, {"start-1": ["08:00", "13:00"], "end-1": ["12:00", "17:00"], "do": "remove-1-0"})

    assert answer.context["form"].days[1].rows == [("13:00", "17:00")]


def test_copying_a_day_replaces_the_others_chosen(dashboard):
    fields = {"start-0": "08:00", "end-0": "12:00", "start-2": "10:00", "end-2": "11:00", "to-0": ["2", "6"]}

    days = dashboard.post(HOURS, {**fields, "do": "copy-0"}).context["form"].days

    assert [day.rows for day in days] == [
        [("08:00", "12:00")],
        [],
        [("08:00", "12:00")],
        [],
        [],
        [],
        [("08:00", "12:00")],
    ]


@pytest.mark.parametrize("deed", ["remove-1-7", "remove-9-0", "copy-x", "add-", "nonsense", "remove-0-²"])
def test_a_button_there_is_not_changes_nothing(dashboard, deed):
    answer = dashboard.post(HOURS, {"start-1": "08:00", "end-1": "12:00", "do": deed})

    assert answer.context["form"].days[1].rows == [("08:00", "12:00")]


def test_hours_without_an_end_are_refused_with_what_was_typed(dashboard, provider):
    before = weekly(provider)

    answer = dashboard.post(HOURS, {"start-1": "09:00", "end-1": "", "do": "save"})

    page = answer.content.decode()
    assert "This field is required." in page
    assert 'value="09:00"' in page
    assert weekly(provider) == before


def test_hours_off_the_grid_are_refused_with_the_nearest(dashboard, provider):
    answer = dashboard.post(HOURS, {"start-1": "09:07", "end-1": "12:00", "do": "save"})

    page = answer.content.decode()
    assert "Choose 09:00 or 09:15." in page
    assert 'value="09:07"' in page


def test_hours_cost_the_same_with_many_rows(dashboard, provider, django_assert_max_num_queries):
    for day in range(28):
        DateOverrideFactory(schedule=provider.schedule, date=date(2026, 4, day + 1))
    for day in (5, 6):
        for hour in range(8, 20, 2):
            WorkingHoursFactory(schedule=provider.schedule, weekday=day, start_time=time(hour), end_time=time(hour + 1))

    with django_assert_max_num_queries(8):
        dashboard.get(HOURS)


# --- Single dates ---------------------------------------------------------------------------------------------------


def test_a_date_gets_hours_of_its_own(dashboard, provider):
    fields = {"date": "2026-03-05", "start-day": ["10:00", "14:00"], "end-day": ["12:00", "24:00"]}

    answer = saved(dashboard, ONE_DATE, fields)

    assert answer.headers["Location"] == HOURS
    assert DateOverride.objects.get().hours == [["10:00", "12:00"], ["14:00", "00:00"]]


def test_a_date_without_hours_is_closed_and_shows_whom_that_strands(dashboard, provider):
    appointment = appoint(provider, at("2026-03-05 09:00"))

    answer = dashboard.post(ONE_DATE, {"date": "2026-03-05", "start-day": "", "end-day": "", "do": "save"})

    assert answer.context["tried"].change.conflicts == [appointment]
    assert not DateOverride.objects.exists()


def test_a_date_goes_back_to_the_weekly_hours(dashboard, provider):
    DateOverrideFactory(schedule=provider.schedule, date=date(2026, 3, 5))
    path = f"{ONE_DATE}?date=2026-03-05"

    saved(dashboard, path, {"date": "2026-03-05"}, deed="remove")

    assert not DateOverride.objects.exists()


def test_a_date_that_is_none_is_refused_with_what_was_typed(dashboard):
    answer = dashboard.post(ONE_DATE, {"date": "someday", "start-day": "10:00", "end-day": "12:00", "do": "save"})

    assert answer.context["form"].errors["date"]
    assert 'value="10:00"' in answer.content.decode()


@pytest.mark.parametrize("text", ["", "someday", "2026-02-31", "2026-13-45"])
def test_a_date_in_the_address_that_is_none_is_none(dashboard, text):
    assert dashboard.get(ONE_DATE, {"date": text}).status_code == 200


def test_another_providers_date_is_not_shown(dashboard):
    DateOverrideFactory(date=date(2026, 3, 5), hours=[["01:00", "02:00"]])

    assert dashboard.get(ONE_DATE, {"date": "2026-03-05"}).context["chosen"] is None


# --- Who may ----------------------------------------------------------------------------------------------------------

PAGES = [
    HOURS,
    ONE_DATE,
    "/dashboard/windows/",
    "/dashboard/time-off/",
    "/dashboard/services/",
    "/dashboard/services/add/",
    "/dashboard/clients/",
    "/dashboard/clients/add/",
    "/dashboard/settings/",
    "/dashboard/calendar/",
    "/dashboard/reminders/",
    "/dashboard/messages/",
    "/dashboard/messages/booked/email/client/en/",
    "/dashboard/webhooks/",
]


@pytest.mark.parametrize("path", PAGES)
def test_desk_pages_are_shown_to_their_provider(dashboard, path):
    assert dashboard.get(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_desk_pages_are_not_there_for_clients(booker, path):
    browser = Browser()
    browser.force_login(booker.user)

    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_desk_pages_ask_who_is_not_logged_in_to_log_in(path):
    assert Browser().get(path).headers["Location"] == f"/account/login/?next={path}"
