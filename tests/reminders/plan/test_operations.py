"""Planned messages: recipients, channels and times."""

from contextlib import suppress
from datetime import timedelta

import pytest
import vobject
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.appointments.enums import Action
from booking.appointments.operations import confirm, edit, reschedule, take_action
from booking.availability.operations import set_policy
from booking.models import Appointment, Schedule
from booking.reservations.enums import BY_THEMSELVES
from booking.reservations.guests import give_details, hold_as_visitor
from booking.reservations.operations import expire_due, reserve
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.operations import SeriesSpec, cancel_series, create_series
from booking.services.operations import edit_service
from reminders.enums import MessageKind, MessageStatus
from reminders.models import Message, OptOut, Preferences, WebhookEndpoint
from reminders.notices import TELL_EXPIRED
from reminders.plan.operations import replan, replan_all
from scheduler_project.common.db.references import new_reference
from scheduler_project.common.errors import DomainError
from tests.factories import (
    NOON,
    SYSTEM,
    ClientFactory,
    ServiceFactory,
    UserFactory,
    actor_of,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.groups import MANAGER, staff_of
from tests.looking import undone
from tests.reminders.helpers import notices, reminders, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people"), pytest.mark.provider(horizon_days=7)]

NINE = at("2026-03-05 09:00")
TEN = at("2026-03-05 10:00")
USUAL = [("email", "1 day", "04 09:00"), ("email", "1 hour", "05 08:00")]
BOTH_SIDES = [("client", "email"), ("provider", "email")]


def by(who, appointment, action, **more):
    return take_action(appointment_id=appointment.pk, action=action, actor=who, now=NOON, **more)


def move(appointment, start, now=NOON):
    return reschedule(appointment_id=appointment.pk, starts_at=start, actor=SYSTEM, now=now)


def told(kind):
    return [(kind, *side) for side in BOTH_SIDES]


# --- Reminders --------------------------------------------------------------------------------------------------------


def test_plan_owes_each_offset_on_each_channel(provider):
    client = ClientFactory(phone="+4930123456")
    Preferences.objects.create(client=client, channels=["email", "sms"], updated_at=NOON)

    assert reminders(appoint(provider, NINE, client=client)) == [
        ("email", "1 day", "04 09:00"),
        ("sms", "1 day", "04 09:00"),
        ("email", "1 hour", "05 08:00"),
        ("sms", "1 hour", "05 08:00"),
    ]


def test_plan_takes_the_nearest_offsets(provider):
    service = ServiceFactory(providers=[provider])

    def offsets(**more):
        made = appoint(provider, NINE, service_id=service.pk, **more)
        planned = [offset for _, offset, _ in reminders(made)]
        by(SYSTEM, made, Action.CANCEL)
        return planned

    assert offsets() == ["1 day", "1 hour"]
    set_policy(provider_id=provider.pk, changes={"reminder_offsets": ["4 hours"]}, actor=SYSTEM, now=NOON)
    assert offsets() == ["4 hours"]
    edit_service(
        service_id=service.pk,
        fields={"reminder_offsets": ["3 hours"]},
        actor=actor_of(staff_of(MANAGER)),
        now=NOON,
    )
    assert offsets() == ["3 hours"]
    assert offsets(reminder_offsets=["2 hours"]) == ["2 hours"]
    assert offsets(reminder_offsets=[]) == []


@pytest.mark.parametrize(("late", "planned"), [(-1, ["1 day", "1 hour"]), (0, ["1 hour"]), (1, ["1 hour"])])
def test_plan_owes_only_what_is_still_to_come(provider, late, planned):
    now = NINE - timedelta(days=1) + timedelta(seconds=late)

    made = appoint(provider, NINE, now=now, overrides=["notice"])

    assert [offset for _, offset, _ in reminders(made)] == planned


def test_plan_counts_days_by_the_clients_clock():
    provider = open_provider(
        timezone="Europe/Berlin", hours=[(0, at("2026-03-30 09:00").time(), at("2026-03-30 12:00").time())]
    )
    client = ClientFactory(timezone="Europe/Berlin")

    made = appoint(provider, at("2026-03-30 07:00"), client=client)

    assert reminders(made) == [("email", "1 day", "29 07:00"), ("email", "1 hour", "30 06:00")]


def test_plan_makes_one_of_two_that_fall_together(provider):
    made = appoint(provider, NINE, reminder_offsets=["1 day", "24 hours"])

    assert reminders(made) == [("email", "24 hours", "04 09:00")]


def test_plan_owes_nothing_to_who_has_no_address(provider):
    made = appoint(provider, NINE, client=ClientFactory(owner=provider, user=None, email=""), overrides=["notice"])

    assert (reminders(made), notices(made)) == ([], [("booked", "provider", "email")])


def test_plan_owes_no_reminder_to_who_opted_out_but_tells_them_what_becomes_of_it(provider):
    client = ClientFactory(email="grace@example.org")
    OptOut.objects.create(channel="email", address="grace@example.org", at=NOON, source="link")

    made = appoint(provider, NINE, client=client)

    assert (reminders(made), notices(made)) == ([], told("booked"))


def test_plan_tells_nothing_at_all_to_a_number_that_said_stop(provider):
    client = ClientFactory(phone="+4930123456")
    Preferences.objects.create(client=client, channels=["sms"], updated_at=NOON)
    OptOut.objects.create(channel="sms", address="+4930123456", at=NOON, source="sms")

    made = appoint(provider, NINE, client=client)

    assert (reminders(made), notices(made)) == ([], [("booked", "provider", "email")])


def test_plan_owes_a_reminder_to_each_webhook_that_wants_it(provider):
    client = ClientFactory()
    OptOut.objects.create(channel="email", address=client.email, at=NOON, source="link")
    for number, events in enumerate([[], ["reminder.due"], ["appointment.booked"]]):
        endpoint(provider, number, events)

    made = appoint(provider, NINE, client=client)

    rows = Message.objects.filter(appointment=made, kind=MessageKind.REMINDER, offset="1 day")
    assert sorted(row.endpoint.url for row in rows) == ["https://example.org/0", "https://example.org/1"]


def endpoint(provider, number=0, events=(), **fields):
    return WebhookEndpoint.objects.create(
        provider=provider,
        url=f"https://example.org/{number}",
        events=list(events),
        secret="whsec_c2VjcmV0",
        created_at=NOON,
        **fields,
    )


# --- What follows from what happens -----------------------------------------------------------------------------------


def test_follow_a_booking_tells_both_sides(provider):
    made = appoint(provider, NINE)

    assert (notices(made), reminders(made)) == (told("booked"), USUAL)


def test_follow_a_booking_that_awaits_approval_reminds_of_nothing_yet(provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])

    made = appoint(provider, NINE, service_id=service.pk)

    assert (notices(made), reminders(made)) == (told("pending"), [])


