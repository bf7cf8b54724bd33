"""A provider's availability: weekly hours, date overrides, windows, and the calendar's policy."""

from datetime import time

import pytest

from booking.models import AvailabilityWindow, DateOverride, Schedule, Slot, WorkingHours
from tests.booking.answers import ids, refusal, starts
from tests.conftest import logged_in
from tests.factories import (
    NOON,
    AvailabilityWindowFactory,
    ClientFactory,
    ScheduleFactory,
    ServiceFactory,
    UserFactory,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


def path(provider, tail):
    return f"/api/providers/{provider.pk}/{tail}"


def free_on(api, provider, day):
    """Return the free local times of one day."""
    answer = api.get(
        path(provider, "availability"), {"date": day, "page_size": 200, "timezone": provider.schedule.timezone}
    )
    return [start[11:16] for start in starts(answer)]


def put_hours(api, provider, *hours, query=""):
    """Replace the weekly hours by `(weekday, start, end)`."""
    rows = [{"weekday": day, "start_time": start, "end_time": end} for day, start, end in hours]
    return api.put(path(provider, f"working-hours{query}"), {"hours": rows})


# --- Weekly hours -----------------------------------------------------------------------------------------------------


def test_hours_are_public(api, provider):
    assert api.get(path(provider, "working-hours")).json() == {
        "timezone": "UTC",
        "hours": [{"weekday": day, "start_time": "09:00", "end_time": "17:00"} for day in range(5)],
    }


def test_hours_of_an_unpublished_provider_are_not_there(api, provider):
    provider.is_approved = False
    provider.save()

    assert refusal(api.get(path(provider, "working-hours"))) == (404, "not_found", None)


def test_set_hours_answers_what_it_did(provider_api, provider):
    answer = put_hours(provider_api, provider, (2, "09:00", "10:00"), (2, "13:00", "14:00"))

    assert answer.status_code == 200
    assert answer.json() == {
        "timezone": "UTC",
        "hours": [
            {"weekday": 2, "start_time": "09:00", "end_time": "10:00"},
            {"weekday": 2, "start_time": "13:00", "end_time": "14:00"},
        ],
        "preview": False,
        "slots_added": 0,
        "slots_removed": answer.json()["slots_removed"],
        "conflicts": [],
        "holds": [],
    }


def test_set_hours_moves_the_free_slots(provider_api, provider):
    before = Slot.objects.count()

    answer = put_hours(provider_api, provider, (5, "09:00", "10:00")).json()

    assert Slot.objects.count() == before + answer["slots_added"] - answer["slots_removed"]
    assert free_on(provider_api, provider, "2026-03-07") == ["09:00", "09:15", "09:30", "09:45"]
    assert free_on(provider_api, provider, "2026-03-04") == []


def test_set_hours_reaches_to_midnight(provider_api, provider):
    answer = put_hours(provider_api, provider, (2, "23:00", "24:00"))

    assert answer.json()["hours"] == [{"weekday": 2, "start_time": "23:00", "end_time": "24:00"}]
    assert provider_api.get(path(provider, "working-hours")).json()["hours"] == answer.json()["hours"]
    assert free_on(provider_api, provider, "2026-03-04") == ["23:00", "23:15", "23:30", "23:45"]
    assert free_on(provider_api, provider, "2026-03-05") == []


def test_set_hours_reaches_past_midnight(provider_api, provider):
    put_hours(provider_api, provider, (2, "23:30", "00:30"))

    assert free_on(provider_api, provider, "2026-03-04") == ["23:30", "23:45"]
    assert free_on(provider_api, provider, "2026-03-05") == ["00:00", "00:15"]


def test_set_hours_with_an_end_at_the_start_is_a_whole_day(provider_api, provider):
    put_hours(provider_api, provider, (2, "00:00", "24:00"))

    assert len(free_on(provider_api, provider, "2026-03-04")) == 96


def test_set_hours_that_overlap_makes_each_slot_once(provider_api, provider):
    put_hours(provider_api, provider, (2, "09:00", "10:00"), (2, "09:30", "10:15"))

    assert free_on(provider_api, provider, "2026-03-04") == ["09:00", "09:15", "09:30", "09:45", "10:00"]


@pytest.mark.parametrize(
    ("start", "end", "field", "nearest"),
    [
        ("09:05", "10:00", "start_time", ["09:00", "09:15"]),
        ("09:00", "10:50", "end_time", ["10:45", "11:00"]),
        ("09:00", "23:59", "end_time", ["23:45", "24:00"]),
    ],
)
def test_set_hours_off_the_grid_is_refused_with_the_nearest(provider_api, provider, start, end, field, nearest):
    answer = put_hours(provider_api, provider, (2, start, end))

    assert refusal(answer) == (400, "off_grid", field)
    assert answer.json()["details"] == {"nearest": nearest}
    assert WorkingHours.objects.count() == 5


@pytest.mark.parametrize("clock", ["9:00", "24:15", "25:00", "09:60", "09:00:30", "٠٩:٠٠", "09", ""])
def test_set_hours_refuses_what_is_no_time_of_day(provider_api, provider, clock):
    assert refusal(put_hours(provider_api, provider, (2, clock, "17:00"))) == (400, "invalid", "hours.0.start_time")


@pytest.mark.parametrize("weekday", [-1, 7, "monday"])
def test_set_hours_refuses_what_is_no_weekday(provider_api, provider, weekday):
    answer = put_hours(provider_api, provider, (weekday, "09:00", "17:00"))

    assert refusal(answer) == (400, "invalid_choice", "hours.0.weekday")


def test_set_hours_refuses_two_that_begin_together(provider_api, provider):
    answer = put_hours(provider_api, provider, (2, "09:00", "10:00"), (2, "09:00", "11:00"))

    assert refusal(answer) == (400, "bad_hours", "hours")


def test_set_hours_keeps_bookings_and_names_them(provider_api, provider):
    inside, outside = appoint(provider, at("2026-03-04 09:00")), appoint(provider, at("2026-03-04 11:00"))

    answer = put_hours(provider_api, provider, (2, "09:00", "10:00")).json()

    outside.refresh_from_db()
    assert [row["id"] for row in answer["conflicts"]] == [outside.pk]
    assert answer["conflicts"][0]["allowed_actions"] == ["reschedule", "reassign", "cancel"]
    assert (outside.status, inside.reservation.status, outside.reservation.status) == (
        "scheduled",
        "confirmed",
        "confirmed",
    )


def test_set_hours_names_the_holds_it_strands(provider_api, provider):
    inside, outside = hold(provider, at("2026-03-04 09:00")), hold(provider, at("2026-03-04 11:00"))
    hold(provider, at("2026-03-04 12:00"), now=NOON - minutes(30))

    answer = put_hours(provider_api, provider, (2, "09:00", "10:00")).json()

    inside.refresh_from_db()
    assert [(row["id"], row["status"]) for row in answer["holds"]] == [(outside.pk, "held")]
    assert (answer["conflicts"], inside.status) == ([], "held")


def test_set_hours_names_a_booking_once(provider_api, provider):
    appoint(provider, at("2026-03-04 11:00"))
    put_hours(provider_api, provider, (2, "09:00", "10:00"))

    assert put_hours(provider_api, provider, (2, "09:00", "09:30")).json()["conflicts"] == []


def test_set_hours_is_not_there_for_another_provider(provider):
    other = open_provider(horizon_days=1)

    assert refusal(put_hours(logged_in(other.user), provider)) == (404, "not_found", None)


def test_set_hours_is_open_to_staff(staff_api, provider):
    assert put_hours(staff_api, provider).status_code == 200


# --- Preview ----------------------------------------------------------------------------------------------------------

CHANGES = {
    "working hours": ("put", "working-hours", {"hours": [{"weekday": 2, "start_time": "10:00", "end_time": "24:00"}]}),
    "date override": (
        "post",
        "date-overrides",
        {"date": "2026-03-04", "hours": [{"start_time": "10:00", "end_time": "11:00"}]},
    ),
    "window": ("post", "availability", {"start_time": "2026-03-07T09:00:00Z", "end_time": "2026-03-07T10:00:00Z"}),
    "slot length": ("patch", "schedule", {"slot_minutes": 60}),
    "timezone": ("patch", "schedule", {"timezone": "America/New_York"}),
}


@pytest.mark.parametrize("word", ["true", "1", "yes"])
def test_preview_can_be_said_in_several_words(provider_api, provider, word):
    assert put_hours(provider_api, provider, query=f"?preview={word}").json()["preview"] is True
    assert WorkingHours.objects.count() == 5


def test_preview_refuses_what_is_neither_yes_nor_no(provider_api, provider):
    assert refusal(put_hours(provider_api, provider, query="?preview=ture")) == (400, "invalid", "preview")
    assert WorkingHours.objects.count() == 5


@pytest.mark.parametrize("change", CHANGES)
def test_preview_answers_what_the_change_then_does_and_changes_nothing(provider_api, provider, change):
    method, tail, body = CHANGES[change]
    appoint(provider, at("2026-03-04 09:00"))
    before = dump()

    preview = getattr(provider_api, method)(path(provider, f"{tail}?preview=true"), body)
    after_preview = dump()
    real = getattr(provider_api, method)(path(provider, tail), body)

    assert (preview.status_code, after_preview) == (200, before)
    told = ("slots_added", "slots_removed", "conflicts")
    assert [preview.json()[name] for name in told] == [real.json()[name] for name in told]
    assert (preview.json()["preview"], real.json()["preview"]) == (True, False)
    assert dump() != before


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("change", CHANGES)
def test_changes_work_with_and_without_a_trailing_slash(provider_api, provider, change, slash):
    method, tail, body = CHANGES[change]

    assert getattr(provider_api, method)(path(provider, tail + slash), body).status_code in (200, 201)


# --- Windows ----------------------------------------------------------------------------------------------------------

SATURDAY = {"start_time": "2026-03-07T09:00:00Z", "end_time": "2026-03-07T10:00:00Z"}


@pytest.mark.parametrize("door", ["of the provider", "of schedules"])
def test_open_window_answers_how_many_slots_it_made(provider_api, provider, door):
    url = path(provider, "availability") if door == "of the provider" else "/api/schedules"

    answer = provider_api.post(url, SATURDAY)

    window = AvailabilityWindow.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": window.pk,
        "provider": provider.pk,
        "start_time": "2026-03-07T09:00:00Z",
        "end_time": "2026-03-07T10:00:00Z",
        "preview": False,
        "slots_added": 4,
        "slots_removed": 0,
        "conflicts": [],
        "holds": [],
    }
    assert free_on(provider_api, provider, "2026-03-07") == ["09:00", "09:15", "09:30", "09:45"]


