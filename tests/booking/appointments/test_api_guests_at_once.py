"""Guests book by API without answering a mail, where the site lets them (`GUESTS_CONFIRM=off`)."""

import pytest
from django.core import mail
from rest_framework.test import APIClient

from accounts.clients.imports import CLIENTS
from accounts.models import Client
from booking.links import hold_link
from booking.models import Appointment, AppointmentEvent, Reservation
from booking.reservations.codes import code_of
from reminders.models import Message
from reminders.notices import notify_expired
from reminders.templates.composer import compose
from tests.booking.answers import refusal
from tests.booking.imports.helpers import outcomes, run
from tests.factories import NOON, ServiceFactory, appoint, at
from tests.looking import broken_promises
from tests.project.world import by_token
from tests.reminders.helpers import send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]

NINE = "2026-03-04T09:00:00Z"
TIMES = [f"2026-03-04T{hour:02}:00:00Z" for hour in range(9, 16)]
ADA = {"name": "Ada", "email": "ada@example.org"}


@pytest.fixture
def at_once(settings):
    """The site that lets guests book without a mail."""
    settings.GUESTS_CONFIRM = False


def book(provider, start=NINE, api=None, **sent):
    return (api or APIClient()).post("/api/v1/appointments", {"provider": provider.pk, "start_time": start, **sent})


def held(provider, start=NINE):
    """A hold of a visitor with details, and a program with its token."""
    body = APIClient().post("/api/v1/reservations", {"provider": provider.pk, "start_time": start}).json()
    visitor = by_token(body["guest_token"])
    visitor.post(f"/api/v1/reservations/{body['id']}/details", ADA)
    return f"/api/v1/reservations/{body['id']}/confirm", visitor


# --- Where guests confirm ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [{}, {"client": ADA}, {"patient_name": "Ada", "email": "ada@example.org"}])
def test_guests_are_told_the_three_steps(provider, sent):
    answer = book(provider, **sent)

    assert refusal(answer) == (403, "confirmation_required", None)
    assert answer.json()["details"]["steps"] == [
        "POST /api/v1/slots/{id}/reserve",
        "POST /api/v1/reservations/{id}/details",
        "POST /api/v1/reservations/{id}/confirm",
    ]
    assert not Client.objects.filter(email="ada@example.org").exists()


# --- In one step ------------------------------------------------------------------------------------------------------


def test_guest_books_with_their_details(at_once, provider):
    service = ServiceFactory(providers=[provider], name="First visit", duration_minutes=45)

    answer = book(provider, service=service.pk, client={**ADA, "phone": "+4930901820", "note": "Knee"})

    assert (answer.status_code, answer.json()["title"], answer.json()["description"]) == (201, "First visit", "Knee")
    made = Appointment.objects.get()
    assert (made.client.name, made.client.phone, made.client.is_unproved) == ("Ada", "+4930901820", True)
    assert made.client.timezone == provider.schedule.timezone
    event = AppointmentEvent.objects.get()
    assert (event.face, event.user) == ("api", None)
    assert broken_promises() == {}


def test_details_may_be_sent_one_by_one(at_once, provider):
    answer = book(provider, patient_name="Ada", email="Ada@example.org", description="Knee")

    assert answer.status_code == 201
    made = Appointment.objects.get()
    assert (made.client.name, made.client.email, made.description) == ("Ada", "ada@example.org", "Knee")


def test_answer_has_the_token_of_the_appointment(at_once, provider):
    made = book(provider, client=ADA).json()

    answer = by_token(made["guest_token"]).post(f"/api/v1/appointments/{made['id']}/cancel", {})

    assert answer.json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({}, (400, "required", "patient_name")),
        ({"patient_name": "Ada"}, (400, "required", "email")),
        ({"patient_name": "example.org/x", "email": "a@example.org"}, (400, "link_in_name", "patient_name")),
        ({"client": {"name": "Ada"}}, (400, "required", "client.email")),
        ({"client": {**ADA, "notes": ""}}, (400, "unknown_field", "client.notes")),
        ({"client": ADA, "email": "a@example.org"}, (400, "invalid", "email")),
        ({"client": 1}, (403, "not_allowed", "client")),
        ({"client": ADA, "title": "Mine"}, (403, "not_allowed", "title")),
        ({"client": ADA, "override": ["notice"]}, (403, "not_allowed", "override")),
        ({"client": ADA, "end_time": TIMES[1]}, (403, "not_allowed", "end_time")),
    ],
)
def test_what_does_not_fit_is_refused(at_once, provider, sent, error):
    assert refusal(book(provider, **sent)) == error
    assert not Appointment.objects.exists()