def test_follow_an_approval_with_reminders(provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    made = appoint(provider, NINE, service_id=service.pk)

    by(SYSTEM, made, Action.APPROVE)

    assert (notices(made), reminders(made)) == (told("approved"), USUAL)
    assert notices(made, status="cancelled") == told("pending")


@pytest.mark.parametrize(("action", "kind"), [(Action.CANCEL, "cancelled"), (Action.DECLINE, "declined")])
def test_follow_an_end_by_withdrawing_reminders(provider, action, kind):
    service = ServiceFactory(needs_approval=action == Action.DECLINE, providers=[provider])
    made = appoint(provider, NINE, service_id=service.pk)

    by(SYSTEM, made, action)

    assert (notices(made), reminders(made)) == (told(kind), [])


def test_follow_a_move_by_planning_anew(provider):
    made = appoint(provider, NINE)

    move(made, TEN)

    assert reminders(made) == [("email", "1 day", "04 10:00"), ("email", "1 hour", "05 09:00")]
    assert reminders(made, status="cancelled") == USUAL
    assert notices(made) == told("moved")
    assert Message.objects.filter(kind="moved").first().details == {"from": "2026-03-05T09:00:00Z"}


def moved_from():
    """Return the previous times in pending notices of moves, by recipient."""
    rows = Message.objects.filter(kind="moved", status="pending").order_by("recipient")
    return [(row.recipient, row.details["from"][11:16]) for row in rows]


def test_follow_a_second_move_by_telling_of_the_time_that_was_last_told(provider):
    made = appoint(provider, NINE)
    move(made, TEN)

    move(made, TEN + minutes(30))
    twice = moved_from()
    Message.objects.filter(kind="moved", recipient="client").update(status="sent", sent_at=NOON)
    move(made, TEN + minutes(60))

    assert twice == [("client", "09:00"), ("provider", "09:00")]
    assert moved_from() == [("client", "10:30"), ("provider", "09:00")]


def test_follow_a_move_back_before_anybody_was_told_by_telling_nobody(provider):
    made = appoint(provider, NINE)
    Message.objects.filter(kind="booked").update(status="sent", sent_at=NOON)
    move(made, TEN)

    move(made, NINE)
    back = moved_from()
    move(made, TEN)

    assert back == []
    assert moved_from() == [("client", "09:00"), ("provider", "09:00")]


def test_follow_an_outcome_by_telling_nobody(provider):
    made = appoint(provider, NINE)

    take_action(appointment_id=made.pk, action=Action.COMPLETE, actor=SYSTEM, now=NINE)

    assert (notices(made), reminders(made)) == (told("booked"), [])


def test_follow_an_edit_of_offsets(provider):
    made = appoint(provider, NINE)

    edit(appointment_id=made.pk, changes={"reminder_offsets": ["1 hour", "2 hours"]}, actor=SYSTEM, now=NOON)

    assert reminders(made) == [("email", "2 hours", "05 07:00"), ("email", "1 hour", "05 08:00")]
    assert reminders(made, status="cancelled") == USUAL[:1]


def test_follow_offsets_taken_back_again(provider):
    made = appoint(provider, NINE)
    before = Message.objects.get(appointment=made, offset="1 day").key

    for offsets in ([], ["1 day", "1 hour"]):
        edit(appointment_id=made.pk, changes={"reminder_offsets": offsets}, actor=SYSTEM, now=NOON)

    assert (reminders(made), reminders(made, status="cancelled")) == (USUAL, [])
    assert Message.objects.get(appointment=made, offset="1 day").key != before


def test_follow_never_owes_again_what_was_sent(provider, mailoutbox):
    made = appoint(provider, NINE)
    now = NINE - timedelta(days=1)
    send(now)

    edit(appointment_id=made.pk, changes={"reminder_offsets": ["1 day"]}, actor=SYSTEM, now=now - minutes(1))

    assert (reminders(made), reminders(made, status="sent")) == ([], USUAL[:1])


def test_follow_tells_webhooks_as_it_was_then(provider):
    endpoint(provider)
    made = appoint(provider, NINE, title="Check-up")
    edit(appointment_id=made.pk, changes={"title": "Operation"}, actor=SYSTEM, now=NOON)
    by(SYSTEM, made, Action.CANCEL)

    events = Message.objects.filter(kind=MessageKind.EVENT, status=MessageStatus.PENDING).order_by("pk")

    assert [(event.details["type"], event.details["data"]["title"]) for event in events] == [
        ("appointment.booked", "Check-up"),
        ("appointment.edited", "Operation"),
        ("appointment.cancelled", "Operation"),
    ]


def test_follow_leaves_disabled_webhooks_alone(provider):
    endpoint(provider, disabled_at=NOON)

    appoint(provider, NINE)

    assert not Message.objects.filter(kind=MessageKind.EVENT).exists()


def test_follow_costs_a_booking_two_statements(provider, django_assert_num_queries):
    held = hold(provider, NINE)
    actor = actor_of(held.client)

    # Savepoint and release, locks of the people and of the hold, their open appointments, status, appointment, event;
    # facts, outbox.
    with django_assert_num_queries(8):
        confirm(reservation_id=held.pk, actor=actor, now=NOON)


# --- Policies ---------------------------------------------------------------------------------------------------------


def test_replan_follows_the_calendars_offsets(provider):
    made = appoint(provider, NINE)

    set_policy(provider_id=provider.pk, changes={"reminder_offsets": ["30 minutes"]}, actor=SYSTEM, now=NOON)

    assert reminders(made) == [("email", "30 minutes", "05 08:30")]


def test_replan_follows_the_services_offsets(provider):
    service = ServiceFactory(providers=[provider])
    made, other = appoint(provider, NINE, service_id=service.pk), appoint(provider, TEN)

    edit_service(
        service_id=service.pk,
        fields={"reminder_offsets": ["30 minutes"]},
        actor=actor_of(staff_of(MANAGER)),
        now=NOON,
    )

    assert (len(reminders(made)), len(reminders(other))) == (1, 2)


def test_replan_twice_changes_nothing(provider):
    appoint(provider, NINE)
    before = sorted(Message.objects.values_list())

    assert replan_all(now=NOON) == 1

    assert sorted(Message.objects.values_list()) == before


def test_replan_mends_what_is_missing(provider):
    made = appoint(provider, NINE)
    Message.objects.all().delete()

    replan_all(now=NOON)

    assert reminders(made) == USUAL


@pytest.mark.parametrize("waiting", ["to be tried again", "to be sent again", "with nobody to send it"])
def test_replan_leaves_be_what_is_due_and_not_yet_through(provider, waiting):
    made = appoint(provider, NINE)
    now = NINE - timedelta(minutes=30)
    late = Message.objects.filter(appointment=made, offset="1 hour")
    late.update(failures=waiting == "to be tried again", next_at=now + minutes(5))

    replan_all(now=now)
    edit(appointment_id=made.pk, changes={"title": "Check-up"}, actor=SYSTEM, now=now)

    assert late.get().status == "pending"


def test_replan_withdraws_what_is_due_and_wanted_no_more(provider):
    made = appoint(provider, NINE)

    edit(appointment_id=made.pk, changes={"reminder_offsets": []}, actor=SYSTEM, now=NINE - timedelta(minutes=30))

    assert reminders(made) == []


def test_replan_costs_the_same_for_many(provider, django_assert_max_num_queries):
    for number in range(6):
        appoint(provider, NINE + minutes(15 * number))

    with django_assert_max_num_queries(6):
        replan(Appointment.objects.all(), now=NOON)


# --- Holds ------------------------------------------------------------------------------------------------------------


def guest(provider, **fields):
    return ClientFactory(user=None, owner=provider, **fields)


def hold_for(provider, client):
    return reserve(provider_id=provider.pk, client_id=client.pk, starts_at=NINE, actor=SYSTEM, now=NOON)


def test_hold_of_a_guest_asks_them_to_confirm(provider):
    held = hold_for(provider, guest(provider))

    [asked] = Message.objects.all()
    assert (asked.kind, asked.reservation, asked.useful_until) == ("hold", held, held.expires_at)


def test_hold_by_somebody_else_asks_a_client_with_a_login_too(provider):
    held = hold_for(provider, ClientFactory())

    assert Message.objects.get().reservation == held


@pytest.mark.parametrize("who", ["self", "nobody to write to"])
def test_hold_asks_nobody_else(provider, who):
    if who == "self":
        hold(provider, NINE)
    else:
        hold_for(provider, guest(provider, email=""))

    assert not Message.objects.exists()


def test_hold_that_runs_out_is_told_to_who_was_asked_and_verified_that_email(provider, mailoutbox):
    EmailAddress.objects.filter(user=UserFactory(email="ada@example.org")).update(verified=True)
    held = hold_for(provider, guest(provider, email="ada@example.org"))
    send(NOON)

    expire_due(now=held.expires_at)

    assert Message.objects.get(kind="hold_expired").reservation == held


def by_visitor(provider, email, start, source=Source.PAGE):
    """Held by somebody without a login who gave this email."""
    time = {"service_id": None, "starts_at": start, "timezone": "UTC", "now": NOON}
    held = hold_as_visitor(provider_id=provider.pk, visitor=new_reference(), source=source, **time)
    said = {"name": "Ada", "email": email, "phone": "", "note": "", "by_sms": False, "language": ""}
    return give_details(reservation_id=held.pk, now=NOON, **said)


@pytest.mark.parametrize("source", BY_THEMSELVES)
def test_hold_that_runs_out_is_told_to_who_answered_a_mail_there_before(provider, mailoutbox, source):
    before = by_visitor(provider, "ada@example.org", at("2026-03-05 11:00"), source)
    confirm(reservation_id=before.pk, actor=Actor(None, source, guest=before.client), now=NOON)
    held = by_visitor(provider, "ada@example.org", NINE)
    send(NOON)

    expire_due(now=held.expires_at)

    assert Message.objects.get(kind="hold_expired").reservation == held


def test_hold_that_runs_out_is_not_told_to_a_mailbox_that_never_answered(provider, mailoutbox):
    held = by_visitor(provider, "ada@example.org", NINE)
    send(NOON)
    assert Message.objects.get(kind="hold").status == "sent"

    expire_due(now=held.expires_at)

    assert not Message.objects.filter(kind="hold_expired").exists()


def test_hold_that_runs_out_is_not_told_to_who_never_heard_of_it(provider):
    held = hold_for(provider, guest(provider))

    expire_due(now=held.expires_at)

    assert not Message.objects.filter(kind="hold_expired").exists()


# --- Whatever happens -------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("book"), st.integers(0, 20)),
        st.tuples(st.just("move"), st.integers(0, 20)),
        st.tuples(st.just("cancel"), st.none()),
        st.tuples(
            st.just("edit"), st.sampled_from([None, [], ["1 day"], ["1 hour", "30 minutes"], ["2 days", "1 hour"]])
        ),
        st.tuples(st.just("policy"), st.sampled_from([None, ["1 day", "2 hours"], ["3 hours"]])),
        st.tuples(st.just("opt out"), st.none()),
        st.tuples(st.just("time"), st.integers(1, 60)),
    ),
    min_size=3,
    max_size=12,
)


