"""`/dashboard/windows/` and `/dashboard/time-off/`."""

from datetime import date

import pytest

from booking.models import AvailabilityWindow, TimeOff
from tests.booking.availability.test_views_hours import saved
from tests.factories import (
    AvailabilityWindowFactory,
    ClosureFactory,
    TimeOffFactory,
    appoint,
    at,
)
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


WINDOWS = "/dashboard/windows/"
TIME_OFF = "/dashboard/time-off/"

SATURDAY = {"starts_at": "2026-03-07T09:00", "ends_at": "2026-03-07T12:00"}
THURSDAY = {"start_date": "2026-03-05"}


def test_extra_hours_are_previewed_and_then_opened(dashboard):
    before = dump()
    assert dashboard.post(WINDOWS, SATURDAY | {"do": "save"}).context["tried"].change.slots_added == 12
    assert dump() == before

    saved(dashboard, WINDOWS, SATURDAY)

    window = AvailabilityWindow.objects.get()
    assert (window.starts_at, window.ends_at) == (at("2026-03-07 09:00"), at("2026-03-07 12:00"))


def test_extra_hours_are_read_on_the_calendars_clocks(dashboard, provider):
    provider.schedule.timezone = "Europe/Berlin"
    provider.schedule.save()

    saved(dashboard, WINDOWS, SATURDAY)

    assert AvailabilityWindow.objects.get().starts_at == at("2026-03-07 08:00")


def test_extra_hours_off_the_grid_are_refused_at_their_field_with_the_nearest(dashboard):
    answer = dashboard.post(WINDOWS, SATURDAY | {"starts_at": "2026-03-07T09:07", "do": "save"})

    (error,) = answer.context["form"].errors["starts_at"]
    assert "09:00" in error
    assert "09:15" in error
    assert 'value="2026-03-07T09:07"' in answer.content.decode()


def test_extra_hours_are_moved(dashboard, provider):
    window = AvailabilityWindowFactory(schedule=provider.schedule, starts_at=at("2026-03-07 10:00"))

    answer = saved(dashboard, f"{WINDOWS}{window.pk}/", SATURDAY)

    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (at("2026-03-07 09:00"), at("2026-03-07 12:00"))
    assert answer.headers["Location"] == WINDOWS


def test_taking_extra_hours_back_shows_whom_it_strands(dashboard, provider):
    saved(dashboard, WINDOWS, SATURDAY)
    window = AvailabilityWindow.objects.get()
    appointment = appoint(provider, at("2026-03-07 09:00"))

    answer = dashboard.post(f"{WINDOWS}{window.pk}/", {"do": "remove"})

    assert answer.context["tried"].change.conflicts == [appointment]
    assert AvailabilityWindow.objects.exists()


def test_extra_hours_are_taken_back(dashboard, provider):
    window = AvailabilityWindowFactory(schedule=provider.schedule)

    saved(dashboard, f"{WINDOWS}{window.pk}/", {}, deed="remove")

    assert not AvailabilityWindow.objects.exists()


def test_past_extra_hours_are_not_listed(dashboard, provider):
    AvailabilityWindowFactory(schedule=provider.schedule, starts_at=at("2026-03-02 10:00"))

    assert list(dashboard.get(WINDOWS).context["windows"]) == []


def test_days_off_are_previewed_with_whom_they_strand_and_then_taken(dashboard, provider):
    appointment = appoint(provider, at("2026-03-05 09:00"))
    before = dump()
    preview = dashboard.post(TIME_OFF, THURSDAY | {"do": "save"})
    assert preview.context["tried"].change.conflicts == [appointment]
    assert dump() == before

    saved(dashboard, TIME_OFF, THURSDAY | {"reason": "Course"})

    row = TimeOff.objects.get()
    assert (row.start_date, row.end_date, row.reason) == (date(2026, 3, 5), date(2026, 3, 5), "Course")


def test_hours_off_are_instants(dashboard):
    saved(dashboard, TIME_OFF, THURSDAY | {"start_time": "22:00", "end_time": "00:00"})

    row = TimeOff.objects.get()
    assert (row.starts_at, row.ends_at) == (at("2026-03-05 22:00"), at("2026-03-06 00:00"))


