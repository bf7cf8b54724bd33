"""`/api/appointments`: booking in one step, finding, moving and ending meetings."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import Actor, Source
from booking.appointments.enums import Event
from booking.appointments.operations import reschedule as move
from booking.models import Appointment, AppointmentEvent, Reservation, Slot
from booking.reservations.enums import Override
from reminders.models import Message
from tests.booking.answers import ids, refusal
from tests.conftest import logged_in
from tests.factories import (
    NOON,
    AppointmentFactory,
    ClientFactory,
    ServiceFactory,
    UserFactory,
    appoint,
    at,
    minutes,
    open_provider,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


NINE = "2026-03-04T09:00:00Z"


def book(api, provider, start=NINE, **more):
    return api.post("/api/appointments", {"provider": provider.pk, "start_time": start, **more})


def is_free(provider, text):
    return Slot.objects.get(provider=provider, starts_at=at(text)).reservation is None


@pytest.fixture
def own_client(provider):
    """A client in the provider's address book."""
    return ClientFactory(owner=provider, user=None)


@pytest.fixture
def service(provider):
    return ServiceFactory(name="First visit", duration_minutes=30, providers=[provider])


@pytest.fixture
def made(provider, booker, service):
    """Wednesday, 09:00 to 09:30."""
    return appoint(provider, at("2026-03-04 09:00"), client=booker, service_id=service.pk)


@pytest.fixture
def pending(provider, booker):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    return appoint(provider, at("2026-03-04 10:00"), client=booker, service_id=service.pk)


def during(appointment, later=timedelta(0)):
    """Set the clock to the start of the appointment, or `later`."""
    return time_machine.travel(appointment.reservation.starts_at + later, tick=False)


# --- Book -------------------------------------------------------------------------------------------------------------


def test_book_answers_the_whole_appointment(booker_api, booker, provider, service):
    answer = book(
        booker_api,
        provider,
        "2026-03-04T10:00:00",
        service=service.pk,
        title="My knee",
        description="It hurts.",
        timezone="Europe/Berlin",
    )

    made = Appointment.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": made.pk,
        "uid": str(made.uid),
        "provider": {"id": provider.pk, "name": provider.name},
        "client": {"id": booker.pk, "name": booker.name, "email": booker.email, "phone": ""},
        "service": {"id": service.pk, "name": "First visit"},
        "reservation": made.reservation_id,
        "series": None,
        "occurrence": None,
        "title": "My knee",
        "description": "It hurts.",
        "status": "scheduled",
        "start_time": "2026-03-04T09:00:00Z",
        "end_time": "2026-03-04T09:30:00Z",
        "timezone": "Europe/Berlin",
        "reminder_offsets": None,
        "cancellation_reason": "",
        "sequence": 0,
        "created_at": "2026-03-02T12:00:00Z",
        "updated_at": "2026-03-02T12:00:00Z",
        "allowed_actions": ["reschedule", "cancel"],
    }


def test_book_is_titled_after_the_service(booker_api, provider, service):
    assert book(booker_api, provider, service=service.pk).json()["title"] == "First visit"


def test_book_without_a_title_is_called_an_appointment_in_the_readers_language(booker_api, provider):
    asked = {"provider": provider.pk, "start_time": NINE}
    made = booker_api.post("/api/appointments", asked, HTTP_ACCEPT_LANGUAGE="de")

    path = f"/api/appointments/{made.json()['id']}"
    assert [booker_api.get(path, HTTP_ACCEPT_LANGUAGE=language).json()["title"] for language in ("de", "en")] == [
        "Termin",
        "Appointment",
    ]


def test_edit_to_no_title_is_titled_after_the_service_again(booker_api, provider_api, provider, service):
    made = book(booker_api, provider, service=service.pk, title="My knee").json()

    answer = provider_api.patch(f"/api/appointments/{made['id']}", {"title": ""})

    assert answer.json()["title"] == "First visit"


@pytest.mark.parametrize("title", ["One\nTwo", "One\r\nBEGIN:VEVENT", "One\x07"])
def test_book_refuses_a_title_of_several_lines(booker_api, provider, title):
    assert refusal(book(booker_api, provider, title=title)) == (400, "control_characters", "title")


def test_book_keeps_the_clients_timezone_when_none_is_sent(booker_api, booker, provider):
    booker.timezone = "Asia/Kathmandu"
    booker.save()

    assert book(booker_api, provider).json()["timezone"] == "Asia/Kathmandu"


def test_book_refuses_a_time_without_offset_and_timezone(booker_api, provider):
    assert refusal(book(booker_api, provider, "2026-03-04T10:00:00")) == (400, "timezone_required", "start_time")
    assert not Reservation.objects.exists()


def test_book_refuses_an_unknown_timezone(booker_api, provider):
    answer = book(booker_api, provider, timezone="localtime")

    assert refusal(answer) == (400, "unknown_timezone", "timezone")


def test_book_by_the_provider_for_their_client(provider_api, provider, own_client):
    answer = book(provider_api, provider, client=own_client.pk)

    assert (answer.status_code, answer.json()["client"]["id"]) == (201, own_client.pk)


