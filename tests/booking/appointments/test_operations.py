"""The life of an appointment: confirmed, booked, moved, and the allowed and forbidden transitions of its status."""

from contextlib import suppress
from datetime import timedelta

import pytest

from accounts.actors import Actor, Source
from booking.appointments.enums import Action, AppointmentStatus
from booking.appointments.errors import BadTransition, NotYet
from booking.appointments.operations import book, confirm, edit, reschedule, set_status, take_action
from booking.appointments.permissions import allowed_actions
from booking.appointments.transitions import TRANSITIONS, targets_of
from booking.availability.errors import EndsBeforeStart, InThePast, OffGrid
from booking.availability.operations import set_working_hours
from booking.models import Appointment, AppointmentEvent
from booking.reservations.enums import Override
from booking.reservations.errors import HoldExpired, HoldReleased, OutsideHours, SlotTaken, TooSoon
from booking.reservations.operations import expire_due, release
from scheduler_project.common.errors import NotAllowed, NotFound
from tests.factories import (
    NOON,
    SYSTEM,
    AppointmentFactory,
    ClientFactory,
    ServiceFactory,
    actor_of,
    appoint,
    at,
    hold,
    minutes,
)
from tests.groups import MANAGER, staff_of
from tests.looking import broken_promises, dump, free_cells, undone

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people"), pytest.mark.provider(horizon_days=7)]

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
NINE, TEN = at("2026-03-04 09:00"), at("2026-03-04 10:00")


@pytest.fixture
def appointment(provider):
    return appoint(provider, NINE)


def history(appointment):
    return [
        (event.event, event.at, event.user, event.face, event.details) for event in appointment.events.order_by("pk")
    ]


def claimed(appointment):
    cells = appointment.reservation.slots.order_by("starts_at").values_list("starts_at", flat=True)
    return [f"{start:%H:%M}" for start in cells]


def is_free(provider, start):
    return start in {begin for begin, _ in free_cells(provider)}


# --- Confirming -----------------------------------------------------------------------------------------------------


def test_confirm_makes_a_scheduled_appointment_of_the_hold(provider):
    service = ServiceFactory(name="Massage", providers=[provider])
    held = hold(provider, NINE, client=ClientFactory(timezone="Europe/Berlin"), service_id=service.pk)

    made = confirm(reservation_id=held.pk, actor=actor_of(held.client), now=NOON)

    made.refresh_from_db()
    assert (made.reservation, made.reservation.status) == (held, "confirmed")
    assert (made.status, made.title, made.timezone) == ("scheduled", "Massage", "Europe/Berlin")
    assert (made.created_at, made.updated_at, made.sequence) == (NOON, NOON, 0)
    assert history(made) == [("booked", NOON, held.client.user, "api", {"status": "scheduled"})]


def test_confirm_twice_answers_the_same_appointment(provider):
    held = hold(provider, NINE)
    made = confirm(reservation_id=held.pk, actor=actor_of(held.client), now=NOON)
    before = dump()

    again = confirm(reservation_id=held.pk, actor=actor_of(held.client), now=NOON + DAY)

    assert (again, dump() == before) == (made, True)


def test_confirm_a_microsecond_before_the_end(provider):
    held = hold(provider, NINE)

    assert confirm(reservation_id=held.pk, actor=SYSTEM, now=held.expires_at - MOMENT).status == "scheduled"


@pytest.mark.parametrize("late", [timedelta(), MOMENT, DAY])
def test_confirm_refuses_from_the_very_moment_the_hold_ends(provider, late):
    held = hold(provider, NINE)

    with pytest.raises(HoldExpired):
        confirm(reservation_id=held.pk, actor=SYSTEM, now=held.expires_at + late)


def test_confirm_refuses_a_hold_that_somebody_with_a_later_clock_has_expired(provider):
    held = hold(provider, NINE)
    expire_due(now=held.expires_at)

    with pytest.raises(HoldExpired):
        confirm(reservation_id=held.pk, actor=SYSTEM, now=held.expires_at - MOMENT)


