"""Notices about changes of appointments, holds and reminders, due at once."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db import connection

from booking.appointments.enums import UPCOMING, Event
from booking.appointments.transitions import CALLED_OFF
from booking.models import Appointment, AppointmentEvent, Reservation
from booking.reservations.enums import by_visitor_sql
from reminders.channels.email.channel import EmailChannel
from reminders.channels.registry import personal
from reminders.channels.webhook.channel import WebhookChannel
from reminders.enums import MessageKind, MessageStatus, Recipient, notice_of
from reminders.models import Message, WebhookEndpoint
from reminders.outbox.enqueue import OutboxEntry, enqueue
from reminders.plan.facts import Facts, facts_of, former_facts
from reminders.plan.operations import BATCH, plan_reminders, reminders_for, to_come
from reminders.webhooks.events import REMINDER_FAILED, REMINDER_SENT, RETRIED_FOR, event_name
from reminders.webhooks.payloads import event_data, reminder_data
from scheduler_project.common.time.zones import rfc3339

DAY = timedelta(days=1)


def plan_messages(*, appointment: Appointment, event: AppointmentEvent, now: datetime, alone: bool = True) -> bool:
    """Plan the messages for an event of an appointment. Return whether anything must be sent at once.

    Both sides are notified, a former client too, unless `alone` is false (`follow_series` notifies about many at once),
    and so are the provider's webhooks; the reminders are replanned. Unsent notices that are no longer true are
    withdrawn.
    """
    [facts] = facts_of([appointment.pk])
    kind = notice_of(event.event, appointment.status)
    if event.event != Event.BOOKED:
        unsent = Message.objects.filter(appointment=appointment, status=MessageStatus.PENDING)
        if kind is not None:
            single = unsent.exclude(kind__in=(MessageKind.REMINDER, MessageKind.EVENT)).exclude(
                details__has_key="others"
            )
            single.update(status=MessageStatus.CANCELLED)
    notices = [*(_notices(facts, kind, event, now) if alone else ()), *_events(facts, appointment, event, now)]
    if event.event == Event.REASSIGNED:
        notices += _farewell(appointment, event, now)
    if event.event == Event.BOOKED:
        enqueue([*notices, *to_come(reminders_for(facts), now)], now)
    else:
        plan_reminders([facts], now)
        enqueue(notices, now)
    return bool(notices)


def reaches_client(*, appointment: Appointment, event: str) -> bool:
    """Return True if the client is notified of an event of an appointment.

    They need an address on a chosen channel.
    """
    if notice_of(event, appointment.status) is None:
        return False
    [facts] = facts_of([appointment.pk])
    ways = facts.client_channels(reminding=False)
    return any(not personal(way).refusal(appointment.client) for way in ways)


def follow_series(*, events: Sequence[AppointmentEvent], now: datetime) -> bool:
    """Notify both sides once about many appointments of a series. Return whether anything must be sent.

    Each kind of event gives one notice, about the first appointment, with the times and ids of the others.
    """
    owed: list[OutboxEntry] = []
    kinds: dict[MessageKind, list[AppointmentEvent]] = {}
    for event in events:
        kind = notice_of(event.event, event.appointment.status)
        if kind is not None:
            kinds.setdefault(kind, []).append(event)
    for kind, [first, *others] in kinds.items():
        [facts] = facts_of([first.appointment_id])
        many = {
            "others": [rfc3339(event.appointment.starts_at) for event in others],
            "appointments": [event.appointment_id for event in (first, *others)],
        }
        owed += [one._replace(details=one.details | many) for one in _notices(facts, kind, first, now)]
    enqueue(owed, now)
    return bool(owed)


def follow_import(*, events: Sequence[AppointmentEvent], tell: bool, now: datetime) -> bool:
    """Plan the reminders of imported appointments. Return whether anything must be sent at once.

    Without `tell`, neither people nor webhooks are notified. Past appointments notify nobody.
    """
    was_added = False
    for start in range(0, len(events), BATCH):
        batch = {event.appointment_id: event for event in events[start : start + BATCH]}
        owed: list[OutboxEntry] = []
        for facts in facts_of(batch):
            owed += to_come(reminders_for(facts), now)
            event = batch[facts.appointment_id]
            kind = notice_of(event.event, event.appointment.status)
            if tell and facts.starts_at > now and facts.status in UPCOMING:
                owed += [*_notices(facts, kind, event, now), *_events(facts, event.appointment, event, now)]
                was_added = True
        enqueue(owed, now)
    return was_added


def _notices(facts: Facts, kind: MessageKind | None, event: AppointmentEvent, now: datetime) -> Iterator[OutboxEntry]:
    if kind is None:
        return
    useful_until = max(facts.starts_at, now + DAY) if event.event in CALLED_OFF else facts.starts_at
    known = _known(event) if kind == MessageKind.MOVED else {}
    ways = [(Recipient.CLIENT, channel) for channel in facts.client_channels(reminding=False)]
    if facts.provider_email:
        ways.append((Recipient.PROVIDER, EmailChannel.name))
    for recipient, channel in ways:
        before = known.get((recipient, channel))
        if before == rfc3339(facts.starts_at):
            continue  # Moved back before the notice of the move was sent.
        yield OutboxEntry(
            kind,
            channel,
            recipient,
            facts.reservation_id,
            facts.appointment_id,
            now,
            useful_until,
            details={"from": before or event.details["from"]} if kind == MessageKind.MOVED else {},
        )


def _farewell(appointment: Appointment, event: AppointmentEvent, now: datetime) -> Iterator[OutboxEntry]:
    """Yield the notices to the former client of an appointment: for them it is cancelled.

    Their `former` is what the appointment was for them (`as_it_was`), for it changes on.
    """
    facts = former_facts(appointment.pk, event.details["reservation"])
    title = event.details["was"].get("title", appointment.title)
    for channel in facts.client_channels(reminding=False):
        yield OutboxEntry(
            MessageKind.CANCELLED,
            channel,
            Recipient.CLIENT,
            facts.reservation_id,
            facts.appointment_id,
            now,
            max(facts.starts_at, now + DAY),
            details={"former": {"title": title, "sequence": appointment.sequence - 1}},
        )


def _known(event: AppointmentEvent) -> dict[tuple[str, str], str]:
    """Return recipients and channels that the notice of the previous move has not reached, with the time they know."""
    unread = Message.objects.filter(kind=MessageKind.MOVED, reservation=event.details["reservation"])
    unread = unread.exclude(status=MessageStatus.SENT).exclude(details__has_key="others")
    return {(message.recipient, message.channel): message.details["from"] for message in unread}


def _events(facts: Facts, appointment: Appointment, event: AppointmentEvent, now: datetime) -> Iterator[OutboxEntry]:
    name = event_name(event.event, appointment.status)
    endpoints = facts.endpoints_for(name)
    if not endpoints:
        return
    details = {"type": name, "data": event_data(appointment)}
    for endpoint in endpoints:
        yield OutboxEntry(
            MessageKind.EVENT,
            WebhookChannel.name,
            Recipient.PROVIDER,
            facts.reservation_id,
            facts.appointment_id,
            now,
            now + RETRIED_FOR,
            endpoint_id=endpoint,
            details=details,
        )


def ask_to_confirm(*, reservation: Reservation, now: datetime) -> bool:
    """Mail the link to confirm to a client for whom somebody else holds a time (R10).

    Return whether a mail will be sent.
    """
    client = reservation.client
    if not client.email:
        return False
    assert reservation.expires_at
    enqueue(
        [
            OutboxEntry(
                MessageKind.HOLD,
                EmailChannel.name,
                Recipient.CLIENT,
                reservation.pk,
                None,
                now,
                reservation.expires_at,
            )
        ],
        now,
    )
    return True


TELL_EXPIRED = f"""
INSERT INTO reminders_message (
    key, kind, channel, recipient, reservation_id, "offset", details, due_at, next_at, useful_until, status, failures,
    claim, error, created_at)
