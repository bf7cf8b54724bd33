"""Two parallel imports of the same file, bookings during an import, and a killed import."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.clients import imports
from accounts.clients.imports import CLIENTS
from accounts.models import Client
from booking.appointments.operations import book
from booking.imports import batching
from booking.imports.kinds import APPOINTMENTS, SERVICES
from booking.models import Appointment, AppointmentEvent, ImportedEntry
from scheduler_project.common.files import imports as importing
from scheduler_project.embedded import PROJECT
from tests.booking.imports.helpers import ALL_OR_NOTHING, ROW_BY_ROW, outcomes, run
from tests.factories import ALWAYS, NOON, SYSTEM, ClientFactory, at, open_provider
from tests.looking import broken_promises
from tests.slow.races.running import PATIENCE, Pause, everybody_looks_first, together

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = "name,email\nKim,kim@example.org\nSam,sam@example.org\n"
MEETINGS = "reference,provider,client_email,start\n" + "".join(
    f"{name},ada,kim@example.org,2026-03-0{4 + day} {hour}:00\n"
    for day, name in enumerate(("a", ""))
    for hour in (10, 11)
).replace("a,ada,kim@example.org,2026-03-04 11", "b,ada,kim@example.org,2026-03-04 11")


def twice(sheet, text, policy):
    answers = together(*[lambda: run(sheet, text, policy)] * 2)
    return sorted(map(outcomes, answers))


@pytest.mark.parametrize("policy", [ROW_BY_ROW, ALL_OR_NOTHING])
@pytest.mark.parametrize(
    ("sheet", "text"), [(CLIENTS, PEOPLE), (SERVICES, "name,duration_minutes\nVisit,30\nTalk,20\n")]
)
def test_the_same_rows_at_once_are_added_once(sheet, text, policy):
    assert twice(sheet, text, policy) == [["new", "new"], ["unchanged", "unchanged"]]


def test_control_without_turns_the_same_clients_are_added_twice(monkeypatch):
    monkeypatch.setattr(importing, "take_turns", lambda name: None)

    with everybody_looks_first(imports, "new_reference", 2):
        together(*[lambda: run(CLIENTS, "name,email\nKim,kim@example.org\n")] * 2)

    assert Client.objects.count() == 2


@pytest.mark.parametrize("policy", [ROW_BY_ROW, ALL_OR_NOTHING])
def test_the_same_appointments_at_once_are_booked_once(policy):
    open_provider(provider__slug="ada", horizon_days=5)
    ClientFactory(user=None, email="kim@example.org")

    assert twice(APPOINTMENTS, MEETINGS, policy) == [["new"] * 4, ["unchanged"] * 4]
    assert Appointment.objects.count() == 4
    assert broken_promises() == {}


def test_the_same_appointments_at_once_part_by_part_are_booked_once(monkeypatch):
    monkeypatch.setattr(batching, "PART", 1)
    open_provider(provider__slug="ada", horizon_days=5)

    one, other = together(*[lambda: run(APPOINTMENTS, MEETINGS, add_clients=True)] * 2)

    assert list(map(sorted, zip(outcomes(one), outcomes(other), strict=True))) == [["new", "unchanged"]] * 4
    assert (Appointment.objects.count(), Client.objects.count()) == (4, 1)
    assert broken_promises() == {}


def test_clients_added_on_the_way_at_once_are_added_once():
    open_provider(provider__slug="ada", horizon_days=5)

    answers = together(*[lambda: run(APPOINTMENTS, MEETINGS, add_clients=True)] * 2)

    assert sorted(map(outcomes, answers)) == [["new"] * 4, ["unchanged"] * 4]
    assert Client.objects.count() == 1


def test_an_import_and_bookings_at_once_take_no_time_twice():
    ada = open_provider(provider__slug="ada", horizon_days=5)
    ClientFactory(user=None, email="kim@example.org")
    others = ClientFactory.create_batch(3)

    def booking(client):
        return lambda: book(
            provider_id=ada.pk, client_id=client.pk, starts_at=at("2026-03-04 10:00"), actor=SYSTEM, now=NOON
        )

    together(lambda: run(APPOINTMENTS, MEETINGS), *map(booking, others))

    assert Appointment.objects.filter(reservation__starts_at=at("2026-03-04 10:00")).count() == 1
    assert broken_promises() == {}


@pytest.mark.parametrize(("policy", "seen"), [(ROW_BY_ROW, 2), (ALL_OR_NOTHING, 4)])
def test_others_book_between_the_parts_of_an_import_and_after_one_of_all_or_nothing(monkeypatch, policy, seen):
    monkeypatch.setattr(batching, "PART", 2)
    ada = open_provider(provider__slug="ada", horizon_days=5)
    ClientFactory(user=None, email="kim@example.org")
    other, pause = ClientFactory(), Pause()

    def booking():
        book(provider_id=ada.pk, client_id=other.pk, starts_at=at("2026-03-04 15:00"), actor=SYSTEM, now=NOON)
        return Appointment.objects.exclude(reservation__client=other).count()

    with pause.after(importing, "_carry_out"):
        report, found = together(lambda: run(APPOINTMENTS, MEETINGS, policy), pause.meanwhile(booking))

    assert (outcomes(report), found) == (["new"] * 4, seen)


@pytest.mark.parametrize(("most", "last"), [(2, "refused"), (4, "new")])
def test_others_book_between_the_parts_of_a_preview(monkeypatch, most, last):
    monkeypatch.setattr(batching, "PART", most)
    ada = open_provider(provider__slug="ada", horizon_days=5)
    ClientFactory(user=None, email="kim@example.org")
    other, pause = ClientFactory(), Pause()

    def booking():
        book(provider_id=ada.pk, client_id=other.pk, starts_at=at("2026-03-05 11:00"), actor=SYSTEM, now=NOON)

    with pause.after(importing, "_carry_out"):
        report, _booked = together(lambda: run(APPOINTMENTS, MEETINGS, None), pause.meanwhile(booking))

    assert outcomes(report) == ["new", "new", "new", last]
    assert Appointment.objects.count() == 1


def test_an_import_that_is_killed_leaves_whole_parts_and_the_same_file_completes_it(tmp_path):
    now, rows = timezone.now(), 12 * batching.PART
    open_provider(provider__slug="ada", hours=ALWAYS, horizon_days=12, now=now)
    ClientFactory(user=None, email="kim@example.org")
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
    text = "reference,provider,client_email,start\n" + "".join(
        f"r{number},ada,kim@example.org,{start + timedelta(minutes=15 * number):%Y-%m-%d %H:%M}\n"
        for number in range(rows)
    )
    (tmp_path / "rows.csv").write_text(text)
    server = urlsplit(os.environ["DATABASE_URL"])
    database = server._replace(path=f"{server.path.rpartition('/')[0]}/{connection.settings_dict['NAME']}").geturl()

    with subprocess.Popen(
        [sys.executable, "manage.py", "import_csv", "appointments", tmp_path / "rows.csv", "--row-by-row"],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": database},
        stdout=subprocess.DEVNULL,
    ) as command:
        until = time.monotonic() + PATIENCE
        while not Appointment.objects.exists() and time.monotonic() < until:
            time.sleep(0.01)
        command.kill()

    made = Appointment.objects.count()
    assert (0 < made < rows, made % batching.PART) == (True, 0)
    assert AppointmentEvent.objects.count() == ImportedEntry.objects.count() == made
    call_command("check_schedule")

    report = run(APPOINTMENTS, text, ROW_BY_ROW, now=now)

    assert sorted(outcomes(report)) == ["new"] * (rows - made) + ["unchanged"] * made
    assert Appointment.objects.count() == rows
    call_command("check_schedule")
