"""The audit log: the triggers' records, the actor, and the protection against changes."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import Actor, Source
from accounts.clients.operations import edit_client
from accounts.models import Client, Provider, User
from booking.appointments.operations import confirm
from booking.availability.operations import set_working_hours
from booking.calendars.operations import open_feed
from booking.models import AppointmentEvent, Service, WorkingHours
from reminders.models import WebhookEndpoint
from scheduler_project.common.audit import log
from scheduler_project.common.models import Change
from tests.factories import (
    NOON,
    SYSTEM,
    WEEKDAYS,
    ClientFactory,
    ProviderFactory,
    ServiceFactory,
    UserFactory,
    WebhookEndpointFactory,
    actor_of,
    appoint,
    at,
    hold,
)

pytestmark = pytest.mark.django_db


def changes_of(row):
    """Return a row's changes from the audit log, oldest first: kind, actor, source, changes."""
    found = Change.objects.filter(table_name=row._meta.db_table, row_id=row.pk).order_by("pk")
    return list(found.values_list("kind", "user", "face", "changes"))


# --- What is written ------------------------------------------------------------------------------------------------


def test_trail_tells_what_was_added_changed_and_deleted():
    service = ServiceFactory(name="Massage", duration_minutes=30)
    pk = service.pk
    Service.objects.update(name="Long massage", duration_minutes=30)
    service.delete()

    found = Change.objects.filter(table_name="booking_service", row_id=pk).order_by("pk")
    added, changed, deleted = found.values_list("kind", "changes")
    assert added[0] == "insert"
    assert added[1]["name"] == [None, "Massage"]
    assert "owner_id" not in added[1]
    assert changed == ("update", {"name": ["Massage", "Long massage"]})
    assert deleted[0] == "delete"
    assert deleted[1]["name"] == ["Long massage", None]


def test_trail_tells_nothing_of_an_update_that_changes_nothing():
    service = ServiceFactory()
    service.save()

    assert [kind for kind, *_ in changes_of(service)] == ["insert"]


def test_trail_of_raw_sql_says_through_what():
    client = ClientFactory(name="Ada")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_client SET name = 'Bea'")

    assert changes_of(client)[-1] == ("update", None, "command", {"name": ["Ada", "Bea"]})


def test_trail_of_who_goes_past_the_application_names_nobody(user_past_the_application):
    client = ClientFactory(name="Ada")
    user_past_the_application("UPDATE accounts_client SET name = 'Bea'")

    assert changes_of(client)[-1] == ("update", None, "", {"name": ["Ada", "Bea"]})


@pytest.fixture
def user_past_the_application():
    def execute(sql):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('scheduler.user', '', true), set_config('scheduler.face', '', true)")
            cursor.cursor.execute(sql)

    return execute


def test_trail_never_tells_secrets():
    user, endpoint = UserFactory(), WebhookEndpointFactory()
    feed = open_feed(provider_id=endpoint.provider_id, actor=SYSTEM, now=NOON)
    User.objects.filter(pk=user.pk).update(password="other")
    WebhookEndpoint.objects.update(secret="whsec_other")

    assert changes_of(user)[-1][-1] == {"password": None}
    assert changes_of(endpoint)[-1][-1] == {"secret": None}
    assert changes_of(feed)[0][-1]["token"] is None


def test_trail_does_not_note_logins():
    user = UserFactory()
    User.objects.update(last_login=NOON)

    assert [kind for kind, *_ in changes_of(user)] == ["insert"]


def test_trail_leaves_visitors_out_until_they_say_who_they_are():
    visitor = Client.objects.create(name="")
    Client.objects.filter(pk=visitor.pk).update(timezone="Europe/Paris")
    gone = Client.objects.create(name="")
    gone.delete()
    Client.objects.filter(pk=visitor.pk).update(name="Ada")

    assert list(Change.objects.filter(table_name="accounts_client").values_list("kind", "changes")) == [
        ("update", {"name": ["", "Ada"]})
    ]


