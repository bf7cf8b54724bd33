"""Booking and moving by staff in the admin: at a free time, or outside of the rules with a reason."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.appointments.enums import Event
from booking.appointments.operations import book as book_by_hand
from booking.models import Appointment, Reservation
from booking.reservations.enums import Override, ReservationStatus
from booking.reservations.errors import OutsideHours, SlotTaken
from scheduler_project.common.errors import Missing
from tests.factories import NOON, ClientFactory, ServiceFactory, UserFactory, appoint, at, minutes, open_provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

WEDNESDAY_10 = at("2026-03-04 09:00")
"""10:00 in Berlin."""


@pytest.fixture
def berlin(db):
    """Monday to Friday, 09:00 to 17:00 in Berlin; a day's notice."""
    return open_provider(timezone="Europe/Berlin", provider__name="Greta")


def page_of(provider, **query):
    return reverse("admin:booking_appointment_add", query={"schedule": provider.schedule.pk, **query})


def book(office, provider, *, day="2026-03-04", time="10:00", do="book", **more):
    return office.post(page_of(provider), {"date": day, "time": time, "do": do, **more}, follow=True)


def errors(response):
    return {field: list(found) for field, found in response.context["form"].errors.items()}


# --- Booking ----------------------------------------------------------------------------------------------------------


def test_asks_with_whom_first_and_keeps_what_the_link_said(office, berlin, booker):
    page = office.get(reverse("admin:booking_appointment_add"), {"client": booker.pk})

    assert page.context["title"] == "Book an appointment: choose a provider"
    assert page.context["hidden"] == [("client", str(booker.pk))]


def test_books_in_the_providers_time_with_the_admin_in_the_record(office, boss, berlin, booker):
    service = ServiceFactory(providers=[berlin], duration_minutes=45)

    book(office, berlin, client=booker.pk, service=service.pk, title="First visit")

    made = Appointment.objects.detailed().get()
    assert (made.starts_at, made.ends_at) == (WEDNESDAY_10, WEDNESDAY_10 + minutes(45))
    assert (made.title, made.status, made.client) == ("First visit", "scheduled", booker)
    assert (made.reservation.created_by, made.reservation.face) == (boss, Source.ADMIN)
    assert made.events.get().event == Event.BOOKED


def test_says_whether_the_client_is_told(office, berlin):
    mailed, phoned = ClientFactory(name="Ada", email="ada@example.org"), ClientFactory(name="Grace", email="")

    pages = [
        book(office, berlin, client=client.pk, time=time).content.decode()
        for client, time in ((mailed, "10:00"), (phoned, "11:00"))
    ]

    assert "Booked. We&#x27;ve notified Ada." in pages[0]
    assert "Booked. We have no way to contact Grace. Please tell them yourself." in pages[1]


def test_offers_the_free_times_of_the_day_and_books_the_one_chosen(office, berlin, booker):
    appoint(berlin, WEDNESDAY_10)
    page = office.post(page_of(berlin), {"do": "find", "date": "2026-03-04", "title": "Kept"})
    times = [time.starts_at for time in page.context["times"]]
    assert (len(times), times[0]) == (31, at("2026-03-04 08:00"))
    assert WEDNESDAY_10 not in times
    assert page.context["form"]["title"].value() == "Kept"
    assert not Reservation.objects.filter(client=booker).exists()

    book(office, berlin, time="", client=booker.pk, start="2026-03-04T08:00:00+00:00")

    assert Reservation.objects.get(client=booker).starts_at == at("2026-03-04 08:00")


def test_begins_with_the_time_that_was_clicked_on_or_the_next_free_one(office, berlin):
    appoint(berlin, WEDNESDAY_10)

    page = office.get(page_of(berlin, start="2026-03-04T09:00:00Z"))

    assert (str(page.context["day"]), page.context["start"]) == ("2026-03-04", at("2026-03-04 09:15"))


