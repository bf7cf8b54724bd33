"""`/me/`: a client's own appointments."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser

from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from booking.models import Appointment, Reservation
from booking.reservations.enums import Override
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from tests.factories import (
    NOON,
    SYSTEM,
    ProviderFactory,
    ServiceFactory,
    actor_of,
    appoint,
    at,
)
from tests.html import text_of, times_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=20)]


@pytest.fixture
def mine(client, booker):
    """The client's browser."""
    client.force_login(booker.user)
    return client


@pytest.fixture
def appointment(provider, booker):
    return appoint(provider, at("2026-03-04 09:00"), client=booker)


def path(appointment, page=""):
    return f"/me/appointments/{appointment.pk}/{page}"


def chosen(appointment, text):
    """Return the value sent by the button of a time."""
    return f"{appointment.provider.pk}@{at(text):%Y-%m-%dT%H:%M:%SZ}"


# --- Lists ------------------------------------------------------------------------------------------------------------


def test_mine_groups_what_is_to_come_by_the_visitors_days(mine, provider, booker):
    for starts in ("2026-03-04 09:00", "2026-03-04 16:30", "2026-03-05 09:00"):
        appoint(provider, at(starts), client=booker)
    mine.cookies["timezone"] = "Asia/Tokyo"

    days = mine.get("/me/").context["days"]

    assert [(str(day), len(rows)) for day, rows in days] == [("2026-03-04", 1), ("2026-03-05", 2)]


def test_mine_says_what_may_be_done(mine, appointment):
    ((_day, (row,)),) = mine.get("/me/").context["days"]

    assert row["allowed"] == [Action.RESCHEDULE, Action.CANCEL]


def test_mine_shows_nobody_elses(mine, provider):
    appoint(provider, at("2026-03-04 09:00"))

    assert mine.get("/me/").context["days"] == []


def test_mine_asks_strangers_to_log_in(client):
    assert client.get("/me/").url == "/account/login/?next=/me/"


def test_mine_is_not_there_for_who_is_no_client(client):
    client.force_login(ProviderFactory().user)

    assert client.get("/me/").status_code == 404


def test_past_holds_what_is_over_and_what_was_cancelled(mine, provider, booker, appointment):
    cancelled = appoint(provider, at("2026-03-05 09:00"), client=booker)
    take_action(appointment_id=cancelled.pk, action=Action.CANCEL, actor=actor_of(booker), now=NOON)

    with time_machine.travel(NOON + timedelta(days=2)):
        rows = mine.get("/me/past/").context["rows"]

    assert [row["appointment"].pk for row in rows] == [cancelled.pk, appointment.pk]


def test_past_comes_in_pages(mine, provider, booker):
    for number in range(21):
        starts = at("2026-03-03 13:00") + number * timedelta(minutes=15)
        appoint(provider, starts, client=booker, overrides=["hours", "notice"])

    with time_machine.travel(NOON + timedelta(days=5)):
        lengths = [len(mine.get("/me/past/", {"page": page}).context["rows"]) for page in (1, 2)]

    assert lengths == [20, 1]


@pytest.mark.parametrize("page", ["/me/", "/me/past/"])
@pytest.mark.parametrize("count", [1, 12])
def test_lists_cost_a_constant_number_of_queries(mine, provider, booker, page, count, django_assert_max_num_queries):
    service = ServiceFactory(providers=[provider], duration_minutes=15)
    for number in range(count):
        appoint(
            provider,
            at("2026-03-04 09:00") + number * timedelta(minutes=15),
            client=booker,
            service_id=service.pk,
            actor=actor_of(provider),
        )
    when = NOON if page == "/me/" else NOON + timedelta(days=4)

    with time_machine.travel(when):
        mine.get(page)  # notes that the session is in use
        with django_assert_max_num_queries(6):
            mine.get(page)


# --- One --------------------------------------------------------------------------------------------------------------


