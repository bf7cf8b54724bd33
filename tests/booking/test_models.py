"""The constraints of the database, and the methods of the querysets."""

from datetime import time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from booking.models import Appointment, Closure, Reservation, Schedule, TimeOff
from tests.factories import (
    NOON,
    AppointmentFactory,
    AvailabilityWindowFactory,
    ClientFactory,
    ClosureFactory,
    DateOverrideFactory,
    HoldFactory,
    ProviderFactory,
    ReservationFactory,
    ScheduleFactory,
    ServiceFactory,
    SlotFactory,
    TimeOffFactory,
    UserFactory,
    WorkingHoursFactory,
    minutes,
)
from tests.groups import MANAGER, staff_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
START = NOON + DAY
TUESDAY, WEDNESDAY = START.date(), (START + DAY).date()


def refused_by(constraint):
    """Expect the database to refuse, naming that constraint."""
    return pytest.raises(IntegrityError, match=f'"{constraint}"')


# --- Schedules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 7, 25, 45, 90])
def test_a_schedule_refuses_slots_that_do_not_divide_the_hour(length):
    with refused_by("schedule_slot_divides_hour"):
        ScheduleFactory(slot_minutes=length)


@pytest.mark.parametrize("length", [5, 6, 10, 12, 15, 20, 30, 60])
def test_a_schedule_takes_every_divisor_of_the_hour_from_five(length):
    assert ScheduleFactory(slot_minutes=length).slot == minutes(length)


def test_a_provider_has_one_schedule():
    provider = ScheduleFactory().provider

    with refused_by("booking_schedule_provider_id_key"):
        ScheduleFactory(provider=provider)


def test_working_hours_refuse_an_eighth_day():
    with refused_by("workinghours_weekday_is_one"):
        WorkingHoursFactory(weekday=7)


def test_working_hours_refuse_two_that_begin_together():
    rule = WorkingHoursFactory(start_time=time(9))

    with refused_by("workinghours_start_once_per_weekday"):
        WorkingHoursFactory(schedule=rule.schedule, start_time=time(9), end_time=time(12))


def test_a_date_has_one_override():
    override = DateOverrideFactory()

    with refused_by("dateoverride_once_per_date"):
        DateOverrideFactory(schedule=override.schedule)


@pytest.mark.parametrize("length", [timedelta(), -SECOND])
def test_a_window_refuses_to_end_before_it_has_begun(length):
    with refused_by("window_ends_after_start"):
        AvailabilityWindowFactory(ends_at=START + length)


ABSENCES = [
    {"start_date": None, "end_date": None},
    {"start_date": TUESDAY, "end_date": None},
    {"start_date": None, "end_date": TUESDAY},
    {"start_date": WEDNESDAY, "end_date": TUESDAY},
    {"start_date": None, "end_date": None, "starts_at": START},
    {"start_date": None, "end_date": None, "ends_at": START},
    {"start_date": None, "end_date": None, "starts_at": START, "ends_at": START},
    {"start_date": TUESDAY, "end_date": TUESDAY, "starts_at": START, "ends_at": START + DAY},
    {"start_date": TUESDAY, "end_date": TUESDAY, "ends_at": START + DAY},
]


@pytest.mark.parametrize("fields", ABSENCES)
def test_time_off_refuses_to_be_anything_but_one_kind_of_stretch(fields):
    with refused_by("timeoff_one_kind_of_stretch"):
        TimeOffFactory(**fields)


@pytest.mark.parametrize("fields", ABSENCES)
def test_a_closure_refuses_to_be_anything_but_one_kind_of_stretch(fields):
    with refused_by("closure_one_kind_of_stretch"):
        ClosureFactory(**fields)


@pytest.mark.parametrize("row", [TimeOff, Closure])
@pytest.mark.parametrize("fields", [{}, {"starts_at": NOON, "ends_at": NOON}, {"start_date": TUESDAY}])
def test_an_absence_that_the_database_would_refuse_does_not_validate(row, fields):
    absence = row(**fields)

    with pytest.raises(ValidationError):
        absence.full_clean(exclude=["schedule"] if row is TimeOff else None)


def test_an_absence_of_days_is_the_local_days_of_the_zone():
    schedule = ScheduleFactory.build(timezone="Europe/Berlin")
    absence = TimeOff(start_date=TUESDAY, end_date=WEDNESDAY)

    assert absence.interval(schedule.zone) == (START - minutes(13 * 60), START + minutes(35 * 60))


