"""Erasing people: nothing in the database names them any more, and all figures stay."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from accounts.actors import Actor, Source
from accounts.clients.operations import add_client, edit_client, edit_user, remove_client
from accounts.mails.operations import owe
from accounts.models import Client, User
from accounts.privacy.errors import AppointmentsComing
from accounts.privacy.operations import delete_account, erase_client, export_person
from booking.appointments.enums import Action
from booking.appointments.operations import edit, take_action
from booking.calendars.operations import open_feed
from booking.imports.kinds import APPOINTMENTS
from booking.models import Appointment, AppointmentSeries, Reservation
from booking.reservations.enums import Override, ReservationStatus
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from reminders.models import Message, Preferences
from scheduler_project.common import outages
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.models import Change, ImportedFile, Outage
from tests.booking.imports.helpers import run
from tests.factories import (
    NOON,
    PASSWORD,
    SYSTEM,
    AppointmentFactory,
    ClientFactory,
    DeliveryAttemptFactory,
    MessageFactory,
    UserFactory,
    WebhookEndpointFactory,
    actor_of,
    appoint,
    at,
    hold,
    open_provider,
)
from tests.groups import FRONT_DESK, browser_of, staff_of

pytestmark = [pytest.mark.django_db, pytest.mark.provider(horizon_days=10)]

LATER = NOON + timedelta(days=30)


def tables_naming(*words):
    """Return the tables in which a row contains one of these words; binary columns are searched too, as hex."""
    written = {form for word in words for form in (word.lower(), word.encode().hex(), word.lower().encode().hex())}
    found = set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT count(*) FROM {table} AS kept WHERE lower(kept::text) LIKE ANY(%s)",
                [[f"%{form}%" for form in written]],
            )
            if cursor.fetchone()[0]:
                found.add(table)
    return found


WORDS = ("Wilhelmina", "wilma@", "4930901820", "left knee", "hay fever")


def live_a_life(client, provider):
    """Create everything that could be stored about a client, in every place that stores something."""
    WebhookEndpointFactory(provider=provider)
    known = {"name": "Wilhelmina", "email": "wilma@example.org", "phone": "+4930901820", "notes": "Her left knee."}
    edit_client(client_id=client.pk, changes=known, actor=SYSTEM)
    came = appoint(
        provider, at("2026-03-04 09:00"), client=client, actor=SYSTEM, title="Wilhelmina", description="Hay fever."
    )
    edit(appointment_id=came.pk, changes={"title": "Left knee of Wilhelmina"}, actor=SYSTEM, now=NOON)
    take_action(appointment_id=came.pk, action=Action.COMPLETE, actor=SYSTEM, now=at("2026-03-04 10:00"))
    off = appoint(provider, at("2026-03-05 09:00"), client=client, actor=SYSTEM)
    take_action(appointment_id=off.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON, reason="Hay fever again.")
    wanted = SeriesSpec(
        provider_id=provider.pk,
        client_id=client.pk,
        rrule="FREQ=DAILY;COUNT=2",
        starts=at("2026-03-04 12:00"),
        title="Wilhelmina, weekly",
        description="Left knee.",
    )
    create_series(wanted=wanted, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON)
    line = f"Left knee of wilma@,{provider.slug},{client.reference},2026-03-06 09:00"
    run(APPOINTMENTS, f"reference,provider,client_reference,start\n{line}\n")
    for appointment in Appointment.objects.filter(status="scheduled"):
        take_action(appointment_id=appointment.pk, action=Action.MISS, actor=SYSTEM, now=LATER - timedelta(days=1))
    Reservation.objects.filter(client=client).update(note="Hay fever.")
    rows = f"provider,client_email,start,title\n{provider.slug},wilma@example.org,2026-03-06 09:00,Wilhelmina\n"
    ImportedFile.objects.create(user_id=provider.user_id, sheet="appointments", content=rows.encode(), created_at=NOON)
    Message.objects.update(status="sent", sent_at=NOON)
    for message in Message.objects.exclude(recipient="provider")[:3]:
        DeliveryAttemptFactory(message=message, address="wilma@example.org", error="550 wilma@example.org is unknown")
    Message.objects.filter(recipient="client").update(error="550 wilma@example.org is unknown")
    prefers, _made = Preferences.objects.get_or_create(client=client, defaults={"updated_at": NOON})
    for row in (client, came, AppointmentSeries.objects.get(), prefers):
        LogEntry.objects.log_actions(
            user_id=provider.user_id,
            queryset=[row],
            action_flag=CHANGE,
            change_message="Wilhelmina",
            single_object=True,
        )


@pytest.mark.parametrize("part", ["content", "refused"])
def test_erasing_reaches_files_that_were_to_be_imported(provider, kept, part):
    edit_client(client_id=kept.pk, changes={"name": "Wilhelmina"}, actor=Actor(None, Source.COMMAND))
    for name, says in (("theirs", "name\nWilhelmina\n"), ("others", "name\nBea\n")):
        fields = {"content": b"", part: says.encode()}
        ImportedFile.objects.create(user_id=provider.user_id, sheet="clients", name=name, created_at=NOON, **fields)
    assert "common_importedfile" in tables_naming(*WORDS)

    erase_client(client_id=kept.pk, actor=SYSTEM, now=NOON)

    assert "common_importedfile" not in tables_naming(*WORDS)
    assert list(ImportedFile.objects.values_list("name", flat=True)) == ["others"]


def test_leaving_leaves_nothing_that_names_the_person(provider, booker):
    live_a_life(booker, provider)
    User.objects.filter(pk=booker.user_id).update(email="wilma@example.com")
    owe(to="wilma@example.com", subject="Your password", text="Hello Wilhelmina", now=NOON)
    before = tables_naming(*WORDS)
    counted = list(Appointment.objects.order_by("pk").values_list("pk", "status", "reservation__service"))
    assert len(before) > 8

    delete_account(user_id=booker.user_id, password=PASSWORD, now=LATER)

    assert tables_naming(*WORDS) == set()
    assert list(Appointment.objects.order_by("pk").values_list("pk", "status", "reservation__service")) == counted


def test_leaving_keeps_in_the_trail_that_things_changed(provider, booker):
    edit_user(user_id=booker.user_id, changes={"name": "Wilhelmina"}, actor=Actor(None, Source.COMMAND))

    delete_account(user_id=booker.user_id, password=PASSWORD, now=LATER)

    trail = Change.objects.filter(table_name="accounts_client", row_id=booker.pk).order_by("pk")
    assert list(trail.values_list("kind", "face", "changes"))[1:] == [
        ("update", "command", {"name": None}),
        ("update", "command", {"name": None, "email": None, "reference": None}),
    ]


def test_leaving_ends_holds(provider, booker):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    delete_account(user_id=booker.user_id, password=PASSWORD, now=NOON)

    held.refresh_from_db()
    assert held.status == ReservationStatus.RELEASED


def test_leaving_is_refused_while_a_series_goes_on(provider, booker):
    wanted = SeriesSpec(
        provider_id=provider.pk, client_id=booker.pk, rrule="FREQ=YEARLY", starts=at("2026-03-04 12:00")
    )
    series = create_series(wanted=wanted, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON).series
    for appointment in series.appointments.all():
        take_action(appointment_id=appointment.pk, action=Action.COMPLETE, actor=SYSTEM, now=at("2026-03-04 14:00"))

    with pytest.raises(AppointmentsComing):
        delete_account(user_id=booker.user_id, password=PASSWORD, now=LATER)

    assert Client.objects.get(pk=booker.pk).name == booker.name


# --- By staff -------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(provider):
    """A client of the provider's own address book."""
    return add_client(name="Ada", owner=provider, actor=SYSTEM, now=NOON)