@given(steps=STEPS)
def test_whatever_happens_what_is_owed_is_what_the_rules_say(steps):
    """After each step, against a second reckoning. No reminder of a time cancelled, moved or past, none missing."""
    mail.outbox.clear()
    with undone():
        story = Story()
        for step, what in steps:
            with suppress(DomainError):
                story.go_on(step, what)
            assert pending_reminders() == story.owed()
    went_out = [each.extra_headers["Message-ID"] for each in mail.outbox]
    assert len(went_out) == len(set(went_out))


class Story:
    def __init__(self):
        self.provider = open_provider(horizon_days=5, notice_minutes=0)
        self.client = ClientFactory()
        self.now = NOON

    def appointments(self):
        return Appointment.objects.detailed().filter(status="scheduled").order_by("pk")

    def go_on(self, step, what):
        coming = next((made for made in self.appointments() if made.starts_at > self.now), None)
        if step == "book":
            appoint(self.provider, start_of(what), client=self.client, now=self.now)
        elif step == "policy":
            changes = {"reminder_offsets": what}
            set_policy(provider_id=self.provider.pk, changes=changes, actor=SYSTEM, now=self.now)
        elif step == "opt out":
            opted_out = {"channel": "email", "address": self.client.email, "source": "link"}
            OptOut.objects.get_or_create(**opted_out, defaults={"at": self.now})
            replan(Appointment.objects.all(), now=self.now)
        elif step == "time":
            self.now += timedelta(hours=what)
            send(self.now)
        elif coming and step == "move":
            move(coming, start_of(what), now=self.now)
        elif coming and step == "cancel":
            take_action(appointment_id=coming.pk, action=Action.CANCEL, actor=SYSTEM, now=self.now)
        elif coming and step == "edit":
            edit(appointment_id=coming.pk, changes={"reminder_offsets": what}, actor=SYSTEM, now=self.now)

    def owed(self):
        if OptOut.objects.exists():
            return set()
        policy = Schedule.objects.get(provider=self.provider).reminder_offsets
        usual = ["1 day", "1 hour"] if policy is None else policy
        return {
            (made.pk, made.starts_at, offset)
            for made in self.appointments()
            for offset in (usual if made.reminder_offsets is None else made.reminder_offsets)
            if made.starts_at - length(offset) > self.now
        }


