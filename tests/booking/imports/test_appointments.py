"""Appointments from files: booked by the rules everybody books by, once."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.actors import Actor
from accounts.clients.imports import CLIENTS
from accounts.models import Client
from booking.appointments.enums import Action
from booking.appointments.operations import confirm, reschedule, take_action
from booking.imports import batching
from booking.imports.batching import PART
from booking.imports.kinds import APPOINTMENTS, SERVICES
from booking.models import Appointment, AppointmentEvent, Reservation
from booking.reservations.enums import BY_THEMSELVES
from booking.reservations.guests import give_details, hold_as_visitor
from reminders.models import Message
from scheduler_project.common.db.references import new_reference
from tests.booking.imports.helpers import ALL_OR_NOTHING, ROW_BY_ROW, exported, outcomes, refusals, run
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    ClientFactory,
    ServiceFactory,
    appoint,
    at,
    hold,
    open_provider,
    verified,
)
from tests.looking import broken_promises, dump, undone

pytestmark = pytest.mark.django_db

HEAD = "reference,provider,client_email,start,end,title,status\n"
TUESDAY_10 = at("2026-03-03 10:00")


@pytest.fixture
def ada(db):
    """Monday to Friday, 09:00 to 17:00 in UTC; a day's notice."""
    return open_provider(provider__slug="ada", horizon_days=30)


@pytest.fixture
def kim(db):
    return ClientFactory(user=None, name="Kim", email="kim@example.org")


def row(start, end="", *, reference="", status="", title="", client="kim@example.org"):
    return f"{reference},ada,{client},{start},{end},{title},{status}\n"


def booked():
    """Return every appointment: start, title, status."""
    there = Appointment.objects.order_by("reservation__starts_at", "pk")
    return [(f"{made.starts_at:%m-%d %H:%M}", f"{made.ends_at:%H:%M}", made.status) for made in there]


def history(made):
    return list(made.events.order_by("pk").values_list("event", "face", "details"))


# --- New ones ---------------------------------------------------------------------------------------------------------


def test_books_with_all_that_the_row_says(ada):
    kim = ClientFactory(user=None, owner=ada, name="Kim")
    service = ServiceFactory(name="Visit", providers=[ada], duration_minutes=45)
    text = (
        "reference;provider;client_name;service;start;timezone;title;description;reminders\n"
        'x-1;ada;Kim;Visit;05.03.2026 11:00;Europe/Berlin;First;"two\nlines";2 hours\n'
    )

    assert outcomes(run(APPOINTMENTS, text)) == ["new"]

    made = Appointment.objects.get()
    assert (made.starts_at, made.ends_at) == (at("2026-03-05 10:00"), at("2026-03-05 10:45"))
    assert (made.client, made.service, made.timezone, made.title) == (kim, service, "Europe/Berlin", "First")
    assert (made.description, made.reminder_offsets, made.status) == ("two\nlines", ["2 hours"], "scheduled")
    assert made.imported.reference == "x-1"
    assert history(made) == [
        ("booked", "job", {"status": "scheduled", "overrides": ["notice"], "reference": "x-1"}),
    ]
    assert broken_promises() == {}


def test_reads_times_on_the_clocks_of_row_or_provider(kim):
    open_provider(provider__slug="ada", timezone="Europe/Berlin", hours=ALWAYS, horizon_days=40)
    text = "provider,client_email,start,timezone\n" + "".join(
        f"ada,kim@example.org,{start},{zone}\n"
        for start, zone in (
            ("2026-03-05 09:00", ""),
            ("2026-03-06 09:00", "America/New_York"),
            ("2026-03-07T09:00:00+05:30", ""),
            ("2026-03-08T09:00:00Z", "America/New_York"),
            ("2026-03-29 02:30", ""),  # a gap: it moves forward
        )
    )

    run(APPOINTMENTS, text)

    assert [when for when, *_ in booked()] == [
        "03-05 08:00",
        "03-06 14:00",
        "03-07 03:30",
        "03-08 09:00",
        "03-29 01:30",
    ]