def test_erasing_a_client_leaves_nothing_that_names_them(provider, kept, staff):
    live_a_life(kept, provider)
    counted = list(Appointment.objects.order_by("pk").values_list("pk", "status"))

    erase_client(client_id=kept.pk, actor=Actor(staff, Source.ADMIN), now=LATER)

    assert tables_naming(*WORDS) == set()
    assert list(Appointment.objects.order_by("pk").values_list("pk", "status")) == counted
    last = Change.objects.filter(table_name="accounts_client", row_id=kept.pk).latest("pk")
    assert (last.user_id, last.face, last.changes["name"]) == (staff.pk, "admin", None)


def test_erasing_a_client_ends_their_login(provider, booker):
    erase_client(client_id=booker.pk, actor=SYSTEM, now=NOON)

    user = User.objects.get(pk=booker.user_id)
    assert (user.name, user.is_active, user.has_usable_password()) == ("Deleted", False, False)


def test_erasing_twice_changes_nothing(provider, kept):
    erase_client(client_id=kept.pk, actor=SYSTEM, now=NOON)
    before = Change.objects.count()
    ImportedFile.objects.create(user_id=provider.user_id, sheet="clients", content=b"Deleted", created_at=NOON)

    erase_client(client_id=kept.pk, actor=SYSTEM, now=NOON)

    assert (Change.objects.count(), ImportedFile.objects.count()) == (before, 1)


