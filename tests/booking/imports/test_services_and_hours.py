"""Services and weekly hours from files."""

from datetime import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking.imports.kinds import HOURS, SERVICES
from booking.models import Service, WorkingHours
from reminders.enums import MessageKind
from reminders.models import Message
from tests.booking.imports.helpers import ALL_OR_NOTHING, exported, outcomes, refusals, run
from tests.factories import WEEKDAYS, ProviderFactory, ServiceFactory, appoint, at, open_provider
from tests.looking import dump, free_cells

pytestmark = pytest.mark.django_db

COLUMNS = (
    *("reference", "owner__slug", "name", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes"),
    *("needs_approval", "reminder_offsets", "is_active", "description"),
)


def offering():
    return sorted(Service.objects.values_list("name", "providers__slug"), key=str)


# --- Services ---------------------------------------------------------------------------------------------------------


def test_adds_services_with_those_who_offer_them():
    for slug in ("ada", "bob"):
        ProviderFactory(slug=slug)
    text = (
        "reference,owner,name,providers,duration_minutes,buffer_after_minutes,needs_approval,reminders,is_active\n"
        's-1,,Visit,ada bob,45,10,yes,"1 day, 1 hour",no\n'
        ",ada,Own,ada,30,,,none,\n"
    )

    assert outcomes(run(SERVICES, text)) == ["new", "new"]

    visit, own = Service.objects.order_by("pk")
    assert (visit.reference, visit.owner, visit.duration_minutes, visit.buffer_after_minutes) == ("s-1", None, 45, 10)
    assert (visit.needs_approval, visit.reminder_offsets, visit.is_active) == (True, ["1 day", "1 hour"], False)
    assert (own.owner.slug, own.buffer_after_minutes, own.needs_approval, own.reminder_offsets) == ("ada", 0, False, [])
    assert own.is_active
    assert offering() == [("Own", "ada"), ("Visit", "ada"), ("Visit", "bob")]


def test_lets_the_owner_offer_a_service_if_the_file_does_not_say_who_does():
    ProviderFactory(slug="ada")

    run(SERVICES, "owner,name,duration_minutes\nada,Own,30\n")

    assert offering() == [("Own", "ada")]


def test_changes_services_nothing_the_second_time():
    ProviderFactory(slug="ada")
    text = "reference,name,duration_minutes,providers\na,Visit,30,ada\n,Other,20,ada\n"
    run(SERVICES, text)
    before = dump()

    assert outcomes(run(SERVICES, text)) == ["unchanged", "unchanged"]
    assert dump() == before


def test_changes_what_a_service_is_and_who_offers_it():
    for slug in ("ada", "bob"):
        ProviderFactory(slug=slug)
    run(SERVICES, "reference,name,duration_minutes,providers\na,Visit,30,ada\n")

    report = run(SERVICES, "reference,name,duration_minutes,providers\na,Long visit,60,bob\n")

    assert [result.says for result in report.results] == ["name, duration_minutes, providers"]
    assert offering() == [("Long visit", "bob")]


def test_plans_reminders_anew_for_a_service_whose_offsets_change():
    provider = open_provider()
    service = ServiceFactory(name="Visit", providers=[provider])
    appoint(provider, at("2026-03-05 10:00"), service_id=service.pk)

    run(SERVICES, "name,duration_minutes,reminders\nVisit,30,2 hours\n")

    due = Message.objects.filter(kind=MessageKind.REMINDER, status="pending").values_list("due_at", flat=True)
    assert list(due) == [at("2026-03-05 08:00")]


def test_refuses_services():
    for slug in ("ada", "bob"):
        ProviderFactory(slug=slug)
    for _ in range(2):
        ServiceFactory(name="Twice")
    text = (
        "name,duration_minutes,owner,providers,needs_approval,reminders\n"
        "A,0,,,,\nB,1441,,,,\nC,x,,,,\n,30,,,,\nD,30,nobody,,,\nE,30,,nobody,,\nF,30,ada,bob,,\n"
        "G,30,,,perhaps,\nH,30,,,,whenever\nTwice,30,,,,\nI,30,,,,\nI,30,,,,\n"
    )

    assert refusals(run(SERVICES, text)) == [
        (2, "min_value", "duration_minutes"),
        (3, "max_value", "duration_minutes"),
        (4, "invalid", "duration_minutes"),
        (5, "required", "name"),
        (6, "unknown_provider", "owner"),
        (7, "unknown_provider", "providers"),
        (8, "not_allowed", "providers"),
        (9, "invalid", "needs_approval"),
        (10, "invalid_offset", "reminders"),
        (11, "ambiguous_service", "name"),
        (13, "repeated", None),
    ]


def test_imports_500_services_with_as_many_statements_as_10():
    ProviderFactory(slug="ada")

    def statements(number, mark):
        lines = "".join(f"{mark} {n},30,ada\n" for n in range(number))
        with CaptureQueriesContext(connection) as queries:
            run(SERVICES, "name,duration_minutes,providers\n" + lines)
        return len(queries)

    assert statements(500, "many") == statements(10, "few")


def test_exports_services_and_imports_them_into_an_empty_system_and_into_the_same():
    ada, bob = ProviderFactory(slug="ada"), ProviderFactory(slug="bob")
    ServiceFactory(name="Visit", providers=[ada, bob], reminder_offsets=["1 day"], description="=2+2")
    ServiceFactory(name="Visit", needs_approval=True, buffer_before_minutes=5, is_active=False)
    ServiceFactory(name="Own", owner=ada, providers=[ada], reminder_offsets=[])
    text, there, who = exported(SERVICES), sorted(Service.objects.values_list(*COLUMNS), key=str), offering()
    before = dump()

    assert outcomes(run(SERVICES, text)) == ["unchanged"] * 3
    assert dump() == before

    Service.objects.all().delete()
    assert outcomes(run(SERVICES, text)) == ["new"] * 3
    assert (sorted(Service.objects.values_list(*COLUMNS), key=str), offering()) == (there, who)


# --- Weekly hours -----------------------------------------------------------------------------------------------------

HEAD = "provider,weekday,start,end\n"


def week(provider):
    return sorted(provider.schedule.working_hours.values_list("weekday", "start_time", "end_time"))


@pytest.fixture
def ada(db):
    return open_provider(provider__slug="ada", horizon_days=10)


def test_replaces_the_week_of_those_in_the_file(ada):
    bob = open_provider(provider__slug="bob", horizon_days=10)

    report = run(HOURS, HEAD + "ada,monday,09:00,17:00\nada,sat,9:00,24:00\nada,7,22:00,02:00\n")

    assert outcomes(report) == ["unchanged", "new", "new"] + ["removed"] * 4
    assert [result.about for result in report.results[3:]] == [
        f"ada {day} 09:00 17:00" for day in ("tuesday", "wednesday", "thursday", "friday")
    ]
    assert week(ada) == [(0, time(9), time(17)), (5, time(9), time(0)), (6, time(22), time(2))]
    assert week(bob) == sorted(WEEKDAYS)


def test_lets_the_slots_follow(ada):
    run(HOURS, HEAD + "ada,tuesday,09:00,10:00\n")

    assert [start for start, _end in free_cells(ada)][:4] == [
        at("2026-03-03 09:00"),
        at("2026-03-03 09:15"),
        at("2026-03-03 09:30"),
        at("2026-03-03 09:45"),
    ]


def test_says_how_many_appointments_then_lie_outside(ada):
    appoint(ada, at("2026-03-04 10:00"))

    report = run(HOURS, HEAD + "ada,tuesday,09:00,10:00\n", None)

    assert report.results[0].says == "1 appointment would be outside the hours."


def test_changes_hours_nothing_the_second_time(ada):
    text = HEAD + "ada,monday,09:00,12:00\nada,monday,13:00,17:00\n"
    run(HOURS, text)
    before = dump()

    assert outcomes(run(HOURS, text)) == ["unchanged", "unchanged"]
    assert dump() == before


def test_refuses_the_whole_week_of_whoever_has_a_bad_row(ada):
    bob = open_provider(provider__slug="bob", horizon_days=10)
    text = HEAD + "ada,monday,09:00,12:00\nada,someday,9,12:00\nbob,sunday,09:00,12:00\nnobody,sunday,09:00,12:00\n"

    report = run(HOURS, text)

    assert refusals(report) == [
        (2, "others_refused", None),
        (3, "invalid", "weekday"),
        (3, "invalid_time", "start"),
        (5, "unknown_provider", "provider"),
    ]
    assert week(ada) == sorted(WEEKDAYS)
    assert week(bob) == [(6, time(9), time(12))]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("ada,monday,09:05,12:00\n", [(2, "off_grid", "start")]),
        ("ada,monday,25:00,12:00\n", [(2, "invalid_time", "start")]),
        ("ada,monday,09:00,12:00\nada,1,09:00,13:00\n", [(2, "others_refused", None), (3, "repeated", None)]),
    ],
)
def test_refuses_hours(ada, rows, found):
    before = dump()

    assert refusals(run(HOURS, HEAD + rows)) == found
    assert dump() == before


def test_previews_hours_and_does_nothing(ada):
    text = HEAD + "ada,monday,10:00,12:00\nada,tuesday,09:00,17:00\n"
    before = dump()

    preview = run(HOURS, text, None)

    assert dump() == before
    assert outcomes(run(HOURS, text, ALL_OR_NOTHING)) == outcomes(preview)


def test_exports_hours_and_imports_them_into_an_empty_system_and_into_the_same(ada):
    run(HOURS, HEAD + "ada,monday,09:00,24:00\nada,tuesday,22:00,02:00\n")
    text, there, before = exported(HOURS), week(ada), dump()

    assert outcomes(run(HOURS, text)) == ["unchanged", "unchanged"]
    assert dump() == before

    WorkingHours.objects.all().delete()
    assert outcomes(run(HOURS, text)) == ["new", "new"]
    assert week(ada) == there