def test_open_window_again_answers_the_first(provider_api, provider):
    first = provider_api.post("/api/schedules", SATURDAY).json()

    again = provider_api.post(path(provider, "availability"), SATURDAY)

    assert again.status_code == 200
    assert again.json() == {**first, "slots_added": 0}
    assert AvailabilityWindow.objects.count() == 1


def test_open_window_again_after_it_was_closed_opens_another(provider_api, provider):
    first = provider_api.post("/api/schedules", SATURDAY).json()["id"]
    provider_api.delete(f"/api/schedules/{first}")

    assert provider_api.post("/api/schedules", SATURDAY).status_code == 201


def test_open_window_that_differs_in_its_end_opens_another(provider_api, provider):
    provider_api.post("/api/schedules", SATURDAY)

    assert provider_api.post("/api/schedules", {**SATURDAY, "end_time": "2026-03-07T11:00:00Z"}).status_code == 201


def test_open_window_over_hours_makes_only_what_is_missing(provider_api, provider):
    answer = provider_api.post(
        path(provider, "availability"), {"start_time": "2026-03-04T16:30:00Z", "end_time": "2026-03-04T17:30:00Z"}
    )

    assert answer.json()["slots_added"] == 2


def test_open_window_reads_local_times(provider_api, provider):
    answer = provider_api.post(
        "/api/schedules",
        {"start_time": "2026-03-07T10:00:00", "end_time": "2026-03-07T11:00:00", "timezone": "Europe/Berlin"},
    )

    assert (answer.json()["start_time"], answer.json()["end_time"]) == (SATURDAY["start_time"], SATURDAY["end_time"])


