"""The admin of booking: every page opens, lists stay cheap, and everything goes through the operations."""

import re
from datetime import time, timedelta
from html import unescape

import pytest
import time_machine
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Source
from booking.appointments.enums import AppointmentStatus, Event
from booking.appointments.operations import edit, reschedule
from booking.availability.admin.schedules import hours_in_words
from booking.availability.models import POLICY
from booking.availability.operations import close_business, open_window, set_date_override, take_time_off
from booking.availability.slots import extend_all
from booking.calendars.operations import open_feed
from booking.models import (
    Appointment,
    AppointmentSeries,
    AvailabilityWindow,
    CalendarFeed,
    Closure,
    DateOverride,
    Reservation,
    Schedule,
    Slot,
    TimeOff,
    WorkingHours,
)
from booking.reservations.enums import Override, ReservationStatus
from booking.reservations.errors import HoldExpired
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from tests.factories import (
    NOON,
    SYSTEM,
    ClientFactory,
    MessageFactory,
    ServiceFactory,
    UserFactory,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.looking import dump, slots_within

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

TUESDAY_10 = at("2026-03-03 10:00")
WEDNESDAY_10 = at("2026-03-04 10:00")


@pytest.fixture
def berlin(db):
    """Monday to Friday, 09:00 to 17:00 in Berlin; a day's notice."""
    return open_provider(timezone="Europe/Berlin", provider__name="Greta")


def url(name, *args, **query):
    text = reverse(f"admin:booking_{name}", args=args)
    return f"{text}?{'&'.join(f'{key}={value}' for key, value in query.items())}" if query else text


def texts(response, tag="li", css=""):
    """Return the text of the elements with this class, without tags."""
    found = re.findall(rf'<{tag}[^>]*class="[^"]*{css}[^"]*"[^>]*>(.*?)</{tag}>', response.content.decode(), re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", "", text)).strip() for text in found]


def told(response):
    """Return the messages on the page after the redirect."""
    return [str(message) for message in response.context["messages"]]


def errors(response):
    form = response.context["adminform"].form if "adminform" in response.context else response.context["form"]
    return {field: list(found) for field, found in form.errors.items()}


def act(office, name, action, rows, **more):
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return office.post(url(f"{name}_changelist"), data, follow=True)


def a_practice(providers=1):
    """Create every kind of row, for that many providers."""
    for number in range(providers):
        provider = open_provider(provider__name=f"Ada {number}", horizon_days=20)
        service = ServiceFactory(providers=[provider])
        open_feed(provider_id=provider.pk, actor=SYSTEM, now=NOON)
        appoint(provider, TUESDAY_10, overrides=[Override.NOTICE], service_id=service.pk)
        hold(provider, WEDNESDAY_10)
        weekly(provider)
        common = {"actor": SYSTEM, "now": NOON}
        days = {"start_date": at("2026-03-10").date(), "end_date": at("2026-03-11").date()}
        take_time_off(provider_id=provider.pk, fields=days, **common)
        lost = {"starts_at": at("2026-03-12 10:00"), "ends_at": at("2026-03-12 12:00"), "reason": "Dentist"}
        take_time_off(provider_id=provider.pk, fields=lost, **common)
        set_date_override(provider_id=provider.pk, day=at("2026-03-13").date(), hours=[(time(9), time(12))], **common)
        window = {"starts_at": at("2026-03-14 10:00"), "ends_at": at("2026-03-14 12:00")}
        open_window(provider_id=provider.pk, **window, **common)
        closed = at("2026-03-20").date() + timedelta(days=number)
        close_business(fields={"start_date": closed, "end_date": closed}, **common)


def weekly(provider, start="2026-03-05 11:00"):
    """A series on Thursdays, 11:00 to 11:15."""
    wanted = SeriesSpec(
        provider_id=provider.pk, client_id=ClientFactory().pk, rrule="FREQ=WEEKLY", starts=at(start), title="Thursdays"
    )
    return create_series(wanted=wanted, policy=ConflictPolicy.SKIP_CONFLICTS, actor=SYSTEM, now=NOON).series


MODELS = [model._meta.model_name for model in admin.site._registry if model._meta.app_label == "booking"]


# --- Every page opens -------------------------------------------------------------------------------------------------


def test_registers_every_model_of_booking():
    parts_and_memories = {"formerhours", "service_providers", "slotsversion"}

    models = {model._meta.model_name for model in apps.get_app_config("booking").get_models()}
    assert set(MODELS) == models - parts_and_memories


@pytest.mark.parametrize("name", MODELS)
def test_opens_list_search_and_rows(office, name):
    a_practice()
    model = next(model for model in admin.site._registry if model._meta.model_name == name)

    assert office.get(url(f"{name}_changelist")).status_code == 200
    if admin.site._registry[model].search_fields:
        assert office.get(url(f"{name}_changelist", q="Ada")).status_code == 200
    for row in model.objects.order_by("pk")[:2]:
        page = office.get(url(f"{name}_change", row.pk))
        assert page.status_code == 200
        assert office.get(url(f"{name}_history", row.pk), follow=True).status_code == 200


@pytest.mark.parametrize("name", ["timeoff", "dateoverride", "availabilitywindow"])
def test_adding_to_a_calendar_asks_whose_and_tells_the_zone(office, berlin, name):
    assert "choose a provider" in office.get(url(f"{name}_add")).content.decode()
    assert "choose a provider" in office.get(url(f"{name}_add", schedule="nobody")).content.decode()

    page = office.get(url(f"{name}_add", schedule=berlin.schedule.pk))

    assert page.status_code == 200
    assert "Europe/Berlin" in page.content.decode()


@pytest.mark.parametrize("name", ["closure", "service"])
def test_adding_opens(office, name):
    assert office.get(url(f"{name}_add")).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["schedule", "slot", "reservation", "appointmentevent", "workinghours", "calendarfeed", "appointmentseries"],
)
def test_what_operations_write_is_not_added_by_hand(office, name):
    assert office.get(url(f"{name}_add")).status_code == 403


@pytest.mark.parametrize(
    "name", ["schedule", "slot", "reservation", "appointmentevent", "workinghours", "appointment", "appointmentseries"]
)
def test_what_operations_write_is_not_deleted_by_hand(office, name):
    a_practice()
    model = next(model for model in admin.site._registry if model._meta.model_name == name)

    assert office.post(url(f"{name}_delete", model.objects.first().pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "name", ["slot", "reservation", "appointmentevent", "workinghours", "calendarfeed", "appointmentseries"]
)
def test_what_operations_write_is_not_changed_by_hand(office, name):
    a_practice()
    model = next(model for model in admin.site._registry if model._meta.model_name == name)

    assert office.post(url(f"{name}_change", model.objects.first().pk), {}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "appointment/?provider=x",
        "slot/?provider=99999999999999999999999",
        "appointment/?when=never",
        "appointment/?status=nonsense",
        "slot/?state=x",
        "appointment/99999999999999999999999/change/",
        "appointment/1/do/cancel/",
        "appointment/1/do/nonsense/",
        "timeoff/?provider=%00",
    ],
)
def test_nonsense_in_the_address_is_never_a_crash(office, path):
    assert office.get(f"/admin/booking/{path}", follow=True).status_code in (200, 404)


def test_periodic_tasks_stay_in_the_admin(office):
    for name in ("periodictask", "intervalschedule", "crontabschedule"):
        assert office.get(reverse(f"admin:django_celery_beat_{name}_changelist")).status_code == 200


def test_site_has_the_name_of_the_settings(office, settings):
    page = office.get("/admin/")

    assert (page.context["site_header"], page.context["site_title"]) == (settings.SITE_NAME, settings.SITE_NAME)


# --- Lists ------------------------------------------------------------------------------------------------------------


def test_slot_list_asks_for_a_provider_and_counts_nothing_without(office, provider):
    page = office.get(url("slot_changelist"))

    assert page.context["cl"].result_count == 0
    assert "Choose a provider" in told(page)[0]


def test_slot_list_shows_the_grid_of_one_provider(office, berlin):
    other = open_provider(provider__name="Other")

    page = office.get(url("slot_changelist", provider=berlin.pk, state="free"))

    assert page.context["cl"].result_count == Slot.objects.filter(provider=berlin).count()
    assert {row.provider_id for row in page.context["cl"].result_list} == {berlin.pk} != {other.pk}
    assert "09:00 Europe/Berlin" in page.content.decode()


# --- One appointment --------------------------------------------------------------------------------------------------


def test_edits_words_only_and_records_it(office, boss, berlin):
    appointment = appoint(berlin, WEDNESDAY_10)
    words = {"title": "New title", "description": "With crutches", "timezone": "Europe/Berlin"}
    lists = {f"{name}-{kind}_FORMS": 0 for name in ("events", "messages") for kind in ("TOTAL", "INITIAL")}

    office.post(url("appointment_change", appointment.pk), {**words, **lists, "status": "completed"}, follow=True)

    appointment.refresh_from_db()
    assert (appointment.title, appointment.description) == ("New title", "With crutches")
    assert appointment.status == AppointmentStatus.SCHEDULED
    edited = appointment.events.get(event=Event.EDITED)
    assert (edited.user, edited.face) == (boss, Source.ADMIN)


def test_cancels_one_with_a_reason(office, berlin):
    appointment = appoint(berlin, WEDNESDAY_10)
    page = url("appointment_act", appointment.pk, "cancel")
    assert office.get(page).status_code == 200
    assert list(errors(office.post(page, {"reason": ""}))) == ["reason"]

    office.post(page, {"reason": "Flu"})

    appointment.refresh_from_db()
    assert (appointment.status, appointment.cancellation_reason) == (AppointmentStatus.CANCELLED, "Flu")
    assert Reservation.objects.get().status == ReservationStatus.RELEASED


def test_a_wrong_move_is_a_message(office, berlin):
    appointment = appoint(berlin, WEDNESDAY_10)

    page = office.post(url("appointment_act", appointment.pk, "complete"), follow=True)

    assert told(page) == ["The appointment hasn't started yet. Record its outcome once it has begun."]


def test_offers_what_can_be_done_with_an_appointment_now(office, berlin):
    appointment = appoint(berlin, WEDNESDAY_10)

    page = office.get(url("appointment_change", appointment.pk))

    assert [label for label, _url, _asks in page.context["buttons"]] == ["Reschedule", "Change the client", "Cancel"]


def test_tells_when_who_and_how_to_reach_them_and_books_the_same_again(office, berlin):
    service = ServiceFactory(providers=[berlin])
    client = ClientFactory(name="Ada Byron", email="ada@example.org", phone="+442079460123")
    appointment = appoint(berlin, WEDNESDAY_10, client=client, service_id=service.pk)

    page = office.get(url("appointment_change", appointment.pk))

    text = page.content.decode()
    assert "Wednesday, 4 March 2026, 11:00" in text
    assert 'href="tel:+442079460123"' in text
    assert 'href="mailto:ada@example.org"' in text
    again = office.get(page.context["again"]).context["form"].initial
    assert (again["client"], again["service"]) == (str(client.pk), str(service.pk))


def test_appointment_page_costs_the_same_for_one_message_and_for_many(office, berlin):
    appointment = appoint(berlin, WEDNESDAY_10)
    page = url("appointment_change", appointment.pk)
    office.get(page)
    with CaptureQueriesContext(connection) as few:
        office.get(page)
    for number in range(5):
        MessageFactory(appointment=appointment, due_at=NOON + minutes(number))
        edit(appointment_id=appointment.pk, changes={"title": f"Title {number}"}, actor=SYSTEM, now=NOON)

    with CaptureQueriesContext(connection) as many:
        office.get(page)

    assert len(many) == len(few)


def test_somebody_without_the_permission_does_nothing(berlin):
    appointment = appoint(berlin, WEDNESDAY_10)
    browser = Browser()
    browser.force_login(UserFactory(staff=True))

    assert browser.post(url("appointment_act", appointment.pk, "cancel"), {"reason": "x"}).status_code == 403
    assert browser.post(url("reservation_expire")).status_code == 403
    assert browser.get(url("appointment_add", schedule=berlin.schedule.pk)).status_code == 403


# --- Many appointments ------------------------------------------------------------------------------------------------


def pending(provider, start):
    service = ServiceFactory(providers=[provider], needs_approval=True)
    return appoint(provider, start, service_id=service.pk)


def test_approves_those_that_wait_and_says_why_not_of_the_rest(office, boss, berlin):
    waiting = pending(berlin, WEDNESDAY_10)
    settled = appoint(berlin, at("2026-03-05 10:00"))

    page = act(office, "appointment", "approve", [waiting, settled], answered="1")

    assert told(page) == [
        "Appointment: An appointment that is scheduled can become: completed, missed, cancelled.",
        "Appointments approved: 1.",
    ]
    waiting.refresh_from_db()
    assert waiting.status == AppointmentStatus.SCHEDULED
    assert waiting.events.get(event=Event.APPROVED).user == boss


@pytest.mark.parametrize(
    ("action", "status"), [("complete", AppointmentStatus.COMPLETED), ("miss", AppointmentStatus.MISSED)]
)
def test_marks_how_it_went_once_it_has_begun(office, berlin, action, status):
    appointment = appoint(berlin, WEDNESDAY_10)
    act(office, "appointment", action, [appointment], answered="1")
    appointment.refresh_from_db()
    assert appointment.status == AppointmentStatus.SCHEDULED

    with time_machine.travel(WEDNESDAY_10, tick=False):
        act(office, "appointment", action, [appointment], answered="1")

    appointment.refresh_from_db()
    assert appointment.status == status


@pytest.mark.parametrize(
    ("action", "status"), [("cancel", AppointmentStatus.CANCELLED), ("decline", AppointmentStatus.DECLINED)]
)
def test_asks_for_a_reason_before_cancelling_or_declining_many(office, berlin, action, status):
    rows = [pending(berlin, WEDNESDAY_10), pending(berlin, at("2026-03-05 10:00"))]

    page = act(office, "appointment", action, rows)
    assert "Reason" in page.content.decode()
    assert set(Appointment.objects.values_list("status", flat=True)) == {AppointmentStatus.PENDING}
    empty = act(office, "appointment", action, rows, answered="1", reason="")
    assert list(errors(empty)) == ["reason"]
    act(office, "appointment", action, rows, answered="1", reason="Burst pipe")

    assert set(Appointment.objects.values_list("status", "cancellation_reason")) == {(status, "Burst pipe")}


def test_shows_what_would_be_done_and_refused_and_changes_nothing(office, berlin):
    waiting, settled = pending(berlin, WEDNESDAY_10), appoint(berlin, at("2026-03-05 10:00"))
    before = dump()

    page = act(office, "appointment", "approve", [waiting, settled])

    when = "Greta, Wed 2026-03-04 11:00 Europe/Berlin"
    assert page.context["well"] == [f"{waiting.called}: {waiting.client}, {when}"]
    assert [why for _row, why in page.context["refused"]] == [
        "An appointment that is scheduled can become: completed, missed, cancelled."
    ]
    assert dump() == before


def test_preview_of_what_would_all_be_refused_offers_nothing_to_do(office, berlin):
    page = act(office, "appointment", "complete", [appoint(berlin, WEDNESDAY_10)])

    assert (page.context["well"], page.context["submit"]) == ([], "")


def test_actions_are_done_to_the_rows_that_were_shown_and_to_no_others(office, berlin):
    shown = pending(berlin, WEDNESDAY_10)
    page = act(office, "appointment", "approve", [shown], select_across="1")
    came_in_later = pending(berlin, at("2026-03-05 10:00"))

    answer = {}
    for name, value in page.context["hidden"]:
        answer.setdefault(name, []).append(value)
    office.post(url("appointment_changelist"), answer)

    shown.refresh_from_db()
    came_in_later.refresh_from_db()
    assert (shown.status, came_in_later.status) == (AppointmentStatus.SCHEDULED, AppointmentStatus.PENDING)


def test_too_many_rows_at_once_are_refused(office, berlin, monkeypatch):
    monkeypatch.setattr("scheduler_project.common.admin.actions.MOST_AT_ONCE", 1)
    rows = [pending(berlin, WEDNESDAY_10), pending(berlin, at("2026-03-05 10:00"))]

    page = act(office, "appointment", "approve", rows, answered="1")

    assert told(page) == ["Choose fewer rows: at most 1 at a time."]
    assert set(Appointment.objects.values_list("status", flat=True)) == {AppointmentStatus.PENDING}


def test_goes_back_to_where_the_button_was_but_never_off_the_site(office, berlin):
    rows = [pending(berlin, WEDNESDAY_10), pending(berlin, at("2026-03-05 10:00"))]

    here = office.post(url("appointment_act", rows[0].pk, "approve"), {"next": "/admin/"})
    away = office.post(url("appointment_act", rows[1].pk, "approve"), {"next": "https://evil.example/"})

    assert (here.url, away.url) == ("/admin/", url("appointment_change", rows[1].pk))


# --- Reservations -----------------------------------------------------------------------------------------------------


def test_releases_holds_and_leaves_confirmed_ones(office, berlin):
    held = hold(berlin, WEDNESDAY_10)
    confirmed = appoint(berlin, at("2026-03-05 10:00")).reservation

    page = act(office, "reservation", "release_holds", [held, confirmed], answered="1")

    assert [text for text in told(page) if "confirmed" in text]
    held.refresh_from_db()
    confirmed.refresh_from_db()
    assert (held.status, confirmed.status) == (ReservationStatus.RELEASED, ReservationStatus.CONFIRMED)


def test_confirms_a_hold_for_whoever_says_so_by_telephone(office, boss, berlin):
    held = hold(berlin, WEDNESDAY_10)
    page = office.get(url("reservation_change", held.pk))
    assert [label for label, _ in page.context["tools"]] == ["Confirm for the client", "Release"]
    assert "Confirm for the client" in office.get(url("reservation_confirm", held.pk)).content.decode()

    answer = office.post(url("reservation_confirm", held.pk))

    made = Appointment.objects.get(reservation=held)
    assert answer.url == url("appointment_change", made.pk)
    assert (made.status, made.events.get().user, made.events.get().face) == ("scheduled", boss, Source.ADMIN)


def test_a_hold_past_its_end_is_not_confirmed(office, berlin):
    held = hold(berlin, WEDNESDAY_10)
    with time_machine.travel(held.expires_at, tick=False):
        page = office.post(url("reservation_confirm", held.pk), follow=True)

    assert told(page) == [HoldExpired.message]
    assert page.context["tools"] == []
    assert not Appointment.objects.exists()


def test_releases_one_hold(office, berlin):
    held = hold(berlin, WEDNESDAY_10)

    office.post(url("reservation_release", held.pk))

    held.refresh_from_db()
    assert held.status == ReservationStatus.RELEASED


def test_expires_due_holds_now(office, berlin):
    held = hold(berlin, WEDNESDAY_10)
    with time_machine.travel(held.expires_at, tick=False):
        assert "hold overdue" in office.get(url("reservation_changelist")).content.decode()
        assert office.get(url("reservation_expire")).status_code == 200
        held.refresh_from_db()
        assert held.status == ReservationStatus.HELD

        page = office.post(url("reservation_expire"), follow=True)

    held.refresh_from_db()
    assert held.status == ReservationStatus.EXPIRED
    assert told(page) == ["Holds expired: 1."]


# --- Calendars --------------------------------------------------------------------------------------------------------


def schedule_form(schedule, hours=None, **policy):
    """Return the schedule's form data as a browser sends them; `hours` replace those shown."""
    data = {name: getattr(schedule, name) for name in POLICY} | policy
    rows = list(schedule.working_hours.all())
    data |= {"working_hours-TOTAL_FORMS": len(rows), "working_hours-INITIAL_FORMS": len(rows)}
    for number, row in enumerate(rows):
        data |= {
            f"working_hours-{number}-id": row.pk,
            f"working_hours-{number}-schedule": schedule.pk,
            f"working_hours-{number}-weekday": row.weekday,
            f"working_hours-{number}-start_time": f"{row.start_time:%H:%M}",
            f"working_hours-{number}-end_time": f"{row.end_time:%H:%M}",
        }
    return data | (hours or {})


def save_schedule(office, schedule, hours=None, **policy):
    data = schedule_form(schedule, hours, **policy)
    return office.post(url("schedule_change", schedule.pk), data, follow=True)


def test_changes_the_policy_and_lays_the_slots_anew(office, berlin):
    page = save_schedule(office, berlin.schedule, slot_minutes=30)

    schedule = Schedule.objects.get(pk=berlin.schedule.pk)
    assert schedule.slot_minutes == 30
    assert {slot.ends_at - slot.starts_at for slot in Slot.objects.filter(provider=berlin)} == {minutes(30)}
    assert told(page)[0].startswith("Free slots: ")


def test_changing_hours_keeps_bookings_and_links_those_now_outside(office, berlin):
    inside, stranded = appoint(berlin, at("2026-03-04 12:00")), appoint(berlin, at("2026-03-04 08:00"))
    wednesday = {"working_hours-2-start_time": "13:00", "working_hours-2-end_time": "24:00"}

    page = save_schedule(office, berlin.schedule, wednesday)

    assert WorkingHours.objects.get(schedule=berlin.schedule, weekday=2).end_time == time(0)
    (warning,) = [text for text in told(page) if "1 appointment is now outside" in text]
    assert url("appointment_change", stranded.pk) in warning
    assert url("appointment_change", inside.pk) not in warning
    assert Appointment.objects.filter(status=AppointmentStatus.SCHEDULED).count() == 2


def test_hours_that_end_at_midnight_read_24_00(office, berlin):
    save_schedule(office, berlin.schedule, {"working_hours-2-start_time": "13:00", "working_hours-2-end_time": "24:00"})

    page = office.get(url("schedule_change", berlin.schedule.pk)).content.decode()
    untouched = save_schedule(
        office, berlin.schedule, {"working_hours-2-start_time": "13:00", "working_hours-2-end_time": "24:00"}
    )

    assert 'value="24:00"' in page
    assert str(WorkingHours.objects.get(schedule=berlin.schedule, weekday=2)) == "Wednesday 13:00–24:00"
    assert not [text for text in told(untouched) if text.startswith("Free slots")]


def test_changes_the_reminders_of_a_schedule(office, berlin):
    save_schedule(office, berlin.schedule, reminder_offsets="2 hours, 1 day")

    assert Schedule.objects.get().reminder_offsets == ["1 day", "2 hours"]


def test_what_the_policy_takes_and_the_hours_give_back_is_no_conflict(office, berlin):
    appoint(berlin, at("2026-03-04 08:00"))  # 09:00 in Berlin, 03:00 in New York.
    hours = {f"working_hours-{day}-start_time": "00:00" for day in range(5)}

    page = save_schedule(office, berlin.schedule, hours, timezone="America/New_York")

    assert not [text for text in told(page) if "outside" in text]


def test_adds_and_removes_weekly_hours(office, berlin):
    more = {
        "working_hours-TOTAL_FORMS": 6,
        "working_hours-0-DELETE": "on",
        "working_hours-5-schedule": berlin.schedule.pk,
        "working_hours-5-weekday": 5,
        "working_hours-5-start_time": "20:00",
        "working_hours-5-end_time": "02:00",
    }

    save_schedule(office, berlin.schedule, more)

    hours = list(berlin.schedule.working_hours.values_list("weekday", "start_time", "end_time"))
    assert hours == [(day, time(9), time(17)) for day in (1, 2, 3, 4)] + [(5, time(20), time(2))]


def test_refused_hours_undo_the_policy_with_them(office, berlin):
    page = save_schedule(office, berlin.schedule, {"working_hours-0-start_time": "09:10"}, notice_minutes=5)

    assert "09:00 or 09:15" in str(errors(page))
    assert Schedule.objects.get(pk=berlin.schedule.pk).notice_minutes == 24 * 60
    assert told(page) == []


def test_hours_somebody_else_replaced_meanwhile_are_refused_not_lost(office, berlin):
    data = schedule_form(berlin.schedule)
    save_schedule(office, berlin.schedule, {"working_hours-0-start_time": "08:00"})

    page = office.post(
        url("schedule_change", berlin.schedule.pk), {**data, "working_hours-1-start_time": "07:00"}, follow=True
    )

    assert page.status_code == 200
    assert page.context["errors"]
    assert WorkingHours.objects.filter(schedule=berlin.schedule, start_time=time(8)).count() == 1


def former_hours(office, schedule):
    page = office.get(url("schedule_change", schedule.pk)).content.decode()
    _before, _label, after = page.partition("Former hours")
    return [unescape(line) for line in re.findall(r"Until (.*? minutes)", after)]


def test_tells_what_the_hours_were_the_latest_first_on_the_clocks_of_their_time(office, berlin):
    friday = {"working_hours-4-start_time": "18:00", "working_hours-4-end_time": "24:00"}
    save_schedule(office, berlin.schedule, friday)
    with time_machine.travel(NOON + minutes(1), tick=False):
        save_schedule(office, berlin.schedule, {f"working_hours-{day}-DELETE": "on" for day in range(5)})
    with time_machine.travel(NOON + minutes(2), tick=False):
        save_schedule(office, Schedule.objects.get(), timezone="America/New_York", slot_minutes=30)

    assert former_hours(office, berlin.schedule) == [
        "Mon 2026-03-02 13:02 Europe/Berlin: closed, in slots of 15 minutes",
        "Mon 2026-03-02 13:01 Europe/Berlin: Monday–Thursday 09:00–17:00; Friday 18:00–24:00, in slots of 15 minutes",
        "Mon 2026-03-02 13:00 Europe/Berlin: Monday–Friday 09:00–17:00, in slots of 15 minutes",
    ]


def test_tells_as_former_hours_only_what_was_kept_for_a_time(office, berlin):
    save_schedule(office, berlin.schedule, {"working_hours-0-start_time": "10:00"}, timezone="America/New_York")

    assert berlin.schedule.former_hours.count() == 2
    assert former_hours(office, berlin.schedule) == [
        "Mon 2026-03-02 13:00 Europe/Berlin: Monday–Friday 09:00–17:00, in slots of 15 minutes"
    ]


def test_tells_that_hours_were_never_changed(office, berlin):
    assert "They have never been changed." in office.get(url("schedule_change", berlin.schedule.pk)).content.decode()


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ([], ""),
        ([[6, "20:00", "00:00"]], "Sunday 20:00–24:00"),
        ([[1, "13:00", "17:00"], [1, "09:00", "12:00"]], "Tuesday 09:00–12:00, 13:00–17:00"),
        ([[0, "09:00", "12:00"], [2, "09:00", "12:00"]], "Monday 09:00–12:00; Wednesday 09:00–12:00"),
        (
            [[0, "09:00", "12:00"], [1, "09:00", "12:00"], [2, "09:00", "13:00"]],
            "Monday–Tuesday 09:00–12:00; Wednesday 09:00–13:00",
        ),
    ],
)
def test_weekly_hours_in_words_join_days_that_are_alike(hours, words):
    assert hours_in_words(hours) == words