def test_reads_an_ambiguous_time_as_the_first(kim):
    open_provider(provider__slug="ada", timezone="Europe/Berlin", hours=ALWAYS, horizon_days=300, slot_minutes=30)

    run(APPOINTMENTS, "provider,client_email,start\nada,kim@example.org,2026-10-25 02:30\n")

    assert Appointment.objects.get().starts_at == at("2026-10-25 00:30")


def test_takes_no_time_twice_whoever_holds_it(ada, kim):
    appoint(ada, at("2026-03-04 10:00"))
    hold(ada, at("2026-03-04 12:00"))
    text = (
        HEAD
        + row("2026-03-04 10:00")
        + row("2026-03-04 12:00")
        + row("2026-03-04 13:00")
        + row("2026-03-04 13:00", client="x@example.org")
    )
    ClientFactory(user=None, email="x@example.org")

    assert refusals(run(APPOINTMENTS, text)) == [
        (2, "slot_taken", "start"),
        (3, "slot_taken", "start"),
        (5, "slot_taken", "start"),
    ]
    assert broken_promises() == {}


def test_reminds_and_tells_nobody(ada, kim):
    run(APPOINTMENTS, HEAD + row("2026-03-05 10:00"))

    assert list(Message.objects.values_list("kind", "due_at").order_by("due_at")) == [
        ("reminder", at("2026-03-04 10:00")),
        ("reminder", at("2026-03-05 09:00")),
    ]


def test_tells_both_sides_if_asked(ada, kim):
    run(APPOINTMENTS, HEAD + row("2026-03-05 10:00") + row("2026-03-01 10:00"), tell=True, past=True)

    told = Message.objects.filter(kind="booked").values_list("recipient", "appointment__reservation__starts_at")
    assert sorted(told) == [("client", at("2026-03-05 10:00")), ("provider", at("2026-03-05 10:00"))]


def test_asks_for_leave_to_book_outside_the_hours(ada, kim):
    text = HEAD + row("2026-03-04 20:00")

    assert refusals(run(APPOINTMENTS, text)) == [(2, "outside_hours", "start")]
    assert outcomes(run(APPOINTMENTS, text, outside_hours=True)) == ["new"]
    assert Reservation.objects.get().overrides == ["hours", "notice"]


# --- The past ---------------------------------------------------------------------------------------------------------


def test_takes_the_past_over_as_completed_and_records_it(ada, kim):
    text = HEAD + row("2026-02-20 21:00") + row("2026-02-20 22:00", status="missed")

    assert refusals(run(APPOINTMENTS, text)) == [(2, "in_the_past", "start"), (3, "in_the_past", "start")]
    assert outcomes(run(APPOINTMENTS, text, past=True)) == ["new", "new"]

    assert booked() == [("02-20 21:00", "21:15", "completed"), ("02-20 22:00", "22:15", "missed")]
    made = Appointment.objects.latest("pk")
    assert history(made) == [
        ("booked", "job", {"status": "missed", "overrides": ["past"]}),
        ("missed", "job", {"status": "missed"}),
    ]
    assert list(Message.objects.all()) == []
    assert broken_promises() == {}


def test_never_overlaps_anything_even_in_the_past(ada, kim):
    run(APPOINTMENTS, HEAD + row("2026-02-20 10:00", "2026-02-20 11:00"), past=True)

    text = HEAD + row("2026-02-20 10:30", title="Other") + row("2026-02-20 11:00")

    assert refusals(run(APPOINTMENTS, text, past=True)) == [(2, "slot_taken", "start")]
    assert broken_promises() == {}


@pytest.mark.parametrize(("start", "past"), [("2026-03-02 12:00", True), ("2026-03-02 12:15", False)])
def test_the_past_ends_with_this_very_moment(ada, kim, start, past):
    report = run(APPOINTMENTS, HEAD + row(start))

    assert refusals(report) == ([(2, "in_the_past", "start")] if past else [])


def test_refuses_an_outcome_of_what_has_not_begun(ada, kim):
    assert refusals(run(APPOINTMENTS, HEAD + row("2026-03-05 10:00", status="completed"))) == [(2, "not_yet", "status")]