def test_erasing_is_refused_while_appointments_are_to_come(provider, kept):
    appoint(provider, at("2026-03-04 09:00"), client=kept, actor=SYSTEM)

    with pytest.raises(AppointmentsComing):
        erase_client(client_id=kept.pk, actor=SYSTEM, now=NOON)

    assert Client.objects.get(pk=kept.pk).name == "Ada"


def test_erasing_is_refused_for_a_login_of_staff(booker):
    User.objects.filter(pk=booker.user_id).update(is_staff=True)

    with pytest.raises(NotAllowed):
        erase_client(client_id=booker.pk, actor=SYSTEM, now=NOON)


def test_erasing_is_for_staff_and_whoever_keeps_the_client(provider, kept, booker, staff_api, provider_api, booker_api):
    other = add_client(name="Bea", owner=open_provider(horizon_days=2), actor=SYSTEM, now=NOON)

    assert booker_api.post(f"/api/clients/{booker.pk}/erase").status_code == 403
    assert booker_api.post(f"/api/clients/{kept.pk}/erase").status_code == 404
    assert provider_api.post(f"/api/clients/{other.pk}/erase").status_code == 404
    assert provider_api.post(f"/api/clients/{kept.pk}/erase").status_code == 204
    assert staff_api.post(f"/api/clients/{other.pk}/erase").status_code == 204
    assert set(Client.objects.filter(pk__in=(kept.pk, other.pk)).values_list("name", flat=True)) == {"Deleted"}


def test_erasing_in_the_admin_asks_first(client, kept, provider):
    coming = add_client(name="Bea", owner=provider, actor=SYSTEM, now=NOON)
    appoint(provider, at("2026-03-04 09:00"), client=coming, actor=SYSTEM)
    client.force_login(UserFactory(superuser=True))
    chosen = {"action": "erase", "_selected_action": [kept.pk, coming.pk]}

    with time_machine.travel(NOON):
        asked = client.post("/admin/accounts/client/", chosen)
        assert Client.objects.get(pk=kept.pk).name == "Ada"
        done = client.post("/admin/accounts/client/", {**chosen, "answered": "1"}, follow=True)

    assert "permanently deletes" in asked.content.decode()
    assert sorted(str(message).partition(":")[0] for message in done.context["messages"]) == ["Bea", "Clients erased"]
    assert set(Client.objects.filter(pk__in=(kept.pk, coming.pk)).values_list("name", flat=True)) == {"Deleted", "Bea"}


def test_deleting_somebody_erases_them_from_the_trail(kept):
    remove_client(client_id=kept.pk, actor=SYSTEM)
    user = UserFactory(email="wilma@example.org")
    user.delete()

    assert tables_naming("wilma@") == set()
    gone = Change.objects.filter(table_name="accounts_client", row_id=kept.pk).order_by("pk")
    assert list(gone.values_list("kind", "changes__name")) == [("insert", None), ("delete", None)]


# --- One person's data ----------------------------------------------------------------------------------------------


def test_provider_who_leaves_is_told_nothing_more_of_their_clients(provider):
    endpoint = WebhookEndpointFactory(provider=provider)
    made = AppointmentFactory(reservation__provider=provider)
    told = MessageFactory(appointment=made, recipient="provider", error="550 doctor@example.org is unknown")
    other = MessageFactory(appointment=made, error="550 kim@example.org is unknown")
    for message in (told, other):
        DeliveryAttemptFactory(message=message, address="doctor@example.org", error=message.error)
    outages.open_outage(outages.key_of("webhook", endpoint.pk), error="No answer.", now=NOON)
    user = provider.user
    user.set_password(PASSWORD)
    user.save()

    delete_account(user_id=user.pk, password=PASSWORD, now=LATER)
    take_action(appointment_id=made.pk, action=Action.COMPLETE, actor=SYSTEM, now=LATER)

    assert not provider.webhooks.exists()
    assert not Message.objects.filter(channel="webhook").exists()
    assert not Outage.objects.exists()
    assert set(told.attempts.values_list("address", "error")) == {("", "")}
    assert [Message.objects.get(pk=row.pk).error for row in (told, other)] == ["", other.error]
    assert other.attempts.get().address == "doctor@example.org"