def test_confirm_refuses_a_hold_whose_time_was_taken_since(provider):
    held = hold(provider, NINE)
    hold(provider, NINE, now=held.expires_at)

    with pytest.raises(HoldExpired):
        confirm(reservation_id=held.pk, actor=SYSTEM, now=held.expires_at - MOMENT)


def test_confirm_refuses_a_released_hold(provider):
    held = hold(provider, NINE)
    release(reservation_id=held.pk, actor=SYSTEM, now=NOON)

    with pytest.raises(HoldReleased):
        confirm(reservation_id=held.pk, actor=SYSTEM, now=NOON)


def test_confirm_by_somebody_else_is_not_found(provider):
    held = hold(provider, NINE)

    with pytest.raises(NotFound):
        confirm(reservation_id=held.pk, actor=actor_of(ClientFactory()), now=NOON)


def test_confirm_of_nothing_is_not_found():
    with pytest.raises(NotFound):
        confirm(reservation_id=0, actor=SYSTEM, now=NOON)


@pytest.mark.parametrize(("who", "status"), [("client", "pending"), ("provider", "scheduled"), ("staff", "scheduled")])
def test_confirm_a_service_that_needs_approval_waits_only_for_a_client(provider, who, status):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    held = hold(provider, NINE, service_id=service.pk)
    users = {"client": held.client.user, "provider": provider.user, "staff": staff_of(MANAGER)}

    made = confirm(reservation_id=held.pk, actor=actor_of(users[who]), now=NOON)

    assert made.status == status


def test_confirm_again_after_the_appointment_was_moved_returns_it_where_it_is(provider):
    held = hold(provider, NINE)
    made = confirm(reservation_id=held.pk, actor=SYSTEM, now=NOON)
    reschedule(appointment_id=made.pk, starts_at=TEN, actor=SYSTEM, now=NOON)

    again = confirm(reservation_id=held.pk, actor=SYSTEM, now=NOON)

    assert (again, again.starts_at) == (made, TEN)


# --- Booking in one step --------------------------------------------------------------------------------------------


def test_book_reserves_and_confirms_in_one_step(provider):
    client = ClientFactory()

    made = appoint(provider, NINE, client=client, title="Talk", description="About all", timezone="Asia/Tokyo")

    made.refresh_from_db()
    assert (made.client, made.starts_at, made.status) == (client, NINE, "scheduled")
    assert (made.title, made.description, made.timezone) == ("Talk", "About all", "Asia/Tokyo")
    assert (made.reservation.status, made.reservation.expires_at, claimed(made)) == ("confirmed", None, ["09:00"])


def test_book_without_words_is_called_an_appointment_in_the_clients_zone(provider):
    made = appoint(provider, NINE, client=ClientFactory(timezone="Asia/Tokyo"))

    assert (made.title, made.called, made.timezone) == ("", "Appointment", "Asia/Tokyo")


def test_book_what_is_taken_is_refused_with_alternatives(provider, appointment):
    with pytest.raises(SlotTaken) as refusal:
        appoint(provider, NINE)

    assert [time["start_time"] for time in refusal.value.details["alternatives"]] == [
        "2026-03-04T09:15:00Z",
        "2026-03-04T09:30:00Z",
        "2026-03-04T09:45:00Z",
    ]


def test_book_is_not_limited_by_the_number_of_holds(provider):
    client = ClientFactory()
    for number in range(5):
        hold(provider, NINE + minutes(15 * number), client=client)

    assert appoint(provider, NINE + DAY, client=client).status == "scheduled"


def test_book_records_overrides_in_the_history(provider):
    made = appoint(provider, at("2026-03-02 20:00"), overrides=list(Override))

    assert made.reservation.overrides == ["hours", "notice"]
    assert history(made) == [("booked", NOON, None, "job", {"status": "scheduled", "overrides": ["hours", "notice"]})]


def test_book_a_service_that_needs_approval_by_a_client_waits_and_claims_its_time(provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])

    made = appoint(provider, NINE, service_id=service.pk)

    assert (made.status, is_free(provider, NINE)) == ("pending", False)


def test_book_over_a_dead_hold_with_no_sweeper(provider):
    dead = hold(provider, NINE)

    made = appoint(provider, NINE, now=dead.expires_at)

    dead.refresh_from_db()
    assert (made.status, dead.status) == ("scheduled", "expired")


