"""Rows split into transactions: the outcome of a row does not depend on the others in its transaction."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.imports import batching
from booking.imports.kinds import APPOINTMENTS, CALENDAR
from booking.models import Appointment
from scheduler_project.common.files.imports import ImportOptions
from tests.booking.imports.helpers import ALL_OR_NOTHING, ROW_BY_ROW, outcomes, refusals, run
from tests.booking.imports.test_ics import calendar, event
from tests.factories import ALWAYS, NOON, SYSTEM, ClientFactory, ServiceFactory, at, open_provider
from tests.looking import broken_promises, dump, undone

pytestmark = pytest.mark.django_db

HEAD = "reference,provider,client_reference,client_email,client_name,service,start,end,status\n"
WHOLE = 1_000


@pytest.fixture(autouse=True)
def ada(db):
    made = open_provider(provider__slug="ada", hours=ALWAYS, horizon_days=10)
    ServiceFactory(name="Long", providers=[made], duration_minutes=45, buffer_after_minutes=60)
    ServiceFactory(name="Early", providers=[made], duration_minutes=15, buffer_before_minutes=90)
    return made


@pytest.fixture(autouse=True)
def kim(db):
    return ClientFactory(user=None, name="Kim", email="kim@example.org")


def row(start, end="", *, reference="", client="kim@example.org", name="", known="", service="", status=""):
    until = end and f"2026-03-05 {end}"
    return f"{reference},ada,{known},{client},{name},{service},2026-03-05 {start},{until},{status}\n"


def parted(text, most, sheet=APPOINTMENTS, **options):
    """The lines of each part."""
    rows = sheet.rows(text.encode(), options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "PART", most)
        assert sheet.parts
        found = list(sheet.parts(rows, ImportOptions(SYSTEM, NOON, options)))
    return [[row.number for row in part] for part in found]


def told(text, most, policy=None, sheet=APPOINTMENTS, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "PART", most)
        report = run(sheet, text, policy, **options)
    return outcomes(report), refusals(report)


# --- Parts ------------------------------------------------------------------------------------------------------------


def test_takes_rows_by_their_times_a_part_at_a_time():
    text = HEAD + "".join(row(f"{hour}:00") for hour in (18, 10, 16, 12, 14))

    assert parted(text, 2) == [[3, 5], [4, 6], [2]]
    assert parted(text, 5) == [[2, 3, 4, 5, 6]]


def test_no_part_is_of_more_than_fifty_rows_that_only_touch():
    start = at("2026-03-04 00:00")
    text = HEAD + "".join(
        f",ada,,kim@example.org,,,{start + timedelta(minutes=15 * number):%Y-%m-%d %H:%M},,\n" for number in range(120)
    )

    assert [len(part) for part in parted(text, batching.PART)] == [50, 50, 20]


def test_no_part_is_of_several_providers():
    open_provider(provider__slug="bob", horizon_days=2)
    text = HEAD + row("10:00") + row("10:00").replace("ada", "bob") + row("10:00").replace("ada", "nobody")

    assert sorted(parted(text, 5)) == [[2], [3], [4]]


TOGETHER = {
    "one time": (row("10:00"), row("10:00", client="sam@example.org")),
    "times that overlap": (row("10:00", "11:00"), row("10:45")),
    "a buffer after": (row("10:00", service="Long"), row("11:30")),
    "a buffer before": (row("13:00", service="Early"), row("11:30")),
    "a chain": (row("10:00", "11:00"), row("10:45", "12:00"), row("11:45")),
    "one reference": (row("10:00", reference="a"), row("15:00", reference="a")),
    "one thing cancelled twice": (row("10:00", status="cancelled"), row("10:00", status="cancelled")),
    "a time that is left": (row("15:00", reference="there"), row("09:00")),
    "a time that is left by a cancellation": (row("09:00", reference="there", status="cancelled"), row("09:15")),
    "one appointment with and without its reference": (row("15:00", reference="there"), row("09:00", name="x")),
    "one client said in two ways": (
        row("10:00", known="K-1", client="new@example.org"),
        row("15:00", known="K-1", client=""),
    ),
    "two of one name": (
        row("10:00", client="a@example.org", name="New"),
        row("12:00", client="b@example.org", name="New"),
        row("15:00", client="", name="New"),
    ),
}


@pytest.mark.parametrize("lines", TOGETHER.values(), ids=TOGETHER)
@pytest.mark.parametrize("turn", [1, -1])
def test_keeps_rows_together_that_decide_about_each_other(lines, turn):
    run(APPOINTMENTS, HEAD + row("09:00", "09:30", reference="there"))
    text = HEAD + "".join(lines[::turn])

    assert len(parted(text, 1, add_clients=True)) == 1


def test_control_without_the_ties_a_preview_lies(monkeypatch):
    run(APPOINTMENTS, HEAD + row("09:00", "09:30", reference="there"))
    monkeypatch.setattr(batching._Ties, "tie", lambda *numbers: None)

    lies = [
        name
        for name, lines in TOGETHER.items()
        if told(HEAD + "".join(lines), 1, add_clients=True) != told(HEAD + "".join(lines), WHOLE, add_clients=True)
    ]

    assert lies == list(TOGETHER)


def test_parts_rows_of_one_new_client_who_is_said_in_one_way():
    text = HEAD + row("10:00", client="new@example.org") + row("15:00", client="new@example.org")

    assert parted(text, 1, add_clients=True) == [[2], [3]]
    assert told(text, 1, add_clients=True) == (["new", "new"], [])


def test_keeps_a_series_with_those_in_its_way_and_no_others():
    kim = "ATTENDEE:mailto:kim@example.org"
    starts = ("20260304T103000Z", "20260305T103000Z", "20260306T110000Z", "20260307T100000Z")
    events = [event("DURATION:PT30M", uid=start, start=f"DTSTART:{start}", who=kim) for start in starts]
    weekly = event("RRULE:FREQ=DAILY;COUNT=3", "DURATION:PT1H", uid="x", start="DTSTART:20260304T100000Z", who=kim)
    text = calendar(*events, weekly)

    assert parted(text, 1, CALENDAR, provider="ada") == [[1, 2, 5], [3], [4]]


# --- What they come to ------------------------------------------------------------------------------------------------

CLIENTS = (",kim@example.org,", ",new@example.org,Kim", "K-1,new@example.org,", ",,Kim", ",,new", "K-1,,")
ROWS = st.builds(
    lambda hour, quarter, length, client, name, service, status: (
        f"{name},ada,{client},{service},2026-03-05 {hour:02}:{quarter:02},"
        + (f"2026-03-05 {hour + length:02}:{quarter:02}" if length else "")
        + f",{status}\n"
    ),
    st.integers(6, 16),
    st.sampled_from([0, 15, 7]),
    st.sampled_from([0, 0, 1, 2]),
    st.sampled_from(CLIENTS),
    st.sampled_from(["", "", "a", "b", "c"]),
    st.sampled_from(["", "", "Long", "Early", "None"]),
    st.sampled_from(["", "", "scheduled", "cancelled"]),
)
FILES = st.lists(st.lists(ROWS, min_size=1, max_size=12), min_size=1, max_size=2)


@given(FILES, st.integers(1, 3), st.booleans())
def test_a_preview_in_parts_says_what_becomes_of_the_whole(files, most, adding):
    with undone():
        for lines in files:
            text, before = HEAD + "".join(lines), dump()
            preview = told(text, most, add_clients=adding)
            assert dump() == before
            for policy, size in ((ROW_BY_ROW, WHOLE), (ALL_OR_NOTHING, WHOLE)):
                with undone():
                    assert told(text, size, policy, add_clients=adding) == preview
            assert told(text, most, ROW_BY_ROW, add_clients=adding) == preview
            assert broken_promises() == {}


EVENTS = st.builds(
    lambda uid, day, hour, length, rule, status: event(
        f"DURATION:PT{length}M",
        rule,
        status,
        uid=str(uid),
        start=f"DTSTART:202603{day:02}T{hour:02}0000Z",
        who="ATTENDEE:mailto:kim@example.org",
    ),
    st.integers(1, 6),
    st.integers(4, 9),
    st.integers(8, 10),
    st.sampled_from([15, 60, 90]),
    st.sampled_from(["", "", "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=WEEKLY"]),
    st.sampled_from(["", "", "STATUS:CANCELLED"]),
)


@given(st.lists(st.lists(EVENTS, min_size=1, max_size=8), min_size=1, max_size=2), st.integers(1, 3))
def test_a_preview_of_a_calendar_in_parts_says_what_becomes_of_the_whole(files, most):
    with undone():
        for events in files:
            preview = told(calendar(*events), most, sheet=CALENDAR, provider="ada")
            with undone():
                assert told(calendar(*events), WHOLE, ROW_BY_ROW, CALENDAR, provider="ada") == preview
            assert told(calendar(*events), most, ROW_BY_ROW, CALENDAR, provider="ada") == preview
            assert broken_promises() == {}
    assert Appointment.objects.count() == 0
