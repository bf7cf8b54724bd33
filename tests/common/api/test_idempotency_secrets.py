"""Stored responses contain no secrets, and are erased with the people they name."""

from datetime import timedelta

import pytest
import time_machine

from accounts.privacy.operations import delete_account, erase_client
from booking.models import CalendarFeed, Reservation
from reminders.models import WebhookEndpoint
from scheduler_project.common.models import REPEATABLE, IdempotentRequest
from tests.booking.answers import refusal
from tests.factories import NOON, PASSWORD, SYSTEM, ClientFactory, at, hold

pytestmark = pytest.mark.usefixtures("at_noon")

HOOK = {"url": "https://hooks.example.org/all"}


def send(api, path, body=None, key="one", method="post"):
    return getattr(api, method)(path, body, headers={"Idempotency-Key": key})


def kept():
    return "\n".join(IdempotentRequest.objects.values_list("body", flat=True))


def test_repeat_does_not_show_a_webhooks_secret_again(provider_api, provider):
    first, second = (send(provider_api, "/api/webhooks", HOOK) for _ in range(2))

    assert first.json()["secret"] == WebhookEndpoint.objects.get().secret
    assert second.json() == {**first.json(), "secret": None}
    assert first.json()["secret"] not in kept()


def test_repeat_does_not_show_a_rotated_secret_again(provider_api, provider):
    made = provider_api.post("/api/webhooks", HOOK).json()["id"]

    first, second = (send(provider_api, f"/api/webhooks/{made}/rotate") for _ in range(2))

    assert (first.json()["secret"] is None, second.json()["secret"]) == (False, None)
    assert first.json()["secret"] not in kept()


@pytest.mark.parametrize("path", ["/api/feeds", "/api/feeds/{feed}/renew"])
def test_address_of_a_feed_is_not_kept(provider_api, path):
    feed = provider_api.post("/api/feeds").json()["id"]

    first, second = (send(provider_api, path.format(feed=feed)) for _ in range(2))

    assert CalendarFeed.objects.get().token in first.json()["url"]
    assert second.json()["url"] is None
    assert CalendarFeed.objects.get().token not in kept()


def test_answer_about_a_client_goes_when_they_are_erased(provider_api, provider):
    body = {"name": "Emmy Noether", "email": "emmy@example.org", "notes": "Prefers mornings."}
    made = send(provider_api, "/api/clients", body).json()["id"]
    send(provider_api, "/api/clients", {"name": "Somebody Else"}, key="two")
    provider_api.patch(f"/api/clients/{made}", {"name": "E. N.", "email": ""})

    erase_client(client_id=made, actor=SYSTEM, now=NOON)

    assert refusal(send(provider_api, "/api/clients", body)) == (410, "answer_erased", None)
    assert send(provider_api, "/api/clients", {"name": "Somebody Else"}, key="two").status_code == 201
    assert "Emmy" not in kept()


def test_answer_about_a_booking_goes_with_its_client(provider_api, provider):
    client = ClientFactory(owner=provider, user=None, name="Emmy Noether")
    send(
        provider_api,
        "/api/appointments",
        {"provider": provider.pk, "client": client.pk, "start_time": "2026-03-04T09:00:00Z"},
    )
    provider_api.delete("/api/appointments/" + str(client.reservations.get().appointment.pk))

    erase_client(client_id=client.pk, actor=SYSTEM, now=NOON)

    assert kept() == ""


def test_answers_that_a_login_got_go_with_it(booker_api, booker):
    booker.user.set_password(PASSWORD)
    booker.user.save()
    assert send(booker_api, "/api/me", {"name": "Grace Hopper"}, method="patch").status_code == 200

    delete_account(user_id=booker.user.pk, password=PASSWORD, now=NOON)

    assert kept() == ""


def test_erased_answer_is_not_done_again(booker_api, booker, provider):
    body = {"provider": provider.pk, "start_time": "2026-03-04T09:00:00Z"}
    send(booker_api, "/api/reservations", body)
    IdempotentRequest.objects.update(body="", erased=True)

    assert refusal(send(booker_api, "/api/reservations", body)) == (410, "answer_erased", None)
    assert Reservation.objects.count() == 1


@pytest.mark.parametrize(("later", "replayed"), [(REPEATABLE - timedelta(seconds=1), True), (REPEATABLE, False)])
def test_key_is_known_for_two_days_tidied_up_or_not(provider_api, provider, later, replayed):
    with time_machine.travel(NOON, tick=False):
        send(provider_api, "/api/services", {"name": "Visit", "duration_minutes": 30})
    with time_machine.travel(NOON + later, tick=False):
        again = send(provider_api, "/api/services", {"name": "Visit", "duration_minutes": 30})

    assert again.headers.get("Idempotency-Replayed") == ("true" if replayed else None)


@pytest.mark.django_db
def test_key_where_nothing_is_kept_is_refused(api):
    answer = send(api, "/api/login", {"email": "grace@example.org", "password": "x"})

    assert refusal(answer) == (400, "idempotency_key_unsupported", None)


def test_hold_is_released_once_by_a_key(booker_api, booker, provider):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    answers = [send(booker_api, f"/api/reservations/{held.pk}", method="delete") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