def test_book_refused_writes_nothing(provider, appointment):
    client = ClientFactory()
    before = dump()

    with pytest.raises(SlotTaken):
        book(provider_id=provider.pk, client_id=client.pk, starts_at=NINE, actor=SYSTEM, now=NOON)

    assert dump() == before


# --- Moving ---------------------------------------------------------------------------------------------------------


def test_reschedule_moves_the_same_appointment(provider, appointment):
    old, uid = appointment.reservation, appointment.uid
    later = NOON + minutes(5)

    moved = reschedule(appointment_id=appointment.pk, starts_at=TEN, actor=actor_of(appointment.client), now=later)

    old.refresh_from_db()
    moved.refresh_from_db()
    assert (moved.pk, moved.uid, moved.sequence, moved.status) == (appointment.pk, uid, 1, "scheduled")
    assert (moved.starts_at, moved.ends_at, moved.updated_at) == (TEN, TEN + minutes(15), later)
    assert (old.status, old.closed_at, moved.reservation.status) == ("released", later, "confirmed")
    assert (is_free(provider, NINE), is_free(provider, TEN)) == (True, False)


def test_reschedule_adds_to_the_history(provider, appointment):
    old = appointment.reservation

    reschedule(appointment_id=appointment.pk, starts_at=TEN, actor=actor_of(provider), now=NOON)

    assert [event[0] for event in history(appointment)] == ["booked", "rescheduled"]
    assert history(appointment)[-1] == (
        "rescheduled",
        NOON,
        provider.user,
        "api",
        {"from": "2026-03-04T09:00:00Z", "to": "2026-03-04T10:00:00Z", "reservation": old.pk},
    )


@pytest.mark.parametrize("shift", [-15, 15, 45, 0])
def test_reschedule_onto_its_own_old_time(provider, shift):
    service = ServiceFactory(duration_minutes=60, providers=[provider])
    booked = appoint(provider, TEN, service_id=service.pk)

    moved = reschedule(appointment_id=booked.pk, starts_at=TEN + minutes(shift), actor=SYSTEM, now=NOON)

    assert (moved.starts_at, len(claimed(moved))) == (TEN + minutes(shift), 4)
    assert broken_promises() == {}


def test_reschedule_keeps_the_length(provider):
    booked = appoint(provider, NINE, ends_at=NINE + minutes(50), actor=SYSTEM)

    moved = reschedule(appointment_id=booked.pk, starts_at=TEN, actor=actor_of(booked.client), now=NOON)

    assert moved.ends_at == TEN + minutes(50)


def test_reschedule_keeps_the_buffers_of_the_service(provider):
    service = ServiceFactory(duration_minutes=30, buffer_after_minutes=15, providers=[provider])
    booked = appoint(provider, NINE, service_id=service.pk)

    moved = reschedule(appointment_id=booked.pk, starts_at=TEN, actor=SYSTEM, now=NOON)

    assert claimed(moved) == ["10:00", "10:15", "10:30"]


def test_reschedule_of_a_service_no_longer_offered(provider):
    service = ServiceFactory(providers=[provider])
    booked = appoint(provider, NINE, service_id=service.pk)
    service.providers.clear()

    assert reschedule(appointment_id=booked.pk, starts_at=TEN, actor=SYSTEM, now=NOON).starts_at == TEN


def test_reschedule_to_another_length_by_the_provider(provider, appointment):
    moved = reschedule(
        appointment_id=appointment.pk,
        starts_at=NINE,
        ends_at=NINE + minutes(30),
        actor=actor_of(provider),
        now=NOON,
    )

    assert (moved.starts_at, moved.ends_at) == (NINE, NINE + minutes(30))


