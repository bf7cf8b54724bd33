"""`/api/slots/{id}/reserve` and `/api/reservations`: holds and their outcomes."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import PUBLISHED
from booking.models import Appointment, AppointmentEvent, Reservation, Slot
from booking.reservations.operations import expire_due
from tests.booking.answers import ids, refusal, rfc3339, starts
from tests.factories import (
    ALWAYS,
    NOON,
    ClientFactory,
    ServiceFactory,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


NINE = "2026-03-04T09:00:00Z"


def slot_at(provider, text):
    return Slot.objects.get(provider=provider, starts_at=at(text))


def reserve(api, provider, start=NINE, **more):
    return api.post("/api/reservations", {"provider": provider.pk, "start_time": start, **more})


@pytest.fixture
def own_client(provider):
    """A client in the provider's address book."""
    return ClientFactory(owner=provider, user=None)


# --- By slot ----------------------------------------------------------------------------------------------------------


def test_reserve_answers_the_whole_hold(booker_api, booker, provider):
    slot = slot_at(provider, "2026-03-04 09:00")

    answer = booker_api.post(f"/api/slots/{slot.pk}/reserve", {})

    made = Reservation.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": made.pk,
        "provider": provider.pk,
        "client": booker.pk,
        "service": None,
        "start_time": "2026-03-04T09:00:00Z",
        "end_time": "2026-03-04T09:15:00Z",
        "status": "held",
        "expires_at": "2026-03-02T12:30:00Z",
        "appointment": None,
        "overrides": [],
        "created_at": "2026-03-02T12:00:00Z",
        "allowed_actions": ["confirm", "release"],
    }


def test_reserve_by_slot_holds_as_long_as_the_service(booker_api, provider):
    service = ServiceFactory(duration_minutes=40, buffer_after_minutes=10, providers=[provider])
    slot = slot_at(provider, "2026-03-04 09:00")

    answer = booker_api.post(f"/api/slots/{slot.pk}/reserve", {"service": service.pk}).json()

    made = Reservation.objects.get()
    assert (answer["start_time"], answer["end_time"]) == (NINE, "2026-03-04T09:40:00Z")
    assert (made.blocked_from, made.blocked_until) == (at("2026-03-04 09:00"), at("2026-03-04 10:00"))


def test_reserve_by_slot_does_not_know_a_slot_that_is_not_there(booker_api, provider):
    assert refusal(booker_api.post("/api/slots/999999999/reserve")) == (404, "not_found", None)


def test_reserve_by_slot_refuses_a_claimed_one_with_alternatives(booker_api, provider):
    hold(provider, at("2026-03-04 09:00"))
    taken = slot_at(provider, "2026-03-04 09:00")

    answer = booker_api.post(f"/api/slots/{taken.pk}/reserve")

    assert refusal(answer) == (409, "slot_taken", "start_time")
    assert answer.json()["details"] == {
        "alternatives": [
            {
                "slot": slot_at(provider, f"{start[:10]} {start[11:16]}").pk,
                "start_time": start,
                "end_time": end,
            }
            for start, end in [
                ("2026-03-04T09:15:00Z", "2026-03-04T09:30:00Z"),
                ("2026-03-04T09:30:00Z", "2026-03-04T09:45:00Z"),
                ("2026-03-04T09:45:00Z", "2026-03-04T10:00:00Z"),
            ]
        ]
    }


# --- By time ----------------------------------------------------------------------------------------------------------


def test_reserve_by_time_holds_it(booker_api, booker, provider):
    answer = reserve(booker_api, provider)

    assert answer.status_code == 201
    assert Reservation.objects.values("provider", "client", "starts_at", "ends_at", "status", "expires_at").get() == {
        "provider": provider.pk,
        "client": booker.pk,
        "starts_at": at("2026-03-04 09:00"),
        "ends_at": at("2026-03-04 09:15"),
        "status": "held",
        "expires_at": at("2026-03-02 12:30"),
    }


def test_reserve_by_time_reads_an_offset(booker_api, provider):
    assert reserve(booker_api, provider, "2026-03-04T10:00:00+01:00").json()["start_time"] == NINE