def test_archive_of_a_client_without_a_login_tells_what_is_kept(provider, kept):
    made = appoint(provider, at("2026-03-04 09:00"), client=kept, actor=SYSTEM)
    appoint(provider, at("2026-03-04 10:00"))

    archive = export_person(client_id=kept.pk)

    assert archive["client"]["name"] == "Ada"
    assert "login" not in archive
    assert [row["id"] for row in archive["appointments"]] == [made.pk]


def test_archive_holds_why_rules_were_set_aside_for_the_provider_but_not_for_the_client(provider, booker):
    outside = {"overrides": [Override.HOURS], "reason": "Afraid of crowds"}
    appoint(provider, at("2026-03-07 09:00"), client=booker, **outside)

    of_client, of_provider = export_person(user_id=booker.user_id), export_person(user_id=provider.user_id)

    told = {"status": "scheduled", "overrides": ["hours"]}
    assert of_client["appointments"][0]["history"][0]["details"] == told
    assert of_provider["appointments"][0]["history"][0]["details"] == told | {"reason": "Afraid of crowds"}


def test_archive_of_a_client_is_that_of_their_login(provider, booker):
    appoint(provider, at("2026-03-04 09:00"), client=booker)

    assert export_person(client_id=booker.pk) == export_person(user_id=booker.user_id)


def test_archive_tells_secret_addresses_to_their_owner_only(booker):
    open_feed(client_id=booker.pk, actor=actor_of(booker), now=NOON)

    [theirs] = export_person(user_id=booker.user_id, own=True)["calendar_feeds"]
    [for_staff] = export_person(client_id=booker.pk)["calendar_feeds"]

    assert theirs["address"].endswith(".ics")
    assert list(for_staff) == ["created_at"]


@pytest.mark.parametrize(("rank", "status"), [({}, 200), ({"staff": True}, 403), ({"superuser": True}, 403)])
def test_archive_of_a_client_who_is_staff_too_is_not_for_the_front_desk(rank, status):
    row = ClientFactory(user=UserFactory(**rank))
    address = reverse("admin:accounts_client_archive", args=[row.pk])

    assert browser_of(staff_of(FRONT_DESK)).get(address).status_code == status
    assert browser_of(UserFactory(superuser=True)).get(address).status_code == 200


def test_archive_of_a_superuser_is_not_for_other_staff(client):
    superuser, staff = UserFactory(superuser=True), UserFactory(staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user")))
    client.force_login(staff)

    assert client.get(f"/admin/accounts/user/{superuser.pk}/archive/").status_code == 403


def test_archive_of_nobody_is_not_found(db):
    for asked in ({"client_id": 1}, {"user_id": 1}, {}):
        with pytest.raises(NotFound):
            export_person(**asked)


def test_archive_is_a_file_for_staff_who_may_see_the_person(client, kept, booker):
    client.force_login(UserFactory(superuser=True))
    page = client.get(f"/admin/accounts/client/{kept.pk}/change/").content.decode()
    assert f"/admin/accounts/client/{kept.pk}/archive/" in page
    for path, part in ((f"client/{kept.pk}", "client"), (f"user/{booker.user_id}", "login")):
        answer = client.get(f"/admin/accounts/{path}/archive/")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert json.loads(answer.content)[part]["name"]

    client.force_login(UserFactory(staff=True))
    assert client.get(f"/admin/accounts/client/{kept.pk}/archive/").status_code == 403


def test_export_person_writes_the_archive(kept, booker):
    for person, archive in (
        (str(kept.pk), export_person(client_id=kept.pk)),
        (booker.user.email, export_person(user_id=booker.user_id)),
    ):
        out = StringIO()
        call_command("export_person", person, stdout=out)
        assert json.loads(out.getvalue()) == archive
    for nobody in ("nobody@example.org", "987654321"):
        with pytest.raises(CommandError):
            call_command("export_person", nobody)
