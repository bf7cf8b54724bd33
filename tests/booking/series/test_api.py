"""`/api/series`."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking.models import Appointment, AppointmentSeries
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from tests.booking.answers import ids, refusal
from tests.factories import NOON, SYSTEM, ClientFactory, ProviderFactory, ServiceFactory, appoint, at, open_provider
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


DAY = timedelta(days=1)


@pytest.fixture
def body(provider):
    """For somebody in the provider's own address book."""
    return {
        "provider": provider.pk,
        "client": ClientFactory(owner=provider, user=None).pk,
        "rrule": "FREQ=WEEKLY;COUNT=3",
        "start_time": "2026-03-09T09:00:00",
    }


FIRST = at("2026-03-09 09:00")


def made(provider, client, rrule="FREQ=WEEKLY;COUNT=3", starts=FIRST, **more):
    wanted = SeriesSpec(provider_id=provider.pk, client_id=client.pk, rrule=rrule, starts=starts, **more)
    return create_series(wanted=wanted, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON).series


@pytest.fixture
def series(provider, booker):
    return made(provider, booker)


def days(rows):
    return [row["occurrence"] for row in rows]


# --- Making -----------------------------------------------------------------------------------------------------------


def test_create_answers_the_series_and_its_appointments(provider_api, provider, body):
    answer = provider_api.post("/api/series", body)

    assert answer.status_code == 201
    told = answer.json()
    assert {name: told[name] for name in ("rrule", "start_time", "timezone", "duration_minutes", "active")} == {
        "rrule": "FREQ=WEEKLY;COUNT=3",
        "start_time": "2026-03-09T09:00:00+00:00",
        "timezone": "UTC",
        "duration_minutes": 15,
        "active": True,
    }
    assert (told["provider"]["id"], told["client"]["id"], told["service"]) == (provider.pk, body["client"], None)
    assert (told["occurrences"], told["next_time"], told["ends_at"]) == (
        3,
        "2026-03-09T09:00:00Z",
        "2026-03-23T09:15:00Z",
    )
    assert told["created"][0] == {
        "id": Appointment.objects.earliest("reservation__starts_at").pk,
        "occurrence": "2026-03-09",
        "start_time": "2026-03-09T09:00:00Z",
        "end_time": "2026-03-09T09:15:00Z",
        "status": "scheduled",
    }
    assert (days(told["created"]), told["skipped"]) == (["2026-03-09", "2026-03-16", "2026-03-23"], [])


def test_create_takes_everything_there_is_to_say(staff_api, provider, body):
    service = ServiceFactory(name="Lesson", duration_minutes=45, providers=[provider])
    more = {
        "service": service.pk,
        "timezone": "Europe/Berlin",
        "title": "Piano",
        "description": "Bach",
        "exdates": ["2026-03-16"],
        "reminder_offsets": ["1 hour", "P1D"],
        "override": ["hours"],
    }

    told = staff_api.post("/api/series", {**body, **more, "start_time": "2026-03-09T08:00:00"}).json()

    assert told["start_time"] == "2026-03-09T08:00:00+01:00"
    assert (told["title"], told["description"], told["duration_minutes"]) == ("Piano", "Bach", 45)
    assert (told["exdates"], told["reminder_offsets"], told["overrides"]) == (
        ["2026-03-16"],
        ["1 day", "1 hour"],
        ["hours"],
    )
    appointment = Appointment.objects.get(pk=told["created"][0]["id"])
    assert (appointment.title, appointment.reminder_offsets, appointment.timezone) == (
        "Piano",
        ["1 day", "1 hour"],
        "Europe/Berlin",
    )
    assert appointment.starts_at == at("2026-03-09 07:00")


def test_create_reads_an_offset_as_the_instant_it_is(provider_api, body):
    told = provider_api.post("/api/series", {**body, "start_time": "2026-03-09T19:00:00+09:00"}).json()

    assert told["start_time"] == "2026-03-09T10:00:00+00:00"


def test_create_all_or_nothing_lists_what_is_in_the_way(provider_api, provider, body):
    appoint(provider, at("2026-03-16 09:00"))
    before = dump()

    answer = provider_api.post("/api/series", body)

    assert refusal(answer) == (409, "series_conflict", None)
    [conflict] = answer.json()["details"]["conflicts"]
    assert (conflict["occurrence"], conflict["reason"], conflict["nearest"]["start_time"]) == (
        "2026-03-16",
        "slot_taken",
        "2026-03-16T09:15:00Z",
    )
    assert dump() == before