def test_extends_slots_now(office, berlin):
    later = NOON + timedelta(days=7)
    with time_machine.travel(later, tick=False):
        office.force_login(UserFactory(superuser=True))
        page = act(office, "schedule", "extend_slots", [berlin.schedule])

    assert told(page) == ["Schedules whose slots now reach the booking horizon: 1."]
    assert Schedule.objects.get(pk=berlin.schedule.pk).slots_until == later + timedelta(days=92)


def test_takes_time_off_in_local_time_and_warns_of_those_it_strands(office, berlin):
    stranded = appoint(berlin, at("2026-03-04 09:00"))
    lost = {"starts_at": "2026-03-04T10:00", "ends_at": "2026-03-04T12:00", "reason": "Dentist"}

    page = office.post(url("timeoff_add", schedule=berlin.schedule.pk), lost, follow=True)

    made = TimeOff.objects.get()
    assert (made.starts_at, made.ends_at) == (at("2026-03-04 09:00"), at("2026-03-04 11:00"))
    assert any(url("appointment_change", stranded.pk) in text for text in told(page))
    assert not slots_within(berlin, made.starts_at, made.ends_at).filter(reservation=None).exists()


def test_changes_and_ends_time_off_and_the_hours_come_back(office, berlin):
    free = Slot.objects.filter(provider=berlin).count()
    two, one = ({"start_date": "2026-03-04", "end_date": end} for end in ("2026-03-05", "2026-03-04"))

    page = office.post(url("timeoff_add", schedule=berlin.schedule.pk), two, follow=True)
    assert told(page)[0] == "Free slots: 0 added, 64 removed."
    row = TimeOff.objects.get()
    page = office.post(url("timeoff_change", row.pk), one, follow=True)
    assert told(page)[0] == "Free slots: 32 added, 0 removed."
    page = office.post(url("timeoff_delete", row.pk), {"post": "yes"}, follow=True)

    assert told(page)[0] == "Free slots: 32 added, 0 removed."
    assert Slot.objects.filter(provider=berlin).count() == free


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "starts_at"),
        ({"starts_at": "2026-03-04T10:00", "ends_at": "2026-03-04T09:00"}, "ends_at"),
        ({"start_date": "2026-03-04", "end_date": "2026-03-03"}, "end_date"),
        ({"start_date": "2026-03-04", "end_date": "9999-12-31"}, "end_date"),
    ],
)
def test_refuses_time_off_that_makes_no_sense(office, berlin, given, field):
    page = office.post(url("timeoff_add", schedule=berlin.schedule.pk), given)

    assert list(errors(page)) == [field]
    assert not TimeOff.objects.exists()