@pytest.mark.parametrize(
    "query",
    [
        {"start": "soon"},
        {"start": "9999-12-31T23:59:59Z"},
        {"client": "nobody"},
        {"client": "99999999999999999999"},
        {"service": "\x00"},
        {"start": "\x00"},
    ],
)
def test_nonsense_in_the_address_is_never_a_crash(office, berlin, query):
    assert office.get(page_of(berlin, **query)).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {"date": "soon"},
        {"date": "9999-12-31"},
        {"minutes": "many"},
        {"minutes": "-1"},
        {"overrides": "everything"},
        {"search": "\x00"},
        {"start": "2026-13-01T00:00:00Z"},
    ],
)
@pytest.mark.parametrize("do", ["find", "book", "hold", "nonsense"])
def test_nonsense_in_the_form_is_never_a_crash(office, berlin, sent, do):
    assert office.post(page_of(berlin), {"do": do, **sent}).status_code == 200
    assert not Reservation.objects.exists()


def test_finds_clients_by_their_phone_however_it_is_written(office, berlin):
    ada = ClientFactory(name="Ada Byron", phone="+442079460123")
    ClientFactory(name="Grace")

    page = office.post(page_of(berlin), {"do": "find", "search": "+44 20 7946", "date": "2026-03-04"})

    assert page.context["clients"] == [ada]


def test_books_for_a_new_client_made_in_the_same_form(office, berlin):
    book(office, berlin, name="Ada Byron", email="Ada@example.org", phone="+442079460123")

    ada = Client.objects.get(name="Ada Byron")
    assert (ada.email, str(ada.phone), ada.owner, ada.timezone) == (
        "ada@example.org",
        "+442079460123",
        None,
        "Europe/Berlin",
    )
    assert Appointment.objects.get().client == ada


def test_asks_before_a_second_client_with_the_same_email_is_made(office, berlin):
    known = ClientFactory(name="Ada Byron", email="ada@example.org")
    new = {"name": "Byron's sister", "email": "ada@example.org"}

    page = book(office, berlin, **new)
    assert list(errors(page)) == ["somebody_else"]
    assert page.context["clients"] == [known]
    book(office, berlin, **new, somebody_else="on")

    assert Appointment.objects.get().client.name == "Byron's sister"


def test_leaves_no_new_client_behind_when_the_time_is_refused(office, berlin):
    appoint(berlin, WEDNESDAY_10)

    book(office, berlin, name="Ada Byron")

    assert not Client.objects.filter(name="Ada Byron").exists()


def test_adds_no_clients_without_the_permission(berlin):
    user = UserFactory(staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["add_appointment", "view_appointment"]))
    browser = Browser()
    browser.force_login(user)

    page = book(browser, berlin, name="Ada Byron")

    assert "Choose a client." in errors(page)["client"]
    assert not Client.objects.exists()


def test_refuses_to_book_taken_time_and_offers_the_nearest_free(office, berlin, booker):
    appoint(berlin, WEDNESDAY_10)

    page = book(office, berlin, client=booker.pk)

    assert errors(page) == {"time": [str(SlotTaken.message)]}
    assert page.context["alternatives"] == [at("2026-03-04 08:30"), at("2026-03-04 08:45"), at("2026-03-04 09:15")]
    assert Appointment.objects.count() == 1


def test_overrides_open_hours_and_notice_for_a_reason_but_never_taken_time(office, berlin, booker):
    tonight = {"day": "2026-03-02", "time": "20:00", "client": booker.pk}
    both = {"overrides": ["hours", "notice"], "reason": "In pain"}

    assert list(errors(book(office, berlin, **tonight))) == ["time"]
    assert errors(book(office, berlin, **tonight, overrides=["notice"], reason="In pain")) == {
        "time": [str(OutsideHours.message)]
    }
    book(office, berlin, **tonight, **both)
    assert Reservation.objects.get().overrides == [Override.HOURS, Override.NOTICE]
    assert errors(book(office, berlin, **tonight, **both)) == {"time": [str(SlotTaken.message)]}
    assert Reservation.objects.count() == 1


def test_overrides_without_a_reason_are_refused_and_the_reason_is_kept(office, berlin, booker):
    tonight = {"day": "2026-03-02", "time": "20:00", "client": booker.pk, "overrides": ["hours", "notice"]}

    assert errors(book(office, berlin, **tonight, reason="  ")) == {
        "reason": ["Give a reason for overriding these rules."]
    }
    book(office, berlin, **tonight, reason="In pain")

    assert Appointment.objects.get().events.get().details == {
        "status": "scheduled",
        "overrides": ["hours", "notice"],
        "reason": "In pain",
    }


