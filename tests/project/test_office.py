"""The admin's first page: the work to do now, for users who may do it, with a constant number of queries."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.mails.operations import owe
from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from booking.availability.operations import take_time_off
from booking.models import Appointment, Reservation
from booking.reservations.enums import Override
from reminders.models import Message
from scheduler_project.common.limits.throttling import redis_client
from scheduler_project.common.models import Inspection
from scheduler_project.common.outages import open_outage
from tests.factories import (
    NOON,
    SYSTEM,
    MessageFactory,
    ProviderFactory,
    ServiceFactory,
    UserFactory,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.groups import FRONT_DESK, MANAGER, browser_of, staff_of
from tests.journeys.test_every_page import faults

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

OVERRIDES = [Override.HOURS, Override.NOTICE]


@pytest.fixture
def dashboard(db):
    return browser_of(staff_of(FRONT_DESK, timezone="Europe/Berlin"))


def panel(dashboard, name):
    """Return the data of one panel of the first page; None if it is missing."""
    found = [panel for panel in dashboard.get("/admin/").context["panels"] if panel.template.endswith(f"/{name}.html")]
    return found[0].context if found else None


def a_day(providers=1):
    """Appointments, holds, requests and failed messages of so many providers."""
    for _ in range(providers):
        provider = open_provider(horizon_days=5)
        service = ServiceFactory(providers=[provider], needs_approval=True)
        made = appoint(provider, NOON + minutes(15), overrides=OVERRIDES)
        appoint(provider, at("2026-03-04 10:00"), service_id=service.pk)
        hold(provider, at("2026-03-04 15:00"))
        MessageFactory(appointment=made, status="failed", error="421 busy", useful_until=NOON + minutes(15))


def test_first_page_costs_the_same_for_little_and_for_much(dashboard):
    a_day()
    dashboard.get("/admin/")
    with CaptureQueriesContext(connection) as few:
        dashboard.get("/admin/")
    a_day(4)

    with CaptureQueriesContext(connection) as many:
        page = dashboard.get("/admin/")

    assert page.status_code == 200
    assert len(many) == len(few) <= 17, "\n".join(query["sql"] for query in many.captured_queries)


def test_what_takes_the_whole_width_comes_first(db):
    ProviderFactory(is_approved=False)
    dashboard = browser_of(staff_of(MANAGER))

    page = dashboard.get("/admin/")

    names = [panel.template.removeprefix("admin/panels/") for panel in page.context["panels"]]
    assert names[:3] == ["tasks.html", "today.html", "new_providers.html"]


def test_lists_todays_appointments_by_each_providers_own_date(dashboard):
    tokyo, berlin = open_provider(timezone="Asia/Tokyo"), open_provider(timezone="Europe/Berlin")
    tonight = appoint(berlin, at("2026-03-02 22:45"), overrides=OVERRIDES)
    appoint(berlin, at("2026-03-02 23:00"), overrides=OVERRIDES)
    appoint(tokyo, at("2026-03-02 15:00"), overrides=OVERRIDES)

    assert [line["appointment"] for line in panel(dashboard, "today")["lines"]] == [tonight]


def test_how_it_went_is_one_click_once_it_has_begun(dashboard, provider):
    made = appoint(provider, NOON + minutes(15), overrides=OVERRIDES)
    assert "complete" not in panel(dashboard, "today")["lines"][0]["allowed"]

    with time_machine.travel(made.starts_at, tick=False):
        line = panel(dashboard, "today")["lines"][0]
        page = dashboard.post(f"/admin/booking/appointment/{made.pk}/do/miss/", {"next": "/admin/"}, follow=True)

    made.refresh_from_db()
    assert (line["going_on"], line["allowed"]) == (True, ["complete", "miss", "reschedule", "reassign", "cancel"])
    assert (made.status, page.redirect_chain[-1][0]) == ("missed", "/admin/")


def test_lists_holds_that_run_out_first_and_none_past_its_end(dashboard, provider):
    with time_machine.travel(NOON - minutes(29), tick=False):
        first = hold(provider, at("2026-03-04 10:00"), now=NOON - minutes(29))
        hold(provider, at("2026-03-04 11:00"), now=NOON - minutes(30))
    last = hold(provider, at("2026-03-04 12:00"))

    assert panel(dashboard, "holds")["holds"] == [(first, 1), (last, 30)]


def test_lists_requests_the_soonest_first(dashboard, provider):
    service = ServiceFactory(providers=[provider], needs_approval=True)
    later, sooner = (appoint(provider, at(f"2026-03-0{day} 10:00"), service_id=service.pk) for day in (5, 4))
    appoint(provider, at("2026-03-06 10:00"))

    assert [line["appointment"] for line in panel(dashboard, "waiting")["lines"]] == [sooner, later]


def away_on(made, provider):
    day = made.starts_at.date()
    take_time_off(provider_id=provider.pk, fields={"start_date": day, "end_date": day}, actor=SYSTEM, now=NOON)


def test_lists_appointments_outside_the_hours_the_soonest_first(dashboard):
    provider = open_provider(horizon_days=5)
    appoint(provider, at("2026-03-04 10:00"))
    appoint(provider, at("2026-03-05 20:00"), overrides=OVERRIDES)
    later, sooner = appoint(provider, at("2026-03-05 10:00")), appoint(provider, at("2026-03-05 09:00"))
    assert panel(dashboard, "outside") is None

    away_on(later, provider)

    assert [line["appointment"] for line in panel(dashboard, "outside")["lines"]] == [sooner, later]
    listed = dashboard.get("/admin/booking/appointment/?when=outside").context["cl"].queryset
    assert set(listed) == {sooner, later}


def test_shows_nothing_outside_the_hours_once_it_is_cancelled(dashboard, provider):
    made = appoint(provider, at("2026-03-04 10:00"))
    away_on(made, provider)
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert panel(dashboard, "outside") is None


def test_lists_failed_messages_and_whether_they_are_of_use_yet(dashboard):
    useful = MessageFactory(status="failed", useful_until=NOON + minutes(1))
    late = MessageFactory(status="failed", useful_until=NOON, due_at=NOON - minutes(1))
    MessageFactory(status="sent")

    assert [(row.pk, of_use) for row, _who, of_use in panel(dashboard, "failed")["failed"]] == [
        (useful.pk, True),
        (late.pk, False),
    ]


def test_counts_the_last_days_in_the_readers_timezone(dashboard, provider):
    for start, status in (("2026-03-02 13:00", "missed"), ("2026-03-01 22:45", "completed"), ("2026-03-01 23:00", "x")):
        made = appoint(provider, at(start), overrides=OVERRIDES, now=at("2026-02-20 12:00"))
        if status != "x":
            type(made).objects.filter(pk=made.pk).update(status=status)

    said = panel(dashboard, "last_days")

    assert (said["appointments"], said["missed"]) == (3, 1)
    assert [bar["said"] for bar in said["bars"]][-2:] == ["Appointments: 1, missed: 0", "Appointments: 2, missed: 1"]


def test_pages_of_our_own_are_valid_html(office):
    a_day(2)
    made, held = Appointment.objects.filter(status="scheduled")[0], Reservation.objects.filter(status="held")[0]
    schedule = made.provider.schedule
    booking = f"/admin/booking/appointment/add/?schedule={schedule.pk}"
    pages = [
        office.get("/admin/"),
        office.get("/admin/booking/appointment/day/?date=2026-03-04"),
        office.get("/admin/booking/appointment/add/"),
        office.get(f"{booking}&client={made.client.pk}"),
        office.post(booking, {"do": "book", "search": "client", "overrides": "notice"}),
        office.get(f"/admin/booking/appointment/{made.pk}/change/"),
        office.get(f"/admin/booking/appointment/{made.pk}/do/reschedule/"),
        office.get(f"/admin/booking/appointment/{made.pk}/do/cancel/"),
        office.get(f"/admin/booking/reservation/{held.pk}/confirm/"),
        office.post("/admin/booking/appointment/", {"action": "cancel", "_selected_action": [made.pk]}),
    ]

    assert [page.status_code for page in pages] == [200] * len(pages)
    assert [fault for page in pages for fault in faults(page.content.decode())] == []


# --- The system -------------------------------------------------------------------------------------------------------


def facts(dashboard):
    return {str(fact["name"]): (fact["well"], str(fact["says"])) for fact in panel(dashboard, "system")["facts"]}


def beat(last_run_at):
    every = IntervalSchedule.objects.create(every=5, period="seconds")
    PeriodicTask.objects.create(interval=every, name="x", task="x", last_run_at=last_run_at)


def test_all_is_well(dashboard):
    beat(NOON - minutes(2))

    assert facts(dashboard) == {
        "Database": (True, ""),
        "Background job queue": (True, ""),
        "Periodic tasks": (True, "last active 2 min ago"),
        "Messages to send": (True, "nothing due"),
        "Mail server": (True, ""),
        "SMS gateway": (True, ""),
        "Data check": (True, "none yet"),
    }


@pytest.mark.parametrize(("ago", "well"), [(minutes(10) - timedelta(seconds=1), True), (minutes(10), False)])
def test_beat_that_rests_too_long_is_not_well(dashboard, ago, well):
    beat(NOON - ago)

    assert facts(dashboard)["Periodic tasks"][0] is well


def test_beat_that_never_ran_is_not_well(dashboard):
    assert facts(dashboard)["Periodic tasks"] == (False, "none has run yet")


@pytest.mark.parametrize(("ago", "well"), [(minutes(2) - timedelta(seconds=1), True), (minutes(2), False)])
def test_messages_that_are_not_sent_are_not_well(dashboard, ago, well):
    MessageFactory(status="pending", next_at=timezone.now() - ago)
    MessageFactory(status="pending", next_at=NOON + minutes(1))

    assert facts(dashboard)["Messages to send"] == (well, f"1 due, the oldest for {int(ago.total_seconds()) // 60} min")
    assert Message.objects.count() == 2


def test_mail_server_that_is_down_is_told_with_since_when_and_how_many_wait(dashboard):
    MessageFactory(status="pending", next_at=NOON - minutes(1))
    MessageFactory(status="pending", next_at=NOON + minutes(1))
    owe(to="ada@example.org", subject="Tea", text="Is ready.", now=NOON)
    open_outage("email", error="connection refused", now=NOON - minutes(5))

    well, says = facts(dashboard)["Mail server"]

    assert not well
    assert says.startswith("down since ")
    assert says.endswith(": 2 waiting. connection refused")


def test_no_mail_server_is_told_before_anything_is_to_be_sent(dashboard, settings):
    settings.EMAIL_BACKEND = "scheduler_project.common.mail.smtp.NoMailServer"

    assert facts(dashboard)["Mail server"] == (False, "not set up (EMAIL_URL): emails are waiting")


def test_no_sms_gateway_is_no_fault(dashboard, settings):
    settings.SMS_GATEWAY = "none"

    assert "SMS gateway" not in facts(dashboard)


def test_webhooks_that_do_not_answer_are_counted(dashboard):
    open_outage("webhook:1", error="connection refused", now=NOON)

    assert facts(dashboard)["Webhooks"] == (True, "1 not responding")


def test_first_page_opens_without_a_broker_and_says_so(dashboard, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    try:
        assert facts(dashboard)["Background job queue"] == (False, "unreachable")
    finally:
        redis_client.cache_clear()


def test_staff_without_permissions_see_no_panel(db):
    assert browser_of(UserFactory(staff=True)).get("/admin/").context["panels"] == []


@pytest.mark.parametrize(
    ("found", "ago", "well"), [(0, timedelta(days=7), True), (0, timedelta(days=9), False), (1, timedelta(), False)]
)
def test_data_that_is_not_as_it_should_be_or_not_inspected_is_not_well(dashboard, found, ago, well):
    Inspection.objects.create(at=NOON - ago, seconds=1, found=found, broken=[])

    assert panel(dashboard, "system")["facts"][-1]["well"] is well


@pytest.mark.parametrize(
    "asked",
    [
        "status=%00",
        f"reservation__starts_at__year={'9' * 400}",
        "reservation__starts_at__year=9999&reservation__starts_at__month=12",
    ],
)
@pytest.mark.parametrize("part", ["", "export/json/"])
def test_filters_that_nothing_is_found_by_are_refused(dashboard, part, asked):
    page = dashboard.get(f"/admin/booking/appointment/{part}?{asked}")

    assert (page.status_code, page.url) == (302, "/admin/booking/appointment/?e=1")


def test_filters_of_tasks_that_nothing_is_found_by_are_refused():
    boss = browser_of(UserFactory(superuser=True))

    assert boss.get("/admin/django_celery_beat/periodictask/?task=%00").status_code == 302