def test_create_skipping_conflicts_tells_what_it_left_out(provider_api, provider, body):
    appoint(provider, at("2026-03-16 09:00"))

    told = provider_api.post("/api/series", {**body, "policy": "skip_conflicts"}).json()

    assert days(told["created"]) == ["2026-03-09", "2026-03-23"]
    [skipped] = told["skipped"]
    assert (skipped["occurrence"], skipped["reason"]) == ("2026-03-16", "slot_taken")
    assert skipped["detail"]
    assert skipped["nearest"]["start_time"] == "2026-03-16T09:15:00Z"
    assert told["gaps"] == [{"occurrence": "2026-03-16", "reason": "slot_taken"}]


def test_create_by_a_provider_is_their_own_if_none_is_named(provider_api, provider, body):
    del body["provider"]

    assert provider_api.post("/api/series", body).json()["provider"]["id"] == provider.pk


def test_create_is_done_once_per_key(provider_api, body):
    first, second = (provider_api.post("/api/series", body, HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))

    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second["Idempotency-Replayed"] == "true"
    assert AppointmentSeries.objects.count() == 1


def test_create_by_a_client_is_not_allowed(booker_api, booker, body):
    body["client"] = booker.pk

    assert refusal(booker_api.post("/api/series", body)) == (403, "not_allowed", None)
    assert refusal(booker_api.post("/api/series/preview", body)) == (403, "not_allowed", None)


def test_create_for_a_client_one_cannot_see_is_not_found(provider_api, body):
    body["client"] = ClientFactory(owner=ProviderFactory(), user=None).pk

    assert refusal(provider_api.post("/api/series", body)) == (404, "not_found", "client")


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ({"rrule": "FREQ=SECONDLY"}, (400, "bad_rule", "rrule")),
        ({"rrule": "FREQ=DAILY;INTERVAL=0"}, (400, "bad_rule", "rrule")),
        ({"rrule": "FREQ=DAILY;COUNT=999999999"}, (400, "bad_rule", "rrule")),
        ({"rrule": "FREQ=DAILY\nEXRULE:FREQ=DAILY"}, (400, "bad_rule", "rrule")),
        ({"rrule": "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31"}, (400, "bad_rule", "rrule")),
        ({"rrule": "FREQ=WEEKLY;BYDAY=TU"}, (400, "not_in_rule", "start_time")),
        ({"rrule": "x" * 501}, (400, "max_length", "rrule")),
        ({"start_time": "2026-03-09T09:01:00"}, (400, "off_grid", "start_time")),
        ({"start_time": "1999-03-09T09:00:00"}, (400, "out_of_range", "start_time")),
        ({"start_time": "2024-03-09T09:00:00"}, (400, "in_the_past", "start_time")),
        ({"start_time": "2029-03-09T09:00:00"}, (409, "too_far", "start_time")),
        ({"timezone": "Mars/Olympus"}, (400, "unknown_timezone", "timezone")),
        ({"duration_minutes": 0}, (400, "min_value", "duration_minutes")),
        ({"policy": "whatever"}, (400, "invalid_choice", "policy")),
        ({"reminder_offsets": ["soon"]}, (400, "invalid_offset", "reminder_offsets")),
        ({"title": "a\nb"}, (400, "control_characters", "title")),
        ({"service": 999}, (400, "service_not_offered", "service")),
    ],
)
def test_create_refuses_what_cannot_be(provider_api, body, more, answer):
    before = dump()

    assert refusal(provider_api.post("/api/series", {**body, **more})) == answer
    assert dump() == before


def test_a_start_that_does_not_fit_is_told_one_that_does(provider_api, body):
    answer = provider_api.post("/api/series", {**body, "rrule": "FREQ=MONTHLY;BYDAY=-1FR"})

    assert answer.json()["details"] == {"nearest": ["2026-03-27"]}


# --- Previewing -------------------------------------------------------------------------------------------------------


def test_preview_tells_each_occurrence_and_changes_nothing(provider_api, provider, body):
    appoint(provider, at("2026-03-16 09:00"))
    before = dump()

    answer = provider_api.post("/api/series/preview?timezone=Europe/Berlin", {**body, "rrule": "freq=weekly;count=3"})

    assert answer.status_code == 200
    told = answer.json()
    assert (told["rrule"], told["free"], told["busy"]) == ("FREQ=WEEKLY;COUNT=3", 2, 1)
    free, busy, _last = told["occurrences"]
    assert free == {
        "occurrence": "2026-03-09",
        "start_time": "2026-03-09T10:00:00+01:00",
        "end_time": "2026-03-09T10:15:00+01:00",
        "status": "free",
        "reason": None,
        "detail": None,
        "nearest": None,
    }
    assert (busy["status"], busy["reason"], busy["nearest"]["start_time"]) == (
        "busy",
        "slot_taken",
        "2026-03-16T10:15:00+01:00",
    )
    assert busy["detail"]
    assert dump() == before