def test_sets_moves_and_clears_a_date_override(office, berlin):
    add = url("dateoverride_add", schedule=berlin.schedule.pk)
    office.post(add, {"date": "2026-03-04", "stretches": "09:00–10:00, 22:00-24:00"})
    row = DateOverride.objects.get()
    assert row.hours == [["09:00", "10:00"], ["22:00", "00:00"]]
    assert "09:00–10:00, 22:00–24:00" in office.get(url("dateoverride_change", row.pk)).content.decode()

    office.post(url("dateoverride_change", row.pk), {"date": "2026-03-05", "stretches": ""})
    row = DateOverride.objects.get()
    assert (row.date, row.hours) == (at("2026-03-05").date(), [])
    assert not slots_within(berlin, at("2026-03-05"), at("2026-03-06")).exists()

    act(office, "dateoverride", "delete_selected", [row], post="yes")
    assert not DateOverride.objects.exists()
    assert slots_within(berlin, at("2026-03-05"), at("2026-03-06")).count() == 32


@pytest.mark.parametrize("hours", ["9 to 5", "09:00", "09:10-10:00", "25:00-26:00"])
def test_refuses_hours_of_a_day_that_cannot_be_read(office, berlin, hours):
    page = office.post(url("dateoverride_add", schedule=berlin.schedule.pk), {"date": "2026-03-04", "stretches": hours})

    assert list(errors(page)) == ["stretches"]