def test_reserve_by_time_reads_the_timezone_sent(booker_api, provider):
    answer = reserve(booker_api, provider, "2026-03-04T10:00:00", timezone="Europe/Berlin")

    assert answer.json()["start_time"] == NINE


def test_reserve_by_time_refuses_one_without_offset_and_timezone(booker_api, provider):
    assert refusal(reserve(booker_api, provider, "2026-03-04T10:00:00")) == (400, "timezone_required", "start_time")


def test_reserve_by_time_reads_a_local_time_in_the_gap_as_moved_forward(booker_api):
    provider = open_provider(timezone="Europe/Berlin", hours=ALWAYS)

    answer = reserve(booker_api, provider, "2026-03-29T02:30:00", timezone="Europe/Berlin")

    assert answer.json()["start_time"] == "2026-03-29T01:30:00Z"


def test_reserve_by_time_refuses_one_off_the_grid_with_the_nearest(booker_api, provider):
    answer = reserve(booker_api, provider, "2026-03-04T09:05:00Z")

    assert refusal(answer) == (400, "off_grid", "start_time")
    assert answer.json()["details"] == {"nearest": ["2026-03-04T09:00:00Z", "2026-03-04T09:15:00Z"]}


def test_reserve_by_time_does_not_know_an_unknown_provider(booker_api, provider):
    answer = booker_api.post("/api/reservations", {"provider": provider.pk + 1000, "start_time": NINE})

    assert refusal(answer)[:2] == (404, "not_found")


def test_reserve_refuses_a_service_the_provider_does_not_offer(booker_api, provider):
    answer = reserve(booker_api, provider, service=ServiceFactory().pk)

    assert refusal(answer) == (400, "service_not_offered", "service")


@pytest.mark.parametrize("missing", PUBLISHED)
def test_reserve_does_not_know_an_unpublished_provider(booker_api, provider, missing):
    setattr(provider, missing, False)
    provider.save()

    assert refusal(reserve(booker_api, provider)) == (404, "not_found", "provider")


def test_reserve_refuses_an_inactive_provider_to_themself(provider_api, provider, own_client):
    provider.is_active = False
    provider.save()

    answer = reserve(provider_api, provider, client=own_client.pk)

    assert refusal(answer) == (409, "provider_not_bookable", "provider")


def test_reserve_refuses_a_provider_who_awaits_approval_their_own_client(provider_api, provider, own_client):
    provider.is_approved = False
    provider.save()

    answer = reserve(provider_api, provider, client=own_client.pk)

    assert refusal(answer) == (409, "provider_not_published", "provider")


def test_reserve_lets_a_provider_book_somebody_who_booked_before(provider_api, provider, booker):
    appoint(provider, at("2026-03-04 10:00"), client=booker)

    assert reserve(provider_api, provider, client=booker.pk).status_code == 201


@pytest.mark.parametrize(
    ("start", "refused"),
    [
        ("2026-03-02T12:00:00Z", (400, "in_the_past", "start_time")),
        ("2026-03-02T12:15:00Z", (409, "too_soon", "start_time")),
        ("2026-03-03T11:45:00Z", (409, "too_soon", "start_time")),
        ("2026-05-31T12:00:00Z", (409, "too_far", "start_time")),
        ("2026-03-04T08:45:00Z", (409, "outside_hours", "start_time")),
        ("2026-03-04T17:00:00Z", (409, "outside_hours", "start_time")),
    ],
)
def test_reserve_refuses_times_that_cannot_be_booked(booker_api, provider, start, refused):
    assert refusal(reserve(booker_api, provider, start)) == refused
    assert not Reservation.objects.exists()


@pytest.mark.parametrize("start", ["2026-03-03T12:00:00Z", "2026-05-31T11:45:00Z"])
def test_reserve_takes_the_first_and_the_last_time_that_can_be_booked(booker_api, start):
    provider = open_provider(hours=ALWAYS)

    assert reserve(booker_api, provider, start).status_code == 201