def test_book_by_the_provider_does_not_know_a_stranger(provider_api, provider, booker):
    assert refusal(book(provider_api, provider, client=booker.pk)) == (404, "not_found", "client")


def test_book_by_the_provider_wants_a_client(provider_api, provider):
    assert refusal(book(provider_api, provider)) == (400, "required", "client")


def test_book_by_staff_for_anybody(staff_api, provider, booker):
    assert book(staff_api, provider, client=booker.pk).status_code == 201


def test_book_refuses_taken_time_with_alternatives(booker_api, provider, made):
    answer = book(booker_api, provider)

    assert refusal(answer) == (409, "slot_taken", "start_time")
    assert [time["start_time"] for time in answer.json()["details"]["alternatives"]] == [
        "2026-03-04T09:30:00Z",
        "2026-03-04T09:45:00Z",
        "2026-03-04T10:00:00Z",
    ]


def test_whoever_books_too_often_is_told_when_to_come_back(booker_api, provider, throttle):
    throttle["change"] = "1/h"
    assert book(booker_api, provider).status_code == 201

    answer = book(booker_api, provider, "2026-03-04T10:00:00Z")

    assert refusal(answer)[:2] == (429, "too_often")
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert Appointment.objects.count() == 1


def test_book_refuses_more_than_one_may_have(booker_api, provider, settings):
    settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED = 1
    times = ({"provider": provider.pk, "start_time": f"2026-03-04T{hour}:00:00Z"} for hour in (10, 11))
    first, second = (booker_api.post("/api/appointments", body) for body in times)

    assert first.status_code == 201
    assert refusal(second)[:2] == (409, "too_many_appointments")
    assert "Verify your email to book more" in second.json()["errors"][0]["detail"]
    assert second.json()["details"] == {"limit": 1, "verify_email": True}


def test_book_waits_for_approval_where_the_service_needs_it(booker_api, provider, service):
    service.needs_approval = True
    service.save()

    assert book(booker_api, provider, service=service.pk).json()["status"] == "pending"


def test_book_by_the_provider_needs_no_approval(provider_api, provider, own_client, service):
    service.needs_approval = True
    service.save()

    assert book(provider_api, provider, client=own_client.pk, service=service.pk).json()["status"] == "scheduled"


def test_book_with_an_override_records_it_in_the_history(provider_api, provider, own_client):
    made = book(provider_api, provider, "2026-03-02T20:00:00Z", client=own_client.pk, override=["notice", "hours"])

    history = provider_api.get(f"/api/appointments/{made.json()['id']}/history").json()["results"]
    assert history == [
        {
            "event": "booked",
            "at": "2026-03-02T12:00:00Z",
            "by": provider.user.name,
            "face": "api",
            "details": {"status": "scheduled", "overrides": ["hours", "notice"]},
        }
    ]


@pytest.mark.parametrize("sent", [{}, {"notice": True}, "notice", None, 1])
def test_override_is_a_list(provider_api, provider, own_client, sent):
    answer = book(provider_api, provider, client=own_client.pk, override=sent)

    assert (answer.status_code, refusal(answer)[2]) == (400, "override")


def test_empty_list_of_overrides_is_none(provider_api, provider, own_client):
    assert book(provider_api, provider, client=own_client.pk, override=[]).status_code == 201


def test_book_refuses_a_client_who_overrides(booker_api, provider):
    assert refusal(book(booker_api, provider, override=["hours"])) == (403, "not_allowed", "override")


@pytest.mark.parametrize("slash", ["", "/"])
def test_book_works_with_and_without_a_trailing_slash(booker_api, provider, slash):
    answer = booker_api.post(f"/api/appointments{slash}", {"provider": provider.pk, "start_time": NINE})

    assert answer.status_code == 201


# --- Who sees it ------------------------------------------------------------------------------------------------------

ROUTES = [
    ("get", "", None),
    ("get", ".ics", None),
    ("get", "/history", None),
    ("patch", "", {"title": "Changed"}),
    ("patch", "/status", {"status": "cancelled"}),
    ("post", "/reschedule", {"start_time": "2026-03-05T09:00:00Z"}),
    ("post", "/cancel", {"reason": "Because"}),
    ("post", "/approve", None),
    ("post", "/decline", {"reason": "Because"}),
    ("delete", "", None),
]
every_route = pytest.mark.parametrize(("method", "path", "body"), ROUTES)


def call(api, appointment, method, path, body):
    return getattr(api, method)(f"/api/appointments/{appointment.pk}{path}", body)


@every_route
@pytest.mark.parametrize("who", ["provider_api", "staff_api"])
def test_appointment_is_open_to_its_provider_and_staff(request, pending, method, path, body, who):
    answer = call(request.getfixturevalue(who), pending, method, path, body)

    assert answer.status_code in (200, 204)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        (*route, 403 if route[:2] in [("patch", ""), ("post", "/approve"), ("post", "/decline")] else 200)
        for route in ROUTES[:-1]
    ]
    + [(*ROUTES[-1], 204)],
)
def test_appointment_is_open_to_its_client_within_limits(booker_api, pending, method, path, body, status):
    assert call(booker_api, pending, method, path, body).status_code == status


