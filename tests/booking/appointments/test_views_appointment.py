"""`/dashboard/appointments/<id>/`: seen, acted on, edited, moved."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from icalendar import Calendar

from booking.models import Appointment, Reservation
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from tests.factories import NOON, SYSTEM, ServiceFactory, appoint, at
from tests.html import reminded, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


@pytest.fixture
def appointment(provider, ada):
    return appoint(provider, at("2026-03-04 09:00"), client=ada, overrides=["notice"], title="Trial lesson")


@pytest.fixture
def request_to_approve(provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    return appoint(provider, at("2026-03-04 09:00"), service_id=service.pk)


@pytest.fixture
def weekly(provider, ada):
    """Four Wednesdays at nine."""
    wanted = SeriesSpec(provider.pk, ada.pk, "FREQ=WEEKLY;COUNT=4", at("2026-03-04 09:00"))
    return create_series(wanted=wanted, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON).booked


def page_of(dashboard, appointment):
    return dashboard.get(reverse("dashboard-appointment", args=[appointment.pk])).content.decode()


def acted(dashboard, appointment, do, follow=True, **fields):
    path = reverse("dashboard-appointment-act", args=[appointment.pk])
    answer = dashboard.post(path, {"do": do, **fields}, follow=follow)
    appointment.refresh_from_db()
    return answer


def moved(dashboard, appointment, **fields):
    answer = dashboard.post(reverse("dashboard-appointment-move", args=[appointment.pk]), {"do": "move", **fields})
    return answer, Appointment.objects.select_related("reservation").get(pk=appointment.pk)


def edited(dashboard, appointment, **fields):
    answer = dashboard.post(reverse("dashboard-appointment", args=[appointment.pk]), fields)
    appointment.refresh_from_db()
    return answer


def statuses(appointments):
    rows = Appointment.objects.filter(pk__in=[one.pk for one in appointments])
    return list(rows.order_by("reservation__starts_at").values_list("status", flat=True))


# --- Seeing -----------------------------------------------------------------------------------------------------------


def test_page_shows_the_client_with_private_notes(dashboard, appointment):
    page = page_of(dashboard, appointment)

    assert "mailto:ada@example.org?subject=Trial%20lesson" in page
    assert "Likes mornings." in page


def test_page_keeps_the_notes_of_another_address_book_out(dashboard, provider):
    made = appoint(provider, at("2026-03-04 09:00"))
    made.client.notes = "Of the office"
    made.client.save()

    assert "Of the office" not in page_of(dashboard, made)


def test_page_escapes_what_people_write(dashboard, provider, ada):
    made = appoint(provider, at("2026-03-04 09:00"), client=ada, overrides=["notice"], title="<script>x</script>")

    assert "<script>x" not in page_of(dashboard, made)


def test_page_offers_only_what_is_allowed(dashboard, appointment):
    page = page_of(dashboard, appointment)

    assert 'value="cancel"' in page
    assert 'value="complete"' not in page
    assert 'value="approve"' not in page


def test_page_tells_the_history(dashboard, appointment):
    acted(dashboard, appointment, "cancel", reason="Down with the flu")

    page = page_of(dashboard, appointment)
    assert "Cancelled" in page
    assert "Down with the flu" in page


def test_page_costs_few_queries(dashboard, weekly, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        page_of(dashboard, weekly[0])


def test_page_lists_the_others_of_its_series(dashboard, weekly):
    page = page_of(dashboard, weekly[0])

    assert [f"/dashboard/appointments/{one.pk}/" in page for one in weekly[1:]] == [True] * 3


def test_calendar_file_is_that_appointments(dashboard, appointment):
    answer = dashboard.get(reverse("dashboard-appointment-ics", args=[appointment.pk]))

    (event,) = Calendar.from_ical(answer.content).events
    assert str(event["uid"]).startswith(str(appointment.uid))


# --- Acting -----------------------------------------------------------------------------------------------------------


def test_act_cancels_with_a_reason(dashboard, appointment):
    answer = acted(dashboard, appointment, "cancel", reason="Burst pipe")

    assert (appointment.status, appointment.cancellation_reason) == ("cancelled", "Burst pipe")
    assert "Cancelled: the time is free again. We&#x27;ve notified Ada Byron." in answer.content.decode()


def test_act_completes_what_has_begun(dashboard, appointment):
    with time_machine.travel(appointment.starts_at, tick=False):
        acted(dashboard, appointment, "complete")

    assert appointment.status == "completed"


def test_act_says_why_an_outcome_must_wait(dashboard, appointment):
    with time_machine.travel(appointment.starts_at - timedelta(microseconds=1), tick=False):
        answer = acted(dashboard, appointment, "miss")

    assert appointment.status == "scheduled"
    assert "Record its outcome once it has begun." in answer.content.decode()


def test_act_goes_back_to_where_the_button_was(dashboard, request_to_approve):
    answer = acted(dashboard, request_to_approve, "approve", follow=False, next="/dashboard/requests/")

    assert (answer.status_code, answer.url) == (302, "/dashboard/requests/")


def test_act_goes_nowhere_else(dashboard, request_to_approve):
    answer = acted(dashboard, request_to_approve, "approve", follow=False, next="https://evil.example/")

    assert answer.url == reverse("dashboard-appointment", args=[request_to_approve.pk])


@pytest.mark.parametrize("do", ["", "explode", "reschedule\x00"])
def test_act_does_nothing_it_does_not_know(dashboard, appointment, do):
    acted(dashboard, appointment, do)

    assert appointment.status == "scheduled"


def test_act_keeps_a_reason_that_is_too_long_out(dashboard, appointment):
    acted(dashboard, appointment, "cancel", reason="x" * 501)

    assert appointment.status == "scheduled"


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        ("this", ["scheduled", "cancelled", "scheduled", "scheduled"]),
        ("following", ["scheduled", "cancelled", "cancelled", "cancelled"]),
        ("all", ["cancelled"] * 4),
    ],
)
def test_act_cancels_as_much_of_a_series_as_was_chosen(dashboard, weekly, scope, left):
    acted(dashboard, weekly[1], "cancel", scope=scope)

    assert statuses(weekly) == left


# --- Editing ----------------------------------------------------------------------------------------------------------


def test_edit_changes_what_it_says(dashboard, appointment):
    edited(
        dashboard,
        appointment,
        title="Second lesson",
        description="Bring shoes",
        **reminded(("2", "hours"), ("1", "days")),
    )

    assert (appointment.title, appointment.description) == ("Second lesson", "Bring shoes")
    assert appointment.reminder_offsets == ["1 day", "2 hours"]


def test_edit_says_what_is_no_reminder_and_keeps_the_words(dashboard, appointment):
    answer = edited(dashboard, appointment, title="Second lesson", **reminded(("91", "days")))

    assert "up to 90 days before the start" in answer.content.decode()
    assert 'value="Second lesson"' in answer.content.decode()
    assert appointment.title == "Trial lesson"


def test_edit_changes_the_rest_of_a_series(dashboard, weekly):
    edited(dashboard, weekly[2], title="Advanced", scope="following")

    rows = Appointment.objects.order_by("reservation__starts_at")
    assert [row.title for row in rows] == ["", "", "Advanced", "Advanced"]


# --- Moving -----------------------------------------------------------------------------------------------------------


def test_move_lists_the_free_times_of_a_day(dashboard, provider, appointment):
    appoint(provider, at("2026-03-05 09:00"))

    page = dashboard.get(
        reverse("dashboard-appointment-move", args=[appointment.pk]), {"date": "2026-03-05"}
    ).content.decode()

    assert 'value="2026-03-05T09:00:00+00:00"' not in page
    assert 'aria-label="Thursday 5 March 2026, 09:15, 15 minutes"' in page


def test_move_takes_a_time_that_was_listed(dashboard, appointment):
    answer, after = moved(dashboard, appointment, start="2026-03-05T10:00:00+00:00")

    assert answer.status_code == 302
    assert after.starts_at == at("2026-03-05 10:00")


def test_move_first_shows_from_when_to_when(dashboard, provider, appointment):
    answer, after = moved(dashboard, appointment, start="2026-03-05T10:00:00+00:00", do="")

    text = text_of(answer)
    assert "From Wednesday 4 March 2026 09:00 – 09:15 UTC To Thursday 5 March 2026 10:00 – 10:15 UTC" in text
    assert after.starts_at == at("2026-03-04 09:00")
    assert not Reservation.objects.filter(starts_at=at("2026-03-05 10:00")).exists()


def test_move_sends_along_what_it_showed(dashboard, appointment):
    answer, _ = moved(dashboard, appointment, date="2026-03-05", time="20:00", minutes="30", overrides="hours", do="")
    shown = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode()))
    _, after = moved(dashboard, appointment, **shown)

    assert (after.starts_at, after.ends_at) == (at("2026-03-05 20:00"), at("2026-03-05 20:30"))


def test_move_says_how_many_of_a_series_go_along(dashboard, weekly):
    answer, after = moved(dashboard, weekly[2], date="2026-03-19", time="10:00", scope="following", do="")

    assert "This reschedules 2 appointments of the series." in text_of(answer)
    assert after.starts_at == at("2026-03-18 09:00")


def test_move_takes_a_time_by_hand_in_the_providers_zone(dashboard, provider, appointment):
    provider.schedule.timezone = "Europe/Berlin"
    provider.schedule.save()

    _, after = moved(dashboard, appointment, date="2026-03-05", time="11:00", minutes="30")

    assert (after.starts_at, after.ends_at) == (at("2026-03-05 10:00"), at("2026-03-05 10:30"))


def test_move_to_a_time_taken_says_so_and_offers_others(dashboard, provider, appointment):
    appoint(provider, at("2026-03-05 10:00"))

    answer, after = moved(dashboard, appointment, date="2026-03-05", time="10:00")

    page = answer.content.decode()
    assert "This time is taken" in page
    assert 'value="2026-03-05T10:15:00+00:00"' in page
    assert after.starts_at == at("2026-03-04 09:00")


def test_move_out_of_hours_must_be_meant(dashboard, appointment):
    _, before = moved(dashboard, appointment, date="2026-03-05", time="20:00")
    _, after = moved(dashboard, appointment, date="2026-03-05", time="20:00", overrides="hours")

    assert before.starts_at == at("2026-03-04 09:00")
    assert (after.starts_at, after.reservation.overrides) == (at("2026-03-05 20:00"), ["hours"])


def test_move_leads_back_from_what_is_over(dashboard, appointment):
    acted(dashboard, appointment, "cancel")

    answer = dashboard.get(reverse("dashboard-appointment-move", args=[appointment.pk]))

    assert answer.url == reverse("dashboard-appointment", args=[appointment.pk])


def test_move_takes_the_rest_of_a_series_along(dashboard, weekly):
    moved(dashboard, weekly[2], date="2026-03-19", time="10:00", scope="following")

    starts = Appointment.objects.order_by("reservation__starts_at").values_list("reservation__starts_at", flat=True)
    assert [f"{start:%d %H:%M}" for start in starts] == ["04 09:00", "11 09:00", "19 10:00", "26 10:00"]