def test_opens_changes_and_closes_a_window(office, berlin):
    add = url("availabilitywindow_add", schedule=berlin.schedule.pk)
    off_grid = office.post(add, {"starts_at": "2026-03-07T10:05", "ends_at": "2026-03-07T12:00"})
    assert "Europe/Berlin: Sat 2026-03-07 10:00, Sat 2026-03-07 10:15." in errors(off_grid)["starts_at"][0]

    office.post(add, {"starts_at": "2026-03-07T10:00", "ends_at": "2026-03-07T12:00"})
    window = AvailabilityWindow.objects.get()
    saturday = slots_within(berlin, at("2026-03-07"), at("2026-03-08"))
    assert (window.starts_at, saturday.count()) == (at("2026-03-07 09:00"), 8)

    change = {"starts_at": "2026-03-07T10:00", "ends_at": "2026-03-07T11:00"}
    page = office.post(url("availabilitywindow_change", window.pk), change | {"_continue": "on"}, follow=True)
    assert page.redirect_chain[-1][0] == url("availabilitywindow_change", window.pk)
    assert saturday.count() == 4

    stranded = appoint(berlin, at("2026-03-07 09:00"))
    page = office.post(url("availabilitywindow_delete", window.pk), {"post": "yes"}, follow=True)
    assert any(url("appointment_change", stranded.pk) in text for text in told(page))
    assert not AvailabilityWindow.objects.exists()