def test_open_window_refuses_times_without_offset_and_timezone(provider_api, provider):
    answer = provider_api.post(
        "/api/schedules", {"start_time": "2026-03-07T10:00:00", "end_time": "2026-03-07T11:00:00"}
    )

    assert refusal(answer) == (400, "timezone_required", "start_time")


@pytest.mark.parametrize(
    ("start", "end", "refused"),
    [
        ("2026-03-07T09:05:00Z", "2026-03-07T10:00:00Z", (400, "off_grid", "start_time")),
        ("2026-03-07T09:00:00Z", "2026-03-07T09:59:59Z", (400, "off_grid", "end_time")),
        ("2026-03-07T09:00:00Z", "2026-03-07T09:00:00Z", (400, "ends_before_start", "end_time")),
        ("2026-03-07T09:00:00Z", "2026-03-07T08:00:00Z", (400, "ends_before_start", "end_time")),
        ("2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z", (400, "in_the_past", "end_time")),
        ("2026-03-07T09:00:00Z", "2026-06-07T09:15:00Z", (400, "bad_hours", "end_time")),
    ],
)
def test_open_window_refuses(provider_api, provider, start, end, refused):
    answer = provider_api.post(path(provider, "availability"), {"start_time": start, "end_time": end})

    assert refusal(answer) == refused
    assert not AvailabilityWindow.objects.exists()


