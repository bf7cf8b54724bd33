"""`?changed_since=` answers what changed, in the order of the changes, and nothing twice."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Client
from accounts.privacy.operations import erase_client
from booking.appointments import operations as appointments
from booking.appointments.enums import Action
from reminders.models import Message
from tests.factories import NOON, SYSTEM, ClientFactory, appoint, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

NINE = at("2026-03-04T09:00:00Z")


@pytest.fixture
def changes(staff_api):
    def changes(cursor="start", of="clients", **query):
        return staff_api.get(f"/api/v1/{of}", {"changed_since": cursor, **query})

    return changes


def ids(answer):
    return [row["id"] for row in answer.json()["results"]]


def test_start_answers_all_rows_page_by_page(changes, staff_api):
    made = [client.pk for client in ClientFactory.create_batch(3)]

    first = changes(page_size=2)
    second = staff_api.get(first.json()["next"])

    assert ids(first) + ids(second) == made
    assert (first.json()["count"], second.json()["count"], second.json()["next"]) == (3, 1, None)


def test_a_changed_row_comes_again_behind_the_others(changes):
    one, two = ClientFactory.create_batch(2)
    cursor = changes().json()["next_cursor"]
    Client.objects.filter(pk__in=[two.pk]).update(notes="Prefers mornings.")
    Client.objects.filter(pk__in=[one.pk]).update(notes="Prefers evenings.")

    assert ids(changes(cursor)) == [two.pk, one.pk]


def test_without_a_change_the_cursor_stays(changes):
    ClientFactory()
    cursor = changes().json()["next_cursor"]

    again = changes(cursor).json()

    assert (again["results"], again["count"], again["next_cursor"]) == ([], 0, cursor)


def test_an_update_that_changes_nothing_is_no_change(changes):
    client = ClientFactory()
    cursor = changes().json()["next_cursor"]
    client.save()

    assert ids(changes(cursor)) == []


def test_rows_older_than_revisions_come_first_in_the_order_of_their_ids(changes, db_cursor):
    made = [client.pk for client in ClientFactory.create_batch(3)]
    db_cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE accounts_client DISABLE TRIGGER revise")
    Client.objects.filter(pk__in=made[1:]).update(revision=0)
    db_cursor.execute("ALTER TABLE accounts_client ENABLE TRIGGER revise")

    first = changes(page_size=1)

    assert ids(first) + ids(changes(first.json()["next_cursor"])) == [made[1], made[2], made[0]]


def test_an_erased_client_comes_again(changes):
    client = ClientFactory()
    cursor = changes().json()["next_cursor"]
    erase_client(client_id=client.pk, actor=SYSTEM, now=NOON)

    assert ids(changes(cursor)) == [client.pk]


def test_a_cancelled_appointment_comes_again(changes, provider, booker):
    appointment = appoint(provider, NINE, client=booker)
    cursor = changes(of="appointments").json()["next_cursor"]
    appointments.take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    [row] = changes(cursor, of="appointments").json()["results"]

    assert (row["id"], row["status"]) == (appointment.pk, "cancelled")


def test_a_reminder_comes_again_when_it_moves_on(changes, provider, booker):
    appoint(provider, NINE, client=booker)
    cursor = changes(of="reminders", kind="any").json()["next_cursor"]
    one = Message.objects.latest("pk")
    Message.objects.filter(pk=one.pk).update(failures=1)

    assert ids(changes(cursor, of="reminders", kind="any")) == [one.pk]


def test_a_provider_gets_the_clients_whom_they_manage(provider_api, provider, booker):
    kept = ClientFactory(owner=provider)
    appoint(provider, NINE, client=booker)

    assert ids(provider_api.get("/api/v1/clients?changed_since=start")) == [kept.pk]


def test_filters_that_rows_may_leave_are_refused(changes):
    answer = changes(of="appointments", status="scheduled", ordering="id")

    assert {error["attr"] for error in answer.json()["errors"]} == {"status", "ordering"}


@pytest.mark.parametrize("cursor", ["", "2027-03-04T13:30:00Z", "-1.0", "1", "１.２"])
def test_what_is_no_cursor_is_refused(changes, cursor):
    answer = changes(cursor)

    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "changed_since")


def test_the_audit_log_does_not_record_revisions(db_cursor):
    client = ClientFactory()
    Client.objects.filter(pk=client.pk).update(notes="Prefers mornings.")

    db_cursor.execute("SELECT count(*) FROM common_change WHERE changes ? 'revision'")

    assert db_cursor.fetchone() == (0,)


@pytest.mark.parametrize("of", ["clients", "appointments", "reminders"])
def test_more_rows_need_no_more_queries(changes, provider, of):
    appoint(provider, NINE)
    one = number_of_queries(lambda: changes(of=of))
    for hour in (10, 11, 13):
        appoint(provider, NINE.replace(hour=hour))

    assert number_of_queries(lambda: changes(of=of)) == one


@pytest.mark.parametrize("of", ["clients", "appointments", "reminders"])
def test_reading_begins_in_the_index(changes, db_cursor, of):
    db_cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    with CaptureQueriesContext(connection) as captured:
        changes("7.7", of=of)
    [rows] = [query["sql"] for query in captured if "ORDER BY" in query["sql"]]

    db_cursor.execute(f"EXPLAIN {rows}")

    plan = "".join(line for (line,) in db_cursor.fetchall())
    assert re.search(r"Index Scan using \w+_revision .*?Index Cond: [^:]*ROW\(revision, id\) > ROW\(7, 7\)", plan), plan


def number_of_queries(function):
    with CaptureQueriesContext(connection) as captured:
        function()
    return len(captured)


@pytest.fixture
def db_cursor(db):
    return connection.cursor()