def test_closes_the_business_on_a_day_beyond_the_slots(office, berlin):
    given = {"start_date": "2026-12-24", "end_date": "2026-12-26"}

    page = office.post(url("closure_add"), given, follow=True)

    assert page.status_code == 200
    assert Closure.objects.count() == 1


def test_previews_a_closure_and_saves_nothing(office, berlin):
    stranded = appoint(berlin, at("2026-03-04 10:00"))
    given = {"start_date": "2026-03-04", "end_date": "2026-03-04", "_preview": "Preview"}

    page = office.post(url("closure_add"), given)

    assert page.status_code == 200
    assert any(url("appointment_change", stranded.pk) in text for text in told(page))
    assert "Preview: nothing has been saved yet." in told(page)
    assert page.context["adminform"].form["start_date"].value() == "2026-03-04"
    assert not Closure.objects.exists()


def test_previews_time_off_and_saves_nothing(office, berlin):
    free = Slot.objects.filter(provider=berlin).count()
    given = {"start_date": "2026-03-04", "end_date": "2026-03-04", "_preview": "Preview"}

    page = office.post(f"{url('timeoff_add')}?schedule={berlin.schedule.pk}", given)

    assert "Free slots: 0 would be added, 32 removed." in told(page)
    assert not page.context["errors"]
    assert (TimeOff.objects.count(), Slot.objects.filter(provider=berlin).count()) == (0, free)