def test_appointment_of_a_kept_client_is_not_there_for_a_login_with_the_same_email(provider_api, provider, own_client):
    made = book(provider_api, provider, client=own_client.pk).json()
    namesake = ClientFactory(email=own_client.email, user=UserFactory(email=own_client.email))

    assert logged_in(namesake.user).get(f"/api/appointments/{made['id']}").status_code == 404


def test_list_shows_each_their_own(booker, booker_api, provider_api, provider, staff_api):
    other = open_provider()
    mine = appoint(provider, at("2026-03-04 09:00"), client=booker)
    with_other = appoint(other, at("2026-03-04 10:00"), client=booker)
    of_other = appoint(provider, at("2026-03-04 11:00"))

    assert ids(booker_api.get("/api/appointments")) == [with_other.pk, mine.pk]
    assert ids(provider_api.get("/api/appointments")) == [of_other.pk, mine.pk]
    assert ids(staff_api.get("/api/appointments")) == [of_other.pk, with_other.pk, mine.pk]
    assert ids(logged_in(UserFactory()).get("/api/appointments")) == []


def test_filters_do_not_reach_what_the_asker_may_not_see(booker_api, provider, booker):
    appoint(provider, at("2026-03-04 09:00"))

    assert ids(booker_api.get("/api/appointments", {"provider": provider.pk})) == []


def test_list_of_admin_shows_all_to_staff(staff_api, made):
    assert ids(staff_api.get("/api/admin/appointments")) == [made.pk]


@pytest.mark.parametrize("who", ["booker_api", "provider_api"])
def test_list_of_admin_is_for_staff(request, made, who):
    answer = request.getfixturevalue(who).get("/api/admin/appointments")

    assert refusal(answer) == (403, "permission_denied", None)


# --- Filters ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_of_each(provider):
    """An appointment in every status, one in progress, one over without an outcome."""
    with_approval = ServiceFactory(duration_minutes=15, needs_approval=True, providers=[provider])
    days = {
        "over": "2026-03-02 11:30",
        "completed": "2026-03-02 10:00",
        "going on": "2026-03-02 11:45",
        "pending": "2026-03-04 09:00",
        "scheduled": "2026-03-04 10:00",
        "cancelled": "2026-03-04 11:00",
        "declined": "2026-03-04 12:00",
        "missed": "2026-03-02 10:30",
    }
    made = {}
    for name, day in days.items():
        reservation = {
            "provider": provider,
            "starts_at": at(day),
            "ends_at": at(day) + minutes(16 if name == "going on" else 15),
        }
        status = name if name not in ("over", "going on") else "scheduled"
        ended = {"status": "released", "closed_at": NOON} if status in ("cancelled", "declined") else {}
        made[name] = AppointmentFactory(
            status=status,
            **{f"reservation__{key}": value for key, value in (reservation | ended).items()},
            reservation__service=with_approval,
        )
    return {appointment.pk: name for name, appointment in made.items()}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("upcoming", {"going on", "pending", "scheduled"}),
        ("past", {"over", "completed", "missed"}),
        ("pending", {"pending"}),
        ("scheduled", {"over", "going on", "scheduled"}),
        ("completed", {"completed"}),
        ("missed", {"missed"}),
        ("cancelled", {"cancelled"}),
        ("declined", {"declined"}),
    ],
)
def test_list_narrows_to_a_status(staff_api, one_of_each, status, expected):
    listed = ids(staff_api.get("/api/appointments", {"status": status}))

    assert {one_of_each[pk] for pk in listed} == expected


@pytest.mark.parametrize(
    ("later", "expected"),
    [(minutes(15) - timedelta(microseconds=1), ("upcoming", "past")), (minutes(15), ("past", "upcoming"))],
    ids=["the moment before", "at its end"],
)
def test_list_moves_an_appointment_to_the_past_at_its_end(provider, booker, later, expected):
    appoint(provider, at("2026-03-04 09:00"), client=booker)
    api = logged_in(booker.user)
    shown, hidden = expected

    with time_machine.travel(at("2026-03-04 09:00") + later, tick=False):
        assert len(ids(api.get("/api/appointments", {"status": shown}))) == 1
        assert ids(api.get("/api/appointments", {"status": hidden})) == []


def test_list_refuses_an_unknown_status(staff_api):
    assert refusal(staff_api.get("/api/appointments", {"status": "lost"})) == (400, "invalid_choice", "status")


def test_list_narrows_by_provider_client_and_service(staff_api, provider, booker, made):
    other = open_provider()
    elsewhere = appoint(other, at("2026-03-04 09:00"))

    for name, value in {"provider": provider.pk, "client": booker.pk, "service": made.reservation.service_id}.items():
        assert ids(staff_api.get("/api/appointments", {name: value})) == [made.pk]
    assert ids(staff_api.get("/api/appointments", {"provider": other.pk})) == [elsewhere.pk]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("start=2026-03-04T09:00:00Z", [11, 10, 9]),
        ("start=2026-03-04T09:00:01Z", [11, 10]),
        ("end=2026-03-04T11:00:00Z", [10, 9]),
        ("start=2026-03-04T10:00:00Z&end=2026-03-04T11:00:00Z", [10]),
        ("start=2026-03-04T11:00:00+01:00", [11, 10]),
        ("start=2026-03-04&end=2026-03-05", [11, 10, 9]),
        ("end=2026-03-04", []),
    ],
)
def test_list_narrows_by_when_it_starts(staff_api, provider, query, expected):
    made = {appoint(provider, at(f"2026-03-04 {hour:02}:00")).pk: hour for hour in (9, 10, 11)}

    assert [made[pk] for pk in ids(staff_api.get(f"/api/appointments?{query}"))] == expected


