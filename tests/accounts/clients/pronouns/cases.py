"""The faces of the contact field `pronouns`, which only the list of fields and the model know (see `plugin.py`)."""

from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from accounts.clients.imports import CLIENTS
from accounts.models import Client
from accounts.privacy.operations import erase_client, export_person
from booking.links import details_token
from booking.reservations.guests import hold_as_visitor
from reminders.enums import Recipient
from reminders.templates.composer import variables_of
from reminders.templates.texts import VARIABLES
from reminders.webhooks.payloads import event_data
from scheduler_project.common.models import Change
from tests.booking.imports.helpers import exported, outcomes, run
from tests.factories import NOON, SYSTEM, ClientFactory, MessageFactory, appoint, at
from tests.groups import browser_of
from tests.html import text_of
from tests.project.schema import schema

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

NEW = {"name": "Sasha", "email": "sasha@example.org", "phone": "", "pronouns": "they/them", "timezone": "UTC"}


@pytest.fixture(scope="session", autouse=True)
def _migrated(django_db_setup, django_db_blocker):
    """Add the column as the migration would."""
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        editor.add_field(Client, Client._meta.get_field("pronouns"))


@pytest.fixture
def kept(provider):
    """A client in the provider's address book."""
    return ClientFactory(owner=provider, user=None, name="Sasha", pronouns="they/them")


def stored():
    return Client.objects.get(name="Sasha").pronouns


def test_a_migration_adds_one_column(capsys):
    with pytest.raises(SystemExit):
        call_command("makemigrations", "--check", "--dry-run", "--no-color", "-v", "1")

    changes = [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()[:1] in "+~-"]
    assert changes == ["+ Add field pronouns to client"]


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_provider_writes_it_down(dashboard):
    answer = dashboard.post(reverse("dashboard-client-add"), NEW, follow=True)

    assert stored() == "they/them"
    assert "Pronouns they/them" in text_of(answer)


def test_provider_finds_it_in_the_list(dashboard, kept):
    assert "they/them" in text_of(dashboard.get(reverse("dashboard-clients"), {"q": "they/"}))
    assert "they/them" not in text_of(dashboard.get(reverse("dashboard-clients"), {"q": "she/"}))


def test_provider_reads_it_beside_an_appointment(dashboard, provider, kept):
    made = appoint(provider, at("2026-03-04 09:00"), client=kept, actor=SYSTEM)

    assert "they/them" in text_of(dashboard.get(reverse("dashboard-appointment", args=[made.pk])))


@pytest.mark.parametrize("page", ["dashboard-book", "admin:booking_appointment_add"])
def test_a_new_client_can_be_booked_with_it(request, provider, page):
    browser = request.getfixturevalue("dashboard" if page == "dashboard-book" else "office")

    answer = browser.get(reverse(page), {"schedule": provider.schedule.pk})

    assert 'name="pronouns"' in answer.content.decode()


def test_guest_is_asked_for_it(client, provider):
    time = {"service_id": None, "starts_at": at("2026-03-03 12:00"), "timezone": "UTC"}
    held = hold_as_visitor(provider_id=provider.pk, visitor="a-visitor", now=NOON, **time)
    path = reverse("details", args=[details_token(held)])

    assert 'name="pronouns"' in client.get(path).content.decode()
    client.post(path, NEW | {"do": "details"})

    assert stored() == "they/them"


def test_client_changes_their_own(booker):
    browser = browser_of(booker.user)

    browser.post(reverse("account"), {"name": "Sasha", "timezone": "UTC", "pronouns": "she/her"})

    assert stored() == "she/her"
    assert 'value="she/her"' in browser.get(reverse("account")).content.decode()


# --- API --------------------------------------------------------------------------------------------------------------