@pytest.mark.parametrize(
    ("button", "free", "outside"),
    [
        ("_save", "Free slots: 0 added, 31 removed.", "1 appointment is now outside the hours. It"),
        (
            "_preview",
            "Free slots: 0 would be added, 31 removed.",
            "1 appointment would be outside the hours. It would",
        ),
    ],
)
def test_says_what_was_done_and_of_a_preview_what_would_be(office, berlin, button, free, outside):
    appoint(berlin, at("2026-03-04 10:00"))
    given = {"start_date": "2026-03-04", "end_date": "2026-03-04", button: "on"}

    said = told(office.post(f"{url('timeoff_add')}?schedule={berlin.schedule.pk}", given, follow=True))

    assert free in said
    assert [text.partition(outside)[1] for text in said if "outside" in text] == [outside]


def test_closes_changes_and_reopens_the_business(office, berlin):
    free = Slot.objects.filter(provider=berlin).count()
    office.post(url("closure_add"), {"start_date": "2026-03-04", "end_date": "2026-03-05"})
    assert Slot.objects.filter(provider=berlin).count() == free - 64

    one = {"start_date": "2026-03-04", "end_date": "2026-03-04"}
    office.post(url("closure_change", Closure.objects.get().pk), one)
    assert Slot.objects.filter(provider=berlin).count() == free - 32

    office.post(url("closure_delete", Closure.objects.get().pk), {"post": "yes"})
    assert Slot.objects.filter(provider=berlin).count() == free