def test_open_window_off_the_grid_names_the_nearest(provider_api, provider):
    answer = provider_api.post("/api/schedules", {**SATURDAY, "start_time": "2026-03-07T09:05:00Z"})

    assert answer.json()["details"] == {"nearest": ["2026-03-07T09:00:00Z", "2026-03-07T09:15:00Z"]}
    assert "2026-03-07T09:15:00Z" in answer.json()["errors"][0]["detail"]


def test_open_window_for_a_named_provider_is_open_to_staff(staff_api, provider):
    answer = staff_api.post("/api/schedules", {**SATURDAY, "provider": provider.pk})

    assert (answer.status_code, answer.json()["provider"]) == (201, provider.pk)


def test_open_window_wants_staff_to_name_a_provider(staff_api, provider):
    assert refusal(staff_api.post("/api/schedules", SATURDAY)) == (400, "required", "provider")


def test_open_window_does_not_know_another_provider(provider_api):
    other = open_provider(horizon_days=1)

    answer = provider_api.post("/api/schedules", {**SATURDAY, "provider": other.pk})

    assert refusal(answer) == (404, "not_found", "provider")
    assert refusal(provider_api.post(path(other, "availability"), SATURDAY)) == (404, "not_found", None)


def test_list_of_windows_shows_ones_own(provider_api, provider, staff_api):
    mine = AvailabilityWindowFactory(schedule=provider.schedule)
    other = AvailabilityWindowFactory(schedule=ScheduleFactory())

    assert ids(provider_api.get("/api/schedules")) == [mine.pk]
    assert sorted(ids(staff_api.get("/api/schedules"))) == [mine.pk, other.pk]
    assert ids(staff_api.get("/api/schedules", {"provider": provider.pk})) == [mine.pk]
    assert ids(logged_in(UserFactory()).get("/api/schedules")) == []


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("start=2026-03-07T09:59:59Z", True),
        ("start=2026-03-07T10:00:00Z", False),
        ("end=2026-03-07T09:00:01Z", True),
        ("end=2026-03-07T09:00:00Z", False),
    ],
)
def test_list_of_windows_narrows_to_those_that_touch(provider_api, provider, query, shown):
    AvailabilityWindowFactory(
        schedule=provider.schedule, starts_at=at("2026-03-07 09:00"), ends_at=at("2026-03-07 10:00")
    )

    assert bool(ids(provider_api.get(f"/api/schedules?{query}"))) is shown