def start_of(number):
    return at("2026-03-03 09:00") + timedelta(days=number // 7) + timedelta(hours=number % 7)


def length(offset):
    number, unit = offset.split()
    return timedelta(**{unit.rstrip("s") + "s": int(number)})


def pending_reminders():
    rows = Message.objects.filter(kind="reminder", status="pending")
    return {(row.appointment_id, row.reservation.starts_at, row.offset) for row in rows.select_related("reservation")}


# --- Many at once -----------------------------------------------------------------------------------------------------


@pytest.fixture
def series(provider):
    wanted = SeriesSpec(provider_id=provider.pk, client_id=guest(provider).pk, rrule="FREQ=DAILY;COUNT=2", starts=NINE)
    return create_series(wanted=wanted, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON).series


def test_follow_series_tells_each_side_once_of_all_its_times(series):
    notices = Message.objects.filter(kind=MessageKind.BOOKED).order_by("recipient")
    ids = list(series.appointments.order_by("occurrence").values_list("pk", flat=True))

    assert [(notice.recipient, notice.reservation.starts_at, notice.details) for notice in notices] == [
        (recipient, NINE, {"others": ["2026-03-06T09:00:00Z"], "appointments": ids})
        for recipient in ("client", "provider")
    ]
    assert Message.objects.filter(kind=MessageKind.REMINDER).count() == 4


def test_follow_series_is_still_told_of_when_its_first_appointment_is_cancelled(series, mailoutbox):
    first = series.appointments.earliest("occurrence")
    by(SYSTEM, first, Action.CANCEL)

    send(NOON)

    assert sorted(mail.subject.split(":")[0] for mail in mailoutbox) == ["Booked", "Booked", "Cancelled", "Cancelled"]


def test_follow_series_tells_of_a_cancellation_once(series, mailoutbox):
    send(NOON)
    mailoutbox.clear()

    cancel_series(series_id=series.pk, scope=SeriesScope.ALL, actor=SYSTEM, now=NOON)

    assert send(NOON) == 2
    assert "Other times: Friday, 6 March 2026, 09:00 (UTC)" in mailoutbox[0].body


def test_follow_series_attaches_the_calendar_entries_of_all(series, mailoutbox):
    send(NOON)

    attached = [mail.attachments[0] for mail in mailoutbox]
    assert {each.mimetype for each in attached} == {"text/calendar; method=PUBLISH"}
    for each in attached:
        events = list(vobject.readOne(each.content).vevent_list)
        assert [event.uid.value for event in events] == [f"{made.uid}@scheduler" for made in of(series)]
        assert [event.dtstart.value for event in events] == [made.starts_at for made in of(series)]


def of(series):
    return series.appointments.select_related("reservation").order_by("occurrence")


def test_who_answered_once_is_found_by_an_index_when_holds_expire():
    Client.objects.bulk_create(Client(name="Guest", email=f"guest{number}@example.org") for number in range(2_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_client")
        asked = {"reservations": [1, 2], "now": NOON, "useful_until": NOON}
        cursor.execute(f"EXPLAIN {TELL_EXPIRED}", asked)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "client_email" in plan
    assert "Seq Scan on accounts_client" not in plan