def test_an_absence_between_instants_is_the_same_in_every_zone():
    schedule = ScheduleFactory.build(timezone="Europe/Berlin")

    assert TimeOff(starts_at=NOON, ends_at=START).interval(schedule.zone) == (NOON, START)


# --- Services -------------------------------------------------------------------------------------------------------


def test_a_service_takes_time():
    with refused_by("service_takes_time"):
        ServiceFactory(duration_minutes=0)


# --- Slots ----------------------------------------------------------------------------------------------------------


def test_a_provider_has_one_slot_for_a_start():
    slot = SlotFactory()

    with refused_by("slot_once_per_provider_and_start"):
        SlotFactory(provider=slot.provider, ends_at=START + minutes(60))


def test_two_providers_have_slots_of_the_same_start():
    SlotFactory()

    assert SlotFactory().starts_at == START


@pytest.mark.parametrize("length", [timedelta(), -SECOND])
def test_a_slot_refuses_to_end_before_it_has_begun(length):
    with refused_by("slot_ends_after_start"):
        SlotFactory(ends_at=START + length)


def test_a_free_slot_cannot_be_withdrawn():
    with refused_by("slot_withdrawn_only_while_claimed"):
        SlotFactory(withdrawn=True)


def test_a_slot_is_not_freed_by_deleting_its_reservation():
    reservation = ReservationFactory()
    SlotFactory(provider=reservation.provider, reservation=reservation)

    with pytest.raises(IntegrityError):
        reservation.delete()


# --- Reservations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [HoldFactory, ReservationFactory])
@pytest.mark.parametrize("second", [HoldFactory, ReservationFactory])
@pytest.mark.parametrize("shift", [0, 15, -15, 29, -29])
def test_two_live_reservations_of_one_provider_never_overlap(first, second, shift):
    taken = first()

    with refused_by("reservation_no_overlap"):
        second(provider=taken.provider, starts_at=taken.starts_at + minutes(shift))


def test_two_live_reservations_may_touch():
    taken = ReservationFactory()

    for shift in (30, -30):
        assert ReservationFactory(provider=taken.provider, starts_at=taken.starts_at + minutes(shift)).pk


def test_two_live_reservations_are_kept_apart_by_their_buffers():
    taken = ReservationFactory(blocked_until=START + minutes(45))

    with refused_by("reservation_no_overlap"):
        ReservationFactory(provider=taken.provider, starts_at=START + minutes(30))


@pytest.mark.parametrize("status", ["expired", "released"])
def test_an_ended_reservation_is_in_nobodys_way(status):
    ended = ReservationFactory(status=status)

    assert ReservationFactory(provider=ended.provider).pk


@pytest.mark.parametrize("status", ["expired", "released"])
def test_an_ended_reservation_cannot_come_back_over_another(status):
    ended = ReservationFactory(status=status)
    ReservationFactory(provider=ended.provider)

    with refused_by("reservation_no_overlap"):
        Reservation.objects.filter(pk=ended.pk).update(status="confirmed")


def test_two_providers_may_be_booked_at_the_same_time():
    ReservationFactory()

    assert ReservationFactory().starts_at == START


@pytest.mark.parametrize("length", [timedelta(), -SECOND])
def test_a_reservation_refuses_to_end_before_it_has_begun(length):
    with refused_by("reservation_ends_after_start"):
        ReservationFactory(ends_at=START + length, blocked_until=START + minutes(30))


@pytest.mark.parametrize("fields", [{"blocked_from": START + SECOND}, {"blocked_until": START + minutes(29)}])
def test_a_reservation_claims_all_of_its_meeting(fields):
    with refused_by("reservation_claims_its_meeting"):
        ReservationFactory(**fields)


def test_a_hold_must_expire():
    with refused_by("reservation_hold_expires"):
        HoldFactory(expires_at=None)


@pytest.mark.parametrize("whose", ["provider", "client"])
def test_a_reservation_keeps_its_people_from_being_deleted(whose):
    reservation = ReservationFactory()

    with pytest.raises(IntegrityError):
        getattr(reservation, whose).delete()


def test_holds_are_told_apart_at_the_very_moment_they_end():
    live, dead = HoldFactory(expires_at=NOON + SECOND), HoldFactory(expires_at=NOON)
    ReservationFactory()
    HoldFactory(status="expired", expires_at=NOON)

    assert (list(Reservation.objects.held(now=NOON)), list(Reservation.objects.stale(now=NOON))) == ([live], [dead])