@pytest.mark.parametrize(
    ("start", "nearest"),
    [
        ("2026-03-02T13:00:00Z", ["2026-03-03T12:00:00Z", "2026-03-03T12:15:00Z", "2026-03-03T12:30:00Z"]),
        ("2026-03-04T18:00:00Z", ["2026-03-04T16:45:00Z", "2026-03-04T16:30:00Z", "2026-03-04T16:15:00Z"]),
        ("2026-06-01T09:00:00Z", ["2026-05-29T16:45:00Z", "2026-05-29T16:30:00Z", "2026-05-29T16:15:00Z"]),
    ],
    ids=["too soon", "outside hours", "too far"],
)
def test_reserve_offers_the_nearest_times_instead(booker_api, provider, start, nearest):
    offered = reserve(booker_api, provider, start).json()["details"]["alternatives"]

    assert [time["start_time"] for time in offered] == nearest


def test_reserve_offers_times_long_enough_for_the_service(booker_api, provider):
    service = ServiceFactory(duration_minutes=120, providers=[provider])
    appoint(provider, at("2026-03-04 12:00"))

    answer = reserve(booker_api, provider, "2026-03-04T11:00:00Z", service=service.pk)

    assert refusal(answer) == (409, "slot_taken", "start_time")
    assert [time["start_time"] for time in answer.json()["details"]["alternatives"]] == [
        "2026-03-04T10:00:00Z",
        "2026-03-04T09:45:00Z",
        "2026-03-04T12:15:00Z",
    ]


def test_reserve_takes_the_time_of_a_dead_hold(booker_api, provider):
    dead = hold(provider, at("2026-03-04 09:00"), now=NOON - minutes(30))

    answer = reserve(booker_api, provider)

    dead.refresh_from_db()
    assert (answer.status_code, dead.status) == (201, "expired")


# --- For whom ---------------------------------------------------------------------------------------------------------


def test_reserve_does_not_know_another_client(booker_api, provider):
    answer = reserve(booker_api, provider, client=ClientFactory().pk)

    assert refusal(answer) == (404, "not_found", "client")


def test_reserve_by_slot_does_not_know_another_client(booker_api, provider):
    slot = slot_at(provider, "2026-03-04 09:00")

    answer = booker_api.post(f"/api/slots/{slot.pk}/reserve", {"client": ClientFactory().pk})

    assert refusal(answer) == (404, "not_found", "client")


def test_reserve_takes_ones_own_client_id(booker_api, booker, provider):
    assert reserve(booker_api, provider, client=booker.pk).json()["client"] == booker.pk


def test_reserve_lets_a_provider_book_their_own_client(provider_api, provider, own_client):
    answer = reserve(provider_api, provider, client=own_client.pk)

    assert (answer.status_code, answer.json()["client"]) == (201, own_client.pk)


def test_reserve_by_slot_lets_a_provider_book_their_own_client(provider_api, provider, own_client):
    slot = slot_at(provider, "2026-03-04 09:00")

    answer = provider_api.post(f"/api/slots/{slot.pk}/reserve", {"client": own_client.pk})

    assert (answer.status_code, answer.json()["client"]) == (201, own_client.pk)


def test_reserve_does_not_know_a_client_of_another_address_book(provider_api, provider):
    stranger = ClientFactory(owner=open_provider(horizon_days=1), user=None)

    assert refusal(reserve(provider_api, provider, client=stranger.pk)) == (404, "not_found", "client")


def test_reserve_refuses_a_provider_who_books_their_client_with_somebody_else(provider_api, own_client):
    other = open_provider()

    assert refusal(reserve(provider_api, other, client=own_client.pk)) == (403, "not_allowed", "client")


def test_reserve_wants_a_client_of_somebody_who_is_none(provider_api, provider):
    assert refusal(reserve(provider_api, provider)) == (400, "required", "client")


def test_reserve_lets_staff_book_anybody(staff_api, provider, booker):
    answer = reserve(staff_api, provider, client=booker.pk)

    assert (answer.status_code, answer.json()["client"]) == (201, booker.pk)


# --- Overrides --------------------------------------------------------------------------------------------------------