# --- Services ---------------------------------------------------------------------------------------------------------


def test_deleting_a_service_with_bookings_is_refused_politely(office, berlin):
    service = ServiceFactory(providers=[berlin])
    appoint(berlin, WEDNESDAY_10, service_id=service.pk)

    page = office.post(url("service_delete", service.pk), {"post": "yes"}, follow=True)
    assert "would require deleting the following protected" in page.content.decode()
    page = act(office, "service", "delete_selected", [service], post="yes")

    assert page.status_code == 200
    service.refresh_from_db()


def test_deactivates_services(office):
    service = ServiceFactory()

    act(office, "service", "deactivate", [service])

    service.refresh_from_db()
    assert not service.is_active


def test_chooses_clients_by_more_than_a_name(office, berlin):
    ClientFactory(name="Kim Lee", email="kim@example.org")
    query = {"app_label": "booking", "model_name": "reservation", "field_name": "client", "term": "kim"}

    found = office.get(reverse("admin:autocomplete"), query).json()["results"]

    assert [row["text"] for row in found] == ["Kim Lee · kim@example.org"]


def test_history_is_told_in_words_on_the_clocks_of_who_reads(office, berlin):
    made = appoint(berlin, WEDNESDAY_10, overrides=("notice",), reason="Flies out")
    moved = {"appointment_id": made.pk, "starts_at": WEDNESDAY_10 + minutes(60), "actor": SYSTEM, "now": NOON}
    reschedule(**moved, overrides=(Override.HOURS,))
    edit(appointment_id=made.pk, changes={"title": "Check-up"}, actor=SYSTEM, now=NOON)
    office.cookies["timezone"] = "Asia/Kolkata"

    page = unescape(office.get(url("appointment_change", made.pk)).content.decode())

    assert "At (Asia/Kolkata)" in page
    assert "Mon 2026-03-02 17:30" in page
    assert "scheduled; overridden: minimum notice and booking horizon; reason: Flies out" in page
    assert "Wed 2026-03-04 15:30 → Wed 2026-03-04 16:30 (Asia/Kolkata); overridden: working hours" in page
    assert "title was “–”" in page


def listed(office, **query):
    return list(office.get(url("appointment_changelist", **query)).context["cl"].queryset)


