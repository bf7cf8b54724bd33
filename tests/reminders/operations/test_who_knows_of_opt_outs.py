"""Whether an address opted out is told only to those it was said to."""

import pytest
from django.contrib.auth.models import Permission

from accounts.models import User
from reminders.models import OptOut
from tests.accounts.helpers import refusal
from tests.conftest import logged_in
from tests.factories import (
    NOON,
    AppointmentFactory,
    ClientFactory,
    DeliveryAttemptFactory,
    MessageFactory,
    ProviderFactory,
    UserFactory,
    appoint,
    at,
    open_provider,
    verified,
)
from tests.groups import FRONT_DESK, browser_of, staff_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

EMAIL, PHONE = "ada@example.org", "+4930123456"


@pytest.fixture(autouse=True)
def opted_out():
    OptOut.objects.create(channel="email", address=EMAIL, at=NOON, source="link")
    OptOut.objects.create(channel="sms", address=PHONE, at=NOON, source="sms")


@pytest.fixture
def kept(provider):
    """Somebody whose address a provider has just written down."""
    return ClientFactory(owner=provider, user=None, email=EMAIL, phone=PHONE)


def told(api, client):
    """What the API says of the addresses, by channel."""
    rows = api.get(f"/api/clients/{client.pk}/preferences").json()["addresses"]
    return {row["channel"]: (row["opted_out"], row["since"], row["source"]) for row in rows}


def write_to(client, provider, channel, outcome="sent", address=None):
    appointment = AppointmentFactory(reservation__provider=provider, reservation__client=client)
    message = MessageFactory(appointment=appointment, channel=channel)
    where = address or (EMAIL if channel == "email" else PHONE)
    DeliveryAttemptFactory(message=message, address=where, outcome=outcome)


NOTHING = (None, None, None)


def test_provider_is_told_nothing_of_an_address_they_wrote_down(provider_api, kept):
    assert told(provider_api, kept) == {"email": NOTHING, "sms": NOTHING}


def test_provider_is_told_of_the_address_they_wrote_to(provider_api, provider, kept):
    write_to(kept, provider, "email")

    answer = told(provider_api, kept)

    assert answer["email"][0] is True
    assert answer["email"][2] == "link"
    assert answer["sms"] == NOTHING


@pytest.mark.parametrize("outcome", ["failed", "refused"])
def test_provider_is_told_nothing_where_no_message_arrived(provider_api, provider, kept, outcome):
    write_to(kept, provider, "sms", outcome)

    assert told(provider_api, kept)["sms"] == NOTHING


def test_provider_is_told_nothing_of_an_address_written_down_after_the_message(provider_api, provider, kept):
    write_to(kept, provider, "email", address="before@example.org")

    assert told(provider_api, kept)["email"] == NOTHING


def test_provider_is_told_nothing_of_what_others_sent(provider_api, provider):
    client = ClientFactory(owner=provider, user=None, email=EMAIL)
    write_to(client, open_provider(), "email")

    assert told(provider_api, client)["email"] == NOTHING


def test_staff_are_told_who_may_see_opt_outs(kept):
    assert told(logged_in(staff_of(FRONT_DESK)), kept)["email"][0] is True
    looks_up_clients = UserFactory(staff=True)
    looks_up_clients.user_permissions.add(Permission.objects.get(codename="view_client"))
    assert told(logged_in(looks_up_clients), kept)["email"] == NOTHING


@pytest.mark.parametrize("is_verified", [True, False])
def test_client_is_told_of_their_own_email_once_it_is_verified(client, is_verified):
    user = UserFactory(email=EMAIL)
    ClientFactory(user=user, email=EMAIL, phone=PHONE)
    if is_verified:
        verified(user)
    user = User.objects.get(pk=user.pk)

    rows = logged_in(user).get("/api/me/preferences").json()["addresses"]
    page = browser_of(user).get("/me/reminders/").content.decode()
    archive = logged_in(user).get("/api/opt-outs").json()["results"]

    assert [row["opted_out"] for row in rows] == [is_verified or None, None]
    assert ("No reminders since" in page, "No SMS since" in page) == (is_verified, False)
    assert bool(archive) == is_verified


@pytest.mark.parametrize("stands", [True, False])
def test_client_cannot_find_out_by_taking_it_back(stands):
    if not stands:
        OptOut.objects.all().delete()
    user = UserFactory(email=EMAIL)
    ClientFactory(user=user, email=EMAIL)
    browser = browser_of(user)

    answer = browser.post("/me/reminders/", {"do": "back"})

    assert answer.status_code == 403
    assert OptOut.objects.standing().filter(address=EMAIL).exists() == stands


# --- A provider's clients ---------------------------------------------------------------------------------------------


@pytest.fixture
def booked(provider):
    """Somebody registered who has booked with the provider."""
    client = ClientFactory(notes="Of the office")
    appoint(provider, at("2026-03-04 11:00"), client=client)
    return client


def test_provider_sees_by_the_api_whom_their_dashboard_shows(provider, provider_api, kept, booked):
    ClientFactory()
    ClientFactory(owner=ProviderFactory())

    listed = provider_api.get("/api/clients").json()["results"]
    page = browser_of(provider.user).get("/dashboard/clients/").context["page"]

    assert {row["id"] for row in listed} == {row.pk for row in page} == {kept.pk, booked.pk}
    one = provider_api.get(f"/api/clients/{booked.pk}").json()
    assert (one["email"], one["owner"], "notes" in one) == (booked.email, None, False)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "/api/clients/{}", {"name": "Another"}),
        ("delete", "/api/clients/{}", {}),
        ("post", "/api/clients/{}/erase", {}),
    ],
)
def test_provider_changes_nothing_of_whom_they_only_see(provider_api, booked, method, path, body):
    answer = getattr(provider_api, method)(path.format(booked.pk), body)

    assert refusal(answer)[0] == 403
    booked.refresh_from_db()
    assert booked.name != "Another"


def test_provider_is_told_no_wishes_of_whom_they_only_see(provider_api, booked):
    path = f"/api/clients/{booked.pk}/preferences"

    assert provider_api.get(path).status_code == 404
    assert provider_api.patch(path, {"language": "de"}).status_code == 404
    assert provider_api.post("/api/feeds", {"client": booked.pk}).status_code == 404