def test_taken_time_adds_no_client(at_once, provider):
    book(provider, client=ADA)

    answer = book(provider, client={**ADA, "email": "grace@example.org"})

    assert refusal(answer) == (409, "slot_taken", "start_time")
    assert answer.json()["details"]["alternatives"]
    assert not Client.objects.filter(email="grace@example.org").exists()


def test_users_send_no_details(booker_api, provider):
    assert refusal(book(provider, api=booker_api, client=ADA)) == (400, "invalid", "client")
    assert refusal(book(provider, api=booker_api, patient_name="Ada")) == (400, "invalid", "patient_name")


def test_users_book_as_ever(at_once, booker_api, booker, provider):
    assert book(provider, api=booker_api).json()["client"]["id"] == booker.pk


# --- Unverified -------------------------------------------------------------------------------------------------------


def test_answer_says_nothing_about_the_mailbox_that_is_named(at_once, provider, booker, settings):
    settings.MAX_OPEN_APPOINTMENTS = settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED = 1
    appoint(provider, at(TIMES[0][:16].replace("T", " ")), client=booker)

    known = book(provider, TIMES[1], client={"name": "Ada", "email": booker.email})
    unknown = book(provider, TIMES[2], client={"name": "Ada", "email": "nobody@example.org"})

    assert (known.status_code, unknown.status_code) == (201, 201)


def test_hold_confirmed_without_a_code_says_nothing_about_it_either(at_once, provider, booker, settings):
    settings.MAX_OPEN_APPOINTMENTS = settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED = 1
    Client.objects.filter(pk=booker.pk).update(email=ADA["email"])
    appoint(provider, at("2026-03-04 10:00"), client=booker)
    confirm, visitor = held(provider)

    assert visitor.post(confirm, {"confirmed": True}).status_code == 200


def test_bookings_in_a_persons_name_lock_them_out_of_nothing(at_once, provider, booker, settings):
    settings.MAX_OPEN_APPOINTMENTS = settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED = 1
    for start in TIMES[:3]:
        assert book(provider, start, client={"name": "Ada", "email": booker.email}).status_code == 201

    assert appoint(provider, at("2026-03-04 13:00"), client=booker).status == "scheduled"


def test_guest_who_answers_the_mail_is_not_locked_out_by_others_in_their_name(at_once, provider, settings):
    settings.MAX_OPEN_APPOINTMENTS = settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED = 1
    book(provider, TIMES[1], client=ADA)
    confirm, visitor = held(provider)

    answer = visitor.post(confirm, {"confirmed": True, "code": code_of(Reservation.objects.get(status="held"))})

    assert answer.status_code == 200


def test_mailbox_that_answered_counts_for_whoever_answers_there(at_once, provider, settings):
    settings.MAX_OPEN_APPOINTMENTS = 1
    for start, status in ((NINE, 200), (TIMES[1], 409)):
        confirm, visitor = held(provider, start)
        code = code_of(Reservation.objects.get(status="held"))
        assert visitor.post(confirm, {"confirmed": True, "code": code}).status_code == status


def test_visitor_who_confirms_without_codes_counts_alone(at_once, provider, settings):
    settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED = 1
    confirm, visitor = held(provider)
    visitor.post(confirm, {"confirmed": True})
    second = visitor.post("/api/v1/reservations", {"provider": provider.pk, "start_time": TIMES[1]}).json()
    visitor.post(f"/api/v1/reservations/{second['id']}/details", ADA)

    answer = visitor.post(f"/api/v1/reservations/{second['id']}/confirm", {"confirmed": True})

    assert refusal(answer) == (409, "too_many_appointments", None)


def test_network_books_so_many_without_answering_mails(at_once, provider, throttle):
    throttle["unconfirmed"] = "2/day"
    assert book(provider, TIMES[0], client=ADA).status_code == 201
    confirm, visitor = held(provider, TIMES[1])
    assert visitor.post(confirm, {"confirmed": True}).status_code == 200

    answer = book(provider, TIMES[2], client={**ADA, "email": "grace@example.org"})

    assert refusal(answer) == (429, "too_often", None)
    assert int(answer.headers["Retry-After"]) > 0
    assert not Client.objects.filter(email="grace@example.org").exists()


def test_hold_stays_if_the_network_has_booked_enough(at_once, provider, throttle):
    throttle["unconfirmed"] = "1/day"
    book(provider, TIMES[1], client=ADA)
    confirm, visitor = held(provider)

    assert refusal(visitor.post(confirm, {"confirmed": True})) == (429, "too_often", None)
    code = code_of(Reservation.objects.get(status="held"))
    assert visitor.post(confirm, {"confirmed": True, "code": code}).status_code == 200