def test_what_was_cancelled_elsewhere_takes_no_time(ada, kim):
    text = "reference,provider,client_email,start,status,reason\n" + "".join(
        f"{name},ada,kim@example.org,2026-03-05 10:00,{status},{reason}\n"
        for name, status, reason in (("a", "cancelled", "Ill"), ("b", "declined", ""), ("c", "scheduled", ""))
    )

    assert outcomes(run(APPOINTMENTS, text)) == ["new"] * 3
    assert sorted(status for *_, status in booked()) == ["cancelled", "declined", "scheduled"]
    off = Appointment.objects.get(status="cancelled")
    assert off.cancellation_reason == "Ill"
    assert [event for event, *_ in history(off)] == ["booked", "cancelled"]
    assert broken_promises() == {}


# --- Once more --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [ROW_BY_ROW, ALL_OR_NOTHING])
def test_changes_nothing_the_second_time(ada, kim, policy):
    text = HEAD + (
        row("2026-03-05 10:00", reference="a")
        + row("2026-03-05 11:00", "2026-03-05 12:00", title="Long")
        + row("2026-03-05 13:00", status="cancelled")
        + row("2026-03-05 13:00", status="pending")
        + row("2026-02-20 10:00", reference="b")
    )
    assert outcomes(run(APPOINTMENTS, text, policy, past=True)) == ["new"] * 5
    before = dump()

    assert outcomes(run(APPOINTMENTS, text, policy, past=True)) == ["unchanged"] * 5
    assert dump() == before


def test_moves_rewords_and_ends_what_the_file_has_changed(ada, kim):
    run(APPOINTMENTS, HEAD + "".join(row(f"2026-03-05 1{n}:00", reference=f"r{n}") for n in range(4)))
    uids = sorted(Appointment.objects.values_list("uid", flat=True))
    Message.objects.all().delete()

    report = run(
        APPOINTMENTS,
        HEAD
        + row("2026-03-05 15:00", "2026-03-05 16:00", reference="r0")
        + row("2026-03-05 11:00", reference="r1", title="New words")
        + row("2026-03-05 12:00", reference="r2", status="cancelled")
        + row("2026-03-05 13:00", reference="r3", status="declined"),
    )

    assert [(result.outcome, result.says) for result in report.results[:3]] == [
        ("changed", "start"),
        ("changed", "title"),
        ("changed", "status"),
    ]
    assert refusals(report) == [(5, "bad_transition", "status")]
    assert sorted(Appointment.objects.values_list("uid", flat=True)) == uids
    assert booked() == [
        ("03-05 11:00", "11:15", "scheduled"),
        ("03-05 12:00", "12:15", "cancelled"),
        ("03-05 13:00", "13:15", "scheduled"),
        ("03-05 15:00", "16:00", "scheduled"),
    ]
    assert set(Message.objects.values_list("kind", flat=True)) == {"reminder"}
    assert broken_promises() == {}


def test_reports_what_was_ended_here_and_goes_on_in_the_file(ada, kim):
    run(APPOINTMENTS, HEAD + row("2026-03-05 10:00", reference="a"))
    take_action(appointment_id=Appointment.objects.get().pk, action=Action.CANCEL, actor=SYSTEM, now=NOON, reason="x")

    report = run(APPOINTMENTS, HEAD + row("2026-03-05 10:00", reference="a", status="scheduled"))

    assert refusals(report) == [(2, "bad_transition", "status")]


def test_knows_an_appointment_that_was_moved_here(ada, kim):
    run(APPOINTMENTS, HEAD + row("2026-03-05 10:00", reference="a"))
    made = Appointment.objects.get()
    reschedule(appointment_id=made.pk, starts_at=at("2026-03-06 10:00"), actor=SYSTEM, now=NOON)

    report = run(APPOINTMENTS, HEAD + row("2026-03-05 10:00", reference="a"), None)

    assert [(result.outcome, result.says) for result in report.results] == [("changed", "start")]


def test_does_not_change_who_comes(ada, kim):
    ClientFactory(email="sam@example.org")
    run(APPOINTMENTS, HEAD + row("2026-03-05 10:00", reference="a"))

    report = run(APPOINTMENTS, HEAD + row("2026-03-05 10:00", reference="a", client="sam@example.org"))

    assert refusals(report) == [(2, "client_differs", "client_email")]