def test_reserve_lets_the_provider_override_notice_and_records_it(provider_api, provider, own_client):
    answer = reserve(provider_api, provider, "2026-03-02T12:15:00Z", client=own_client.pk, override=["notice"])

    assert (answer.status_code, answer.json()["overrides"]) == (201, ["notice"])
    assert Reservation.objects.get().overrides == ["notice"]


def test_reserve_lets_the_provider_override_hours_and_records_it(provider_api, provider, own_client):
    answer = reserve(provider_api, provider, "2026-03-07T09:00:00Z", client=own_client.pk, override=["hours"])

    assert (answer.status_code, answer.json()["overrides"]) == (201, ["hours"])


def test_reserve_records_both_overrides_in_one_order(staff_api, provider, booker):
    answer = reserve(
        staff_api, provider, "2026-03-02T20:00:00Z", client=booker.pk, override=["notice", "hours", "notice"]
    )

    assert answer.json()["overrides"] == ["hours", "notice"]


def test_reserve_cannot_override_an_overlap(staff_api, provider, booker):
    appoint(provider, at("2026-03-04 09:00"))

    answer = reserve(staff_api, provider, client=booker.pk, override=["notice", "hours"])

    assert refusal(answer) == (409, "slot_taken", "start_time")


@pytest.mark.parametrize("start", [NINE, "2026-03-02T12:15:00Z"], ids=["needless", "needed"])
def test_reserve_refuses_a_client_who_overrides(booker_api, provider, start):
    assert refusal(reserve(booker_api, provider, start, override=["notice"])) == (403, "not_allowed", "override")


def test_reserve_lets_the_provider_choose_an_end(provider_api, provider, own_client):
    answer = reserve(provider_api, provider, client=own_client.pk, end_time="2026-03-04T10:10:00Z")

    assert answer.json()["end_time"] == "2026-03-04T10:10:00Z"
    assert Reservation.objects.get().blocked_until == at("2026-03-04 10:15")


def test_reserve_refuses_a_client_who_chooses_an_end(booker_api, provider):
    answer = reserve(booker_api, provider, end_time="2026-03-04T10:00:00Z")

    assert refusal(answer) == (403, "not_allowed", "end_time")


@pytest.mark.parametrize("end", [NINE, "2026-03-04T08:45:00Z", "2026-03-05T09:00:01Z"])
def test_reserve_refuses_an_end_before_the_start_or_a_day_after(staff_api, provider, booker, end):
    answer = reserve(staff_api, provider, client=booker.pk, end_time=end, override=["hours"])

    assert refusal(answer) == (400, "ends_before_start", "end_time")


# --- The limit on holds -----------------------------------------------------------------------------------------------


def test_reserve_refuses_a_sixth_hold(booker_api, booker, provider):
    for quarter in range(5):
        hold(provider, at("2026-03-04 09:00") + quarter * minutes(15), client=booker)

    answer = reserve(booker_api, provider, "2026-03-04T12:00:00Z")

    assert refusal(answer)[:2] == (409, "too_many_holds")


def test_reserve_does_not_count_a_hold_that_has_just_died(booker_api, booker, provider):
    hold(provider, at("2026-03-04 09:00"), client=booker, now=NOON - minutes(30))
    for quarter in range(1, 5):
        hold(provider, at("2026-03-04 09:00") + quarter * minutes(15), client=booker)

    assert reserve(booker_api, provider, "2026-03-04T12:00:00Z").status_code == 201


def test_reserve_does_not_count_a_confirmed_one(booker_api, booker, provider):
    appoint(provider, at("2026-03-04 09:00"), client=booker)
    for quarter in range(1, 5):
        hold(provider, at("2026-03-04 09:00") + quarter * minutes(15), client=booker)

    assert reserve(booker_api, provider, "2026-03-04T12:00:00Z").status_code == 201


# --- Confirm and release ----------------------------------------------------------------------------------------------


def confirm(api, reservation, confirmed=True):
    return api.post(f"/api/reservations/{reservation.pk}/confirm", {"confirmed": confirmed})