def test_reschedule_keeps_a_pending_one_pending(provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    booked = appoint(provider, NINE, service_id=service.pk)

    moved = reschedule(appointment_id=booked.pk, starts_at=TEN, actor=actor_of(booked.client), now=NOON)

    assert moved.status == "pending"


def test_reschedule_records_overrides(provider, appointment):
    moved = reschedule(
        appointment_id=appointment.pk,
        starts_at=at("2026-03-07 10:00"),
        actor=actor_of(provider),
        now=NOON,
        overrides=[Override.HOURS],
    )

    assert (moved.reservation.overrides, history(moved)[-1][4]["overrides"]) == (["hours"], ["hours"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"starts_at": TEN}, SlotTaken),
        ({"starts_at": at("2026-03-04 08:00")}, OutsideHours),
        ({"starts_at": at("2026-03-02 16:00")}, TooSoon),
        ({"starts_at": NOON}, InThePast),
        ({"starts_at": TEN + minutes(5)}, OffGrid),
        ({"starts_at": TEN, "ends_at": TEN + minutes(5)}, NotAllowed),
        ({"starts_at": TEN, "ends_at": TEN, "actor": SYSTEM}, EndsBeforeStart),
        ({"starts_at": at("2026-03-07 10:00"), "overrides": [Override.HOURS]}, NotAllowed),
        ({"starts_at": TEN, "actor": Actor(None, Source.API)}, NotAllowed),
        ({"starts_at": TEN, "actor": SYSTEM, "overrides": list(Override)}, SlotTaken),
    ],
)
def test_reschedule_refused_leaves_the_original_as_it_was(provider, appointment, arguments, error):
    appoint(provider, TEN)
    arguments = {"actor": actor_of(appointment.client)} | arguments
    before = dump()

    with pytest.raises(error):
        reschedule(appointment_id=appointment.pk, now=NOON, **arguments)

    assert dump() == before


def test_reschedule_by_another_client_is_refused(appointment):
    with pytest.raises(NotAllowed):
        reschedule(appointment_id=appointment.pk, starts_at=TEN, actor=actor_of(ClientFactory()), now=NOON)


def test_reschedule_by_the_client_once_it_has_begun_is_refused(provider, appointment):
    with pytest.raises(NotAllowed):
        reschedule(appointment_id=appointment.pk, starts_at=TEN + DAY, actor=actor_of(appointment.client), now=NINE)


@pytest.mark.parametrize("action", [Action.COMPLETE, Action.MISS, Action.CANCEL])
def test_reschedule_of_what_is_over_is_refused(provider, appointment, action):
    take_action(appointment_id=appointment.pk, action=action, actor=SYSTEM, now=NINE)

    with pytest.raises(BadTransition):
        reschedule(appointment_id=appointment.pk, starts_at=TEN + DAY, actor=SYSTEM, now=NINE)


def test_reschedule_of_nothing_is_not_found():
    with pytest.raises(NotFound):
        reschedule(appointment_id=0, starts_at=TEN, actor=SYSTEM, now=NOON)


def test_reschedule_away_from_withdrawn_slots_leaves_what_the_hours_say(provider, appointment):
    set_working_hours(
        provider_id=provider.pk, hours=[(2, TEN.time(), (TEN + minutes(60)).time())], actor=SYSTEM, now=NOON
    )

    reschedule(appointment_id=appointment.pk, starts_at=TEN, actor=SYSTEM, now=NOON)

    left = [f"{start:%H:%M}" for start, _ in free_cells(provider) if start.date() == NINE.date()]
    assert left == ["10:15", "10:30", "10:45"]


# --- Cancelling and the rest ----------------------------------------------------------------------------------------


def test_cancel_frees_the_time_at_once_and_keeps_the_reason(provider, appointment):
    later = NOON + minutes(5)

    done = take_action(
        appointment_id=appointment.pk,
        action=Action.CANCEL,
        actor=actor_of(appointment.client),
        now=later,
        reason="Ill",
    )

    done.refresh_from_db()
    assert (done.status, done.cancellation_reason, done.sequence, done.updated_at) == ("cancelled", "Ill", 1, later)
    assert (done.reservation.status, is_free(provider, NINE)) == ("released", True)
    assert history(done)[-1] == (
        "cancelled",
        later,
        appointment.client.user,
        "api",
        {"status": "cancelled", "reason": "Ill"},
    )


def test_cancel_lets_somebody_else_have_the_time(provider, appointment):
    take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert appoint(provider, NINE).status == "scheduled"


def test_cancel_twice_is_a_bad_transition(appointment):
    take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    with pytest.raises(BadTransition) as refusal:
        take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert refusal.value.details == {"status": "cancelled", "allowed": []}