@pytest.mark.parametrize(
    ("start", "until", "found"),
    [(-30, 0, False), (-30, 1, True), (29, 60, True), (30, 60, False), (10, 20, True), (-10, 60, True)],
)
def test_claiming_is_to_overlap_half_open(start, until, found):
    ReservationFactory()

    claiming = Reservation.objects.claiming(START + minutes(start), START + minutes(until))

    assert claiming.exists() is found


def test_claiming_counts_stale_holds_and_no_ended_reservation():
    stale = HoldFactory(expires_at=NOON - DAY)
    ReservationFactory(status="released")
    ReservationFactory(status="expired")

    assert list(Reservation.objects.claiming(START, START + DAY)) == [stale]


# --- Appointments ---------------------------------------------------------------------------------------------------


def test_a_reservation_carries_one_appointment():
    reservation = AppointmentFactory().reservation

    with refused_by("booking_appointment_reservation_id_key"):
        AppointmentFactory(reservation=reservation)


def test_a_calendar_uid_is_given_once():
    first = AppointmentFactory()

    with refused_by("booking_appointment_uid_key"):
        AppointmentFactory(uid=first.uid)


def test_a_reservation_with_an_appointment_cannot_be_deleted():
    reservation = AppointmentFactory().reservation

    with pytest.raises(IntegrityError):
        reservation.delete()


def test_coming_appointments_are_those_not_over_yet():
    going_on = AppointmentFactory(reservation__starts_at=NOON - minutes(29))
    ahead = AppointmentFactory(reservation__starts_at=START, status="pending")
    AppointmentFactory(reservation__starts_at=NOON - minutes(30))
    AppointmentFactory(reservation__starts_at=START, status="cancelled")

    assert list(Appointment.objects.coming(now=NOON)) == [ahead, going_on]


def test_past_appointments_are_those_whose_time_is_over():
    over = AppointmentFactory(reservation__starts_at=NOON - minutes(30), status="cancelled")
    AppointmentFactory(reservation__starts_at=NOON - minutes(29))

    assert list(Appointment.objects.past(now=NOON)) == [over]


def test_detailed_appointments_tell_everything_in_one_query(django_assert_num_queries):
    for _ in range(3):
        AppointmentFactory(reservation__service=ServiceFactory())

    with django_assert_num_queries(1):
        told = [(made.provider.name, made.client.name, made.service.name) for made in Appointment.objects.detailed()]

    assert len(told) == 3


# --- Who sees what --------------------------------------------------------------------------------------------------


def people():
    """An appointment and the users it may concern: its provider, its client, staff, and others."""
    made = AppointmentFactory()
    return made, {
        "provider": made.provider.user,
        "client": made.client.user,
        "staff": staff_of(MANAGER),
        "other provider": ProviderFactory().user,
        "other client": ClientFactory().user,
        "nobody in particular": UserFactory(),
        "nobody": None,
    }


SEE = {"provider", "client", "staff"}


def test_appointments_are_visible_to_their_provider_their_client_and_staff():
    _, users = people()

    assert {who for who, user in users.items() if Appointment.objects.visible_to(user).exists()} == SEE


def test_reservations_are_visible_to_their_provider_their_client_and_staff():
    _, users = people()

    assert {who for who, user in users.items() if Reservation.objects.visible_to(user).exists()} == SEE


def test_schedules_are_visible_to_their_provider_and_staff():
    made, users = people()
    ScheduleFactory(provider=made.provider)

    seeing = {who for who, user in users.items() if Schedule.objects.visible_to(user).exists()}
    assert seeing == {"provider", "staff"}


def test_time_off_is_visible_to_its_provider_and_staff():
    made, users = people()
    TimeOffFactory(schedule=ScheduleFactory(provider=made.provider))

    assert {who for who, user in users.items() if TimeOff.objects.visible_to(user).exists()} == {"provider", "staff"}


def test_a_refusal_of_the_database_leaves_the_transaction_usable():
    taken = ReservationFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        ReservationFactory(provider=taken.provider, client=taken.client)

    assert Reservation.objects.count() == 1


def test_appointment_of_a_whole_day_is_coming_until_its_last_moment():
    begins, ends = NOON, NOON + timedelta(days=1)
    lasting = AppointmentFactory(reservation=ReservationFactory(starts_at=begins, ends_at=ends))
    before = ends - timedelta(microseconds=1)

    assert (list(Appointment.objects.coming(now=before)), list(Appointment.objects.past(now=before))) == ([lasting], [])
    assert (list(Appointment.objects.coming(now=ends)), list(Appointment.objects.past(now=ends))) == ([], [lasting])
