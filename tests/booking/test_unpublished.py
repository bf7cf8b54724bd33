"""A provider who is not vetted cannot be booked, and nothing is sent for them, by any path."""

import pytest

from accounts.models import VETTED, Client, Provider
from booking.appointments.operations import reschedule
from booking.availability.slots import extend
from booking.imports.kinds import APPOINTMENTS
from booking.models import Appointment, Reservation
from booking.series.operations import extend_series
from scheduler_project.common.errors import DomainError
from tests.booking.answers import refusal
from tests.booking.imports.helpers import refusals, run
from tests.conftest import logged_in
from tests.factories import SYSTEM, ClientFactory, actor_of, appoint, at, hold, open_provider
from tests.groups import browser_of

TEN = "2026-03-04T10:00:00Z"
REFUSED = (409, "provider_not_published", "provider")
SERIES = {"start_time": "2026-03-04T10:00:00", "rrule": "FREQ=WEEKLY;COUNT=2"}


@pytest.fixture(params=VETTED)
def ada(request, db, at_noon) -> Provider:
    """A provider with one of the vetting facts missing, and an open calendar."""
    return open_provider(provider__slug="ada", horizon_days=30, **{f"provider__{request.param}": False})


@pytest.fixture
def kim(ada) -> Client:
    return ClientFactory(user=None, owner=ada, name="Kim", email="kim@example.org")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/appointments", {"start_time": TEN}),
        ("/api/reservations", {"start_time": TEN}),
        ("/api/series", SERIES),
        ("/api/series/preview", SERIES),
    ],
)
def test_api_refuses_the_provider_themself(ada, kim, path, body):
    answer = logged_in(ada.user).post(path, {"provider": ada.pk, "client": kim.pk, **body})

    assert refusal(answer) == REFUSED
    assert not Reservation.objects.exists()


def test_api_refuses_staff(ada, kim, staff_api):
    answer = staff_api.post("/api/appointments", {"provider": ada.pk, "client": kim.pk, "start_time": TEN})

    assert refusal(answer) == REFUSED


def test_api_books_with_a_vetted_provider(ada, kim):
    Provider.objects.update(**dict.fromkeys(VETTED, True))

    body = {"provider": ada.pk, "client": kim.pk, "start_time": TEN}
    assert logged_in(ada.user).post("/api/appointments", body).status_code == 201


def test_desk_says_why_it_books_nothing(ada, kim):
    fields = {"client": kim.pk, "day": "2026-03-04", "time": TEN, "date": "2026-03-04", "clock": "10:00"}
    page = browser_of(ada.user).post("/dashboard/book/", fields).content.decode()

    assert "find or book you yet, and we send nothing" in page
    assert not Reservation.objects.exists()


def test_import_refuses_each_row(ada, kim):
    report = run(APPOINTMENTS, f"provider,client_email,start\nada,kim@example.org,{TEN}\n")

    assert [code for _row, code, _column in refusals(report)] == ["provider_not_published"]


def test_hold_cannot_be_confirmed_once_approval_was_taken_back(provider, booker, at_noon):
    held = hold(provider, at("2026-03-04 10:00"), client=booker)
    Provider.objects.update(is_approved=False)

    answer = logged_in(booker.user).post(f"/api/reservations/{held.pk}/confirm", {"confirmed": True})

    assert refusal(answer) == REFUSED


def test_appointment_cannot_be_moved_once_approval_was_taken_back(provider, booker, at_noon):
    made = appoint(provider, at("2026-03-04 10:00"), client=booker)
    Provider.objects.update(is_approved=False)

    with pytest.raises(DomainError) as refused:
        reschedule(
            appointment_id=made.pk,
            starts_at=at("2026-03-04 11:00"),
            actor=actor_of(provider),
            now=at("2026-03-02 12:00"),
        )

    assert refused.value.code == "provider_not_published"
    assert Appointment.objects.get().starts_at == at("2026-03-04 10:00")


def test_series_is_not_kept_booked_while_approval_is_taken_back(provider, at_noon):
    kim = ClientFactory(user=None, owner=provider)
    body = {"provider": provider.pk, "client": kim.pk, "start_time": "2026-03-04T10:00:00", "rrule": "FREQ=WEEKLY"}
    made = logged_in(provider.user).post("/api/series", body).json()["id"]
    later = at("2026-04-02 12:00")
    extend(schedule_id=provider.schedule.pk, now=later)

    Provider.objects.update(is_approved=False)
    while_waiting = extend_series(series_id=made, now=later, actor=SYSTEM)
    Provider.objects.update(is_approved=True)

    assert while_waiting == 0
    assert extend_series(series_id=made, now=later, actor=SYSTEM) > 0


def test_page_of_an_unpublished_provider_is_not_there(ada, client):
    assert client.get("/p/ada/").status_code == 404


def test_page_of_a_vetted_provider_is_there(ada, client):
    Provider.objects.update(**dict.fromkeys(VETTED, True))

    assert client.get("/p/ada/").status_code == 200