def test_list_finds_by_title_and_client(staff_api, provider, made):
    appoint(provider, at("2026-03-04 11:00"), title="Something else")
    client = made.reservation.client

    assert ids(staff_api.get("/api/appointments", {"search": "FIRST"})) == [made.pk]
    assert made.pk in ids(staff_api.get("/api/appointments", {"search": client.name}))
    assert ids(staff_api.get("/api/appointments", {"search": client.email})) == [made.pk]


@pytest.mark.parametrize(("status", "expected"), [("upcoming", 1), ("past", 0)])
def test_list_narrows_to_what_is_upcoming_at_one_moment(staff_api, provider, monkeypatch, status, expected):
    made = appoint(provider, at("2026-03-04 09:00"))
    readings = iter([made.starts_at - minutes(1), made.ends_at])
    monkeypatch.setattr(timezone, "now", lambda: next(readings))

    assert len(ids(staff_api.get("/api/appointments", {"status": status}))) == expected


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("start_time", [9, 10, 11]),
        ("-start_time", [11, 10, 9]),
        ("created_at", [10, 11, 9]),
        ("-created_at", [9, 11, 10]),
        ("id", [9, 10, 11]),
    ],
)
def test_list_orders(staff_api, provider, ordering, expected):
    earlier = {9: NOON, 10: NOON - minutes(2), 11: NOON - minutes(1)}
    made = {appoint(provider, at(f"2026-03-04 {hour:02}:00"), now=now).pk: hour for hour, now in earlier.items()}

    assert [made[pk] for pk in ids(staff_api.get("/api/appointments", {"ordering": ordering}))] == expected


def test_list_orders_by_two_terms(staff_api, provider):
    earlier = {9: NOON, 10: NOON - minutes(2), 11: NOON}
    made = {appoint(provider, at(f"2026-03-04 {hour:02}:00"), now=now).pk: hour for hour, now in earlier.items()}

    listed = ids(staff_api.get("/api/appointments", {"ordering": "created_at,-start_time"}))

    assert [made[pk] for pk in listed] == [10, 11, 9]


def test_list_refuses_an_unknown_order(staff_api):
    answer = staff_api.get("/api/appointments", {"ordering": "reservation__client__email"})

    assert refusal(answer) == (400, "invalid_choice", "ordering")


def test_list_asks_a_constant_number_of_queries(staff_api, provider, service):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            staff_api.get("/api/appointments")
        return len(captured)

    appoint(provider, at("2026-03-04 09:00"), service_id=service.pk)
    one = queries()
    for half in range(1, 14):
        appoint(provider, at("2026-03-04 09:00") + half * minutes(30), service_id=service.pk)

    assert queries() == one


def test_list_writes_times_in_the_timezone_asked_for(staff_api, made):
    row = staff_api.get("/api/appointments", {"timezone": "America/New_York"}).json()["results"][0]

    assert (row["start_time"], row["end_time"], row["timezone"]) == (
        "2026-03-04T04:00:00-05:00",
        "2026-03-04T04:30:00-05:00",
        "UTC",
    )


@pytest.mark.parametrize("path", ["/api/appointments", "/api/appointments/{}", "/api/reservations"])
def test_reading_refuses_an_unknown_timezone(staff_api, made, path):
    answer = staff_api.get(path.format(made.pk), {"timezone": "Mars/Olympus"})

    assert refusal(answer) == (400, "unknown_timezone", "timezone")


# --- Status -----------------------------------------------------------------------------------------------------------


def set_status(api, appointment, status, **more):
    return api.patch(f"/api/appointments/{appointment.pk}/status", {"status": status, **more})


ALLOWED = {
    "pending": ["scheduled", "declined", "cancelled"],
    "scheduled": ["completed", "missed", "cancelled"],
    "completed": ["missed", "scheduled"],
    "missed": ["completed", "scheduled"],
    "cancelled": [],
    "declined": [],
}
MOVES = [(old, new) for old, allowed in ALLOWED.items() for new in allowed]


def in_status(provider, booker, status):
    """An appointment brought to `status` by its own transitions."""
    service = ServiceFactory(needs_approval=True, providers=[provider])
    made = appoint(provider, at("2026-03-04 10:00"), client=booker, service_id=service.pk)
    way = {"pending": [], "scheduled": ["scheduled"], "cancelled": ["cancelled"], "declined": ["declined"]}
    with during(made):
        for step in way.get(status, ["scheduled", status]):
            assert set_status(logged_in(provider.user), made, step).status_code == 200
    return made


@pytest.mark.parametrize(("old", "new"), MOVES)
def test_status_moves_along_the_table(provider_api, provider, booker, old, new):
    made = in_status(provider, booker, old)

    with during(made):
        answer = set_status(provider_api, made, new)

    assert (answer.status_code, answer.json()["status"]) == (200, new)