def test_confirm_answers_the_appointment(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    answer = confirm(booker_api, held)

    made = Appointment.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "id": made.pk,
        "uid": str(made.uid),
        "provider": {"id": provider.pk, "name": provider.name},
        "client": {"id": booker.pk, "name": booker.name, "email": booker.email, "phone": ""},
        "service": None,
        "reservation": held.pk,
        "series": None,
        "occurrence": None,
        "title": "Appointment",
        "description": "",
        "status": "scheduled",
        "start_time": "2026-03-04T09:00:00Z",
        "end_time": "2026-03-04T09:15:00Z",
        "timezone": "UTC",
        "reminder_offsets": None,
        "cancellation_reason": "",
        "sequence": 0,
        "created_at": "2026-03-02T12:00:00Z",
        "updated_at": "2026-03-02T12:00:00Z",
        "allowed_actions": ["reschedule", "cancel"],
    }


def test_confirm_twice_answers_the_same_appointment(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    first, second = confirm(booker_api, held), confirm(booker_api, held)

    assert first.json() == second.json()
    assert (Appointment.objects.count(), AppointmentEvent.objects.count()) == (1, 1)


def test_confirm_works_until_the_moment_before_the_hold_ends(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    with time_machine.travel(NOON + minutes(30) - timedelta(microseconds=1), tick=False):
        assert confirm(booker_api, held).status_code == 200


def test_confirm_refuses_at_the_moment_the_hold_ends(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    with time_machine.travel(NOON + minutes(30), tick=False):
        answer = confirm(booker_api, held)

    assert refusal(answer) == (410, "hold_expired", None)
    assert not Appointment.objects.exists()


def test_confirm_refuses_a_swept_hold(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)
    expire_due(now=NOON + minutes(30))

    with time_machine.travel(NOON + minutes(31), tick=False):
        assert refusal(confirm(booker_api, held)) == (410, "hold_expired", None)


def test_confirm_false_gives_the_time_back(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    answer = confirm(booker_api, held, confirmed=False)

    assert (answer.status_code, answer.json()["status"]) == (200, "released")
    assert slot_at(provider, "2026-03-04 09:00").reservation is None


def test_confirm_refuses_a_released_hold(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)
    confirm(booker_api, held, confirmed=False)

    assert refusal(confirm(booker_api, held)) == (410, "hold_released", None)


def test_confirm_false_refuses_a_confirmed_one(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)
    confirm(booker_api, held)

    assert refusal(confirm(booker_api, held, confirmed=False)) == (409, "already_confirmed", None)


def test_confirm_wants_to_be_told_which(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    answer = booker_api.post(f"/api/reservations/{held.pk}/confirm", {})

    assert refusal(answer) == (400, "required", "confirmed")


def test_confirm_waits_for_approval_where_the_service_needs_it(booker_api, booker, provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    held = hold(provider, at("2026-03-04 09:00"), client=booker, service_id=service.pk)

    assert confirm(booker_api, held).json()["status"] == "pending"


def test_confirm_by_the_provider_approves_at_once(provider_api, booker, provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    held = hold(provider, at("2026-03-04 09:00"), client=booker, service_id=service.pk)

    assert confirm(provider_api, held).json()["status"] == "scheduled"


def test_delete_releases_a_hold(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    answer = booker_api.delete(f"/api/reservations/{held.pk}")

    held.refresh_from_db()
    assert (answer.status_code, answer.content) == (204, b"")
    assert (held.status, held.closed_at) == ("released", NOON)
    assert slot_at(provider, "2026-03-04 09:00").reservation is None


def test_delete_twice_changes_nothing_more(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)
    booker_api.delete(f"/api/reservations/{held.pk}")

    with time_machine.travel(NOON + minutes(5), tick=False):
        answer = booker_api.delete(f"/api/reservations/{held.pk}")

    held.refresh_from_db()
    assert (answer.status_code, held.closed_at) == (204, NOON)


def test_delete_refuses_a_confirmed_one(booker_api, booker, provider):
    made = appoint(provider, at("2026-03-04 09:00"), client=booker)

    answer = booker_api.delete(f"/api/reservations/{made.reservation_id}")

    assert refusal(answer) == (409, "already_confirmed", None)


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_retrieve_tells_a_dead_hold_that_nobody_swept_is_expired(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    with time_machine.travel(NOON + minutes(30), tick=False):
        answer = booker_api.get(f"/api/reservations/{held.pk}").json()

    held.refresh_from_db()
    assert (answer["status"], held.status) == ("expired", "held")


def test_retrieve_writes_times_in_the_timezone_asked_for(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    answer = booker_api.get(f"/api/reservations/{held.pk}", {"timezone": "Asia/Kathmandu"}).json()

    assert (answer["start_time"], answer["expires_at"]) == ("2026-03-04T14:45:00+05:45", "2026-03-02T18:15:00+05:45")


def test_retrieve_names_the_appointment(booker_api, booker, provider):
    made = appoint(provider, at("2026-03-04 09:00"), client=booker)

    answer = booker_api.get(f"/api/reservations/{made.reservation_id}").json()

    assert (answer["appointment"], answer["expires_at"]) == (made.pk, None)


def test_list_shows_each_their_own(booker_api, booker, provider_api, provider, staff_api):
    other = open_provider()
    mine = hold(provider, at("2026-03-04 09:00"), client=booker)
    with_other = hold(other, at("2026-03-04 10:00"), client=booker)
    of_other = hold(provider, at("2026-03-04 11:00"))

    assert ids(booker_api.get("/api/reservations")) == [with_other.pk, mine.pk]
    assert ids(provider_api.get("/api/reservations")) == [of_other.pk, mine.pk]
    assert ids(staff_api.get("/api/reservations")) == [of_other.pk, with_other.pk, mine.pk]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("held", ["live"]), ("expired", ["dead", "swept"]), ("released", ["released"]), ("confirmed", ["confirmed"])],
)
def test_list_narrows_to_a_status_as_it_is_now(staff_api, provider, status, expected):
    made = {
        "swept": hold(provider, at("2026-03-04 09:00"), now=NOON - minutes(60)),
        "released": hold(provider, at("2026-03-04 09:15")),
        "confirmed": appoint(provider, at("2026-03-04 09:30")).reservation,
        "live": hold(provider, at("2026-03-04 10:00")),
    }
    expire_due(now=NOON - minutes(30))
    staff_api.delete(f"/api/reservations/{made['released'].pk}")
    made["dead"] = hold(provider, at("2026-03-04 10:15"), now=NOON - minutes(30))

    listed = ids(staff_api.get("/api/reservations", {"status": status}))

    assert set(listed) == {made[name].pk for name in expected}


@pytest.mark.parametrize(("status", "expected"), [("held", 1), ("expired", 0)])
def test_list_narrows_to_a_status_at_one_moment(staff_api, provider, monkeypatch, status, expected):
    hold(provider, at("2026-03-04 09:00"))
    readings = iter([NOON, NOON + minutes(30)])
    monkeypatch.setattr(timezone, "now", lambda: next(readings))

    assert len(ids(staff_api.get("/api/reservations", {"status": status}))) == expected


def test_list_narrows_by_provider_client_and_service(staff_api, provider, booker):
    other = open_provider()
    service = ServiceFactory(providers=[provider, other])
    mine = hold(provider, at("2026-03-04 09:00"), client=booker)
    with_other = hold(other, at("2026-03-04 09:00"))
    served = hold(other, at("2026-03-04 10:00"), service_id=service.pk)

    assert ids(staff_api.get("/api/reservations", {"provider": provider.pk})) == [mine.pk]
    assert ids(staff_api.get("/api/reservations", {"client": booker.pk})) == [mine.pk]
    assert ids(staff_api.get("/api/reservations", {"service": service.pk})) == [served.pk]
    assert ids(staff_api.get("/api/reservations", {"provider": other.pk})) == [served.pk, with_other.pk]


def test_list_narrows_by_start_and_leaves_the_end_out(staff_api, provider):
    held = [hold(provider, at(f"2026-03-04 {hour:02}:00")) for hour in (9, 10, 11)]

    answer = staff_api.get("/api/reservations?start=2026-03-04T09:00:00Z&end=2026-03-04T11:00:00Z")

    assert ids(answer) == [held[1].pk, held[0].pk]


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("start_time", ["first", "second", "third"]),
        ("-start_time", ["third", "second", "first"]),
        ("created_at", ["second", "third", "first"]),
        ("-expires_at", ["first", "third", "second"]),
        ("-id", ["third", "second", "first"]),
    ],
)
def test_list_orders(staff_api, provider, ordering, expected):
    made = {
        hold(provider, at("2026-03-04 09:00")).pk: "first",
        hold(provider, at("2026-03-04 10:00"), now=NOON - minutes(5)).pk: "second",
        hold(provider, at("2026-03-04 11:00"), now=NOON - minutes(1)).pk: "third",
    }

    listed = ids(staff_api.get("/api/reservations", {"ordering": ordering}))

    assert [made[pk] for pk in listed] == expected


def test_list_orders_by_two_terms(staff_api, provider):
    early = hold(provider, at("2026-03-04 09:00"))
    late = hold(provider, at("2026-03-04 11:00"))
    earlier_made = hold(provider, at("2026-03-04 10:00"), now=NOON - minutes(5))

    listed = ids(staff_api.get("/api/reservations", {"ordering": "created_at,-start_time"}))

    assert listed == [earlier_made.pk, late.pk, early.pk]


def test_list_asks_a_constant_number_of_queries(staff_api, provider):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            staff_api.get("/api/reservations")
        return len(captured)

    appoint(provider, at("2026-03-04 09:00"))
    one = queries()
    for quarter in range(1, 20):
        appoint(provider, at("2026-03-04 09:00") + quarter * minutes(15))

    assert queries() == one


# --- Who sees it ------------------------------------------------------------------------------------------------------


@pytest.fixture
def held(provider, booker):
    return hold(provider, at("2026-03-04 09:00"), client=booker)


ROUTES = [("get", "", None), ("delete", "", None), ("post", "/confirm", {"confirmed": True})]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
@pytest.mark.parametrize("who", ["booker_api", "provider_api", "staff_api"])
def test_reservation_is_open_to_its_parties_and_staff(request, held, method, path, body, who):
    api = request.getfixturevalue(who)

    answer = getattr(api, method)(f"/api/reservations/{held.pk}{path}", body)

    assert answer.status_code in (200, 204)


# --- Trailing slashes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
def test_reserve_works_with_and_without_a_trailing_slash(booker_api, provider, slash):
    slot = slot_at(provider, "2026-03-04 10:00")

    by_time = booker_api.post(f"/api/reservations{slash}", {"provider": provider.pk, "start_time": NINE})
    by_slot = booker_api.post(f"/api/slots/{slot.pk}/reserve{slash}", {})
    confirmed = booker_api.post(f"/api/reservations/{by_slot.json()['id']}/confirm{slash}", {"confirmed": True})

    assert (by_time.status_code, by_slot.status_code, confirmed.status_code) == (201, 201, 200)


# --- The sweeper, by hand ---------------------------------------------------------------------------------------------


def test_expire_sweeps_dead_holds(staff_api, provider):
    dead = hold(provider, at("2026-03-04 09:00"), now=NOON - minutes(30))
    live = hold(provider, at("2026-03-04 10:00"))

    answer = staff_api.post("/api/admin/expire-reservations")

    assert (answer.status_code, answer.json()) == (200, {"expired": 1})
    assert dict(Reservation.objects.values_list("pk", "status")) == {dead.pk: "expired", live.pk: "held"}


@pytest.mark.parametrize("who", ["booker_api", "provider_api"])
def test_expire_is_for_staff(request, who):
    answer = request.getfixturevalue(who).post("/api/admin/expire-reservations")

    assert refusal(answer) == (403, "permission_denied", None)


def test_held_times_are_written_like_listed_ones(api, booker_api, provider):
    listed = starts(api.get("/api/slots", {"provider": provider.pk}))[0]

    assert reserve(booker_api, provider, listed).json()["start_time"] == listed == rfc3339(at("2026-03-03 12:00"))
