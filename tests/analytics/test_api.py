"""`/api/analytics` and `/api/admin/statistics`: permissions and answers."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Provider
from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from booking.imports.kinds import APPOINTMENTS
from tests.booking.answers import refusal
from tests.booking.imports.helpers import run
from tests.conftest import logged_in
from tests.factories import (
    NOON,
    SYSTEM,
    AppointmentFactory,
    ClientFactory,
    ProviderFactory,
    ReservationFactory,
    ScheduleFactory,
    ServiceFactory,
    appoint,
    at,
    open_provider,
)
from tests.groups import MANAGER, staff_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=4)]

STANDING = {"pending": 0, "scheduled": 0, "completed": 0, "missed": 0, "cancelled": 0, "declined": 0}


def began(starts_at, **fields):
    """A missed appointment, unless `fields` set another status, made a day ahead."""
    made = {"created_at": starts_at - timedelta(days=1)}
    reservation = ReservationFactory(starts_at=starts_at, **made, **fields.pop("reservation", {}))
    return AppointmentFactory(reservation=reservation, **{"status": "missed", **made, **fields})


def test_figures_of_a_provider_are_their_own(provider_api, provider):
    appoint(provider, at("2026-03-04 09:00"))
    began(at("2026-03-03 09:00"))

    body = provider_api.get("/api/analytics?period=week").json()

    assert (body["provider"], body["appointments_by_status"]) == (provider.pk, {**STANDING, "scheduled": 1})
    assert [row["provider"] for row in body["by_provider"]] == [provider.pk]


def test_figures_of_staff_are_everybodys(staff_api, provider):
    appoint(provider, at("2026-03-04 09:00"))
    began(at("2026-03-03 09:00"))

    assert staff_api.get("/api/analytics?period=week").json()["appointments_by_status"] == {
        **STANDING,
        "scheduled": 1,
        "missed": 1,
    }


def test_figures_are_narrowed_to_a_provider(staff_api, provider):
    appoint(provider, at("2026-03-04 09:00"))
    began(at("2026-03-03 09:00"))

    body = staff_api.get(f"/api/analytics?period=week&provider={provider.pk}").json()

    assert body["appointments_by_status"] == {**STANDING, "scheduled": 1}


def test_figures_are_narrowed_to_a_service(staff_api):
    service = ServiceFactory()
    began(at("2026-03-03 09:00"), reservation={"service": service})
    began(at("2026-03-03 09:00"))

    body = staff_api.get(f"/api/analytics?period=week&service={service.pk}").json()

    assert (body["by_service"][0]["name"], body["appointments_by_status"]["missed"]) == (service.name, 1)


def test_figures_of_another_provider_are_not_found(provider_api):
    assert refusal(provider_api.get(f"/api/analytics?provider={ProviderFactory().pk}")) == (
        404,
        "not_found",
        "provider",
    )


def test_figures_of_another_providers_hidden_service_are_not_found(provider_api):
    service = ServiceFactory(owner=ProviderFactory(), is_active=False)

    assert refusal(provider_api.get(f"/api/analytics?service={service.pk}")) == (404, "not_found", "service")


def test_figures_are_refused_to_clients(booker_api):
    assert refusal(booker_api.get("/api/analytics")) == (403, "not_allowed", None)


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("period=year", "invalid_choice", "period"),
        ("from=2026-01-01", "required", "to"),
        ("to=2026-01-01", "required", "from"),
        ("from=2026-01-02&to=2026-01-01", "ends_before_start", "to"),
        ("from=2026-01-01&to=2027-01-02", "span_too_long", "to"),
        ("from=1999-12-31&to=2000-01-02", "out_of_range", "from"),
        ("from=yesterday&to=today", "invalid", "from"),
        ("from=2026-02-30&to=2026-03-01", "invalid", "from"),
        ("timezone=localtime", "unknown_timezone", "timezone"),
        ("timezone=posix/UTC", "unknown_timezone", "timezone"),
        ("provider=0", "min_value", "provider"),
        ("provider=99999999999999999999", "max_value", "provider"),
        ("provider=1%20OR%201=1", "invalid", "provider"),
        ("service=%00", "invalid", "service"),
    ],
)
def test_figures_refuse_what_cannot_be_read(staff_api, query, code, field):
    assert refusal(staff_api.get(f"/api/analytics?{query}")) == (400, code, field)


@pytest.mark.parametrize(("first", "last"), [("2000-01-01", "2000-12-31"), ("2100-01-01", "2100-12-31")])
def test_figures_reach_to_the_ends_of_time(staff_api, provider, first, last):
    answer = staff_api.get(f"/api/analytics?from={first}&to={last}&timezone=Pacific/Kiritimati")

    assert answer.status_code == 200


def test_figures_count_what_begins_at_midnight_and_not_at_the_next(staff_api):
    for start in ("2026-03-02 22:59", "2026-03-02 23:00", "2026-03-03 22:59", "2026-03-03 23:00"):
        began(at(start))

    body = staff_api.get("/api/analytics?from=2026-03-03&to=2026-03-03&timezone=Europe/Berlin").json()

    assert (body["appointments_by_status"]["missed"], body["start_time"], body["end_time"]) == (
        2,
        "2026-03-02T23:00:00Z",
        "2026-03-03T23:00:00Z",
    )


def test_days_are_those_of_the_calendar_of_the_one_provider(provider_api, provider):
    provider.schedule.timezone = "Asia/Tokyo"
    provider.schedule.save()

    assert provider_api.get("/api/analytics").json()["timezone"] == "Asia/Tokyo"


def test_days_are_those_of_staffs_own_timezone():
    staff = staff_of(MANAGER, timezone="America/New_York")

    assert logged_in(staff).get("/api/analytics?period=day").json()["timezone"] == "America/New_York"


@pytest.mark.parametrize(("hours", "late"), [(24, 0), (23.99, 1)])
def test_cancellation_is_late_within_a_day(staff_api, provider, hours, late):
    made = appoint(provider, at("2026-03-04 09:00"))
    take_action(
        appointment_id=made.pk,
        action=Action.CANCEL,
        actor=SYSTEM,
        now=at("2026-03-04 09:00") - timedelta(hours=hours),
    )

    told = staff_api.get("/api/analytics?period=week").json()["cancellations"]

    assert (told["count"], told["late"], told["notice_hours"]["median"]) == (1, late, int(hours))


def test_missed_rate_is_of_those_marked(staff_api):
    for status in ("missed", "completed", "completed", "completed", "scheduled", "cancelled"):
        began(at("2026-03-03 09:00"), status=status)

    assert staff_api.get("/api/analytics?period=week").json()["missed_rate"] == 0.25


def test_utilisation_is_booked_of_offered_minutes(staff_api, provider):
    Provider.objects.update(created_at=at("2026-01-01 00:00"))
    appoint(provider, at("2026-03-04 09:00"), service_id=None, ends_at=at("2026-03-04 11:00"), actor=SYSTEM)

    body = staff_api.get("/api/analytics?from=2026-03-04&to=2026-03-04&timezone=UTC").json()

    assert (body["booked_minutes"], body["offered_minutes"], body["utilisation"]) == (120, 480, 0.25)


def test_utilisation_counts_what_was_booked_outside_the_hours(staff_api, provider):
    Provider.objects.update(created_at=at("2026-01-01 00:00"))
    appoint(provider, at("2026-03-04 20:00"), overrides=["hours", "notice"])

    hours = staff_api.get("/api/analytics?from=2026-03-04&to=2026-03-04&timezone=UTC").json()["by_hour"]

    assert {name: hours[20][name] for name in ("booked_minutes", "offered_minutes", "utilisation")} == {
        "booked_minutes": 15,
        "offered_minutes": 0,
        "utilisation": None,
    }


def test_figures_of_nothing_are_none(staff_api):
    body = staff_api.get("/api/analytics").json()

    assert {name: body[name] for name in ("missed_rate", "utilisation", "lead_time_hours", "by_provider")} == {
        "missed_rate": None,
        "utilisation": None,
        "lead_time_hours": None,
        "by_provider": [],
    }


def test_figures_cost_the_same_queries_whatever_there_is(staff_api):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert staff_api.get("/api/analytics?period=month").status_code == 200
        return len(asked)

    ScheduleFactory(weekdays=True, provider__created_at=NOON)
    began(at("2026-03-03 09:00"), reservation={"service": ServiceFactory()})
    few = queries()
    for number in range(9):
        ScheduleFactory(provider__created_at=NOON)
        began(at(f"2026-03-{10 + number} 09:00"), reservation={"service": ServiceFactory()})

    assert queries() == few


# --- Statistics -------------------------------------------------------------------------------------------------------


def test_statistics_count_people(staff_api, provider):
    open_provider(hours=[], horizon_days=1)
    ProviderFactory(user=None, is_active=False, created_at=at("2020-01-01 00:00"))
    ClientFactory(owner=provider, user=None)
    ClientFactory(name="", user=None)
    appoint(provider, at("2026-03-04 09:00"))

    body = staff_api.get("/api/admin/statistics?period=month").json()

    assert body["providers"] == {
        "total": 3,
        "published": 2,
        "awaiting_approval": 0,
        "inactive": 1,
        "with_login": 2,
        "with_open_hours": 1,
        "without_open_hours": 2,
        "with_services": 0,
        "new": 2,
        "booked": 1,
    }
    assert body["clients"] == {"total": 2, "with_login": 1, "in_address_books": 1, "guests": 0, "new": 2}
    assert {name: body["users"][name] for name in ("total", "active", "staff", "providers", "clients", "new")} == {
        "total": 4,
        "active": 4,
        "staff": 1,
        "providers": 2,
        "clients": 1,
        "new": 4,
    }


def test_statistics_are_for_staff(provider_api, booker_api, api):
    answers = [who.get("/api/admin/statistics").status_code for who in (provider_api, booker_api, api)]

    assert answers == [403, 403, 401]


def test_statistics_refuse_a_span_too_long(staff_api):
    answer = staff_api.get("/api/admin/statistics?from=2020-01-01&to=2026-01-01")

    assert refusal(answer) == (400, "span_too_long", "to")


def test_the_past_that_was_taken_over_is_counted_when_it_was_and_nobody_booked_it_now(staff_api, provider):
    ClientFactory(user=None, owner=provider, name="Kim")
    rows = (f"{provider.slug},Kim,2026-02-2{day} 09:00,{status}" for day, status in ((4, "missed"), (5, "cancelled")))
    run(APPOINTMENTS, "provider,client_name,start,status\n" + "\n".join(rows), past=True)

    then = staff_api.get("/api/analytics?period=month&from=2026-02-23&to=2026-03-01").json()
    today = staff_api.get("/api/analytics?period=day").json()

    assert then["appointments_by_status"] == {**STANDING, "missed": 1, "cancelled": 1}
    assert (today["bookings"], today["cancellations"]["count"], today["lead_time_hours"]) == (0, 0, None)


def test_holds_are_counted_as_long_as_those_that_came_to_nothing_are_kept(staff_api, provider, settings):
    settings.RETAIN_HOLDS_DAYS = 5
    ends = {"expires_at": at("2026-02-25 00:30"), "status": "expired", "closed_at": at("2026-02-25 00:30")}
    ReservationFactory(created_at=at("2026-02-25 12:00"), **ends)
    ReservationFactory(created_at=at("2026-02-25 12:00"), client__name="", client__user=None, **ends)

    def held(first):
        return staff_api.get(f"/api/analytics?from={first}&to=2026-03-02").json()["holds"]

    assert (held("2026-02-26")["held"], held("2026-02-25")["held"]) == (0, 0)
    settings.RETAIN_HOLDS_DAYS = 6
    assert (held("2026-02-25")["held"], held("2026-02-25")["expired"]) == (1, 1)
    settings.RETAIN_HOLDS_DAYS = 0
    assert held("2026-02-24")["held"] == 1
