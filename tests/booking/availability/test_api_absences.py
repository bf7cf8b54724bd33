"""`/api/time-off` and `/api/closures`: absences of one provider, and closures of the business."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking.models import Closure, TimeOff
from tests.booking.answers import ids, refusal
from tests.conftest import logged_in
from tests.factories import (
    ClosureFactory,
    ScheduleFactory,
    TimeOffFactory,
    UserFactory,
    appoint,
    at,
    hold,
    open_provider,
)
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


MORNING = {"start_time": "2026-03-04T09:00:00Z", "end_time": "2026-03-04T10:00:00Z"}
DAY = {"start_date": "2026-03-04", "end_date": "2026-03-04"}
WEEK = {"start_date": "2026-03-09", "end_date": "2026-03-15", "reason": "Holiday"}


def free_on(api, provider, day, timezone="UTC"):
    answer = api.get(
        f"/api/providers/{provider.pk}/availability", {"date": day, "page_size": 200, "timezone": timezone}
    )
    return [row["start_time"][11:16] for row in answer.json()["results"]]


# --- Time off ---------------------------------------------------------------------------------------------------------


def test_take_instants_off_answers_what_it_did(provider_api, provider):
    answer = provider_api.post("/api/time-off", {**MORNING, "reason": "Dentist"})

    assert answer.status_code == 201
    assert answer.json() == {
        "id": TimeOff.objects.get().pk,
        "provider": provider.pk,
        "start_time": "2026-03-04T09:00:00Z",
        "end_time": "2026-03-04T10:00:00Z",
        "start_date": None,
        "end_date": None,
        "reason": "Dentist",
        "preview": False,
        "slots_added": 0,
        "slots_removed": 4,
        "conflicts": [],
        "holds": [],
    }
    assert free_on(provider_api, provider, "2026-03-04")[0] == "10:00"


def test_take_days_off_includes_the_last(provider_api, provider):
    answer = provider_api.post("/api/time-off", WEEK)

    assert (answer.status_code, answer.json()["slots_removed"]) == (201, 5 * 32)
    assert free_on(provider_api, provider, "2026-03-13") == []
    assert len(free_on(provider_api, provider, "2026-03-16")) == 32


def test_take_days_off_means_the_days_of_the_providers_zone(provider):
    provider = open_provider(timezone="America/Los_Angeles")

    logged_in(provider.user).post("/api/time-off", DAY)

    assert free_on(logged_in(provider.user), provider, "2026-03-04", "America/Los_Angeles") == []
    assert len(free_on(logged_in(provider.user), provider, "2026-03-05", "America/Los_Angeles")) == 32


def test_take_time_off_reads_local_times(provider_api):
    answer = provider_api.post(
        "/api/time-off",
        {"start_time": "2026-03-04T10:00:00", "end_time": "2026-03-04T11:00:00", "timezone": "Europe/Berlin"},
    )

    assert (answer.json()["start_time"], answer.json()["end_time"]) == (MORNING["start_time"], MORNING["end_time"])


def test_take_time_off_off_the_grid_takes_every_slot_it_touches(provider_api, provider):
    provider_api.post("/api/time-off", {"start_time": "2026-03-04T09:05:00Z", "end_time": "2026-03-04T09:16:00Z"})

    assert free_on(provider_api, provider, "2026-03-04")[0] == "09:30"


def test_take_time_off_beats_a_window(provider_api, provider):
    saturday = {"start_time": "2026-03-07T09:00:00Z", "end_time": "2026-03-07T10:00:00Z"}
    provider_api.post("/api/schedules", saturday)

    provider_api.post("/api/time-off", {"start_date": "2026-03-07", "end_date": "2026-03-07"})

    assert free_on(provider_api, provider, "2026-03-07") == []


def test_take_time_off_keeps_bookings_and_names_them(provider_api, provider):
    made = appoint(provider, at("2026-03-04 09:30"))

    answer = provider_api.post("/api/time-off", DAY).json()

    made.refresh_from_db()
    assert ([row["id"] for row in answer["conflicts"]], made.status) == ([made.pk], "scheduled")


def test_take_time_off_previews_the_same_and_changes_nothing(provider_api, provider):
    appoint(provider, at("2026-03-04 09:30"))
    before = dump()

    preview = provider_api.post("/api/time-off?preview=true", DAY)
    after = dump()
    real = provider_api.post("/api/time-off", DAY)

    assert (preview.status_code, preview.json()["id"], after) == (200, None, before)
    told = ("slots_added", "slots_removed", "conflicts")
    assert [preview.json()[name] for name in told] == [real.json()[name] for name in told]


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, (400, "bad_hours", "start_time")),
        ({**MORNING, **DAY}, (400, "bad_hours", "start_time")),
        ({"start_time": MORNING["start_time"]}, (400, "bad_hours", "start_time")),
        ({"start_time": MORNING["start_time"], "end_date": "2026-03-04"}, (400, "bad_hours", "start_time")),
        ({**MORNING, "end_time": MORNING["start_time"]}, (400, "ends_before_start", "end_time")),
        ({**DAY, "end_date": "2026-03-03"}, (400, "ends_before_start", "end_date")),
        ({**DAY, "start_date": "1999-12-31"}, (400, "out_of_range", "start_date")),
        ({**DAY, "reason": "x" * 201}, (400, "max_length", "reason")),
        (
            {"start_time": "2026-03-04T09:00:00", "end_time": MORNING["end_time"]},
            (400, "timezone_required", "start_time"),
        ),
    ],
)
def test_take_time_off_refuses(provider_api, body, refused):
    assert refusal(provider_api.post("/api/time-off", body)) == refused
    assert not TimeOff.objects.exists()


def test_take_time_off_far_ahead_removes_no_slots(provider_api):
    answer = provider_api.post("/api/time-off", {"start_date": "2027-08-02", "end_date": "2027-08-08"})

    assert (answer.status_code, answer.json()["slots_removed"]) == (201, 0)


@pytest.mark.parametrize("day", ["2026-05-31", "2026-06-01", "2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05"])
def test_take_time_off_around_the_end_of_the_grid(provider_api, day):
    answer = provider_api.post("/api/time-off", {"start_date": day, "end_date": day})

    assert answer.status_code == 201


def test_change_time_off_moves_the_free_slots(provider_api, provider):
    off = provider_api.post("/api/time-off", WEEK).json()["id"]

    answer = provider_api.patch(f"/api/time-off/{off}", {"end_date": "2026-03-10"})

    assert (answer.status_code, answer.json()["slots_added"], answer.json()["end_date"]) == (200, 3 * 32, "2026-03-10")
    assert len(free_on(provider_api, provider, "2026-03-11")) == 32


def test_change_time_off_to_the_other_kind_wants_the_first_kind_gone(provider_api):
    off = provider_api.post("/api/time-off", DAY).json()["id"]

    refused = provider_api.patch(f"/api/time-off/{off}", MORNING)
    answer = provider_api.patch(f"/api/time-off/{off}", {**MORNING, "start_date": None, "end_date": None})

    assert refusal(refused) == (400, "bad_hours", "start_time")
    assert (answer.status_code, answer.json()["start_date"], answer.json()["start_time"]) == (
        200,
        None,
        MORNING["start_time"],
    )


def test_change_time_off_does_not_move_it_to_another_provider(provider_api, provider):
    off = provider_api.post("/api/time-off", DAY).json()["id"]

    answer = provider_api.patch(f"/api/time-off/{off}", {"provider": open_provider(horizon_days=1).pk})

    assert refusal(answer) == (400, "read_only_field", "provider")
    assert TimeOff.objects.get().schedule.provider == provider


def test_change_time_off_previews(provider_api):
    off = provider_api.post("/api/time-off", WEEK).json()["id"]
    before = dump()

    answer = provider_api.patch(f"/api/time-off/{off}?preview=true", {"end_date": "2026-03-10"})

    assert answer.json()["slots_added"] == 3 * 32
    assert dump() == before


def test_end_time_off_brings_its_slots_back(provider_api, provider):
    off = provider_api.post("/api/time-off", WEEK).json()["id"]

    answer = provider_api.delete(f"/api/time-off/{off}")

    assert (answer.status_code, answer.json()) == (
        200,
        {"preview": False, "slots_added": 5 * 32, "slots_removed": 0, "conflicts": [], "holds": []},
    )
    assert not TimeOff.objects.exists()


def test_time_off_is_not_taken_for_another_provider(provider):
    api = logged_in(open_provider(horizon_days=1).user)

    assert refusal(api.post("/api/time-off", {**DAY, "provider": provider.pk})) == (404, "not_found", "provider")


def test_list_of_time_off_shows_ones_own_and_staff_all(provider_api, provider, staff_api):
    mine = TimeOffFactory(schedule=provider.schedule)
    other = TimeOffFactory(schedule=ScheduleFactory())

    assert ids(provider_api.get("/api/time-off")) == [mine.pk]
    assert sorted(ids(staff_api.get("/api/time-off"))) == [mine.pk, other.pk]
    assert ids(staff_api.get("/api/time-off", {"provider": provider.pk})) == [mine.pk]


def test_take_time_off_for_a_provider_is_open_to_staff(staff_api, provider):
    answer = staff_api.post("/api/time-off", {**DAY, "provider": provider.pk})

    assert (answer.status_code, answer.json()["provider"]) == (201, provider.pk)


# --- Closures ---------------------------------------------------------------------------------------------------------


def test_close_closes_for_everybody_each_in_their_own_zone(staff_api, provider):
    away = open_provider(timezone="America/Los_Angeles")

    answer = staff_api.post("/api/closures", {**DAY, "reason": "Works outing"})

    assert answer.status_code == 201
    assert answer.json() == {
        "id": Closure.objects.get().pk,
        "start_time": None,
        "end_time": None,
        "start_date": "2026-03-04",
        "end_date": "2026-03-04",
        "reason": "Works outing",
        "preview": False,
        "slots_added": 0,
        "slots_removed": 64,
        "conflicts": [],
        "holds": [],
    }
    assert free_on(staff_api, provider, "2026-03-04") == []
    assert free_on(staff_api, away, "2026-03-04", "America/Los_Angeles") == []
    assert len(free_on(staff_api, away, "2026-03-05", "America/Los_Angeles")) == 32


def test_close_names_the_bookings_of_everybody(staff_api, provider):
    made = [appoint(provider, at("2026-03-04 09:00")), appoint(open_provider(), at("2026-03-04 10:00"))]

    answer = staff_api.post("/api/closures", DAY).json()

    assert sorted(row["id"] for row in answer["conflicts"]) == [appointment.pk for appointment in made]


def test_close_names_the_holds_of_everybody(staff_api, provider):
    held = [hold(provider, at("2026-03-04 09:00")), hold(open_provider(), at("2026-03-04 10:00"))]

    answer = staff_api.post("/api/closures", DAY).json()

    assert sorted(row["id"] for row in answer["holds"]) == [reservation.pk for reservation in held]


def test_close_for_a_lifetime_asks_no_more_than_for_a_day(staff_api, provider):
    def queries(**stretch):
        with CaptureQueriesContext(connection) as captured:
            assert staff_api.post("/api/closures?preview=true", stretch).status_code == 200
        return len(captured)

    assert queries(start_date="2027-12-24", end_date="2100-12-31") == queries(**DAY)


def test_close_previews_the_same_and_changes_nothing(staff_api, provider):
    appoint(provider, at("2026-03-04 09:00"))
    before = dump()

    preview = staff_api.post("/api/closures?preview=true", DAY)
    after = dump()
    real = staff_api.post("/api/closures", DAY)

    assert (preview.status_code, preview.json()["id"], after) == (200, None, before)
    told = ("slots_added", "slots_removed", "conflicts")
    assert [preview.json()[name] for name in told] == [real.json()[name] for name in told]


def test_close_far_ahead_can_be_taken_back(staff_api, provider):
    christmas = {"start_date": "2026-12-24", "end_date": "2026-12-26"}

    made = staff_api.post("/api/closures", christmas)
    gone = staff_api.delete(f"/api/closures/{made.json()['id']}")

    assert (made.status_code, gone.status_code) == (201, 200)


def test_reopen_brings_the_slots_back(staff_api, provider):
    closure = staff_api.post("/api/closures", DAY).json()["id"]

    answer = staff_api.delete(f"/api/closures/{closure}")

    assert answer.json() == {"preview": False, "slots_added": 32, "slots_removed": 0, "conflicts": [], "holds": []}
    assert not Closure.objects.exists()


@pytest.mark.parametrize("who", ["booker_api", "provider_api"])
def test_closures_are_for_staff(request, who):
    api = request.getfixturevalue(who)
    closure = ClosureFactory()

    for answer in (
        api.get("/api/closures"),
        api.get(f"/api/closures/{closure.pk}"),
        api.post("/api/closures", DAY),
        api.delete(f"/api/closures/{closure.pk}"),
    ):
        assert refusal(answer) == (403, "permission_denied", None)


def test_list_of_closures_is_in_order_of_days(staff_api):
    late, early = ClosureFactory(start_date="2026-12-24"), ClosureFactory(start_date="2026-04-03")

    assert ids(staff_api.get("/api/closures")) == [early.pk, late.pk]
    assert ids(staff_api.get("/api/closures", {"ordering": "-start_date"})) == [late.pk, early.pk]


@pytest.mark.parametrize("slash", ["", "/"])
def test_absences_work_with_and_without_a_trailing_slash(staff_api, provider, slash):
    off = staff_api.post(f"/api/time-off{slash}", {**DAY, "provider": provider.pk})
    closed = staff_api.post(f"/api/closures{slash}", DAY)

    assert (off.status_code, closed.status_code) == (201, 201)
    assert staff_api.patch(f"/api/time-off/{off.json()['id']}{slash}", {"reason": "x"}).status_code == 200
    assert staff_api.delete(f"/api/closures/{closed.json()['id']}{slash}").status_code == 200


def test_list_of_time_off_of_nobody_is_empty():
    assert ids(logged_in(UserFactory()).get("/api/time-off")) == []