def test_only_the_admin_must_say_why_rules_are_set_aside(berlin, booker, boss):
    wanted = {"provider_id": berlin.pk, "client_id": booker.pk, "starts_at": at("2026-03-02 19:00"), "now": NOON}
    both = [Override.HOURS, Override.NOTICE]

    with pytest.raises(Missing):
        book_by_hand(**wanted, overrides=both, actor=Actor(boss, Source.ADMIN))
    book_by_hand(**wanted, overrides=both, actor=Actor(boss, Source.API))


def test_refuses_a_time_off_the_grid_on_the_providers_clock(office, berlin, booker):
    assert "15-minute grid" in errors(book(office, berlin, client=booker.pk, time="10:07"))["time"][0]


def test_refuses_a_service_this_provider_does_not_offer(office, berlin, booker):
    page = book(office, berlin, client=booker.pk, service=ServiceFactory().pk)

    assert list(errors(page)) == ["service"]


def test_refuses_a_client_of_somebody_elses_address_book(office, berlin):
    theirs = ClientFactory(owner=open_provider(provider__name="Other"), user=None)

    assert "client" in errors(book(office, berlin, client=theirs.pk))


def test_holds_a_time_for_whoever_calls_back(office, boss, berlin, booker):
    page = book(office, berlin, client=booker.pk, do="hold")

    held = Reservation.objects.get()
    assert (held.status, held.expires_at, held.created_by) == (ReservationStatus.HELD, NOON + minutes(30), boss)
    assert page.redirect_chain[-1][0] == reverse("admin:booking_reservation_change", args=[held.pk])


def test_a_hold_sets_no_rules_aside(office, berlin, booker):
    page = book(office, berlin, client=booker.pk, do="hold", overrides=["notice"], reason="In pain")

    assert list(errors(page)) == ["overrides"]
    assert not Reservation.objects.exists()


# --- Moving -----------------------------------------------------------------------------------------------------------


def move_of(appointment):
    return reverse("admin:booking_appointment_act", args=[appointment.pk, "reschedule"])


def test_moves_an_appointment_to_a_time_offered_keeping_its_identity(office, berlin):
    appointment = appoint(berlin, WEDNESDAY_10)
    page = office.post(move_of(appointment), {"do": "find", "date": "2026-03-05"})
    assert at("2026-03-05 13:00") in [time.starts_at for time in page.context["times"]]

    office.post(move_of(appointment), {"do": "move", "date": "2026-03-05", "start": "2026-03-05T13:00:00+00:00"})

    moved = Appointment.objects.detailed().get(pk=appointment.pk)
    assert (moved.starts_at, moved.uid) == (at("2026-03-05 13:00"), appointment.uid)
    assert moved.events.filter(event=Event.RESCHEDULED, face=Source.ADMIN).count() == 1


def test_moves_outside_the_hours_for_a_reason(office, berlin):
    appointment = appoint(berlin, WEDNESDAY_10)
    tonight = {"do": "move", "date": "2026-03-04", "time": "20:00", "overrides": ["hours"]}

    assert list(errors(office.post(move_of(appointment), tonight))) == ["reason"]
    office.post(move_of(appointment), {**tonight, "reason": "The burst pipe"})

    moved = Appointment.objects.detailed().get(pk=appointment.pk)
    assert moved.starts_at == at("2026-03-04 19:00")
    assert moved.events.get(event=Event.RESCHEDULED).details["reason"] == "The burst pipe"


def test_refuses_to_move_onto_taken_time_and_the_original_stands(office, berlin):
    appoint(berlin, at("2026-03-05 13:00"))
    appointment = appoint(berlin, WEDNESDAY_10)

    page = office.post(move_of(appointment), {"do": "move", "date": "2026-03-05", "time": "14:00"})

    assert at("2026-03-05 12:45") in page.context["alternatives"]
    assert Appointment.objects.detailed().get(pk=appointment.pk).starts_at == WEDNESDAY_10


def test_what_is_over_is_not_moved(office, berlin):
    appointment = appoint(berlin, WEDNESDAY_10)
    Appointment.objects.filter(pk=appointment.pk).update(status="completed")

    page = office.get(move_of(appointment), follow=True)

    assert [str(said) for said in page.context["messages"]] == ["This appointment can no longer be rescheduled."]
