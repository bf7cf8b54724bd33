"""Limits on one person's own bookings (R19)."""

import logging
import re
from datetime import timedelta

import pytest
from django.db import connection

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.appointments.enums import Action
from booking.appointments.errors import TooManyAppointments, TooOften
from booking.appointments.limits import LOCK_PERSON, check_open_appointments, confirm_if_few
from booking.appointments.operations import confirm, reschedule, take_action
from booking.models import Appointment
from booking.reservations.guests import give_details, hold_as_visitor
from reminders.models import Message
from scheduler_project.common.audit.log import current_request
from scheduler_project.common.db.references import new_reference
from tests.factories import NOON, SYSTEM, ClientFactory, actor_of, appoint, at, hold, minutes, open_provider, verified

pytestmark = pytest.mark.django_db

NINE = at("2026-03-04 09:00")


@pytest.fixture(autouse=True)
def _few(settings):
    settings.MAX_OPEN_APPOINTMENTS = 3
    settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED = 2


@pytest.fixture
def reader(booker):
    """A client who has verified their email."""
    verified(booker.user)
    return booker


def times(number, first=NINE):
    return [first + minutes(15 * which) for which in range(number)]


def fill(provider, client, number=3, **arguments):
    return [appoint(provider, start, client=client, **arguments) for start in times(number)]


def as_guest(provider, start, email):
    """An appointment of a guest who opened the mailed link."""
    held = hold_as_visitor(
        provider_id=provider.pk, service_id=None, starts_at=start, visitor=new_reference(), timezone="UTC", now=NOON
    )
    said = {"name": "Ada", "email": email, "phone": "", "note": "", "by_sms": False, "language": "en"}
    held = give_details(reservation_id=held.pk, now=NOON, **said)
    return confirm(reservation_id=held.pk, actor=Actor(None, Source.PAGE, guest=held.client), now=NOON)


def test_book_refuses_more_than_one_may_have_with_a_provider(provider, reader):
    fill(provider, reader)

    with pytest.raises(TooManyAppointments) as refused:
        appoint(provider, NINE + minutes(60), client=reader)

    assert refused.value.details == {"limit": 3}
    assert Appointment.objects.count() == 3


def test_book_counts_each_provider_by_itself(provider, reader):
    fill(provider, reader)

    assert appoint(open_provider(horizon_days=5), NINE, client=reader).status == "scheduled"


def test_book_refuses_more_in_all_while_the_email_is_not_verified(provider, booker):
    fill(provider, booker, 1)
    appoint(open_provider(horizon_days=5), NINE, client=booker)

    with pytest.raises(TooManyAppointments) as refused:
        appoint(open_provider(horizon_days=5), NINE, client=booker)

    assert refused.value.details == {"limit": 2, "verify_email": True}


def test_book_counts_none_that_has_begun(provider, reader):
    fill(provider, reader)
    later = NINE + timedelta(hours=1)

    assert appoint(provider, NINE + timedelta(days=2), client=reader, now=later).status == "scheduled"


def test_book_counts_none_that_was_cancelled(provider, reader):
    first, *_others = fill(provider, reader)
    take_action(appointment_id=first.pk, action=Action.CANCEL, actor=actor_of(reader), now=NOON)

    assert appoint(provider, NINE, client=reader).status == "scheduled"


def test_book_by_the_provider_has_no_limit(provider, reader):
    fill(provider, reader)

    assert appoint(provider, NINE + minutes(60), client=reader, actor=actor_of(provider)).status == "scheduled"


def test_book_counts_none_that_the_provider_made(provider, reader):
    fill(provider, reader, actor=actor_of(provider))

    assert appoint(provider, NINE + minutes(60), client=reader).status == "scheduled"


def test_book_counts_none_that_a_job_made(provider, reader):
    fill(provider, reader, actor=SYSTEM)

    assert appoint(provider, NINE + minutes(60), client=reader).status == "scheduled"


def test_confirm_refuses_more_than_one_may_have(provider, reader):
    held = hold(provider, NINE + minutes(60), client=reader)
    fill(provider, reader)

    with pytest.raises(TooManyAppointments):
        confirm(reservation_id=held.pk, actor=actor_of(reader), now=NOON)

    held.refresh_from_db()
    assert held.status == "held"


def test_confirm_of_the_last_that_one_may_have_can_be_repeated(provider, reader):
    held = hold(provider, NINE + minutes(60), client=reader)
    fill(provider, reader, 2)
    made = confirm(reservation_id=held.pk, actor=actor_of(reader), now=NOON)

    assert confirm(reservation_id=held.pk, actor=actor_of(reader), now=NOON) == made


def test_confirm_of_what_the_provider_held_has_no_limit(provider, reader):
    held = hold(provider, NINE + minutes(60), client=reader, actor=actor_of(provider))
    fill(provider, reader)

    assert confirm(reservation_id=held.pk, actor=actor_of(reader), now=NOON).status == "scheduled"


def test_reschedule_counts_nothing_twice(provider, reader):
    first, *_others = fill(provider, reader)

    moved = reschedule(appointment_id=first.pk, starts_at=NINE + minutes(90), actor=actor_of(reader), now=NOON)

    assert moved.starts_at == NINE + minutes(90)


def test_what_was_moved_by_the_mailed_link_is_counted_on(provider, reader):
    for number, made in enumerate(fill(provider, reader)):
        guest = Actor(None, Source.PAGE, guest=made.client)
        reschedule(appointment_id=made.pk, starts_at=NINE + minutes(90 + 15 * number), actor=guest, now=NOON)

    with pytest.raises(TooManyAppointments):
        appoint(provider, NINE, client=reader)


