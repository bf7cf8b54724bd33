"""`/dashboard/` and `/dashboard/requests/`."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from booking.availability.operations import take_time_off
from tests.factories import NOON, SYSTEM, ClientFactory, HoldFactory, ServiceFactory, appoint, at, hold

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


QUERIES = 15


@pytest.fixture
def by_request(provider):
    return ServiceFactory(name="Home visit", needs_approval=True, duration_minutes=15, providers=[provider])


def page(dashboard, name="dashboard"):
    return dashboard.get(reverse(name)).content.decode()


def test_today_shows_the_link_to_share(dashboard, provider):
    assert f"/p/{provider.slug}/" in page(dashboard)


def test_today_says_that_nothing_is_next(dashboard):
    assert "Share your booking page" in page(dashboard)


def test_today_shows_what_is_next(dashboard, provider, ada):
    appoint(provider, at("2026-03-04 09:00"), client=ada, overrides=["notice"])

    assert "Wednesday, 4 March 2026, 09:00" in page(dashboard)


def test_today_lists_what_a_change_of_hours_left_outside(dashboard, provider):
    appoint(provider, at("2026-03-05 09:00"))
    assert "Outside working hours" not in page(dashboard)
    away = {"start_date": date(2026, 3, 5), "end_date": date(2026, 3, 5)}
    take_time_off(provider_id=provider.pk, fields=away, actor=SYSTEM, now=NOON)

    assert "Outside working hours" in page(dashboard)


def test_today_shows_the_gaps_left(dashboard, provider):
    appoint(provider, at("2026-03-02 14:00"), overrides=["notice"])

    shown = page(dashboard)

    assert "12:00 – 14:00" in shown
    assert "14:15 – 17:00" in shown


def test_today_offers_the_outcome_once_it_has_begun(dashboard, provider):
    made = appoint(provider, at("2026-03-02 09:00"), overrides=["notice", "hours"], now=at("2026-03-01 09:00"))
    later = appoint(provider, at("2026-03-02 15:00"), overrides=["notice"])

    shown = page(dashboard)

    assert f"Mark as completed: {made.client.name}" in shown
    assert f"Mark as completed: {later.client.name}" not in shown


@pytest.mark.parametrize("name", ["dashboard", "dashboard-week"])
def test_a_hold_of_who_has_not_said_their_name_yet_is_a_visitors(dashboard, provider, name):
    HoldFactory(provider=provider, starts_at=at("2026-03-02 15:00"), client=ClientFactory(user=None, name=""))

    assert "<strong>Visitor</strong>" in page(dashboard, name)


def test_today_shows_a_hold(dashboard, provider):
    provider.schedule.notice_minutes = 0
    provider.schedule.save()
    held = hold(provider, at("2026-03-02 15:00"))

    assert held.client.name in page(dashboard)


@pytest.mark.parametrize("number", [1, 8])
def test_today_costs_the_same_however_much_there_is(
    dashboard, provider, by_request, number, django_assert_max_num_queries
):
    for quarter in range(number):
        appoint(provider, at("2026-03-02 13:00") + timedelta(minutes=15 * quarter), overrides=["notice"])
        appoint(provider, at("2026-03-04 09:00") + timedelta(minutes=15 * quarter), service_id=by_request.pk)

    with django_assert_max_num_queries(QUERIES):
        page(dashboard)


def test_requests_says_when_nothing_waits(dashboard):
    assert "No requests to review" in page(dashboard, "dashboard-requests")


def test_requests_lists_what_waits_and_nothing_else(dashboard, provider, by_request):
    waits = appoint(provider, at("2026-03-04 09:00"), service_id=by_request.pk)
    other = appoint(provider, at("2026-03-04 10:00"), client=ClientFactory(name="Somebody else"))

    shown = page(dashboard, "dashboard-requests")

    assert waits.client.name in shown
    assert other.client.name not in shown


def test_requests_are_counted_in_the_navigation(dashboard, provider, by_request):
    appoint(provider, at("2026-03-04 09:00"), service_id=by_request.pk)

    assert '<span class="hidden-visually">waiting: </span>1</span>' in page(dashboard)


@pytest.mark.parametrize("number", [1, 8])
def test_requests_cost_the_same_however_many_wait(
    dashboard, provider, by_request, number, django_assert_max_num_queries
):
    for quarter in range(number):
        appoint(provider, at("2026-03-04 09:00") + timedelta(minutes=15 * quarter), service_id=by_request.pk)

    with django_assert_max_num_queries(QUERIES):
        page(dashboard, "dashboard-requests")


def test_requests_lose_what_was_declined_with_a_reason(dashboard, provider, by_request):
    waits = appoint(provider, at("2026-03-04 09:00"), service_id=by_request.pk)
    path = reverse("dashboard-appointment-act", args=[waits.pk])

    answer = dashboard.post(
        path, {"do": "decline", "reason": "Too far", "next": reverse("dashboard-requests")}, follow=True
    )

    waits.refresh_from_db()
    assert (waits.status, waits.cancellation_reason) == ("declined", "Too far")
    assert "No requests to review" in answer.content.decode()