def test_refused_booking_does_not_count_for_the_network(at_once, provider, throttle):
    throttle["unconfirmed"] = "2/day"
    book(provider, client=ADA)
    assert refusal(book(provider, client=ADA)) == (409, "slot_taken", "start_time")

    assert book(provider, TIMES[1], client=ADA).status_code == 201


def test_mailbox_that_never_answered_gets_few_mails(at_once, provider, settings):
    settings.THROTTLE = True
    settings.SEND_LIMITS = {"email": {"new_recipient": (5, 20), "recipient": (60, 300)}}
    for start in TIMES[:5]:
        book(provider, start, client=ADA)

    send(NOON)

    assert len([each for each in mail.outbox if "ada@example.org" in each.to[0]]) == 3


def test_bookings_count_as_holds_do(at_once, provider, throttle):
    throttle["hold"] = "1/hour"
    book(provider, client=ADA)

    assert refusal(book(provider, TIMES[1], client={**ADA, "email": "g@example.org"})) == (429, "throttled", None)


def test_mail_to_a_mailbox_that_never_answered_repeats_nothing_of_the_guests(at_once, provider):
    book(provider, client={**ADA, "note": "Buy at example.org"})

    message = Message.objects.detailed().get(kind="booked", recipient="client")
    mail = compose(message, custom_texts={}, now=NOON)
    assert "Buy at" not in mail.text + mail.html
    assert b"Buy at" not in mail.attachments[0].content


def test_hold_that_expires_is_not_told_to_a_mailbox_that_never_answered(at_once, provider):
    confirm, visitor = held(provider)
    visitor.post(confirm, {"confirmed": True})
    later, _visitor = held(provider, TIMES[1])
    Message.objects.filter(kind="hold").update(status="sent", sent_at=NOON)

    assert not notify_expired(reservations=[int(later.split("/")[4])], now=NOON)


def test_import_does_not_know_a_guest_by_an_unproved_email(at_once, provider):
    book(provider, client=ADA)

    assert outcomes(run(CLIENTS, "name,email\nAda,ada@example.org\n", None)) == ["new"]


# --- Confirming without a code ----------------------------------------------------------------------------------------


def test_hold_is_confirmed_without_a_code(at_once, provider):
    confirm, visitor = held(provider)

    first, second = (visitor.post(confirm, {"confirmed": True}) for _ in range(2))

    assert (first.status_code, first.json()) == (200, second.json())
    assert Appointment.objects.get().client.is_unproved


def test_details_are_needed_all_the_same(at_once, provider):
    body = APIClient().post("/api/v1/reservations", {"provider": provider.pk, "start_time": NINE}).json()

    answer = by_token(body["guest_token"]).post(f"/api/v1/reservations/{body['id']}/confirm", {"confirmed": True})

    assert refusal(answer) == (409, "details_required", None)


def test_code_proves_the_mailbox_all_the_same(at_once, provider):
    confirm, visitor = held(provider)

    visitor.post(confirm, {"confirmed": True, "code": code_of(Reservation.objects.get())})

    assert not Appointment.objects.get().client.is_unproved


def test_wrong_code_is_refused_all_the_same(at_once, provider):
    confirm, visitor = held(provider)
    right = code_of(Reservation.objects.get())

    answer = visitor.post(confirm, {"confirmed": True, "code": "000000" if right != "000000" else "000001"})

    assert refusal(answer) == (400, "wrong_code", "code")


def test_mailbox_that_answers_later_is_proved(at_once, client, provider):
    confirm, visitor = held(provider)
    visitor.post(confirm, {"confirmed": True})
    second = visitor.post("/api/v1/reservations", {"provider": provider.pk, "start_time": TIMES[1]}).json()
    visitor.post(f"/api/v1/reservations/{second['id']}/details", ADA)

    link = hold_link(Reservation.objects.get(pk=second["id"]))
    client.post(link.removeprefix("http://localhost:8000"), {"do": "confirm"})

    assert [made.client.is_unproved for made in Appointment.objects.all()] == [False, False]


def test_mailbox_that_answered_stays_proved(at_once, provider):
    confirm, visitor = held(provider)
    visitor.post(confirm, {"confirmed": True, "code": code_of(Reservation.objects.get())})
    second = visitor.post("/api/v1/reservations", {"provider": provider.pk, "start_time": TIMES[1]}).json()
    visitor.post(f"/api/v1/reservations/{second['id']}/details", ADA)

    visitor.post(f"/api/v1/reservations/{second['id']}/confirm", {"confirmed": True})

    assert not Client.objects.filter(is_unproved=True).exists()
    assert Reservation.objects.filter(status="confirmed", starts_at__gte=at("2026-03-04 09:00")).count() == 2