def test_close_window_takes_its_free_slots(provider_api, provider):
    window = provider_api.post("/api/schedules", SATURDAY).json()["id"]

    answer = provider_api.delete(f"/api/schedules/{window}")

    assert (answer.status_code, answer.json()) == (
        200,
        {"preview": False, "slots_added": 0, "slots_removed": 4, "conflicts": [], "holds": []},
    )
    assert free_on(provider_api, provider, "2026-03-07") == []


def test_close_window_keeps_a_booking_and_names_it(provider_api, provider):
    window = provider_api.post("/api/schedules", SATURDAY).json()["id"]
    made = appoint(provider, at("2026-03-07 09:00"))

    preview = provider_api.delete(f"/api/schedules/{window}?preview=true").json()
    answer = provider_api.delete(f"/api/schedules/{window}").json()

    assert [row["id"] for row in preview["conflicts"]] == [row["id"] for row in answer["conflicts"]] == [made.pk]
    assert answer["slots_removed"] == 3


def test_window_of_another_provider_is_not_there(provider):
    window = AvailabilityWindowFactory(schedule=provider.schedule)
    api = logged_in(open_provider(horizon_days=1).user)

    assert refusal(api.get(f"/api/schedules/{window.pk}")) == (404, "not_found", None)
    assert refusal(api.delete(f"/api/schedules/{window.pk}")) == (404, "not_found", None)
    assert AvailabilityWindow.objects.exists()


# --- Dates with hours of their own ------------------------------------------------------------------------------------


def override(api, provider, date, *hours, query=""):
    rows = [{"start_time": start, "end_time": end} for start, end in hours]
    return api.post(path(provider, f"date-overrides{query}"), {"date": date, "hours": rows})


def test_override_replaces_the_weekly_hours_of_its_date(provider_api, provider):
    answer = override(provider_api, provider, "2026-03-04", ("12:00", "12:30"))

    assert answer.json() == {
        "id": DateOverride.objects.get().pk,
        "date": "2026-03-04",
        "hours": [{"start_time": "12:00", "end_time": "12:30"}],
        "preview": False,
        "slots_added": 0,
        "slots_removed": 30,
        "conflicts": [],
        "holds": [],
    }
    assert free_on(provider_api, provider, "2026-03-04") == ["12:00", "12:15"]
    assert len(free_on(provider_api, provider, "2026-03-05")) == 32


def test_override_without_hours_closes_the_date(provider_api, provider):
    override(provider_api, provider, "2026-03-04")

    assert free_on(provider_api, provider, "2026-03-04") == []


def test_override_past_midnight_belongs_to_its_date(provider_api, provider):
    override(provider_api, provider, "2026-03-07", ("23:45", "00:15"))

    assert free_on(provider_api, provider, "2026-03-07") == ["23:45"]
    assert free_on(provider_api, provider, "2026-03-08") == ["00:00"]


def test_override_of_the_same_date_replaces_the_one_before(provider_api, provider):
    override(provider_api, provider, "2026-03-04")
    override(provider_api, provider, "2026-03-04", ("09:00", "09:30"))

    listed = provider_api.get(path(provider, "date-overrides")).json()
    assert [(row["date"], row["hours"]) for row in listed["results"]] == [
        ("2026-03-04", [{"start_time": "09:00", "end_time": "09:30"}])
    ]


def test_override_reaches_to_midnight(provider_api, provider):
    answer = override(provider_api, provider, "2026-03-04", ("00:00", "24:00"))

    assert answer.json()["hours"] == [{"start_time": "00:00", "end_time": "24:00"}]
    assert provider_api.get(path(provider, "date-overrides")).json()["results"][0]["hours"] == answer.json()["hours"]
    assert len(free_on(provider_api, provider, "2026-03-04")) == 96