# --- Refusals ---------------------------------------------------------------------------------------------------------


def test_refuses_rows_each_with_its_reasons(ada, kim):
    ServiceFactory(name="Elsewhere", owner=open_provider(provider__slug="bob", horizon_days=2))
    lines = (
        ",kim@example.org,2026-03-05 10:00,,,,",
        "nobody,kim@example.org,2026-03-05 10:00,,,,",
        "ada,,2026-03-05 10:00,,,,",
        "ada,nobody@example.org,2026-03-05 10:00,,,,",
        "ada,kim@example.org,,,,,",
        "ada,kim@example.org,3/5/2026 10:00,,,,",
        "ada,kim@example.org,2026-03-05,,,,",
        "ada,kim@example.org,9999-12-31 23:59,,,,",
        "ada,kim@example.org,2026-03-05 10:05,,,,",
        "ada,kim@example.org,2026-03-05 10:15,2026-03-05 10:15,,,",
        "ada,kim@example.org,2026-03-05 10:30,2026-03-06 10:45,,,",
        "ada,kim@example.org,2026-03-05 10:00,,Mars/Olympus,,",
        "ada,kim@example.org,2026-03-05 10:00,,,done,",
        "ada,kim@example.org,2026-03-05 10:45,,,,Nothing",
        "ada,kim@example.org,2026-03-05 11:00,,,,Elsewhere",
        "ada,kim@example.org,2028-03-05 10:00,,,,",
    )
    before = dump()

    report = run(APPOINTMENTS, "provider,client_email,start,end,timezone,status,service\n" + "\n".join(lines))

    assert [found[1:] for found in refusals(report)] == [
        ("required", "provider"),
        ("unknown_provider", "provider"),
        ("no_client", "client_email"),
        ("unknown_client", "client_email"),
        ("required", "start"),
        ("invalid_time", "start"),
        ("invalid_time", "start"),
        ("invalid_time", "start"),
        ("off_grid", "start"),
        ("ends_before_start", "end"),
        ("ends_before_start", "end"),
        ("unknown_timezone", "timezone"),
        ("invalid_choice", "status"),
        ("unknown_service", "service"),
        ("unknown_service", "service"),
        ("too_far", "start"),
    ]
    assert dump() == before


def test_refuses_what_the_file_says_twice(ada, kim):
    text = HEAD + row("2026-03-05 10:00", reference="a") * 2 + row("2026-03-05 11:00") * 2

    assert refusals(run(APPOINTMENTS, text)) == [(3, "repeated", None), (5, "repeated", None)]


def test_adds_clients_only_if_asked_and_only_for_what_is_booked(ada):
    text = HEAD + row("2026-03-05 10:00") + row("2026-03-05 11:00") + row("2026-03-05 10:05", client="no@example.org")

    assert refusals(run(APPOINTMENTS, text))[:2] == [
        (2, "unknown_client", "client_email"),
        (3, "unknown_client", "client_email"),
    ]
    assert outcomes(run(APPOINTMENTS, text, add_clients=True)) == ["new", "new", "refused"]
    assert list(Client.objects.values_list("name", "email", "owner__slug")) == [("kim", "kim@example.org", "ada")]


def test_prefers_the_provider_s_own_client_and_refuses_to_guess(ada, kim):
    own = ClientFactory(user=None, owner=ada, name="Kim", email="kim@example.org")
    for _ in range(2):
        ClientFactory(user=None, name="Guest", email="guest@example.org")

    report = run(APPOINTMENTS, HEAD + row("2026-03-05 10:00") + row("2026-03-05 11:00", client="guest@example.org"))

    assert refusals(report) == [(3, "ambiguous_client", "client_email")]
    assert Appointment.objects.get().client == own