def test_appointment_shows_when_with_whom_and_what_happened(mine, provider, appointment, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        page = mine.get(path(appointment)).content.decode()

    assert "Wednesday 4 March 2026" in page
    assert "09:00 – 09:15" in page
    assert provider.name in page
    assert "Booked" in page


def test_appointment_does_not_tell_why_rules_were_set_aside(mine, provider, booker):
    outside = {"overrides": [Override.HOURS], "reason": "Afraid of crowds"}

    page = mine.get(path(appoint(provider, at("2026-03-07 09:00"), client=booker, **outside))).content.decode()

    assert "Booked" in page
    assert "Afraid of crowds" not in page


def test_appointment_leads_to_calendars_and_to_booking_again(mine, provider, booker):
    service = ServiceFactory(name="Check & go", providers=[provider])
    appointment = appoint(provider, at("2026-03-04 09:00"), client=booker, service_id=service.pk)

    page = mine.get(path(appointment)).content.decode()

    assert f"/api/v1/appointments/{appointment.pk}.ics" in page
    assert "dates=20260304T090000Z%2F20260304T093000Z" in page
    assert "subject=Check+%26+go" in page
    assert f"/p/{provider.slug}/book/{service.pk}/" in page
    assert mine.get(f"/api/appointments/{appointment.pk}.ics").status_code == 200


@pytest.fixture
def weekly(provider, booker):
    """Two appointments of a series."""
    wanted = SeriesSpec(
        provider_id=provider.pk,
        client_id=booker.pk,
        rrule="FREQ=WEEKLY;COUNT=2",
        starts=at("2026-03-04 09:00"),
        timezone="UTC",
    )
    create_series(wanted=wanted, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON)
    return list(Appointment.objects.order_by("reservation__starts_at"))


def test_appointment_of_a_series_names_the_others(mine, weekly):
    first, second = weekly

    page = mine.get(path(first)).content.decode()

    assert "Part of a series" in page
    assert path(second) in page


@pytest.mark.parametrize("page", ["", "move/", "cancel/"])
def test_appointment_of_somebody_else_is_not_there(mine, provider, page):
    other = appoint(provider, at("2026-03-04 09:00"))

    assert mine.get(path(other, page)).status_code == 404
    assert mine.post(path(other, page), {"at": chosen(other, "2026-03-04 10:00")}).status_code == 404


def test_appointment_escapes_what_people_write(mine, provider, booker):
    appointment = appoint(provider, at("2026-03-04 09:00"), client=booker, title="<script>alert(1)</script>")

    assert "<script>alert" not in mine.get(path(appointment)).content.decode()


# --- Moving -----------------------------------------------------------------------------------------------------------


def test_move_shows_the_calendar_of_the_public_pages(mine, appointment):
    answer = mine.get(path(appointment, "move/"), {"day": "2026-03-05"})

    assert f"{appointment.provider.pk}@2026-03-05T09:00:00Z" in times_of(answer)
    assert answer.templates[0].name == "booking/move.html"


def test_move_offers_times_that_are_long_enough(mine, provider, booker):
    service = ServiceFactory(providers=[provider], duration_minutes=30)
    appointment = appoint(
        provider,
        at("2026-03-04 09:00"),
        client=booker,
        service_id=service.pk,
        ends_at=at("2026-03-04 11:00"),
        actor=SYSTEM,
    )

    times = times_of(mine.get(path(appointment, "move/"), {"day": "2026-03-03"}))

    assert list(times)[-1] == f"{provider.pk}@2026-03-03T15:00:00Z"


def test_move_says_how_a_time_is_called(mine, appointment):
    page = mine.get(path(appointment, "move/"), {"day": "2026-03-03"}).content.decode()

    assert 'aria-label="Tuesday 3 March 2026, 13:00, 15 minutes"' in page


def test_move_says_nothing_while_the_times_are_those_known(mine, appointment):
    known = mine.get(path(appointment, "move/"), {"day": "2026-03-05"}).context["known"]

    assert mine.get(path(appointment, "move/"), {"day": "2026-03-05", "known": known}).status_code == 204


def test_move_first_shows_from_when_to_when(mine, appointment):
    answer = mine.post(path(appointment, "move/"), {"at": chosen(appointment, "2026-03-05 10:00")})

    text = text_of(answer)
    assert "From Wednesday 4 March 2026 09:00 – 09:15 UTC To Thursday 5 March 2026 10:00 – 10:15 UTC" in text
    assert Appointment.objects.get().starts_at == at("2026-03-04 09:00")
    assert Reservation.objects.count() == 1


def test_move_moves(mine, appointment):
    answer = mine.post(path(appointment, "move/"), {"at": chosen(appointment, "2026-03-05 10:00"), "do": "move"})

    moved = Appointment.objects.get()
    assert answer.url == path(appointment)
    assert moved.starts_at == at("2026-03-05 10:00")
    assert [event.face for event in moved.events.all()] == ["api", "page"]


@pytest.mark.parametrize("typed", ["", "soon", "0@2026-03-05T10:00:00Z"])
def test_move_takes_no_notice_of_nonsense(mine, appointment, typed):
    answer = mine.post(path(appointment, "move/"), {"at": typed})

    assert answer.url == path(appointment, "move/")
    assert Appointment.objects.get().starts_at == at("2026-03-04 09:00")


def test_move_to_a_time_just_taken_offers_others_and_leaves_it(mine, provider, appointment):
    appoint(provider, at("2026-03-05 10:00"))

    answer = mine.post(path(appointment, "move/"), {"at": chosen(appointment, "2026-03-05 10:00")})

    assert answer.status_code == 409
    assert len(times_of(answer)) == 3
    assert Appointment.objects.get(pk=appointment.pk).starts_at == at("2026-03-04 09:00")


def test_move_of_what_has_begun_is_refused(mine, appointment):
    with time_machine.travel(at("2026-03-04 09:05")):
        answer = mine.get(path(appointment, "move/"))

    assert answer.status_code == 403


def test_move_costs_at_most_fifteen_queries(mine, appointment, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        mine.get(path(appointment, "move/"))


# --- Cancelling -------------------------------------------------------------------------------------------------------


def test_cancel_asks_first(mine, appointment):
    mine.get(path(appointment, "cancel/"))

    assert Appointment.objects.get().status == "scheduled"


def test_cancel_cancels_with_the_reason(mine, appointment):
    answer = mine.post(path(appointment, "cancel/"), {"reason": "I am ill."})

    cancelled = Appointment.objects.get()
    assert answer.url == path(appointment)
    assert (cancelled.status, cancelled.cancellation_reason) == ("cancelled", "I am ill.")


@pytest.mark.parametrize(
    ("scope", "cancelled", "said"),
    [
        ({}, [False, True], "Your appointment has been cancelled."),
        ({"scope": "this"}, [False, True], "Your appointment has been cancelled."),
        ({"scope": "following"}, [False, True], "Your appointment has been cancelled."),
        ({"scope": "all"}, [True, True], "2 of your appointments have been cancelled."),
    ],
)
def test_cancel_asks_of_a_series_which(mine, weekly, scope, cancelled, said):
    _first, second = weekly

    asked = mine.get(path(second, "cancel/"))
    answer = mine.post(path(second, "cancel/"), {"reason": "I move away.", **scope}, follow=True)

    assert "This one and all after it" in text_of(asked)
    assert [one.status == "cancelled" for one in Appointment.objects.order_by("reservation__starts_at")] == cancelled
    assert said in text_of(answer)


def test_cancel_asks_nothing_of_the_kind_outside_a_series(mine, appointment):
    assert "all after it" not in text_of(mine.get(path(appointment, "cancel/")))


def test_cancel_twice_says_that_it_cannot_be_done(mine, appointment):
    mine.post(path(appointment, "cancel/"))

    assert mine.post(path(appointment, "cancel/")).status_code == 409


def test_cancel_keeps_a_reason_that_is_too_long(mine, appointment):
    answer = mine.post(path(appointment, "cancel/"), {"reason": "x" * 501})

    assert "x" * 501 in answer.content.decode()
    assert Appointment.objects.get().status == "scheduled"


def test_cancel_needs_the_pages_own_form(booker, appointment):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(booker.user)

    assert browser.post(path(appointment, "cancel/")).status_code == 403


# --- The calendar -----------------------------------------------------------------------------------------------------


def address(mine):
    return mine.get("/me/calendar/").context["address"]


def test_calendar_makes_renews_and_closes_the_address(mine):
    seen = [address(mine)]
    for deed in ("open", "renew", "close"):
        mine.post("/me/calendar/", {"do": deed})
        seen.append(address(mine))

    none, first, second, closed = seen
    assert (none, closed) == (None, None)
    assert first != second
    assert mine.get(first.removeprefix("http://localhost:8000")).status_code == 404


def test_calendar_address_leads_to_ones_own_appointments(mine, appointment):
    mine.post("/me/calendar/", {"do": "open"})

    feed = mine.get(address(mine).removeprefix("http://localhost:8000"))

    assert str(appointment.uid) in feed.content.decode()


@pytest.mark.parametrize("deed", ["", "renew", "close", "delete"])
def test_calendar_does_nothing_else(mine, deed):
    assert mine.post("/me/calendar/", {"do": deed}).status_code == 302
    assert address(mine) is None


def test_pages_carry_no_style_of_their_own(mine, appointment):
    pages = ["/me/", "/me/past/", "/me/calendar/", path(appointment), path(appointment, "move/")]

    assert [page for page in pages if b"style=" in mine.get(page).content] == []