@pytest.mark.parametrize(("old", "new"), [(old, new) for old in ALLOWED for new in ALLOWED if (old, new) not in MOVES])
def test_status_refuses_moves_that_are_not_in_the_table(provider_api, provider, booker, old, new):
    made = in_status(provider, booker, old)

    with during(made):
        answer = set_status(provider_api, made, new)

    made.refresh_from_db()
    assert refusal(answer) == (409, "bad_transition", "status")
    assert answer.json()["details"] == {"status": old, "allowed": ALLOWED[old]}
    assert made.status == old


@pytest.mark.parametrize("status", ["completed", "missed"])
def test_status_tells_no_outcome_before_the_start(provider_api, made, status):
    with during(made, -timedelta(microseconds=1)):
        assert refusal(set_status(provider_api, made, status))[:2] == (409, "not_yet")


@pytest.mark.parametrize("status", ["completed", "missed"])
def test_status_refuses_an_outcome_told_by_the_client(booker_api, made, status):
    with during(made):
        assert refusal(set_status(booker_api, made, status)) == (403, "not_allowed", None)


def test_status_refuses_an_unknown_one(provider_api, made):
    assert refusal(set_status(provider_api, made, "lost")) == (400, "invalid_choice", "status")


def test_status_keeps_the_reason(provider_api, made):
    assert set_status(provider_api, made, "cancelled", reason="Ill").json()["cancellation_reason"] == "Ill"


# --- Reschedule -------------------------------------------------------------------------------------------------------


def reschedule(api, appointment, start, **more):
    return api.post(f"/api/appointments/{appointment.pk}/reschedule", {"start_time": start, **more})


def test_reschedule_keeps_identity_and_raises_the_sequence(booker_api, made):
    answer = reschedule(booker_api, made, "2026-03-05T14:00:00Z").json()

    assert (answer["id"], answer["uid"], answer["sequence"]) == (made.pk, str(made.uid), 1)
    assert (answer["start_time"], answer["end_time"]) == ("2026-03-05T14:00:00Z", "2026-03-05T14:30:00Z")


def test_reschedule_frees_the_old_time_and_takes_the_new(booker_api, provider, made):
    reschedule(booker_api, made, "2026-03-05T14:00:00Z")

    assert is_free(provider, "2026-03-04 09:00")
    assert not is_free(provider, "2026-03-05 14:00")


def test_reschedule_by_less_than_its_length_is_not_in_its_own_way(booker_api, made):
    assert reschedule(booker_api, made, "2026-03-04T09:15:00Z").json()["start_time"] == "2026-03-04T09:15:00Z"


def test_reschedule_reads_the_timezone_sent(booker_api, made):
    answer = reschedule(booker_api, made, "2026-03-05T15:00:00", timezone="Europe/Berlin")

    assert answer.json()["start_time"] == "2026-03-05T14:00:00Z"


def test_reschedule_refuses_a_time_without_offset_and_timezone(booker_api, made):
    assert refusal(reschedule(booker_api, made, "2026-03-05T15:00:00")) == (400, "timezone_required", "start_time")


def test_reschedule_onto_taken_time_leaves_the_original(booker_api, provider, made):
    appoint(provider, at("2026-03-05 14:00"))
    before = Appointment.objects.filter(pk=made.pk).values().get()

    answer = reschedule(booker_api, made, "2026-03-05T14:00:00Z")

    assert refusal(answer) == (409, "slot_taken", "start_time")
    assert Appointment.objects.filter(pk=made.pk).values().get() == before
    assert not is_free(provider, "2026-03-04 09:00")


def test_reschedule_lets_the_provider_override_hours(provider_api, made):
    answer = reschedule(provider_api, made, "2026-03-07T09:00:00Z", override=["hours"])

    assert (answer.status_code, answer.json()["start_time"]) == (200, "2026-03-07T09:00:00Z")


def test_reschedule_refuses_a_client_who_overrides(booker_api, made):
    answer = reschedule(booker_api, made, "2026-03-07T09:00:00Z", override=["hours"])

    assert refusal(answer) == (403, "not_allowed", "override")


def test_reschedule_lets_the_provider_change_the_length(provider_api, made):
    answer = reschedule(provider_api, made, NINE, end_time="2026-03-04T10:00:00Z")

    assert answer.json()["end_time"] == "2026-03-04T10:00:00Z"


def test_reschedule_refuses_a_client_who_changes_the_length(booker_api, made):
    answer = reschedule(booker_api, made, NINE, end_time="2026-03-04T10:00:00Z")

    assert refusal(answer) == (403, "not_allowed", "end_time")


def test_reschedule_refuses_a_cancelled_one(booker_api, made):
    booker_api.delete(f"/api/appointments/{made.pk}")

    answer = reschedule(booker_api, made, "2026-03-05T14:00:00Z")

    assert refusal(answer) == (409, "bad_transition", "status")
    assert answer.json()["details"] == {"status": "cancelled", "allowed": []}


def test_reschedule_keeps_a_pending_one_pending(booker_api, pending):
    assert reschedule(booker_api, pending, "2026-03-05T14:00:00Z").json()["status"] == "pending"


