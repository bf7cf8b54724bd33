"""`/account/`: name, timezone and language; the archive; deletion."""

import json
from datetime import timedelta

import pytest
import time_machine

from accounts.models import Client, Provider, User
from booking.calendars.operations import open_feed
from booking.models import Appointment, CalendarFeed
from reminders.enums import OptOutSource
from reminders.models import OptOut
from reminders.preferences.operations import opt_out, set_preferences
from tests.factories import NOON, PASSWORD, actor_of, appoint, at, open_provider, verified

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


@pytest.fixture
def mine(client, booker):
    """The browser of a user who has just given their password."""
    client.post("/account/login/", {"login": booker.user.email, "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return client


def leave(mine, password=PASSWORD):
    return mine.post("/account/delete/", {"password": password})


# --- Changing ---------------------------------------------------------------------------------------------------------


def test_account_changes_the_login_and_its_client(mine, booker):
    answer = mine.post("/account/", {"name": "Ada", "timezone": "Europe/Paris", "language": "fr"})

    booker.refresh_from_db()
    assert (booker.name, booker.timezone, booker.user.name, booker.user.language) == (
        "Ada",
        "Europe/Paris",
        "Ada",
        "fr",
    )
    assert answer.url == "/account/"
    assert (answer.cookies["timezone"].value, answer.cookies["django_language"].value) == ("Europe/Paris", "fr")


@pytest.mark.parametrize(
    ("changes", "field"), [({"name": ""}, "name"), ({"name": "A\x07"}, "name"), ({"timezone": "Mars"}, "timezone")]
)
def test_account_refuses_at_the_field(mine, changes, field):
    answer = mine.post("/account/", {"name": "Ada", "timezone": "UTC", "language": ""} | changes)

    assert list(answer.context["form"].errors) == [field]


# --- Taking along -----------------------------------------------------------------------------------------------------


def test_download_holds_what_every_app_keeps(mine, booker):
    appointment = appoint(open_provider(horizon_days=4), at("2026-03-04 09:00"), client=booker)
    open_feed(client_id=booker.pk, actor=actor_of(booker), now=NOON)
    set_preferences(client_id=booker.pk, changes={"channels": ["email"]}, actor=actor_of(booker), now=NOON)
    opt_out(channel="email", address=booker.user.email, source=OptOutSource.LINK, now=NOON)
    verified(booker.user)

    answer = mine.get("/account/data/")

    told = json.loads(answer.content)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert told["login"]["email"] == booker.user.email
    assert told["client"]["name"] == booker.name
    assert [row["id"] for row in told["appointments"]] == [appointment.pk]
    assert [row["event"] for row in told["appointments"][0]["history"]] == ["booked"]
    assert len(told["calendar_feeds"]) == 1
    assert told["reminders"]["channels"] == ["email"]
    assert [row["source"] for row in told["opt_outs"]] == ["link"]
    assert told["messages"]


def test_download_holds_no_opt_out_of_an_email_that_may_be_somebody_elses(mine, booker):
    opt_out(channel="email", address=booker.user.email, source=OptOutSource.LINK, now=NOON)

    assert json.loads(mine.get("/account/data/").content)["opt_outs"] == []


def test_download_holds_nothing_of_others(mine, booker):
    appoint(open_provider(horizon_days=4), at("2026-03-04 09:00"))

    told = json.loads(mine.get("/account/data/").content)

    assert (told["appointments"], told["messages"]) == ([], [])


def test_download_asks_for_the_password_again_after_a_while(client, booker):
    client.force_login(booker.user)

    assert client.get("/account/data/").url.startswith("/account/reauthenticate/")


# --- Leaving ----------------------------------------------------------------------------------------------------------


def test_leaving_erases_the_person_and_keeps_the_appointments(mine, booker):
    Client.objects.filter(pk=booker.pk).update(phone="+4930901820", notes="Prefers mornings.")
    appointment = appoint(open_provider(horizon_days=4), at("2026-03-04 09:00"), client=booker)
    open_feed(client_id=booker.pk, actor=actor_of(booker), now=NOON)

    with time_machine.travel(NOON + timedelta(days=5)):
        mine.post("/account/login/", {"login": booker.user.email, "password": PASSWORD})
        answer = leave(mine)

    booker.refresh_from_db()
    user = User.objects.get(pk=booker.user_id)
    assert answer.url == "/"
    assert (booker.name, booker.email, str(booker.phone), booker.notes) == ("Deleted", "", "", "")
    assert (user.name, user.is_active, user.has_usable_password()) == ("Deleted", False, False)
    assert user.email.endswith(".invalid")
    assert Appointment.objects.filter(pk=appointment.pk).exists()
    assert not CalendarFeed.objects.exists()
    assert "_auth_user_id" not in mine.session


def test_leaving_keeps_the_opt_outs(mine, booker):
    opt_out(channel="email", address=booker.user.email, source=OptOutSource.LINK, now=NOON)

    leave(mine)

    assert OptOut.objects.standing().count() == 1


def test_leaving_needs_the_password(mine, booker):
    answer = leave(mine, "wrong")

    assert list(answer.context["form"].errors) == ["password"]
    assert User.objects.get(pk=booker.user_id).is_active


def test_leaving_is_refused_while_appointments_are_to_come(mine, booker):
    appoint(open_provider(horizon_days=4), at("2026-03-04 09:00"), client=booker)

    answer = leave(mine)

    assert "There are upcoming appointments" in answer.content.decode()
    assert User.objects.get(pk=booker.user_id).is_active


def test_leaving_is_refused_to_a_provider_with_appointments_to_come(client):
    provider = open_provider(horizon_days=4)
    appoint(provider, at("2026-03-04 09:00"))
    client.force_login(provider.user)

    leave(client)

    assert Provider.objects.get().is_active


def test_leaving_takes_a_provider_off_the_list(client):
    provider = open_provider(horizon_days=4)
    client.force_login(provider.user)

    leave(client)

    assert not Provider.objects.published().exists()
