"""The `Idempotency-Key` header: a write that can be repeated is done once (R13)."""

import pytest

from booking.models import Appointment, AppointmentEvent, Reservation, Service
from scheduler_project.common.models import IdempotentRequest
from tests.booking.answers import refusal
from tests.conftest import logged_in
from tests.factories import ClientFactory, appoint, at, hold

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


NINE = {"start_time": "2026-03-04T09:00:00Z"}
TEN = {"start_time": "2026-03-04T10:00:00Z"}


def send(api, path, body, key="one", method="post"):
    return getattr(api, method)(path, body, HTTP_IDEMPOTENCY_KEY=key)


def test_repeat_answers_the_same_and_does_it_once(booker_api, provider):
    body = {"provider": provider.pk, **NINE}

    first, second = (send(booker_api, "/api/reservations", body) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert Reservation.objects.count() == 1


def test_repeat_says_that_it_is_one(booker_api, provider):
    body = {"provider": provider.pk, **NINE}

    first, second = (send(booker_api, "/api/reservations", body) for _ in range(2))

    assert "Idempotency-Replayed" not in first.headers
    assert (second.headers["Idempotency-Replayed"], second.headers["Content-Type"]) == ("true", "application/json")


def test_repeat_with_another_body_is_refused(booker_api, provider):
    send(booker_api, "/api/reservations", {"provider": provider.pk, **NINE})

    answer = send(booker_api, "/api/reservations", {"provider": provider.pk, **TEN})

    assert refusal(answer) == (422, "idempotency_key_reused", None)
    assert Reservation.objects.count() == 1


def test_repeat_at_another_path_is_refused(booker_api, provider):
    send(booker_api, "/api/reservations", {"provider": provider.pk, **NINE})

    answer = send(booker_api, "/api/appointments", {"provider": provider.pk, **NINE})

    assert refusal(answer) == (422, "idempotency_key_reused", None)


def test_repeat_with_another_query_is_refused(provider_api, provider):
    body = {"hours": []}
    path = f"/api/providers/{provider.pk}/working-hours"
    send(provider_api, f"{path}?preview=true", body, method="put")

    assert refusal(send(provider_api, path, body, method="put")) == (422, "idempotency_key_reused", None)


def test_key_of_another_user_is_another_key(booker_api, provider):
    other = ClientFactory()

    first = send(booker_api, "/api/reservations", {"provider": provider.pk, **NINE})
    second = send(logged_in(other.user), "/api/reservations", {"provider": provider.pk, **TEN})

    assert (first.status_code, second.status_code, second.json()["client"]) == (201, 201, other.pk)


def test_repeat_of_a_refusal_is_refused_again_though_it_would_now_work(booker_api, provider):
    taken = hold(provider, at("2026-03-04 09:00"))
    body = {"provider": provider.pk, **NINE}
    first = send(booker_api, "/api/reservations", body)
    logged_in(taken.client.user).delete(f"/api/reservations/{taken.pk}")

    second = send(booker_api, "/api/reservations", body)

    assert refusal(first) == refusal(second) == (409, "slot_taken", "start_time")
    assert first.content == second.content
    assert send(booker_api, "/api/reservations", body, key="two").status_code == 201


def test_repeat_of_an_invalid_body_is_refused_again(booker_api, provider):
    first, second = (send(booker_api, "/api/reservations", {"provider": provider.pk}) for _ in range(2))

    assert refusal(first) == refusal(second) == (400, "required", "start_time")


def test_repeat_of_a_delete_answers_the_same_nothing(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    first, second = (send(booker_api, f"/api/reservations/{held.pk}", None, method="delete") for _ in range(2))

    assert [(answer.status_code, answer.content) for answer in (first, second)] == [(204, b""), (204, b"")]
    assert second.headers["Idempotency-Replayed"] == "true"


def test_repeat_of_a_cancellation_is_no_bad_transition(booker_api, booker, provider):
    made = appoint(provider, at("2026-03-04 09:00"), client=booker)

    first, second = (send(booker_api, f"/api/appointments/{made.pk}/cancel", {"reason": "Ill"}) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert AppointmentEvent.objects.filter(event="cancelled").count() == 1


def test_repeat_of_a_booking_makes_one_appointment(booker_api, provider):
    first, second = (send(booker_api, "/api/appointments", {"provider": provider.pk, **NINE}) for _ in range(2))

    assert first.json()["id"] == second.json()["id"]
    assert Appointment.objects.count() == 1


def test_repeat_of_a_service_makes_one(provider_api):
    first, second = (send(provider_api, "/api/services", {"name": "Visit", "duration_minutes": 30}) for _ in range(2))

    assert (first.content, Service.objects.count()) == (second.content, 1)


def test_key_says_nothing_about_reading(booker_api, provider):
    answers = [booker_api.get(f"/api/appointments?page_size={size}", HTTP_IDEMPOTENCY_KEY="one") for size in (1, 2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert not IdempotentRequest.objects.exists()


def test_key_of_anonymous_leaves_no_trace(api, provider):
    assert refusal(send(api, "/api/series", {"provider": provider.pk, **NINE})) == (401, "not_authenticated", None)
    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb"])
def test_key_that_is_none_is_refused(booker_api, provider, key):
    answer = send(booker_api, "/api/reservations", {"provider": provider.pk, **NINE}, key=key)

    assert refusal(answer) == (400, "idempotency_key_invalid", None)
    assert not Reservation.objects.exists()


@pytest.mark.parametrize("key", ["x", "x" * 255, "a b/c~"])
def test_key_at_the_bounds_is_taken(booker_api, provider, key):
    assert send(booker_api, "/api/reservations", {"provider": provider.pk, **NINE}, key=key).status_code == 201