def test_hours_cannot_start_when_the_day_is_over(provider_api, provider):
    assert refusal(put_hours(provider_api, provider, (2, "24:00", "01:00"))) == (
        400,
        "invalid",
        "hours.0.start_time",
    )


def test_override_is_taken_back_by_its_date(provider_api, provider):
    override(provider_api, provider, "2026-03-04")

    answer = provider_api.delete(path(provider, "date-overrides/2026-03-04"))

    assert answer.json() == {"preview": False, "slots_added": 32, "slots_removed": 0, "conflicts": [], "holds": []}
    assert len(free_on(provider_api, provider, "2026-03-04")) == 32


def test_override_that_is_not_there_cannot_be_taken_back(provider_api, provider):
    assert refusal(provider_api.delete(path(provider, "date-overrides/2026-03-04"))) == (404, "not_found", None)


def test_override_names_the_bookings_it_strands(provider_api, provider):
    made = appoint(provider, at("2026-03-04 09:00"))

    assert [row["id"] for row in override(provider_api, provider, "2026-03-04").json()["conflicts"]] == [made.pk]


@pytest.mark.parametrize("date", ["1999-12-31", "2101-01-01"])
def test_override_refuses_a_date_out_of_range(provider_api, provider, date):
    assert refusal(override(provider_api, provider, date)) == (400, "out_of_range", "date")


def test_override_off_the_grid_is_refused(provider_api, provider):
    assert refusal(override(provider_api, provider, "2026-03-04", ("09:10", "10:00"))) == (
        400,
        "off_grid",
        "start_time",
    )


def test_overrides_are_not_there_for_others(booker_api, provider):
    assert refusal(override(booker_api, provider, "2026-03-04")) == (404, "not_found", None)
    assert refusal(booker_api.get(path(provider, "date-overrides"))) == (404, "not_found", None)


# --- The calendar's policy --------------------------------------------------------------------------------------------


def patch(api, provider, query="", **changes):
    return api.patch(path(provider, f"schedule{query}"), changes)


def test_policy_is_public(api, provider):
    assert api.get(path(provider, "schedule")).json() == {
        "id": provider.schedule.pk,
        "provider": provider.pk,
        "timezone": "UTC",
        "slot_minutes": 15,
        "notice_minutes": 1440,
        "horizon_days": 90,
        "hold_minutes": 30,
        "reminder_offsets": None,
        "slots_until": "2026-06-02T12:00:00Z",
    }


def test_policy_changes_the_slot_length(provider_api, provider):
    answer = patch(provider_api, provider, slot_minutes=60)

    assert (answer.status_code, answer.json()["slot_minutes"]) == (200, 60)
    assert free_on(provider_api, provider, "2026-03-04") == [f"{hour:02}:00" for hour in range(9, 17)]


def test_policy_with_longer_slots_leaves_no_slot_over_a_booking(provider_api, provider):
    appoint(provider, at("2026-03-04 09:15"))

    patch(provider_api, provider, slot_minutes=60)

    assert free_on(provider_api, provider, "2026-03-04") == [f"{hour:02}:00" for hour in range(10, 17)]


def test_policy_changes_the_timezone_and_keeps_bookings_where_they_are(provider_api, provider):
    made = appoint(provider, at("2026-03-04 09:00"))

    answer = patch(provider_api, provider, timezone="America/New_York").json()

    provider.schedule.refresh_from_db()
    made.reservation.refresh_from_db()
    assert [row["id"] for row in answer["conflicts"]] == [made.pk]
    assert made.reservation.starts_at == at("2026-03-04 09:00")
    assert free_on(provider_api, provider, "2026-03-05")[0] == "09:00"
    assert starts(provider_api.get(path(provider, "availability"), {"date": "2026-03-05"}))[0] == "2026-03-05T14:00:00Z"