# --- Cancel, approve, decline -----------------------------------------------------------------------------------------


def test_cancel_keeps_the_reason_and_frees_the_time(booker_api, provider, made):
    answer = booker_api.post(f"/api/appointments/{made.pk}/cancel", {"reason": "Caught a cold"})

    body = answer.json()
    assert (answer.status_code, body["status"], body["cancellation_reason"]) == (200, "cancelled", "Caught a cold")
    assert is_free(provider, "2026-03-04 09:00")


def test_cancel_needs_no_reason_and_no_body(booker_api, made):
    answer = booker_api.post(f"/api/appointments/{made.pk}/cancel")

    assert (answer.status_code, answer.json()["cancellation_reason"]) == (200, "")


def test_cancel_twice_is_refused(booker_api, made):
    booker_api.post(f"/api/appointments/{made.pk}/cancel", {"reason": "First"})

    answer = booker_api.post(f"/api/appointments/{made.pk}/cancel", {"reason": "Second"})

    made.refresh_from_db()
    assert refusal(answer) == (409, "bad_transition", "status")
    assert made.cancellation_reason == "First"


def test_cancel_is_refused_to_the_client_once_it_has_begun(booker_api, made):
    with during(made):
        assert refusal(booker_api.post(f"/api/appointments/{made.pk}/cancel")) == (403, "not_allowed", None)


def test_cancel_is_open_to_the_client_until_the_moment_before(booker_api, made):
    with during(made, -timedelta(microseconds=1)):
        assert booker_api.post(f"/api/appointments/{made.pk}/cancel").status_code == 200


def test_cancel_is_open_to_the_provider_once_it_has_begun(provider_api, made):
    with during(made):
        assert provider_api.post(f"/api/appointments/{made.pk}/cancel").status_code == 200


def test_delete_cancels_and_deletes_nothing(booker_api, provider, made):
    answer = booker_api.delete(f"/api/appointments/{made.pk}")

    made.refresh_from_db()
    assert (answer.status_code, answer.content, made.status) == (204, b"", "cancelled")
    assert is_free(provider, "2026-03-04 09:00")


def test_approve_schedules_a_pending_one(provider_api, pending):
    answer = provider_api.post(f"/api/appointments/{pending.pk}/approve")

    assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")


def test_approve_twice_is_refused(provider_api, pending):
    provider_api.post(f"/api/appointments/{pending.pk}/approve")

    answer = provider_api.post(f"/api/appointments/{pending.pk}/approve")

    assert refusal(answer) == (409, "bad_transition", "status")


def test_approve_is_refused_to_the_client(booker_api, pending):
    assert refusal(booker_api.post(f"/api/appointments/{pending.pk}/approve")) == (403, "not_allowed", None)


def test_decline_keeps_the_reason_and_frees_the_time(provider_api, provider, pending):
    answer = provider_api.post(f"/api/appointments/{pending.pk}/decline", {"reason": "Fully booked"}).json()

    assert (answer["status"], answer["cancellation_reason"]) == ("declined", "Fully booked")
    assert is_free(provider, "2026-03-04 10:00")


def test_decline_refuses_a_scheduled_one(provider_api, made):
    answer = provider_api.post(f"/api/appointments/{made.pk}/decline")

    assert refusal(answer) == (409, "bad_transition", "status")
    assert answer.json()["details"]["allowed"] == ["completed", "missed", "cancelled"]


# --- Edit -------------------------------------------------------------------------------------------------------------


def test_edit_changes_what_it_says_and_raises_the_sequence(provider_api, made):
    with time_machine.travel(NOON + minutes(1), tick=False):
        answer = provider_api.patch(
            f"/api/appointments/{made.pk}", {"title": "Second visit", "timezone": "Europe/Berlin"}
        ).json()

    assert (answer["title"], answer["timezone"], answer["sequence"], answer["updated_at"]) == (
        "Second visit",
        "Europe/Berlin",
        1,
        "2026-03-02T12:01:00Z",
    )


def test_edit_that_changes_nothing_leaves_no_trace(provider_api, made):
    answer = provider_api.patch(f"/api/appointments/{made.pk}", {"title": made.title}).json()

    assert answer["sequence"] == 0
    assert AppointmentEvent.objects.filter(appointment=made).count() == 1


@pytest.fixture(params=["patch", "put"])
def change(request):
    return lambda api, made, **what: getattr(api, request.param)(f"/api/appointments/{made.pk}", what)


def test_change_moves_it_and_rewords_it_at_once(change, provider_api, provider, made):
    answer = change(provider_api, made, start_time="2026-03-05T14:00:00Z", title="Second visit").json()

    assert (answer["start_time"], answer["end_time"]) == ("2026-03-05T14:00:00Z", "2026-03-05T14:30:00Z")
    assert (answer["id"], answer["title"]) == (made.pk, "Second visit")
    assert is_free(provider, "2026-03-04 09:00")
    assert [event.event for event in made.events.order_by("pk")] == ["booked", "rescheduled", "edited"]