SELECT gen_random_uuid(), 'hold_expired', told.channel, told.recipient, held.id, '', '{{}}', %(now)s, %(now)s,
       %(useful_until)s, 'pending', 0, 0, '', %(now)s
FROM reminders_message told
JOIN booking_reservation held ON held.id = told.reservation_id
JOIN accounts_client asked ON asked.id = held.client_id
CROSS JOIN LATERAL (
    SELECT 1 FROM account_emailaddress WHERE email = asked.email AND verified
    UNION ALL
    SELECT 1 FROM accounts_client known JOIN booking_reservation once ON once.client_id = known.id
    WHERE known.email = asked.email AND once.status = 'confirmed'
      AND {by_visitor_sql("once")} AND NOT known.is_unproved
    LIMIT 1) answered
WHERE told.kind = 'hold' AND told.status = 'sent' AND told.reservation_id = ANY(%(reservations)s)
"""
"""The notices of expired holds, only to mailboxes that once answered: by the link of a guest's hold, or of a login.

The ORM has no INSERT of what a SELECT finds, and no LATERAL, without which PostgreSQL reads all mailboxes that ever
answered again for each batch of holds (`test_who_answered_once_is_found_by_an_index_when_holds_expire`).
"""


def notify_expired(*, reservations: Collection[int], now: datetime) -> bool:
    """Notify clients that their hold expired, if they got a link and ever answered one.

    Return whether there are any.
    """
    with connection.cursor() as cursor:
        cursor.execute(TELL_EXPIRED, {"reservations": list(reservations), "now": now, "useful_until": now + DAY})
        return cursor.rowcount > 0


def listeners(messages: Collection[Message]) -> dict[int, list[WebhookEndpoint]]:
    """Return the webhooks subscribed to outcomes of reminders, by provider."""
    providers = {message.about.provider_id for message in messages if message.kind == MessageKind.REMINDER}
    listening: dict[int, list[WebhookEndpoint]] = {}
    for endpoint in WebhookEndpoint.objects.active().filter(provider__in=providers) if providers else ():
        listening.setdefault(endpoint.provider_id, []).append(endpoint)
    return listening


OUTCOMES = {MessageStatus.SENT: REMINDER_SENT, MessageStatus.FAILED: REMINDER_FAILED}


def notify_outcome(
    *, message: Message, status: MessageStatus | None, endpoints: Iterable[WebhookEndpoint], now: datetime
) -> None:
    """Notify the provider's subscribed webhooks that a reminder was sent, or that it failed for good."""
    name = OUTCOMES.get(status) if status else None
    if name is None or message.kind != MessageKind.REMINDER or message.endpoint_id is not None:
        return
    owed = [
        OutboxEntry(
            MessageKind.EVENT,
            WebhookChannel.name,
            Recipient.PROVIDER,
            message.about.pk,
            message.appointment_id,
            now,
            now + RETRIED_FOR,
            endpoint_id=endpoint.pk,
            details={"type": name, "data": reminder_data(message)},
        )
        for endpoint in endpoints
        if endpoint.wants(name)
    ]
    enqueue(owed, now)