@pytest.mark.parametrize("minutes_", [0, 7, 45, 90, -15, 15.5, "quarter"])
def test_policy_refuses_a_slot_length_that_does_not_divide_the_hour(provider_api, provider, minutes_):
    assert refusal(patch(provider_api, provider, slot_minutes=minutes_)) == (400, "invalid_choice", "slot_minutes")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("timezone", "localtime", "unknown_timezone"),
        ("horizon_days", 0, "min_value"),
        ("horizon_days", 367, "max_value"),
        ("hold_minutes", 0, "min_value"),
        ("hold_minutes", 1441, "max_value"),
        ("notice_minutes", -1, "min_value"),
        ("notice_minutes", 86401, "max_value"),
    ],
)
def test_policy_refuses_values_out_of_bounds(provider_api, provider, field, value, code):
    assert refusal(patch(provider_api, provider, **{field: value})) == (400, code, field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("horizon_days", 1),
        ("horizon_days", 366),
        ("hold_minutes", 1),
        ("hold_minutes", 1440),
        ("notice_minutes", 0),
        ("notice_minutes", 86400),
    ],
)
def test_policy_takes_values_at_the_bounds(provider_api, provider, field, value):
    answer = patch(provider_api, provider, **{field: value})

    assert (answer.status_code, answer.json()[field]) == (200, value)


def test_policy_of_notice_opens_earlier_times_at_once(provider_api, provider):
    patch(provider_api, provider, notice_minutes=0)

    assert free_on(provider_api, provider, "2026-03-02")[0] == "12:00"


def test_policy_of_horizon_opens_later_times_at_once(provider_api, provider):
    patch(provider_api, provider, horizon_days=120)

    assert len(free_on(provider_api, provider, "2026-06-24")) == 32


def test_policy_of_holds_counts_for_new_holds(provider_api, booker_api, provider):
    patch(provider_api, provider, hold_minutes=5)

    answer = booker_api.post("/api/reservations", {"provider": provider.pk, "start_time": "2026-03-04T09:00:00Z"})

    assert answer.json()["expires_at"] == "2026-03-02T12:05:00Z"


def test_policy_cannot_give_the_calendar_away(provider_api, provider):
    other = open_provider(horizon_days=1)

    answer = provider_api.patch(
        path(provider, "schedule"), {"provider": other.pk, "slots_until": "2030-01-01T00:00:00Z"}
    )

    assert answer.status_code == 400
    assert [(error["code"], error["attr"]) for error in answer.json()["errors"]] == [
        ("read_only_field", "provider"),
        ("read_only_field", "slots_until"),
    ]


def test_policy_is_not_there_for_others(booker_api, provider):
    assert refusal(patch(booker_api, provider, slot_minutes=60)) == (404, "not_found", None)
    assert Schedule.objects.get(provider=provider).slot_minutes == 15


def test_a_change_far_ahead_names_far_bookings(staff_api, provider_api, provider):
    made = staff_api.post(
        "/api/appointments",
        {
            "provider": provider.pk,
            "client": ClientFactory().pk,
            "start_time": "2026-09-02T09:00:00Z",
            "override": ["notice", "hours"],
        },
    ).json()

    answer = override(provider_api, provider, "2026-09-02")

    assert [row["id"] for row in answer.json()["conflicts"]] == [made["id"]]


def test_hours_over_a_clock_change_keep_the_wall_clock(api):
    provider = open_provider(timezone="Europe/Berlin", hours=[(day, time(9), time(10)) for day in range(7)])

    days = ["2026-03-28", "2026-03-29", "2026-03-30"]

    assert [starts(api.get(path(provider, "availability"), {"date": day}))[0] for day in days] == [
        "2026-03-28T08:00:00Z",
        "2026-03-29T07:00:00Z",
        "2026-03-30T07:00:00Z",
    ]


def test_a_service_longer_than_the_day_has_no_times(api, provider):
    service = ServiceFactory(duration_minutes=481, providers=[provider])

    assert starts(api.get("/api/slots", {"provider": provider.pk, "service": service.pk})) == []
