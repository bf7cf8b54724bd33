"""Names entered in any form: composed, searchable, and without links if anybody may choose them."""

from importlib import import_module

import pytest
from django.db import connection
from django.urls import reverse

from accounts.actors import Actor, Source
from accounts.clients.operations import edit_user
from accounts.models import User
from accounts.users.errors import LinkInName
from booking.reservations.guests import give_details, hold_as_visitor
from scheduler_project.common.db.references import new_reference
from tests.booking.answers import refusal
from tests.conftest import logged_in
from tests.factories import NOON, AppointmentFactory, ClientFactory, ServiceFactory, at, open_provider, verified

COMPOSED, DECOMPOSED = "Zo\u00e9", "Zoe\u0301"
LINK = "You won! evil.com/x"
NINE = at("2026-03-04 09:00")
SAID = {"email": "a@example.org", "phone": "", "note": "", "by_sms": False, "language": "en"}


def verified_provider():
    provider = open_provider(horizon_days=1)
    verified(provider.user)
    return provider


# --- Links ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_register_refuses_a_link_for_a_name(api):
    body = {"name": LINK, "email": "grace@example.org", "password": "nanoseconds-of-wire"}

    assert refusal(api.post("/api/register", body)) == (400, "link_in_name", "name")
    assert not User.objects.exists()


@pytest.mark.django_db
def test_sign_up_refuses_a_link_for_a_name(client):
    form = {"name": LINK, "email": "grace@example.org", "password1": "nanoseconds-of-wire", "role": "client"}

    assert "be a web address. Please remove it." in client.post(reverse("account_signup"), form).content.decode()
    assert not User.objects.exists()


def test_me_refuses_a_link_for_a_name(booker_api):
    assert refusal(booker_api.patch("/api/me", {"name": LINK})) == (400, "link_in_name", "name")


def test_account_page_refuses_a_link_for_a_name(client, booker):
    client.force_login(booker.user)

    page = client.post(reverse("account"), {"name": LINK, "timezone": "UTC", "language": ""})

    assert "be a web address. Please remove it." in page.content.decode()


def test_client_gives_themself_no_link_for_a_name(booker_api, booker):
    assert refusal(booker_api.patch(f"/api/clients/{booker.pk}", {"name": LINK})) == (400, "link_in_name", "name")


def test_visitor_gives_no_link_for_a_name(provider):
    held = hold_as_visitor(
        provider_id=provider.pk, service_id=None, starts_at=NINE, visitor=new_reference(), timezone="UTC", now=NOON
    )

    with pytest.raises(LinkInName):
        give_details(**SAID, reservation_id=held.pk, name=LINK, now=NOON)


def test_unverified_provider_writes_no_link_for_a_name(provider_api, provider):
    answers = [
        provider_api.post("/api/clients", {"name": LINK}),
        provider_api.patch(f"/api/providers/{provider.pk}", {"name": LINK}),
    ]

    assert [refusal(answer) for answer in answers] == [(400, "link_in_name", "name")] * 2


@pytest.mark.django_db
def test_verified_provider_and_staff_write_what_they_want(staff_api):
    provider = verified_provider()

    answers = [
        logged_in(provider.user).post("/api/clients", {"name": LINK}),
        staff_api.patch(f"/api/providers/{provider.pk}", {"name": LINK}),
    ]

    assert [answer.status_code for answer in answers] == [201, 200]


def test_name_that_stays_as_it_was_is_no_news(booker):
    User.objects.filter(pk=booker.user.pk).update(name=LINK)

    edit_user(
        user_id=booker.user.pk,
        changes={"name": LINK, "timezone": "Asia/Tokyo"},
        actor=Actor.of(booker.user, Source.PAGE),
    )

    assert User.objects.get(pk=booker.user.pk).timezone == "Asia/Tokyo"


# --- One spelling -----------------------------------------------------------------------------------------------------


def test_name_is_kept_composed_from_the_api(provider_api):
    assert provider_api.post("/api/clients", {"name": DECOMPOSED}).json()["name"] == COMPOSED


@pytest.mark.parametrize("words", [COMPOSED, DECOMPOSED])
def test_name_is_found_however_it_is_typed(provider_api, provider, words):
    found = ClientFactory(owner=provider, user=None, name=COMPOSED)

    [row] = provider_api.get("/api/clients", {"search": words}).json()["results"]

    assert row["id"] == found.pk


@pytest.mark.parametrize("words", [COMPOSED, DECOMPOSED])
def test_name_is_found_in_the_admin_however_it_is_typed(office, words):
    ClientFactory(name=COMPOSED)

    assert COMPOSED in office.get("/admin/accounts/client/", {"q": words}).content.decode()


def test_names_of_before_are_composed_by_the_migration(provider):
    row = ClientFactory(name=DECOMPOSED)
    with connection.cursor() as cursor:
        for statement in import_module("accounts.migrations.0012_text_is_composed").STATEMENTS:
            cursor.execute(statement)

    row.refresh_from_db()
    assert row.name == COMPOSED


@pytest.mark.parametrize(
    ("name", "kept"), [("Ann\u202e", "Ann"), ("\u2066a\u2069b", "ab"), ("Zoé", "Zoé"), ("\u202e ", "\u202e ")]
)
def test_marks_in_names_of_before_are_taken_out_by_the_migrations(provider, name, kept):
    rows = [ClientFactory(name=name), ServiceFactory(name=name), AppointmentFactory(title=name)]
    with connection.cursor() as cursor:
        for module in ("accounts.migrations.0015_names_turn_nothing", "booking.migrations.0016_names_turn_nothing"):
            for statement in import_module(module).STATEMENTS:
                cursor.execute(statement)

    for row in rows:
        row.refresh_from_db()
    assert [rows[0].name, rows[1].name, rows[2].title] == [kept] * 3