# --- Looking ----------------------------------------------------------------------------------------------------------


def test_retrieve_shows_how_many_there_are_and_the_next(booker_api, series):
    with time_machine.travel(at("2026-03-09 09:00"), tick=False):
        told = booker_api.get(f"/api/series/{series.pk}").json()

    assert (told["occurrences"], told["next_time"]) == (3, "2026-03-16T09:00:00Z")
    assert days(told["next"]) == ["2026-03-16", "2026-03-23"]


@pytest.mark.parametrize("who", ["provider_api", "booker_api", "staff_api"])
def test_a_series_is_seen_by_its_provider_its_client_and_staff(request, series, who):
    api = request.getfixturevalue(who)

    assert ids(api.get("/api/series")) == [series.pk]
    assert api.get(f"/api/series/{series.pk}").status_code == 200


def test_a_client_reads_but_does_not_change(booker_api, series):
    assert refusal(booker_api.patch(f"/api/series/{series.pk}", {"title": "X"})) == (403, "not_allowed", None)


def test_a_client_cancels_their_own(booker_api, series):
    assert booker_api.delete(f"/api/series/{series.pk}").status_code == 204
    assert booker_api.get(f"/api/series/{series.pk}").json()["next"] == []


def test_list_is_narrowed_and_ordered(staff_api, provider, booker):
    service = ServiceFactory(name="Yoga", providers=[provider])
    later = made(provider, booker, starts=at("2026-03-12 09:00"), service_id=service.pk)
    cancelled = made(provider, ClientFactory(name="Kim"), starts=at("2026-03-11 09:00"))
    over = made(provider, booker, starts=at("2026-03-10 09:00"), rrule="FREQ=WEEKLY;COUNT=1")
    staff_api.delete(f"/api/series/{cancelled.pk}")

    def listed(**query):
        return ids(staff_api.get("/api/series", query))

    assert listed() == [over.pk, cancelled.pk, later.pk]
    assert listed(ordering="start_time") == [over.pk, cancelled.pk, later.pk]
    assert listed(ordering="-next_time")[-2:] == [later.pk, over.pk]
    assert listed(client=booker.pk, ordering="id") == [later.pk, over.pk]
    assert listed(provider=provider.pk + 1000) == []
    assert listed(search="kim") == [cancelled.pk]
    assert listed(service=service.pk) == listed(search="yoga") == [later.pk]
    with time_machine.travel(at("2026-03-10 09:15"), tick=False):
        assert listed(active="true") == [later.pk]
        assert listed(active="false") == [over.pk, cancelled.pk]


def test_list_costs_the_same_at_one_row_and_at_many(staff_api, provider, booker):
    made(provider, booker)
    staff_api.get("/api/series")
    with CaptureQueriesContext(connection) as few:
        staff_api.get("/api/series")
    for number in range(4):
        made(provider, ClientFactory(), starts=at("2026-03-09 10:00") + number * DAY)

    with CaptureQueriesContext(connection) as many:
        answer = staff_api.get("/api/series")

    assert (len(ids(answer)), len(many)) == (5, len(few))


def test_appointments_name_their_series_and_are_found_by_it(booker_api, provider, booker, series):
    appoint(provider, at("2026-03-09 11:00"), client=booker)

    rows = booker_api.get(f"/api/appointments?series={series.pk}&ordering=start_time").json()["results"]

    assert [(row["series"], row["occurrence"]) for row in rows] == [
        (series.pk, "2026-03-09"),
        (series.pk, "2026-03-16"),
        (series.pk, "2026-03-23"),
    ]
    other = booker_api.get("/api/appointments?start=2026-03-09T10:00:00Z&end=2026-03-10").json()["results"]
    assert [(row["series"], row["occurrence"]) for row in other] == [(None, None)]


# --- Changing ---------------------------------------------------------------------------------------------------------