def test_change_lets_the_client_move_it(change, booker_api, made):
    answer = change(booker_api, made, start_time="2026-03-05T14:00:00Z")

    assert answer.json()["start_time"] == "2026-03-05T14:00:00Z"


def test_change_lets_the_client_name_an_end_that_keeps_the_length(change, booker_api, made):
    answer = change(booker_api, made, start_time="2026-03-05T14:00:00Z", end_time="2026-03-05T14:30:00Z")

    assert answer.json()["end_time"] == "2026-03-05T14:30:00Z"


def test_change_refuses_the_client_another_length(change, booker_api, made):
    answer = change(booker_api, made, end_time="2026-03-04T10:00:00Z")

    assert refusal(answer) == (403, "not_allowed", "end_time")


def test_change_lets_the_provider_change_the_length_alone(change, provider_api, made):
    answer = change(provider_api, made, end_time="2026-03-04T10:00:00Z").json()

    assert (answer["start_time"], answer["end_time"]) == (NINE, "2026-03-04T10:00:00Z")


def test_change_refuses_an_end_before_the_start(change, provider_api, made):
    answer = change(provider_api, made, end_time="2026-03-04T09:00:00Z")

    assert refusal(answer) == (400, "ends_before_start", "end_time")


def test_change_onto_taken_time_changes_nothing_and_tells_alternatives(change, provider_api, provider, made):
    appoint(provider, at("2026-03-05 14:00"))

    answer = change(provider_api, made, start_time="2026-03-05T14:00:00Z", title="Second visit")

    made.refresh_from_db()
    assert refusal(answer) == (409, "slot_taken", "start_time")
    assert answer.json()["details"]["alternatives"]
    assert (made.title, made.starts_at) == ("First visit", at("2026-03-04 09:00"))


def test_change_moves_the_status_by_the_table(change, provider_api, made):
    answer = change(provider_api, made, status="cancelled", cancellation_reason="Ill").json()

    assert (answer["status"], answer["cancellation_reason"]) == ("cancelled", "Ill")


def test_change_to_a_status_that_is_not_reached_undoes_the_rest(change, provider_api, made):
    answer = change(provider_api, made, status="completed", title="Done")

    made.refresh_from_db()
    assert refusal(answer)[:2] == (409, "not_yet")
    assert (made.status, made.title) == ("scheduled", "First visit")


def test_change_refuses_a_reason_that_explains_nothing(change, provider_api, made):
    answer = change(provider_api, made, cancellation_reason="Ill")

    assert refusal(answer) == (400, "invalid", "cancellation_reason")


def test_change_refuses_an_override_of_no_time(change, provider_api, made):
    answer = change(provider_api, made, title="Second visit", override=["hours"])

    assert refusal(answer) == (400, "invalid", "override")


@pytest.mark.parametrize("who", ["booker_api", "provider_api", "staff_api"])
def test_change_to_what_it_is_leaves_no_trace(request, change, made, who):
    api = request.getfixturevalue(who)
    shown = api.get(f"/api/appointments/{made.pk}").json()

    answer = change(api, made, **shown)

    assert (answer.status_code, answer.json()) == (200, shown)
    assert made.events.count() == 1


def test_change_refuses_what_it_cannot_change(change, provider_api, made):
    assert refusal(change(provider_api, made, provider=7)) == (400, "read_only_field", "provider")


def test_change_plans_the_reminders_anew(change, provider_api, made):
    change(provider_api, made, start_time="2026-03-05T14:00:00Z")

    due = Message.objects.filter(appointment=made, kind="reminder", status="pending").values_list("due_at", flat=True)
    assert at("2026-03-04 14:00") in due
    assert at("2026-03-03 09:00") not in due


def test_an_outcome_set_by_mistake_is_corrected_in_the_history_too(provider_api, made):
    with during(made):
        for status in ("missed", "completed", "scheduled"):
            assert set_status(provider_api, made, status).status_code == 200

    assert [event.event for event in made.events.order_by("pk")] == ["booked", "missed", "completed", "reopened"]


def test_edit_refuses_a_title_of_several_lines(provider_api, made):
    answer = provider_api.patch(f"/api/appointments/{made.pk}", {"title": "One\nTwo"})

    assert refusal(answer) == (400, "control_characters", "title")


def test_edit_is_refused_to_the_client(booker_api, made):
    assert refusal(booker_api.patch(f"/api/appointments/{made.pk}", {"title": "Mine"})) == (403, "not_allowed", None)


# --- What the asker may do --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "later", "expected"),
    [
        ("booker_api", -timedelta(microseconds=1), ["reschedule", "cancel"]),
        ("booker_api", timedelta(0), []),
        ("provider_api", -timedelta(microseconds=1), ["reschedule", "reassign", "cancel"]),
        ("provider_api", timedelta(0), ["complete", "miss", "reschedule", "reassign", "cancel"]),
        ("staff_api", timedelta(0), ["complete", "miss", "reschedule", "reassign", "cancel"]),
    ],
)
def test_allowed_actions_depend_on_who_asks_and_when(request, made, who, later, expected):
    api = request.getfixturevalue(who)

    with during(made, later):
        assert api.get(f"/api/appointments/{made.pk}").json()["allowed_actions"] == expected


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("booker_api", ["reschedule", "cancel"]),
        ("provider_api", ["approve", "decline", "reschedule", "reassign", "cancel"]),
        ("staff_api", ["approve", "decline", "reschedule", "reassign", "cancel"]),
    ],
)
def test_allowed_actions_of_a_pending_one(request, pending, who, expected):
    answer = request.getfixturevalue(who).get(f"/api/appointments/{pending.pk}")

    assert answer.json()["allowed_actions"] == expected