def test_trail_files_parts_under_the_whole():
    provider, user, group = ProviderFactory(), UserFactory(), Group.objects.create(name="Desk")
    service = ServiceFactory(providers=[provider])
    user.groups.add(group)

    filed = Change.objects.filter(table_name__in=("booking_service_providers", "accounts_user_groups")).order_by("pk")
    assert list(filed.values_list("table_name", "row_id")) == [
        ("booking_service_providers", service.pk),
        ("accounts_user_groups", user.pk),
    ]
    assert filed.last().changes["group_id"] == [None, group.pk]


def test_trail_of_working_hours_tells_only_those_that_differ(provider):
    wednesday = WorkingHours.objects.get(schedule=provider.schedule, weekday=2)
    before = Change.objects.filter(table_name="booking_workinghours").count()

    hours = [(day, start, end) for day, start, end in WEEKDAYS if day != 2]
    set_working_hours(provider_id=provider.pk, hours=hours, actor=actor_of(provider), now=NOON)

    [told] = Change.objects.filter(table_name="booking_workinghours").order_by("pk")[before:]
    assert (told.kind, told.row_id, told.user_id, told.face) == (
        "delete",
        provider.schedule.pk,
        provider.user_id,
        Source.API,
    )
    assert told.changes["id"] == [wednesday.pk, None]


def test_tables_with_a_trail_are_those_with_its_triggers():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'scheduler_trail'::regproc"
        )
        triggered = {name for (name,) in cursor.fetchall()}

    assert triggered == set(log.audited_tables)


# --- Who ------------------------------------------------------------------------------------------------------------


def test_trail_names_the_actor_of_the_operation(provider):
    client = ClientFactory(owner=provider, user=None)
    actor = Actor(provider.user, Source.PAGE)

    edit_client(client_id=client.pk, changes={"notes": "Prefers mornings."}, actor=actor)

    assert changes_of(client)[-1] == ("update", provider.user_id, "page", {"notes": ["", "Prefers mornings."]})


def test_trail_names_who_asks_where_no_operation_says(booker_api, booker):
    booker_api.patch("/api/me", {"timezone": "Europe/Rome"})

    assert changes_of(booker.user)[-1] == ("update", booker.user_id, "api", {"timezone": ["UTC", "Europe/Rome"]})


def test_trail_names_staff_in_the_admin(client):
    boss, group = UserFactory(superuser=True), Group.objects.create(name="Desk")
    client.force_login(boss)
    answer = client.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Reception", "permissions": []})

    assert answer.status_code == 302
    assert changes_of(group)[-1] == ("update", boss.pk, "admin", {"name": ["Desk", "Reception"]})


def test_trail_of_permissions_names_who_gave_them(client):
    boss, user = UserFactory(superuser=True), UserFactory()
    client.force_login(boss)
    client.post("/admin/accounts/user/", {"action": "deactivate", "_selected_action": [user.pk]})

    assert changes_of(user)[-1] == ("update", boss.pk, "admin", {"is_active": [True, False]})


@pytest.mark.django_db(transaction=True)
def test_trail_names_who_writes_outside_a_transaction():
    client = ClientFactory(name="Ada")
    with log.acting(Actor(client.user, Source.JOB)):
        Client.objects.filter(pk=client.pk).update(name="Bea")

    assert changes_of(client)[-1] == ("update", client.user_id, "job", {"name": ["Ada", "Bea"]})
    assert not connection.in_atomic_block


def test_trail_names_nobody_but_its_own_doer_after_a_savepoint_was_undone():
    first, second = UserFactory(), UserFactory()
    client = ClientFactory(name="Ada")
    with log.acting(Actor(first, Source.API)):
        Client.objects.filter(pk=client.pk).update(name="Bea")
        with transaction.atomic(), log.acting(Actor(second, Source.PAGE)):
            Client.objects.filter(pk=client.pk).update(name="Cleo")
            transaction.set_rollback(True)
        Client.objects.filter(pk=client.pk).update(notes="Tall.")

    assert [told[1:3] for told in changes_of(client)[-2:]] == [(first.pk, "api"), (first.pk, "api")]


def test_reserving_and_confirming_tell_the_database_nothing_more(provider, booker):
    actor, noon = actor_of(booker), at("2026-03-04 12:00")
    with CaptureQueriesContext(connection) as seen:
        held = hold(provider, noon, client=booker)
        confirm(reservation_id=held.pk, actor=actor, now=NOON)

    assert not [query for query in seen.captured_queries if "scheduler.user" in query["sql"]]