def test_api_takes_and_answers_it(provider_api):
    made = provider_api.post("/api/clients", {"name": "Sasha", "pronouns": "they/them"}).json()

    assert (made["pronouns"], stored()) == ("they/them", "they/them")
    assert provider_api.get("/api/clients?search=they/").json()["count"] == 1
    assert provider_api.get("/api/clients?search=she/").json()["count"] == 0


def test_api_lets_clients_change_their_own(booker_api, booker):
    assert booker_api.patch(f"/api/clients/{booker.pk}", {"pronouns": "she/her"}).json()["pronouns"] == "she/her"


def test_api_answers_it_with_appointments(provider_api, provider, kept):
    made = appoint(provider, at("2026-03-04 09:00"), client=kept, actor=SYSTEM)

    assert provider_api.get(f"/api/appointments/{made.pk}").json()["client"]["pronouns"] == "they/them"


@pytest.mark.parametrize("name", ["Client", "ClientRequest", "PatchedClientRequest", "Contact"])
def test_schema_documents_it(name):
    assert schema()["components"]["schemas"][name]["properties"]["pronouns"]["type"] == "string"


def test_webhooks_tell_it(provider, kept):
    assert (
        event_data(appoint(provider, at("2026-03-04 09:00"), client=kept, actor=SYSTEM))["client"]["pronouns"]
        == "they/them"
    )


def test_it_can_be_filled_in_messages_to_the_provider(provider, kept):
    made = appoint(provider, at("2026-03-04 09:00"), client=kept, actor=SYSTEM)
    to = {
        recipient: MessageFactory(appointment=made, recipient=recipient)
        for recipient in (Recipient.CLIENT, Recipient.PROVIDER)
    }

    assert VARIABLES["client_pronouns"] == "the client's pronouns"
    assert variables_of(to[Recipient.PROVIDER], ZoneInfo("UTC"))["client_pronouns"] == "they/them"
    assert "client_pronouns" not in variables_of(to[Recipient.CLIENT], ZoneInfo("UTC"))


# --- Admin ------------------------------------------------------------------------------------------------------------


def test_admin_adds_and_shows_it(office):
    office.post(reverse("admin:accounts_client_add"), NEW | {"notes": "", "owner": ""})

    row = Client.objects.get(name="Sasha")
    assert row.pronouns == "they/them"
    assert 'value="they/them"' in office.get(reverse("admin:accounts_client_change", args=[row.pk])).content.decode()


def test_admin_lists_and_finds_it(office, kept):
    changelist = reverse("admin:accounts_client_changelist")

    assert "they/them" in text_of(office.get(changelist, {"q": "they/"}))
    assert "Sasha" not in text_of(office.get(changelist, {"q": "she/"}))


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_admin_exports_it(office, kept, kind):
    answer = office.get(reverse("admin:accounts_client_export", args=[kind]))

    assert "they/them" in b"".join(answer.streaming_content).decode()


# --- Files ------------------------------------------------------------------------------------------------------------


def test_import_takes_it():
    assert outcomes(run(CLIENTS, "name,pronouns\nSasha,they/them\n")) == ["new"]
    assert stored() == "they/them"


def test_import_refuses_what_its_column_refuses():
    assert outcomes(run(CLIENTS, f"name,pronouns\nSasha,{'x' * 41}\n")) == ["refused"]


def test_import_of_an_export_changes_nothing(kept):
    written = exported(CLIENTS)

    assert "they/them" in written
    assert outcomes(run(CLIENTS, written)) == ["unchanged"]


# --- Privacy ----------------------------------------------------------------------------------------------------------


def test_archive_holds_it(kept):
    assert export_person(client_id=kept.pk)["client"]["pronouns"] == "they/them"


def test_erasing_leaves_nothing_of_it(kept):
    assert Change.objects.filter(table_name="accounts_client", changes__icontains="they/them").exists()

    erase_client(client_id=kept.pk, actor=SYSTEM, now=NOON)

    assert Client.objects.get(pk=kept.pk).pronouns == ""
    assert not Change.objects.filter(changes__icontains="they/them").exists()