def test_time_off_with_one_time_only_is_refused(dashboard):
    answer = dashboard.post(TIME_OFF, THURSDAY | {"start_time": "10:00", "reason": "Dentist", "do": "save"})

    assert answer.context["form"].errors["end_time"] == ["Enter both times, or neither for whole days."]
    assert 'value="Dentist"' in answer.content.decode()


def test_time_off_that_ends_before_it_starts_is_refused_at_its_field(dashboard):
    answer = dashboard.post(TIME_OFF, THURSDAY | {"end_date": "2026-03-04", "do": "save"})

    assert answer.context["form"].errors["end_date"] == ["The end must come after the start."]


def test_time_off_is_changed_from_days_to_hours(dashboard, provider):
    row = TimeOffFactory(schedule=provider.schedule)

    saved(dashboard, f"{TIME_OFF}{row.pk}/", THURSDAY | {"start_time": "10:00", "end_time": "12:00"})

    row.refresh_from_db()
    assert (row.start_date, row.starts_at, row.ends_at) == (None, at("2026-03-05 10:00"), at("2026-03-05 12:00"))


def test_time_off_is_shown_in_its_form_as_it_was_given(dashboard, provider):
    row = TimeOffFactory(
        schedule=provider.schedule,
        start_date=None,
        end_date=None,
        starts_at=at("2026-03-05 22:00"),
        ends_at=at("2026-03-06 00:00"),
    )

    initial = dashboard.get(f"{TIME_OFF}{row.pk}/").context["form"].initial

    assert (initial["start_date"], initial["end_date"]) == (date(2026, 3, 5), date(2026, 3, 5))


def test_time_off_is_taken_back(dashboard, provider):
    row = TimeOffFactory(schedule=provider.schedule)

    saved(dashboard, f"{TIME_OFF}{row.pk}/", {}, deed="remove")

    assert not TimeOff.objects.exists()


def test_time_off_to_come_is_listed_with_closures_and_past_is_not(dashboard, provider):
    TimeOffFactory(schedule=provider.schedule, start_date=date(2026, 3, 1))
    coming = TimeOffFactory(schedule=provider.schedule, start_date=date(2026, 3, 2))
    later = TimeOffFactory(
        schedule=provider.schedule,
        start_date=None,
        end_date=None,
        starts_at=at("2026-03-05 10:00"),
        ends_at=at("2026-03-05 12:00"),
    )
    closure = ClosureFactory(reason="Stocktaking")

    context = dashboard.get(TIME_OFF).context

    assert list(context["absences"]) == [coming, later]
    assert list(context["closures"]) == [closure]


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_another_providers_is_not_there(dashboard, method):
    window, absence = AvailabilityWindowFactory(), TimeOffFactory()

    assert getattr(dashboard, method)(f"{WINDOWS}{window.pk}/", {"do": "remove"}).status_code == 404
    assert getattr(dashboard, method)(f"{TIME_OFF}{absence.pk}/", {"do": "remove"}).status_code == 404


@pytest.mark.parametrize("path", [WINDOWS, TIME_OFF])
def test_lists_cost_the_same_with_many_rows(dashboard, provider, path, django_assert_max_num_queries):
    for day in range(20):
        AvailabilityWindowFactory(schedule=provider.schedule, starts_at=at(f"2026-04-{day + 1:02} 09:00"))
        TimeOffFactory(schedule=provider.schedule, start_date=date(2026, 4, day + 1))
        ClosureFactory(start_date=date(2026, 5, day + 1))

    with django_assert_max_num_queries(8):
        dashboard.get(path)


def test_link_to_change_time_off_names_it_on_the_calendars_clocks(dashboard, provider):
    provider.schedule.timezone = "Europe/Berlin"
    provider.schedule.save()
    hours = {"starts_at": at("2026-03-05 10:00"), "ends_at": at("2026-03-05 12:00")}
    TimeOffFactory(schedule=provider.schedule, start_date=None, end_date=None, **hours)

    assert 'Change<span class="hidden-visually">: Thursday, 5 March 2026, 11:00</span>' in (
        dashboard.get(TIME_OFF).content.decode()
    )