# --- Append-only ----------------------------------------------------------------------------------------------------


def refused(sql, *params):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)


@pytest.mark.parametrize("model", [Change, AppointmentEvent])
def test_trail_cannot_be_rewritten(model, provider):
    made = appoint(provider, at("2026-03-04 12:00"))
    rows = model.objects.all()
    before = list(rows.values_list())
    assert before

    for deed in (
        lambda: rows.update(face="job"),
        lambda: rows.update(user=None),
        lambda: rows.update(at=NOON),
        lambda: rows.filter(pk=rows[0].pk)._raw_delete("default"),
        lambda: model.objects.bulk_update([row for row in rows if setattr(row, "face", "job") is None], ["face"]),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            deed()

    assert list(rows.values_list()) == before
    assert made.events.exists()


@pytest.mark.parametrize("table", ["common_change", "booking_appointmentevent"])
def test_trail_cannot_be_emptied(table):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER never_emptied")  # Undone with the test.

    refused(f"TRUNCATE {table} CASCADE")


def test_user_can_be_deleted_and_stays_a_number_in_the_trail(provider):
    user = UserFactory(superuser=True)
    appointment = appoint(provider, at("2026-03-04 12:00"), actor=Actor(user, Source.JOB))
    client = ClientFactory(name="Ada", user=None)
    with log.acting(Actor(user, Source.ADMIN)):
        Client.objects.filter(pk=client.pk).update(name="Bea")
    pk = user.pk
    User.objects.filter(pk=pk).delete()

    assert changes_of(client)[-1][1] == pk
    assert appointment.events.select_related("user").get().user is None
    assert appointment.events.get().user_id == pk


# --- Erasing --------------------------------------------------------------------------------------------------------


def test_erase_keeps_that_something_changed_and_forgets_what():
    client = ClientFactory(name="Ada", email="ada@example.org")
    other = ClientFactory(name="Ada")
    Client.objects.filter(pk=client.pk).update(name="Bea", timezone="Europe/Rome")

    log.erase(Client, [client.pk], ["name", "email"])

    added, changed = changes_of(client)
    assert (added[-1]["name"], added[-1]["email"]) == (None, None)
    assert changed == ("update", None, "command", {"name": None, "timezone": ["UTC", "Europe/Rome"]})
    assert changes_of(other)[0][-1]["name"] == [None, "Ada"]


def test_erasing_lets_nothing_be_forged():
    client = ClientFactory(name="Ada")
    with log.allow_erasing():
        for change in ("changes = '{}'", 'changes = changes || \'{"name": [null, "Eve"]}\'', "row_id = 1", "face = ''"):
            refused(f"UPDATE common_change SET {change}")
        for change in ('{"invented": null}', '{"name": "Eve"}'):
            refused("UPDATE common_change SET changes = changes || %s::jsonb", change)
        refused("DELETE FROM common_change")

    assert changes_of(client)[0][-1]["name"] == [None, "Ada"]


def test_erasing_ends_with_its_block():
    ClientFactory()
    with log.allow_erasing():
        pass

    refused("UPDATE common_change SET changes = '{\"name\": null}'")


def test_forgetting_deletes_only_what_is_older():
    now = timezone.now()
    young, old, oldest = (
        Change.objects.create(at=now - timedelta(days=days), table_name="x", row_id=1, kind="update", changes={})
        for days in (29, 40, 50)
    )

    with log.allow_deleting(old.at):
        refused("DELETE FROM common_change WHERE id = %s", old.pk)
        Change.objects.filter(pk=oldest.pk).delete()
    with log.allow_deleting(now):
        refused("DELETE FROM common_change WHERE id = %s", young.pk)
    refused("DELETE FROM common_change WHERE id = %s", old.pk)

    assert set(Change.objects.filter(table_name="x")) == {young, old}


def test_provider_can_be_removed_with_all_that_has_a_trail():
    provider = ProviderFactory()
    pk = provider.pk
    Provider.objects.filter(pk=pk).delete()

    found = Change.objects.filter(table_name="accounts_provider", row_id=pk).order_by("pk")
    assert list(found.values_list("kind", flat=True)) == ["insert", "delete"]