def test_change_all(provider_api, series):
    told = provider_api.patch(
        f"/api/series/{series.pk}", {"scope": "all", "start_time": "2026-03-09T10:00:00", "title": "Piano"}
    ).json()

    assert (told["id"], told["title"], told["start_time"]) == (series.pk, "Piano", "2026-03-09T10:00:00+00:00")
    assert [row["start_time"] for row in told["moved"]] == [
        "2026-03-09T10:00:00Z",
        "2026-03-16T10:00:00Z",
        "2026-03-23T10:00:00Z",
    ]
    assert (told["created"], told["cancelled"], told["skipped"]) == ([], [], [])


def test_change_following_answers_the_new_series(provider_api, series):
    told = provider_api.patch(
        f"/api/series/{series.pk}", {"scope": "following", "from": "2026-03-16", "start_time": "2026-03-17T10:00:00"}
    ).json()

    assert told["id"] != series.pk
    assert (told["rrule"], days(told["moved"])) == ("FREQ=WEEKLY;COUNT=2", ["2026-03-17", "2026-03-24"])
    old = provider_api.get(f"/api/series/{series.pk}").json()
    assert (old["rrule"], old["occurrences"]) == ("FREQ=WEEKLY;UNTIL=20260316T085959Z", 1)


def test_change_this(provider_api, series):
    answer = provider_api.patch(
        f"/api/series/{series.pk}", {"scope": "this", "from": "2026-03-16", "start_time": "2026-03-17T10:00:00Z"}
    )

    [moved] = answer.json()["moved"]
    assert (moved["occurrence"], moved["start_time"]) == ("2026-03-16", "2026-03-17T10:00:00Z")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"scope": "following"}, (400, "required", "from")),
        ({"scope": "this", "from": "2026-03-10"}, (400, "not_in_rule", "from")),
        ({"scope": "this", "from": "2026-03-16", "rrule": "FREQ=DAILY"}, (400, "bad_rule", "rrule")),
        ({"rrule": "FREQ=MINUTELY"}, (400, "bad_rule", "rrule")),
        ({"start_time": "2026-03-09T20:00:00"}, (409, "series_conflict", None)),
        ({"start_time": "2026-01-05T09:00:00"}, (400, "in_the_past", "start_time")),
        ({"scope": "some"}, (400, "invalid_choice", "scope")),
        ({"from": "2200-01-01"}, (400, "out_of_range", "from")),
    ],
)
def test_change_refused_leaves_everything(provider_api, series, asked, answer):
    before = dump()

    assert refusal(provider_api.patch(f"/api/series/{series.pk}", asked)) == answer
    assert dump() == before


def test_cancel_one_with_a_reason(provider_api, series):
    told = provider_api.post(
        f"/api/series/{series.pk}/cancel", {"scope": "this", "from": "2026-03-16", "reason": "Holiday"}
    ).json()

    assert (told["exdates"], days(told["cancelled"]), told["active"]) == (["2026-03-16"], ["2026-03-16"], True)
    assert Appointment.objects.get(occurrence="2026-03-16").cancellation_reason == "Holiday"


def test_cancel_following(provider_api, series):
    told = provider_api.post(f"/api/series/{series.pk}/cancel", {"scope": "following", "from": "2026-03-16"}).json()

    assert (days(told["cancelled"]), told["next_time"]) == (["2026-03-16", "2026-03-23"], "2026-03-09T09:00:00Z")


def test_delete_cancels_all_that_are_to_come(provider_api, series):
    assert provider_api.delete(f"/api/series/{series.pk}").status_code == 204

    assert set(series.appointments.values_list("status", flat=True)) == {"cancelled"}
    told = provider_api.get(f"/api/series/{series.pk}").json()
    assert (told["active"], told["cancelled_at"], told["next"]) == (False, "2026-03-02T12:00:00Z", [])
    assert refusal(provider_api.delete(f"/api/series/{series.pk}")) == (409, "series_ended", None)


def test_cancelling_an_appointment_of_a_series_adds_an_exception(booker_api, series):
    second = series.appointments.get(occurrence="2026-03-16")

    booker_api.post(f"/api/appointments/{second.pk}/cancel", {})

    assert booker_api.get(f"/api/series/{series.pk}").json()["exdates"] == ["2026-03-16"]


def test_a_service_in_a_series_cannot_be_deleted(staff_api):
    provider = open_provider(horizon_days=3)
    service = ServiceFactory(providers=[provider])
    made(provider, ClientFactory(), service_id=service.pk)

    assert refusal(staff_api.delete(f"/api/services/{service.pk}")) == (409, "in_use", None)
