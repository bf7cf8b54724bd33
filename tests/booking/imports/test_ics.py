"""Calendar files: events become appointments and series, or are refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.calendars.icalendar import to_ical
from booking.imports.kinds import CALENDAR
from booking.models import Appointment, AppointmentSeries, Schedule
from reminders.models import Message
from scheduler_project.common.files.csv_reader import FileRefused
from tests.booking.imports.helpers import ALL_OR_NOTHING, ROW_BY_ROW, outcomes, refusals, run
from tests.factories import ClientFactory, appoint, at, open_provider
from tests.looking import broken_promises, dump

pytestmark = pytest.mark.django_db

KIM = "ATTENDEE;CN=Kim:mailto:kim@example.org"


@pytest.fixture(autouse=True)
def ada(db):
    return open_provider(
        provider__slug="ada", provider__user__email="ada@example.org", timezone="Europe/Berlin", horizon_days=40
    )


@pytest.fixture(autouse=True)
def kim(db):
    return ClientFactory(user=None, name="Kim", email="kim@example.org")


def event(*lines, uid="1@elsewhere", start="DTSTART;TZID=Europe/Berlin:20260305T100000", who=KIM):
    found = ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", start, who, *lines, "END:VEVENT"]
    return "\r\n".join(line for line in found if line)


def calendar(*events, method=""):
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//x//EN", *([f"METHOD:{method}"] if method else [])]
    return "\r\n".join([*head, *events, "END:VCALENDAR", ""])


def take(*events, policy=ROW_BY_ROW, method="", **options):
    return run(CALENDAR, calendar(*events, method=method), policy, **{"provider": "ada"} | options)


def starts():
    return sorted(f"{made.starts_at:%m-%d %H:%M}" for made in Appointment.objects.all())


@pytest.mark.parametrize(
    ("start", "when", "zone"),
    [
        ("DTSTART;TZID=America/New_York:20260305T100000", "2026-03-05 15:00", "America/New_York"),
        ("DTSTART;TZID=W. Europe Standard Time:20260305T100000", "2026-03-05 09:00", "Europe/Berlin"),
        ("DTSTART:20260305T100000Z", "2026-03-05 10:00", "Europe/Berlin"),
        ("DTSTART:20260305T100000", "2026-03-05 09:00", "Europe/Berlin"),
    ],
)
def test_reads_zoned_utc_and_floating_times(start, when, zone):
    assert outcomes(take(event("SUMMARY:First\\, visit", "DESCRIPTION:a\\nb", "DURATION:PT30M", start=start))) == [
        "new"
    ]

    made = Appointment.objects.get()
    assert (made.starts_at, made.ends_at - made.starts_at, made.timezone) == (
        at(when),
        made.ends_at - at(when),
        zone,
    )
    assert (made.title, made.description, made.client.name) == ("First, visit", "a\nb", "Kim")
    assert str(made.ends_at - made.starts_at) == "0:30:00"


def test_reads_a_time_in_the_gap_as_everywhere_else():
    take(event("DTEND:20260329T023000Z", start="DTSTART;TZID=Europe/Berlin:20260329T023000"), outside_hours=True)

    assert starts() == ["03-29 01:30"]


@pytest.mark.parametrize("policy", [ROW_BY_ROW, ALL_OR_NOTHING])
def test_changes_nothing_the_second_time(policy):
    events = (
        event("DTEND;TZID=Europe/Berlin:20260305T110000", "SUMMARY:One"),
        event("STATUS:TENTATIVE", uid="2", start="DTSTART:20260306T100000Z"),
        event("STATUS:CANCELLED", uid="3", start="DTSTART:20260306T100000Z"),
        event("RRULE:FREQ=WEEKLY;COUNT=3", uid="4", start="DTSTART:20260309T100000Z"),
    )
    assert outcomes(take(*events, policy=policy)) == ["new"] * 4
    before = dump()

    assert outcomes(take(*events, policy=policy)) == ["unchanged"] * 4
    assert dump() == before
    assert broken_promises() == {}


def test_keeps_our_own_uid_apart():
    take(event(uid="theirs"))

    made = Appointment.objects.get()
    assert (made.imported.reference, str(made.uid) == "theirs") == ("theirs", False)


def test_takes_the_same_meeting_into_two_providers_calendars():
    open_provider(provider__slug="bob", timezone="Europe/Berlin", horizon_days=40)

    assert outcomes(take(event())) == outcomes(take(event(), provider="bob")) == ["new"]


def test_knows_its_own_appointments_by_their_calendar_files(ada):
    made = appoint(ada, at("2026-03-06 10:00"), client=ClientFactory(email="sam@example.org"), title="Talk")
    before = dump()

    report = run(CALENDAR, to_ical(made), provider="ada", client_email="sam@example.org")

    assert outcomes(report) == ["unchanged"]
    assert dump() == before


def test_cancels_what_the_calendar_cancels():
    take(event())

    assert outcomes(take(event("STATUS:CANCELLED"))) == ["changed"]
    assert Appointment.objects.get().status == "cancelled"


@pytest.mark.parametrize(
    ("written", "status"),
    [("TENTATIVE", "pending"), ("CONFIRMED", "scheduled"), ("CANCELLED", "cancelled"), ("ELSEWHERE", "scheduled")],
)
def test_reads_each_status(written, status):
    take(event(f"STATUS:{written}"))

    assert Appointment.objects.get().status == status


def test_takes_the_method_cancel_for_the_status():
    take(event())

    assert outcomes(take(event(), method="CANCEL")) == ["changed"]


def test_makes_a_series_of_a_rule_and_tells_nobody():
    exceptions = "EXDATE;TZID=Europe/Berlin:20260312T100000"
    rule = event("RRULE:FREQ=WEEKLY;COUNT=4", exceptions, "DTEND;TZID=Europe/Berlin:20260305T103000", "SUMMARY:Class")

    assert outcomes(take(rule)) == ["new"]

    series = AppointmentSeries.objects.get()
    assert (series.rrule, series.timezone, series.title) == ("FREQ=WEEKLY;COUNT=4", "Europe/Berlin", "Class")
    assert starts() == ["03-05 09:00", "03-19 09:00", "03-26 09:00"]
    assert set(Message.objects.values_list("kind", flat=True)) == {"reminder"}


def test_makes_a_changed_occurrence_an_appointment_of_its_own():
    events = (
        event("RRULE:FREQ=WEEKLY;COUNT=3"),
        event(
            "RECURRENCE-ID;TZID=Europe/Berlin:20260312T100000",
            start="DTSTART;TZID=Europe/Berlin:20260313T140000",
        ),
        event(
            "RECURRENCE-ID;TZID=Europe/Berlin:20260319T100000",
            "STATUS:CANCELLED",
            start="DTSTART;TZID=Europe/Berlin:20260319T100000",
        ),
    )

    assert outcomes(take(*events)) == ["new"] * 3
    going = Appointment.objects.exclude(status="cancelled")
    assert sorted(f"{made.starts_at:%m-%d %H:%M}" for made in going) == ["03-05 09:00", "03-13 13:00"]
    before = dump()

    assert outcomes(take(*events)) == ["unchanged"] * 3
    assert dump() == before


def test_names_the_dates_of_a_series_that_are_taken(ada):
    appoint(ada, at("2026-03-12 09:00"))

    report = take(event("RRULE:FREQ=WEEKLY;COUNT=3"))

    assert refusals(report) == [(1, "series_conflict", None)]
    assert str(report.results[0].refusals[0].message) == ("1 of its dates can't be booked: 2026-03-12 (slot_taken).")
    assert starts() == ["03-12 09:00"]


def test_refuses_a_series_that_differs_from_the_one_imported():
    take(event("RRULE:FREQ=WEEKLY;COUNT=3"))

    report = take(event("RRULE:FREQ=DAILY;COUNT=3"), event(uid="2"))

    assert refusals(report)[0] == (1, "series_differs", "rrule")


def test_means_the_client_who_is_named_for_events_without_one():
    assert refusals(take(event(who=""))) == [(1, "no_client", "client_email")]
    assert outcomes(take(event(who=""), client_email="kim@example.org")) == ["new"]


def test_finds_the_client_among_those_who_take_part():
    people = (
        "ORGANIZER;CN=Ada:mailto:ada@example.org",
        "ATTENDEE:mailto:ADA@example.org",
        "ATTENDEE;CUTYPE=ROOM:mailto:room@example.org",
    )

    assert outcomes(take(event(*people))) == ["new"]
    assert refusals(take(event(*people, "ATTENDEE:mailto:sam@example.org", uid="2"))) == [
        (1, "several_clients", "client")
    ]


@pytest.mark.parametrize(
    ("lines", "more", "code"),
    [
        ((), {"start": "DTSTART;VALUE=DATE:20260305"}, "all_day"),
        ((), {"start": ""}, "required"),
        ((), {"start": "DTSTART:whenever"}, "invalid_event"),
        ((), {"start": "DTSTART;TZID=Mars/Olympus:20260305T100000"}, "unknown_timezone"),
        ((), {"start": "DTSTART:20260305T100500Z"}, "off_grid"),
        ((), {"start": "DTSTART:20260228T100000Z"}, "in_the_past"),
        ((), {"start": "DTSTART:20260305T220000Z"}, "outside_hours"),
        ((), {"uid": ""}, "required"),
        (("RRULE:FREQ=HOURLY",), {}, "bad_rule"),
        (("RRULE:FREQ=WEEKLY;BYDAY=MO",), {}, "not_in_rule"),
        (("RRULE:FREQ=WEEKLY", "RRULE:FREQ=DAILY"), {}, "repeated"),
        (("RRULE:FREQ=WEEKLY", "RDATE:20260306T100000Z"), {}, "unsupported_recurrence"),
        (("RECURRENCE-ID;RANGE=THISANDFUTURE:20260305T100000Z",), {}, "unsupported_recurrence"),
        (("DTEND:20260305T080000Z",), {}, "ends_before_start"),
        (("RRULE:FREQ=WEEKLY", "STATUS:CANCELLED"), {}, "cancelled_series"),
    ],
)
def test_refuses_events_by_name(lines, more, code):
    before = dump()

    assert [found[1] for found in refusals(take(event(*lines, **more)))] == [code]
    assert dump() == before


@pytest.mark.parametrize("content", [b"", b"x", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"BEGIN:VEVENT\0", b"\xff\xfe"])
def test_refuses_what_is_no_calendar(content):
    with pytest.raises(FileRefused) as refusal:
        run(CALENDAR, content, provider="ada")
    assert refusal.value.code in ("not_calendar", "file_empty")


def test_refuses_a_calendar_of_nobody_and_one_of_too_many_events(settings):
    with pytest.raises(FileRefused, match="whose calendar"):
        take(event(), provider="nobody")
    settings.IMPORT_MAX_ROWS = 1
    with pytest.raises(FileRefused, match="more than 1 rows"):
        take(event(), event(uid="2"))


NAMES = [
    "UID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "EXDATE",
    "RECURRENCE-ID",
    "ATTENDEE",
    "STATUS",
    "SUMMARY",
    "X",
]
PARAMS = ["", ";TZID=Europe/Berlin", ";VALUE=DATE", ";VALUE=PERIOD", ";RANGE=THISANDFUTURE", ";TZID="]
VALUES = [
    "20260305T100000",
    "20260305",
    "P1D",
    "-PT1H",
    "FREQ=DAILY;COUNT=2",
    "FREQ=YEARLY;UNTIL=x",
    "mailto:k@x.org",
    "",
    ":",
    "\\",
    "99999999T999999Z",
    "00010101T000000",
]


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(PARAMS), st.sampled_from(VALUES) | st.text(max_size=9)),
        max_size=8,
    )
)
def test_reads_or_refuses_whatever_stands_in_an_event(properties):
    lines = [f"{name}{params}:{value}" for name, params, value in properties]
    content = calendar("\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"]))
    try:
        report = run(CALENDAR, content, None, provider="ada", client_email="kim@example.org", past=True)
    except FileRefused:
        return
    assert report.results


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART;TZID=Asia/Tokyo:00010101T000000",),
        ("DTSTART:00010101T000000",),
        ("DTSTART;TZID=America/New_York:99991231T235959",),
        ("DTSTART:20260305T100000Z", "DTEND;TZID=America/New_York:99991231T235959"),
        ("DTSTART:20260305T100000Z", "DURATION:P3000000D"),
        ("DTSTART:20260305T100000Z", "DURATION:P999999999D"),
        ("DTSTART:20260305T100000Z", "RRULE:FREQ=DAILY", "EXDATE:99991231T235959Z"),
        ("DTSTART:20260305T100000Z", "RRULE:FREQ=DAILY", "EXDATE:00010101T000000Z"),
        ("DTSTART:20260305T100000Z", "RECURRENCE-ID;TZID=Asia/Tokyo:00010101T000000"),
        ("DTSTART:20260305T100000Z", "RRULE:FREQ=DAILY;UNTIL=99991231T235959Z;INTERVAL=99999999999999999999"),
    ],
)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_refuses_what_lies_beyond_all_dates(lines, zone):
    Schedule.objects.update(timezone=zone)

    assert outcomes(take(event(*lines[1:], start=lines[0]))) == ["refused"]