def test_decline_frees_the_time(provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    booked = appoint(provider, NINE, service_id=service.pk)

    done = take_action(
        appointment_id=booked.pk, action=Action.DECLINE, actor=actor_of(provider), now=NOON, reason="Full"
    )

    done.refresh_from_db()
    assert (done.status, done.cancellation_reason, is_free(provider, NINE)) == ("declined", "Full", True)


def test_approve_schedules_what_waited(provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    booked = appoint(provider, NINE, service_id=service.pk)

    done = take_action(appointment_id=booked.pk, action=Action.APPROVE, actor=actor_of(provider), now=NOON)

    done.refresh_from_db()
    assert (done.status, is_free(provider, NINE), history(done)[-1][0]) == ("scheduled", False, "approved")


@pytest.mark.parametrize("action", [Action.COMPLETE, Action.MISS])
def test_an_outcome_can_be_told_from_the_start_on(appointment, action):
    with pytest.raises(NotYet):
        take_action(appointment_id=appointment.pk, action=action, actor=SYSTEM, now=NINE - MOMENT)

    done = take_action(appointment_id=appointment.pk, action=action, actor=SYSTEM, now=NINE)

    assert done.status == TRANSITIONS[action].target


ACTIONS = [action for action in Action if TRANSITIONS[action].target]


def with_status(provider, status):
    booked = appoint(provider, NINE)
    if status in ("cancelled", "declined"):
        take_action(appointment_id=booked.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)
    Appointment.objects.filter(pk=booked.pk).update(status=status)
    return booked


MOVES = [(status, action) for status in AppointmentStatus for action in ACTIONS]


@pytest.mark.parametrize(("status", "action"), [move for move in MOVES if move[0] in TRANSITIONS[move[1]].sources])
def test_act_makes_the_moves_of_the_table(provider, status, action):
    booked = with_status(provider, status)

    take_action(appointment_id=booked.pk, action=action, actor=SYSTEM, now=NINE)

    booked.refresh_from_db()
    assert booked.status == TRANSITIONS[action].target


@pytest.mark.parametrize(("status", "action"), [move for move in MOVES if move[0] not in TRANSITIONS[move[1]].sources])
def test_act_refuses_every_other_move_and_names_the_allowed_ones(provider, status, action):
    booked = with_status(provider, status)
    before = dump()

    with pytest.raises(BadTransition) as refusal:
        take_action(appointment_id=booked.pk, action=action, actor=SYSTEM, now=NINE)

    assert refusal.value.details == {"status": status, "allowed": [str(move) for move in targets_of(status)]}
    assert dump() == before


@pytest.mark.parametrize("action", [Action.APPROVE, Action.DECLINE, Action.COMPLETE, Action.MISS])
def test_act_by_the_client_beyond_moving_and_cancelling_is_refused(provider, action):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    booked = appoint(provider, NINE, service_id=service.pk)

    with pytest.raises(NotAllowed):
        take_action(appointment_id=booked.pk, action=action, actor=actor_of(booked.client), now=NOON)


@pytest.mark.parametrize("action", ACTIONS)
def test_act_by_a_stranger_is_refused(appointment, action):
    with pytest.raises(NotAllowed):
        take_action(appointment_id=appointment.pk, action=action, actor=actor_of(ClientFactory()), now=NOON)


def test_cancel_by_the_client_until_the_moment_it_begins(appointment):
    client = actor_of(appointment.client)

    with pytest.raises(NotAllowed):
        take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=client, now=NINE)
    assert take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=client, now=NINE - MOMENT)


def test_act_on_nothing_is_not_found():
    with pytest.raises(NotFound):
        take_action(appointment_id=0, action=Action.CANCEL, actor=SYSTEM, now=NOON)


def test_set_status_acts_by_the_status_wanted(appointment):
    assert (
        set_status(appointment_id=appointment.pk, status=AppointmentStatus.CANCELLED, actor=SYSTEM, now=NOON).status
        == "cancelled"
    )