def test_lists_appointments_to_come_the_next_first_and_all_where_any_are_sought(office, berlin, booker):
    with time_machine.travel(NOON - timedelta(days=10), tick=False):
        earlier, recent = (
            appoint(berlin, at(day), client=booker, now=timezone.now(), overrides=("hours", "notice"))
            for day in ("2026-02-26 09:00", "2026-03-02 09:00")
        )
    later, sooner = (appoint(berlin, at(f"2026-03-0{day} 10:00"), client=booker) for day in (5, 4))
    running = appoint(berlin, NOON, client=booker, now=NOON - minutes(30), overrides=("hours", "notice"))

    assert listed(office) == [running, sooner, later]
    assert listed(office, when="today") == [recent, running]
    assert listed(office, when="past") == [recent, earlier]
    assert listed(office, when="all") == listed(office, q=booker.name) == [running, sooner, later, recent, earlier]


# --- Feeds ------------------------------------------------------------------------------------------------------------


def test_shows_only_the_end_of_a_feeds_address(office, provider):
    feed = open_feed(provider_id=provider.pk, actor=SYSTEM, now=NOON)

    pages = [office.get(url("calendarfeed_changelist")), office.get(url("calendarfeed_change", feed.pk))]

    for page in pages:
        assert f"…{feed.token[-4:]}.ics" in page.content.decode()
        assert feed.token not in page.content.decode()


def test_revokes_feeds(office, provider):
    feed = open_feed(provider_id=provider.pk, actor=SYSTEM, now=NOON)

    office.post(url("calendarfeed_changelist"), {"action": "revoke", "_selected_action": [feed.pk]})

    assert not CalendarFeed.objects.exists()


# --- Series -----------------------------------------------------------------------------------------------------------


def test_series_page_shows_its_occurrences_and_costs_the_same_for_many(office):
    counts = []
    for horizon in (10, 80):
        series = weekly(open_provider(horizon_days=horizon))
        office.get(url("appointmentseries_change", series.pk))
        with CaptureQueriesContext(connection) as queries:
            page = office.get(url("appointmentseries_change", series.pk))
        assert page.content.decode().count("11:00 UTC") == series.appointments.count() + 1
        counts.append((series.appointments.count(), len(queries)))

    assert [number for number, _queries in counts] == [2, 12]
    assert counts[0][1] == counts[1][1]


def test_series_are_found_by_state_and_by_name(office, berlin):
    going_on, over = weekly(berlin), weekly(berlin, "2026-03-05 12:00")
    AppointmentSeries.objects.filter(pk=over.pk).update(ends_at=NOON)

    def listed(**query):
        return list(office.get(url("appointmentseries_changelist", **query)).context["cl"].result_list)

    assert listed(state="active") == [going_on]
    assert listed(state="over") == [over]
    assert listed(q="thursdays") == [over, going_on]
    assert listed(provider=berlin.pk) == [over, going_on]


def test_cancels_what_is_to_come_of_a_series_from_a_date_on(office, boss, berlin):
    series = weekly(berlin)
    page = office.get(url("appointmentseries_change", series.pk))
    assert [label for label, _ in page.context["tools"]] == ["Cancel upcoming"]
    cancel = url("appointmentseries_cancel", series.pk)
    assert office.get(cancel).status_code == 200

    wrong = office.post(cancel, {"reason": "Moved", "occurrence": "2026-03-13"})
    assert list(errors(wrong)) == ["occurrence"]
    page = office.post(cancel, {"reason": "Moved", "occurrence": "2026-03-19"}, follow=True)

    cancelled = series.appointments.filter(status="cancelled")
    assert told(page) == [f"Appointments cancelled: {cancelled.count()}."]
    assert str(cancelled.order_by("occurrence").first().occurrence) == "2026-03-19"
    assert set(cancelled.values_list("cancellation_reason", flat=True)) == {"Moved"}
    assert cancelled.first().events.last().user == boss


@pytest.mark.parametrize("date", ["1999-12-31", "2101-01-01", "9999-12-31"])
def test_refuses_to_cancel_from_a_date_out_of_reach(office, berlin, date):
    page = office.post(url("appointmentseries_cancel", weekly(berlin).pk), {"occurrence": date, "reason": "Moved"})

    assert errors(page) == {"occurrence": ["Enter a year from 2000 to 2100."]}


def test_cancels_many_series_with_a_reason(office, berlin):
    series = [weekly(berlin), weekly(berlin, "2026-03-05 12:00")]
    assert list(errors(act(office, "appointmentseries", "cancel", series, answered="1"))) == ["reason"]

    page = act(office, "appointmentseries", "cancel", series, answered="1", reason="Closing down")

    assert told(page) == ["Series cancelled: 2."]
    assert not Appointment.objects.exclude(status="cancelled").exists()


def test_books_series_up_to_the_horizon_by_hand(office, berlin):
    series = weekly(berlin)
    with time_machine.travel(NOON + timedelta(days=7), tick=False):
        extend_all(now=timezone.now())

        page = act(office, "appointmentseries", "extend", [series])

    assert told(page) == ["Appointments booked: 1."]


def test_series_are_not_touched_without_the_permission(berlin):
    series = weekly(berlin)
    browser = Browser()
    browser.force_login(UserFactory(staff=True))

    assert browser.post(url("appointmentseries_cancel", series.pk), {"reason": "x"}).status_code == 403
    assert browser.get(url("appointmentseries_cancel", 0)).status_code in (403, 404)


def test_appointment_page_leads_to_its_series(office, berlin):
    series = weekly(berlin)

    page = office.get(url("appointment_change", series.appointments.first().pk))

    assert url("appointmentseries_change", series.pk) in page.content.decode()
    listed = office.get(url("appointment_changelist", series__id__exact=series.pk)).context["cl"]
    assert listed.result_count == series.appointments.count()