@pytest.mark.parametrize("who", ["booker_api", "provider_api", "staff_api"])
def test_allowed_actions_of_a_cancelled_one_are_none(request, made, provider_api, who):
    provider_api.delete(f"/api/appointments/{made.pk}")

    answer = request.getfixturevalue(who).get(f"/api/appointments/{made.pk}")

    assert answer.json()["allowed_actions"] == []


def test_allowed_actions_in_a_list_are_those_of_each(booker_api, made, pending):
    booker_api.delete(f"/api/appointments/{made.pk}")

    rows = booker_api.get("/api/appointments", {"ordering": "start_time"}).json()["results"]

    assert [row["allowed_actions"] for row in rows] == [[], ["reschedule", "cancel"]]


# --- History ----------------------------------------------------------------------------------------------------------


def test_history_tells_who_did_what_when(booker_api, provider_api, provider, booker, pending):
    reservation = pending.reservation_id
    provider_api.post(f"/api/appointments/{pending.pk}/approve")
    with time_machine.travel(NOON + minutes(1), tick=False):
        reschedule(booker_api, pending, "2026-03-05T14:00:00Z")
        booker_api.post(f"/api/appointments/{pending.pk}/cancel", {"reason": "Ill"})

    answer = booker_api.get(f"/api/appointments/{pending.pk}/history").json()

    assert answer["count"] == 4
    assert answer["results"] == [
        {
            "event": "booked",
            "at": "2026-03-02T12:00:00Z",
            "by": booker.user.name,
            "face": "api",
            "details": {"status": "pending"},
        },
        {
            "event": "approved",
            "at": "2026-03-02T12:00:00Z",
            "by": provider.user.name,
            "face": "api",
            "details": {"status": "scheduled"},
        },
        {
            "event": "rescheduled",
            "at": "2026-03-02T12:01:00Z",
            "by": booker.user.name,
            "face": "api",
            "details": {"from": "2026-03-04T10:00:00Z", "to": "2026-03-05T14:00:00Z", "reservation": reservation},
        },
        {
            "event": "cancelled",
            "at": "2026-03-02T12:01:00Z",
            "by": booker.user.name,
            "face": "api",
            "details": {"status": "cancelled", "reason": "Ill"},
        },
    ]


@pytest.fixture
def outside(provider, booker, staff):
    """Two appointments booked by staff with overrides, on a Saturday and on a Sunday."""
    told = {"actor": Actor.of(staff, Source.ADMIN), "overrides": [Override.HOURS]}
    made = appoint(provider, at("2026-03-07 09:00"), client=booker, reason="Afraid of crowds", **told)
    move(appointment_id=made.pk, starts_at=at("2026-03-08 09:00"), now=NOON, reason="Forgot again", **told)
    return made


def details_told_to(api, appointment):
    return [event["details"] for event in api.get(f"/api/appointments/{appointment.pk}/history").json()["results"]]


def test_history_tells_the_client_that_rules_were_set_aside_but_not_why(booker_api, outside):
    booked, moved = details_told_to(booker_api, outside)

    assert booked == {"status": "scheduled", "overrides": ["hours"]}
    assert (moved["to"], moved["overrides"], "reason" in moved) == ("2026-03-08T09:00:00Z", ["hours"], False)


@pytest.mark.parametrize("asker", ["provider_api", "staff_api"])
def test_history_tells_the_provider_and_staff_why_rules_were_set_aside(request, outside, asker):
    told = details_told_to(request.getfixturevalue(asker), outside)

    assert [details["reason"] for details in told] == ["Afraid of crowds", "Forgot again"]


def test_history_tells_the_client_nothing_said_of_how_it_went(booker_api, provider_api, made):
    with during(made):
        provider_api.patch(f"/api/appointments/{made.pk}/status", {"status": "missed", "reason": "Again!"})

    assert details_told_to(booker_api, made)[-1] == {"status": "missed"}
    assert details_told_to(provider_api, made)[-1] == {"status": "missed", "reason": "Again!"}


def test_history_keeps_from_the_client_what_an_import_called_it(booker_api, staff_api, made):
    details = {"status": "scheduled", "reference": "old-program-7"}
    made.events.create(event=Event.BOOKED, at=NOON, face=Source.COMMAND, details=details)

    assert details_told_to(booker_api, made)[-1] == {"status": "scheduled"}
    assert details_told_to(staff_api, made)[-1] == details


def test_history_pages(staff_api, made):
    for number in range(3):
        staff_api.patch(f"/api/appointments/{made.pk}", {"title": f"Title {number}"})

    answer = staff_api.get(f"/api/appointments/{made.pk}/history", {"page_size": 3, "page": 2}).json()

    assert (answer["count"], [row["event"] for row in answer["results"]]) == (4, ["edited"])