def test_set_status_to_pending_is_a_bad_transition(appointment):
    with pytest.raises(BadTransition) as refusal:
        set_status(appointment_id=appointment.pk, status=AppointmentStatus.PENDING, actor=SYSTEM, now=NOON)

    assert refusal.value.details["allowed"] == ["completed", "missed", "cancelled"]


# --- What may be done -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status", "now", "actions"),
    [
        ("provider", "scheduled", NOON, ["reschedule", "reassign", "cancel"]),
        ("provider", "scheduled", NINE, ["complete", "miss", "reschedule", "reassign", "cancel"]),
        ("provider", "pending", NOON, ["approve", "decline", "reschedule", "reassign", "cancel"]),
        ("provider", "completed", NINE, ["miss", "reopen"]),
        ("provider", "missed", NINE, ["complete", "reopen"]),
        ("client", "completed", NINE, []),
        ("staff", "scheduled", NOON, ["reschedule", "reassign", "cancel"]),
        ("client", "scheduled", NOON, ["reschedule", "cancel"]),
        ("client", "pending", NOON, ["reschedule", "cancel"]),
        ("client", "scheduled", NINE - MOMENT, ["reschedule", "cancel"]),
        ("client", "scheduled", NINE, []),
        ("client", "cancelled", NOON, []),
        ("stranger", "scheduled", NOON, []),
    ],
)
def test_allowed_actions_are_those_of_the_asker_and_the_moment(who, status, now, actions):
    made = AppointmentFactory(status=status, reservation__starts_at=NINE)
    users = {
        "provider": made.provider.user,
        "client": made.client.user,
        "staff": staff_of(MANAGER),
        "stranger": ClientFactory().user,
    }

    assert allowed_actions(made, actor_of(users[who]), now) == actions


@pytest.mark.parametrize("now", [NOON, NINE])
@pytest.mark.parametrize("status", list(AppointmentStatus))
@pytest.mark.parametrize("who", ["provider", "client"])
def test_allowed_actions_are_exactly_those_that_act_does(provider, who, status, now):
    booked = with_status(provider, status)
    booked.refresh_from_db()
    actor = actor_of(provider if who == "provider" else booked.client)
    allowed = [action for action in allowed_actions(booked, actor, now) if TRANSITIONS[action].target]

    done = []
    for action in ACTIONS:
        with undone(), suppress(BadTransition, NotAllowed, NotYet):
            take_action(appointment_id=booked.pk, action=action, actor=actor, now=now)
            done.append(action)

    assert done == allowed


# --- Words ----------------------------------------------------------------------------------------------------------


def test_edit_changes_the_words_and_writes_what_changed(provider, appointment):
    later = NOON + minutes(5)
    was = {"timezone": appointment.timezone, "title": appointment.title}

    done = edit(
        appointment_id=appointment.pk,
        changes={"title": "Talk", "description": "", "timezone": "Asia/Tokyo"},
        actor=actor_of(provider),
        now=later,
    )

    done.refresh_from_db()
    assert (done.title, done.timezone, done.sequence, done.updated_at) == ("Talk", "Asia/Tokyo", 1, later)
    assert history(done)[-1] == ("edited", later, provider.user, "api", {"changed": ["timezone", "title"], "was": was})


def test_edit_that_changes_nothing_writes_nothing(provider, appointment):
    before = dump()

    edit(appointment_id=appointment.pk, changes={"title": appointment.title}, actor=actor_of(provider), now=NOON)

    assert dump() == before


def test_edit_by_the_client_is_refused(appointment):
    with pytest.raises(NotAllowed):
        edit(appointment_id=appointment.pk, changes={"title": "X"}, actor=actor_of(appointment.client), now=NOON)


def test_edit_of_nothing_is_not_found():
    with pytest.raises(NotFound):
        edit(appointment_id=0, changes={}, actor=SYSTEM, now=NOON)


def test_history_is_only_ever_added_to(provider, appointment):
    first = AppointmentEvent.objects.values_list().get()

    reschedule(appointment_id=appointment.pk, starts_at=TEN, actor=SYSTEM, now=NOON)
    take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert AppointmentEvent.objects.order_by("pk").values_list()[0] == first
    assert [event[0] for event in history(appointment)] == ["booked", "rescheduled", "cancelled"]