def book_and_cancel(provider, client, **actor):
    current_actor = actor.get("actor") or actor_of(client)
    made = appoint(provider, NINE, client=client, actor=current_actor)
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=current_actor, now=NOON)


@pytest.fixture
def asked(rf):
    """Let the following calls belong to a request from that address: `asked(address)`."""
    token = current_request.set(None)
    yield lambda address: current_request.set(rf.post("/", REMOTE_ADDR=address))
    current_request.reset(token)


def test_whoever_books_and_cancels_in_turns_is_stopped(provider, reader, throttle, asked):
    asked("192.0.2.1")
    throttle["change"] = "4/d"
    book_and_cancel(provider, reader)
    book_and_cancel(provider, reader)

    with pytest.raises(TooOften) as refused:
        book_and_cancel(provider, reader)

    assert refused.value.retry_after > 0
    assert not Appointment.objects.filter(status="scheduled").exists()
    assert Message.objects.filter(recipient="provider").count() == 4
    book_and_cancel(provider, ClientFactory())


def test_clients_of_one_network_are_stopped_together(provider, throttle, asked):
    throttle |= {"change": "99/d", "change_network": "2/d"}
    asked("2001:db8:1:2::3")
    book_and_cancel(provider, ClientFactory())

    asked("2001:db8:1:9::3")
    with pytest.raises(TooOften):
        book_and_cancel(provider, ClientFactory())

    asked("192.0.2.3")
    book_and_cancel(provider, ClientFactory())


def test_what_nobody_asks_for_is_not_counted(provider, reader, throttle):
    throttle["change"] = "1/d"

    for _ in range(3):
        book_and_cancel(provider, reader)


def test_what_the_provider_changes_is_not_counted(provider, reader, throttle, asked):
    asked("192.0.2.1")
    throttle["change"] = "1/d"

    for _ in range(3):
        book_and_cancel(provider, reader, actor=actor_of(provider))


def test_guests_have_a_limit_by_mailbox(provider):
    for number, start in enumerate(times(3)):
        as_guest(provider, start, f"Ada+{number}@example.org")

    with pytest.raises(TooManyAppointments) as refused:
        as_guest(provider, NINE + minutes(60), "ada@example.org")

    assert refused.value.details == {"limit": 3}
    assert Client.objects.filter(name="Ada").count() == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.da@gmail.com", "ad.a+x@googlemail.com"), ("ada@example.org", "ada+b+c@example.org")],
)
def test_guests_mailbox_is_known_in_any_spelling(provider, settings, one, other):
    settings.MAX_OPEN_APPOINTMENTS = 1
    as_guest(provider, NINE, one)

    with pytest.raises(TooManyAppointments):
        as_guest(provider, NINE + minutes(60), other)


@pytest.mark.parametrize(
    ("one", "other"), [("a.da@example.org", "ada@example.org"), ("ada@example.org", "ada@example.com")]
)
def test_guests_with_another_mailbox_are_others(provider, settings, one, other):
    settings.MAX_OPEN_APPOINTMENTS = 1
    as_guest(provider, NINE, one)

    assert as_guest(provider, NINE + minutes(60), other).status == "scheduled"


def test_logins_of_one_mailbox_share_what_they_may_have_unverified(provider):
    for start, email in zip(times(2), ("eve+1@example.org", "eve+2@example.org"), strict=True):
        appoint(provider, start, client=ClientFactory(email=email, user__email=email))

    with pytest.raises(TooManyAppointments):
        appoint(provider, NINE + minutes(60), client=ClientFactory(email="eve@example.org"))


def test_whoever_is_in_an_address_book_is_nobody_else(provider, reader):
    kept = ClientFactory(user=None, owner=provider, email=reader.email)
    fill(provider, kept, actor=actor_of(provider))

    assert appoint(provider, NINE + minutes(60), client=reader).status == "scheduled"


def test_confirm_looks_closer_at_whoever_has_several(provider, reader, settings):
    """A client with a verified email gets a closer check from the number on that unverified clients may have."""
    held = hold(provider, NINE + minutes(60), client=reader)
    fill(provider, reader, 2)

    assert confirm(reservation_id=held.pk, actor=actor_of(reader), now=NOON).status == "scheduled"


def test_people_of_one_mailbox_are_found_by_an_index(booker):
    """PostgreSQL reads small tables whole, unless told not to; what no index answers, it reads whole all the same."""
    Client.objects.bulk_create(Client(name="Guest", email=f"guest{number}@example.org") for number in range(2_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_client")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {LOCK_PERSON}", {"client": booker.pk})
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert re.search(r"client_mailbox.*\n +Index Cond: ", plan)
    assert "Seq Scan" not in plan


def test_person_is_counted_however_many_have_given_their_mailbox(provider, reader):
    """Also with more than a statement's maximum of parameters."""
    held = hold(provider, NINE + minutes(60), client=reader)
    people = [reader.pk, *range(10**9, 10**9 + 66_000)]

    assert confirm_if_few(held.pk, people, provider.pk, NOON)
    fill(provider, reader, number=2)
    with pytest.raises(TooManyAppointments):
        check_open_appointments(people, provider.pk, actor_of(reader.user), NOON)


def test_refusal_is_a_security_event(provider, reader, caplog):
    fill(provider, reader)

    with caplog.at_level(logging.INFO, "security"), pytest.raises(TooManyAppointments):
        appoint(provider, NINE + minutes(60), client=reader)

    [line] = caplog.messages
    assert line == f"limit.reached face=command login={reader.user_id} scope=open_appointments most=3"