def test_knows_whoever_registered_by_an_email_they_verified(ada):
    booker = ClientFactory(user__email="kim@example.org", email="kim@example.org", name="Kim")
    by_name = "provider,client_name,start\nada,Kim,2026-03-05 11:00\n"
    by_email = HEAD + row("2026-03-05 10:00")

    assert refusals(run(APPOINTMENTS, by_email)) == [(2, "unknown_client", "client_email")]
    assert refusals(run(APPOINTMENTS, by_name)) == [(2, "unknown_client", "client_name")]
    verified(booker.user)

    assert outcomes(run(APPOINTMENTS, by_email)) == ["new"]
    assert refusals(run(APPOINTMENTS, by_name)) == [(2, "unknown_client", "client_name")]


@pytest.mark.parametrize("source", BY_THEMSELVES)
def test_knows_whoever_booked_as_a_visitor_by_reference_only(ada, source):
    held = hold_as_visitor(
        provider_id=ada.pk,
        service_id=None,
        starts_at=at("2026-03-05 09:00"),
        visitor=new_reference(),
        timezone="UTC",
        now=NOON,
        source=source,
    )
    said = {"name": "Kim", "email": "kim@example.org", "phone": "+4930901820", "note": "", "by_sms": True}
    visitor = give_details(reservation_id=held.pk, language="en", now=NOON, **said).client
    confirm(reservation_id=held.pk, actor=Actor(None, source, guest=visitor), now=NOON)
    head = "provider,client_reference,client_email,client_name,client_phone,start\n"

    def row_of(reference="", email="", name="", phone=""):
        return f"{head}ada,{reference},{email},{name},{phone},2026-03-05 10:00\n"

    for known in ({"email": "kim@example.org"}, {"name": "Kim"}, {"name": "Kim", "phone": "+4930901820"}):
        assert [code for _line, code, _field in refusals(run(APPOINTMENTS, row_of(**known)))] == ["unknown_client"]
    assert outcomes(run(CLIENTS, "name,email\nKim,kim@example.org\n", None)) == ["new"]
    assert outcomes(run(APPOINTMENTS, row_of(visitor.reference))) == ["new"]


def test_knows_by_name_only_those_whom_the_provider_keeps(ada, kim):
    text = "provider,client_name,start\nada,Kim,2026-03-05 10:00\n"
    ClientFactory(user=None, owner=open_provider(horizon_days=2), name="Kim")
    assert refusals(run(APPOINTMENTS, text)) == [(2, "unknown_client", "client_name")]
    own = ClientFactory(user=None, owner=ada, name="Kim")

    assert outcomes(run(APPOINTMENTS, text)) == ["new"]
    assert Appointment.objects.get().client == own


def test_leaves_nothing_behind_if_one_of_all_is_refused(ada, kim):
    before = dump()
    text = HEAD + row("2026-03-05 10:00") + row("2026-03-05 20:00") + row("2026-03-05 11:00", client="n@example.org")

    report = run(APPOINTMENTS, text, ALL_OR_NOTHING, add_clients=True)

    assert outcomes(report) == ["new", "refused", "new"]
    assert not report.done
    assert dump() == before


def test_a_failure_in_the_middle_leaves_nothing_of_its_part(ada, kim, monkeypatch):
    before = dump()

    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("reminders.notices.enqueue", fail)
    for policy in (ROW_BY_ROW, ALL_OR_NOTHING):
        with pytest.raises(RuntimeError):
            run(APPOINTMENTS, HEAD + row("2026-03-05 10:00"), policy)

    assert dump() == before


# --- Preview, cost, there and back ------------------------------------------------------------------------------------

ROWS = st.builds(
    lambda hour, quarter, length, who, status, name: (
        f"{name},ada,{who},2026-03-0{5 + hour % 2} {hour:02}:{quarter:02},"
        f"2026-03-0{5 + hour % 2} {hour + length:02}:{quarter:02},,{status}\n"
    ),
    st.integers(8, 12),
    st.sampled_from([0, 30, 7]),
    st.integers(0, 2),
    st.sampled_from(["kim@example.org", "new@example.org", ""]),
    st.sampled_from(["", "scheduled", "cancelled", "pending", "completed"]),
    st.sampled_from(["", "", "a", "b"]),
)


