"""The audit log in the admin: read-only, filtered, in words, and linked from each row's history."""

import html

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.models import WorkingHours
from scheduler_project.common.audit import log
from scheduler_project.common.models import Change
from tests.factories import (
    ClientFactory,
    ProviderFactory,
    ServiceFactory,
    UserFactory,
    WebhookEndpointFactory,
    appoint,
    at,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/common/change/"


def listed(office, **query):
    """The tables and rows that the list shows, newest first."""
    answer = office.get(LIST, query)
    assert answer.status_code == 200
    return [(row.table_name, row.row_id) for row in answer.context["cl"].result_list]


def text(answer):
    return html.unescape(answer.content.decode())


def test_changes_are_told_in_words(office, boss):
    service = ServiceFactory(name="Massage", needs_approval=False, owner=ProviderFactory(name="Ada"))
    with log.acting(Actor(boss, Source.ADMIN)):
        type(service).objects.filter(pk=service.pk).update(
            name="Long massage", needs_approval=True, owner=ProviderFactory(name="Bea"), reminder_offsets=["1 day"]
        )
    change = Change.objects.filter(table_name="booking_service").latest("pk")

    for page in (office.get(LIST), office.get(f"{LIST}{change.pk}/change/")):
        for words in (
            "name: Massage → Long massage",
            "requires approval: No → Yes",
            "owner: Ada → Bea",
            "reminders: – → 1 day",
            "boss@example.org",
            "Long massage</a>",
        ):
            assert words in text(page)


def test_secrets_and_what_was_erased_are_not_told(office):
    endpoint, client = WebhookEndpointFactory(), ClientFactory(name="Ada Byron")
    Client.objects.filter(pk=client.pk).update(name="Deleted")
    log.erase(Client, [client.pk], ["name"])

    page = text(office.get(LIST, {"row_id": endpoint.pk, "of": "reminders.WebhookEndpoint"}))
    assert "secret: (not kept)" in page
    assert endpoint.secret not in page
    page = text(office.get(LIST, {"row_id": client.pk, "of": "accounts.Client"}))
    assert "name: (not kept)" in page
    assert "Ada Byron" not in page


def test_list_is_filtered_by_what_kind_face_and_who(office, boss):
    service, client = ServiceFactory(), ClientFactory(user=None)
    with log.acting(Actor(boss, Source.PAGE)):
        Client.objects.filter(pk=client.pk).update(name="Bea")

    assert listed(office, of="booking.Service") == [("booking_service", service.pk)]
    assert listed(office, by=boss.pk) == [("accounts_client", client.pk)]
    assert listed(office, face__exact="page") == [("accounts_client", client.pk)]
    assert listed(office, kind__exact="update") == [("accounts_client", client.pk)]
    assert listed(office, of="booking.Service", by=boss.pk) == []


def test_parts_are_listed_with_the_whole(office, provider):
    WorkingHours.objects.filter(schedule=provider.schedule, weekday=0).delete()

    assert listed(office, of="booking.Schedule", row_id=provider.schedule.pk)[0] == (
        "booking_workinghours",
        provider.schedule.pk,
    )


def test_rows_are_found_by_their_key_and_by_who_changed_them(office, boss):
    service = ServiceFactory(pk=7411)
    with log.acting(Actor(boss, Source.PAGE)):
        client = ClientFactory(user=None)

    assert listed(office, q="#7411") == [("booking_service", service.pk)]
    assert listed(office, q="boss@") == [("accounts_client", client.pk)]


@pytest.mark.parametrize(
    "query", ["?by=me", "?of=nothing", "?row_id=x", "?row_id=99999999999999999999", "?q=99999999999999999999", "?p=x"]
)
def test_nonsense_in_the_address_is_never_a_crash(office, query):
    assert office.get(LIST + query, follow=True).status_code == 200


def test_trail_is_read_only(office):
    ClientFactory()
    change = Change.objects.latest("pk")

    assert office.get(f"{LIST}add/").status_code == 403
    assert office.post(f"{LIST}{change.pk}/delete/", {"post": "yes"}).status_code == 403
    office.post(f"{LIST}{change.pk}/change/", {"face": "api"})
    assert Change.objects.get(pk=change.pk).face == change.face


def test_trail_needs_its_permission():
    user = UserFactory(staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_client"))
    browser, client = Browser(), ClientFactory()
    browser.force_login(user)

    assert browser.get(LIST).status_code == 403
    assert browser.get(reverse("admin:accounts_client_history", args=[client.pk])).status_code == 200


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("accounts_client", ClientFactory),
        ("accounts_user", UserFactory),
        ("auth_group", lambda: Group.objects.create(name="Desk")),
        ("booking_service", ServiceFactory),
        ("reminders_webhookendpoint", WebhookEndpointFactory),
    ],
)
def test_history_of_a_row_is_its_trail(office, name, make):
    row = make()

    answer = office.get(reverse(f"admin:{name}_history", args=[row.pk]), follow=True)

    assert {(row.table_name, row.row_id) for row in answer.context["cl"].result_list} == {(row._meta.db_table, row.pk)}


def test_history_of_an_appointment_is_its_events(office, provider):
    made, _other = appoint(provider, at("2026-03-04 12:00")), appoint(provider, at("2026-03-04 13:00"))

    answer = office.get(reverse("admin:booking_appointment_history", args=[made.pk]), follow=True)

    assert [event.appointment_id for event in answer.context["cl"].result_list] == [made.pk]


def test_list_costs_the_same_at_one_row_and_at_many(office, provider):
    def cost():
        with CaptureQueriesContext(connection) as seen:
            office.get(LIST, {"of": "booking.Service"})
        return len(seen)

    def make():
        ServiceFactory(owner=ProviderFactory(), providers=[provider])

    make()
    few = cost()
    for _number in range(8):
        make()

    assert cost() == few