@given(st.lists(st.lists(ROWS, max_size=6), min_size=1, max_size=2), st.booleans())
def test_a_preview_says_what_the_import_does(ada, kim, files, adding):
    with undone():
        for lines in files:
            if lines:
                before = dump()
                preview = run(APPOINTMENTS, HEAD + "".join(lines), None, add_clients=adding)
                assert dump() == before
                done = run(APPOINTMENTS, HEAD + "".join(lines), ROW_BY_ROW, add_clients=adding)
                assert (outcomes(done), refusals(done)) == (outcomes(preview), refusals(preview))
                assert broken_promises() == {}


def many(number, first=0):
    start = at("2026-03-09 00:00")
    return HEAD + "".join(
        row(f"{start + timedelta(minutes=15 * n):%Y-%m-%d %H:%M}", reference=f"n{n}")
        for n in range(first, first + number)
    )


def test_costs_five_statements_a_row_and_the_rest_once(kim):
    open_provider(provider__slug="ada", hours=ALWAYS, horizon_days=30)

    def statements(number, first):
        with CaptureQueriesContext(connection) as queries:
            assert outcomes(run(APPOINTMENTS, many(number, first))) == ["new"] * number
        return len(queries)

    few, more = statements(10, 0), statements(PART, 10)

    assert more - few == 5 * (PART - 10)


def test_finds_what_is_there_with_as_many_statements_for_a_whole_part_as_for_10(kim):
    open_provider(provider__slug="ada", hours=ALWAYS, horizon_days=30)
    run(APPOINTMENTS, many(PART))

    def statements(number):
        with CaptureQueriesContext(connection) as queries:
            assert outcomes(run(APPOINTMENTS, many(number))) == ["unchanged"] * number
        return len(queries)

    assert statements(PART) == statements(10)


def practice():
    """A provider with appointments in every state."""
    ada = open_provider(provider__slug="ada", timezone="Europe/Berlin", hours=ALWAYS, horizon_days=30)
    visit = ServiceFactory(name="Visit", providers=[ada], duration_minutes=30)
    for number, name in enumerate(("=Kim", "Sam")):
        client = ClientFactory(name=name)
        made = appoint(ada, at("2026-03-05 10:00") + timedelta(hours=number), client=client, service_id=visit.pk)
        made = appoint(ada, at("2026-03-06 10:00") + timedelta(hours=number), client=client, title="-Own, words")
        take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON, reason="Ill")
    visit.is_active = False
    visit.save()
    return ada


def test_exports_and_imports_into_the_same_system_without_a_change():
    practice()
    before = dump()

    assert outcomes(run(APPOINTMENTS, exported(APPOINTMENTS))) == ["unchanged"] * 4
    assert dump() == before


@pytest.mark.parametrize("part", [1, 50])
def test_exports_and_imports_into_an_empty_system(monkeypatch, part):
    monkeypatch.setattr(batching, "PART", part)
    connection.cursor().execute("ALTER TABLE booking_appointmentevent DISABLE TRIGGER append_only")
    practice()
    files = [(sheet, exported(sheet)) for sheet in (CLIENTS, SERVICES, APPOINTMENTS)]
    connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")  # PostgreSQL alters no table with checks to come.
    connection.cursor().execute("ALTER TABLE booking_appointmentevent DISABLE TRIGGER append_only")
    AppointmentEvent.objects.all().delete()
    Message.objects.all().delete()
    Appointment.objects.all().delete()
    connection.cursor().execute("UPDATE booking_slot SET reservation_id = NULL WHERE reservation_id IS NOT NULL")
    Reservation.objects.all().delete()
    Client.objects.all().delete()

    for sheet, text in files:
        assert set(outcomes(run(sheet, text))) <= {"new", "unchanged"}

    assert [exported(sheet) for sheet, _text in files] == [text for _sheet, text in files]
    assert broken_promises() == {}


def test_writes_times_with_their_offset():
    practice()

    first = next(csv.DictReader(StringIO(exported(APPOINTMENTS).removeprefix("\ufeff"))))

    assert (first["start"], first["timezone"], first["client_name"]) == (
        "2026-03-05 10:00:00+00:00",
        "UTC",
        "'=Kim",
    )
