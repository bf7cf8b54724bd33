"""What is owed to whom: planned in the very transaction in which something happens to an appointment (R15, R16)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from psycopg.types.json import Jsonb

from booking.enums import AppointmentStatus, Event
from booking.models import Appointment, AppointmentEvent, Reservation
from reminders.enums import Channel, Kind, MessageStatus, Recipient
from reminders.models import Message, WebhookEndpoint
from reminders.quiet import before_quiet
from reminders.webhooks import event_data, reminder_data
from scheduler_project.common.errors import TryAgain
from scheduler_project.common.offsets import Offset, parse_offset
from scheduler_project.common.operations import operation
from scheduler_project.common.times import rfc3339

DAY = timedelta(days=1)
MOST_TIMES = 60
"""How many times of a series a notice lists."""

BATCH = 500
"""How many appointments are planned anew at a time."""

NOTICES: dict[str, Kind] = {
    Event.APPROVED: Kind.APPROVED,
    Event.DECLINED: Kind.DECLINED,
    Event.RESCHEDULED: Kind.MOVED,
    Event.CANCELLED: Kind.CANCELLED,
}
"""What both sides are told of; a booking is `booked` or `pending`, as the appointment is."""

FACTS = """
SELECT made.id AS appointment_id, made.status, claimed.id AS reservation_id, claimed.starts_at,
       coalesce(made.reminder_offsets, service.reminder_offsets, schedule.reminder_offsets) AS offsets,
       client.timezone, client.email, client.phone, login.email AS provider_email,
       chosen.channels, chosen.quiet_from, chosen.quiet_until,
       ARRAY(SELECT channel::text FROM reminders_optout
             WHERE ended_at IS NULL AND (channel, address) IN (('email', lower(client.email)), ('sms', client.phone))
       ) AS opted_out,
       (SELECT jsonb_object_agg(endpoint.id, to_jsonb(endpoint.events)) FROM reminders_webhookendpoint endpoint
        WHERE endpoint.provider_id = claimed.provider_id AND endpoint.disabled_at IS NULL) AS endpoints
FROM booking_appointment made
JOIN booking_reservation claimed ON claimed.id = made.reservation_id
JOIN booking_schedule schedule ON schedule.provider_id = claimed.provider_id
JOIN accounts_provider provider ON provider.id = claimed.provider_id
LEFT JOIN accounts_user login ON login.id = provider.user_id AND login.is_active
JOIN accounts_client client ON client.id = claimed.client_id
LEFT JOIN booking_service service ON service.id = claimed.service_id
LEFT JOIN reminders_preferences chosen ON chosen.client_id = client.id
WHERE made.id = """


class Facts(NamedTuple):
    """All that decides what is owed for one appointment."""

    appointment_id: int
    status: str
    reservation_id: int
    starts_at: datetime
    offsets: list[str] | None
    timezone: str
    email: str
    phone: str
    provider_email: str | None
    channels: list[str] | None
    quiet_from: time | None
    quiet_until: time | None
    opted_out: list[str]
    endpoints: dict[str, list[str]]

    def client_channels(self, *, reminding: bool) -> list[Channel]:
        """How the client can and wants to be told. Who opted out of mail is still told what becomes of a booking."""
        chosen = settings.REMINDER_CHANNELS if self.channels is None else self.channels
        addresses = {Channel.EMAIL: self.email, Channel.SMS: self.phone}
        silenced = set(self.opted_out) if reminding else set(self.opted_out) - {Channel.EMAIL}
        return [
            channel
            for channel, address in addresses.items()
            if channel in chosen and address and channel not in silenced
        ]

    def endpoints_for(self, event: str) -> list[int]:
        return [int(pk) for pk, events in self.endpoints.items() if not events or event in events]


def facts_of(appointments: Collection[int], *, locked: bool = False) -> list[Facts]:
    """What is known of these appointments. `locked` keeps others from changing them meanwhile."""
    ids = list(appointments)
    which, parameter = ("%s", ids[0]) if len(ids) == 1 else ("ANY(%s)", ids)  # PostgreSQL keeps no plan for an array.
    with connection.cursor() as cursor:
        cursor.execute(f"{FACTS}{which}{' ORDER BY made.id FOR SHARE OF made' if locked else ''}", [parameter])
        return [Facts._make((*facts, orjson.loads(endpoints or "{}"))) for *facts, endpoints in cursor.fetchall()]


# --- Reminders --------------------------------------------------------------------------------------------------------


class Owed(NamedTuple):
    """A row of the outbox to be."""

    kind: Kind
    channel: Channel
    recipient: Recipient
    reservation_id: int
    appointment_id: int | None
    due_at: datetime
    useful_until: datetime
    offset: str = ""
    endpoint_id: int | None = None
    details: dict[str, Any] = {}


def reminders_for(facts: Facts) -> Iterator[Owed]:
    """The reminders of one appointment: each offset × channel, whether its time is still to come or not.

    On the channels the client chose, and to every webhook of the provider's that wants `reminder.due`, whatever they
    chose: what the provider's own program makes of it is the provider's affair.
    One that would fall in the client's quiet hours comes in the last minute before them.
    """
    if facts.status != AppointmentStatus.SCHEDULED:
        return
    zone = ZoneInfo(facts.timezone)
    offsets = settings.REMINDER_OFFSETS if facts.offsets is None else facts.offsets
    due: dict[datetime, Offset] = {}
    for offset in sorted({parse_offset(text) for text in offsets}, key=lambda each: -each.length):
        due_at = offset.before(facts.starts_at, zone)
        if facts.quiet_from is not None and facts.quiet_until is not None:
            due_at = before_quiet(due_at, quiet_from=facts.quiet_from, quiet_until=facts.quiet_until, zone=zone)
        due[due_at] = offset  # Two that fall on one instant are one: the nearer.
    for due_at, offset in due.items():
        ways: list[tuple[Channel, int | None]] = [(way, None) for way in facts.client_channels(reminding=True)]
        ways += [(Channel.WEBHOOK, endpoint) for endpoint in facts.endpoints_for("reminder.due")]
        for channel, endpoint in ways:
            yield Owed(
                Kind.REMINDER,
                channel,
                Recipient.PROVIDER if endpoint else Recipient.CLIENT,
                facts.reservation_id,
                facts.appointment_id,
                due_at,
                facts.starts_at,
                str(offset),
                endpoint,
            )


WITHDRAW = """
UPDATE reminders_message SET status = 'cancelled', error = ''
WHERE kind = 'reminder' AND status = 'pending' AND appointment_id = ANY(%(appointments)s)
  AND (reservation_id, channel, "offset", coalesce(endpoint_id, 0), due_at) NOT IN (
      SELECT * FROM unnest(%(reservation_id)s::bigint[], %(channel)s::varchar[], %(offset)s::varchar[],
                           %(endpoint)s::bigint[], %(due_at)s::timestamptz[]))
"""

WRITE = """
INSERT INTO reminders_message (
    key, kind, channel, recipient, reservation_id, appointment_id, endpoint_id, "offset", details, due_at, next_at,
    useful_until, status, failures, claim, error, created_at)
SELECT key, kind, channel, recipient, reservation_id, appointment_id, nullif(endpoint_id, 0), "offset", details, due_at,
       due_at, useful_until, 'pending', 0, 0, '', %(now)s
FROM unnest(%(key)s::uuid[], %(kind)s::varchar[], %(channel)s::varchar[], %(recipient)s::varchar[],
            %(reservation_id)s::bigint[], %(appointment_id)s::bigint[], %(endpoint)s::bigint[], %(offset)s::varchar[],
            %(details)s::jsonb[], %(due_at)s::timestamptz[], %(useful_until)s::timestamptz[])
     AS owed(key, kind, channel, recipient, reservation_id, appointment_id, endpoint_id, "offset", details, due_at,
             useful_until)
ON CONFLICT (reservation_id, channel, "offset", coalesce(endpoint_id, 0)) WHERE kind = 'reminder'
DO UPDATE SET status = 'pending', due_at = excluded.due_at, next_at = excluded.due_at, key = excluded.key,
              useful_until = excluded.useful_until, failures = 0, error = '', claim = reminders_message.claim + 1
WHERE reminders_message.status = 'cancelled'
"""


def write(owed: Collection[Owed], now: datetime) -> None:
    """Put messages into the outbox: one statement. A reminder that was withdrawn is owed again; others are left be."""
    if not owed:
        return
    with connection.cursor() as cursor:
        cursor.execute(WRITE, {**_columns(owed), "now": now})


def _columns(owed: Collection[Owed]) -> dict[str, list[Any]]:
    return {
        "key": [uuid4() for _ in owed],
        "kind": [str(one.kind) for one in owed],
        "channel": [str(one.channel) for one in owed],
        "recipient": [str(one.recipient) for one in owed],
        "reservation_id": [one.reservation_id for one in owed],
        "appointment_id": [one.appointment_id for one in owed],
        "endpoint": [one.endpoint_id or 0 for one in owed],
        "offset": [one.offset for one in owed],
        "details": [Jsonb(one.details) for one in owed],
        "due_at": [one.due_at for one in owed],
        "useful_until": [one.useful_until for one in owed],
    }


def _plan_reminders(facts: Collection[Facts], now: datetime) -> None:
    wanted = [one for each in facts for one in reminders_for(each)]
    with connection.cursor() as cursor:  # What is due already and not yet through, as in an outage, stays owed.
        columns = _columns(wanted)
        cursor.execute(WITHDRAW, {**columns, "appointments": [each.appointment_id for each in facts]})
    write(_to_come(wanted, now), now)


def _to_come(owed: Iterable[Owed], now: datetime) -> list[Owed]:
    return [one for one in owed if one.due_at > now]


def replan(appointments: QuerySet[Appointment], *, now: datetime) -> int:
    """Let the reminders of these appointments be what is owed now. Returns how many appointments. Safe to repeat."""
    ids = list(appointments.order_by("pk").values_list("pk", flat=True))
    for batch in _batches(ids):
        _replan(batch, now)
    return len(ids)


def _batches(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


@operation
def _replan(appointments: Collection[int], now: datetime) -> None:
    _plan_reminders(facts_of(appointments, locked=True), now)


def replan_all(*, now: datetime) -> int:
    """Plan every coming appointment anew: for what came in past the operations, such as rows written by hand.

    A batch whose turn is lost to a deadlock is left for the next round.
    """
    ids = list(Appointment.objects.coming(now=now).order_by("pk").values_list("pk", flat=True))
    for batch in _batches(ids):
        with suppress(TryAgain):
            _replan(batch, now)
    return len(ids)


# --- Notices ----------------------------------------------------------------------------------------------------------


def follow(*, appointment: Appointment, event: AppointmentEvent, now: datetime, alone: bool = True) -> bool:
    """Plan what an event of an appointment calls for. Returns whether anything is to be sent at once.

    Both sides are told, unless it is not `alone` (`follow_series` tells of many at once), and the provider's webhooks;
    the reminders follow. Notices of what is no longer so, and not yet sent, are withdrawn.
    """
    [facts] = facts_of([appointment.pk])
    kind = _notice_of(event, appointment)
    if event.event != Event.BOOKED:
        unsent = Message.objects.filter(appointment=appointment, status=MessageStatus.PENDING)
        if kind is not None:
            single = unsent.exclude(kind__in=(Kind.REMINDER, Kind.EVENT)).exclude(details__has_key="others")
            single.update(status=MessageStatus.CANCELLED)
    notices = [*(_notices(facts, kind, event, now) if alone else ()), *_events(facts, kind, appointment, event, now)]
    if event.event == Event.BOOKED:
        write([*notices, *_to_come(reminders_for(facts), now)], now)
    else:
        _plan_reminders([facts], now)
        write(notices, now)
    return bool(notices)


def follow_series(*, events: Sequence[AppointmentEvent], now: datetime) -> bool:
    """Tell both sides once of what happened to many appointments of a series. Returns whether anything is to be sent.

    For each kind of event one notice: of the first appointment, with the times of the others.
    """
    owed: list[Owed] = []
    kinds: dict[Kind, list[AppointmentEvent]] = {}
    for event in events:
        kind = _notice_of(event, event.appointment)
        if kind is not None:
            kinds.setdefault(kind, []).append(event)
    for kind, [first, *others] in kinds.items():
        [facts] = facts_of([first.appointment_id])
        times = [rfc3339(event.appointment.starts_at) for event in others[:MOST_TIMES]]
        owed += [one._replace(details=one.details | {"others": times}) for one in _notices(facts, kind, first, now)]
    write(owed, now)
    return bool(owed)


def _notice_of(event: AppointmentEvent, appointment: Appointment) -> Kind | None:
    if event.event == Event.BOOKED:
        return Kind.PENDING if appointment.status == AppointmentStatus.PENDING else Kind.BOOKED
    return NOTICES.get(event.event)


def _notices(facts: Facts, kind: Kind | None, event: AppointmentEvent, now: datetime) -> Iterator[Owed]:
    if kind is None:
        return
    over = kind in (Kind.CANCELLED, Kind.DECLINED)
    useful_until = max(facts.starts_at, now + DAY) if over else facts.starts_at
    details = {"from": event.details["from"]} if kind == Kind.MOVED else {}
    ways = [(Recipient.CLIENT, channel) for channel in facts.client_channels(reminding=False)]
    if facts.provider_email:
        ways.append((Recipient.PROVIDER, Channel.EMAIL))
    for recipient, channel in ways:
        yield Owed(
            kind,
            channel,
            recipient,
            facts.reservation_id,
            facts.appointment_id,
            now,
            useful_until,
            details=details,
        )


def _events(
    facts: Facts, kind: Kind | None, appointment: Appointment, event: AppointmentEvent, now: datetime
) -> Iterator[Owed]:
    name = f"appointment.{kind if kind in (Kind.PENDING, Kind.MOVED) else event.event}"
    endpoints = facts.endpoints_for(name)
    if not endpoints:
        return
    details = {"type": name, "data": event_data(appointment)}
    for endpoint in endpoints:
        yield Owed(
            Kind.EVENT,
            Channel.WEBHOOK,
            Recipient.PROVIDER,
            facts.reservation_id,
            facts.appointment_id,
            now,
            now + 3 * DAY,
            endpoint_id=endpoint,
            details=details,
        )


def ask_to_confirm(*, reservation: Reservation, now: datetime) -> bool:
    """Mail a client for whom somebody else holds a time the link to confirm it (R10). Returns whether that is to be."""
    client = reservation.client
    if not client.email:
        return False
    assert reservation.expires_at
    write(
        [
            Owed(
                Kind.HOLD,
                Channel.EMAIL,
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


TELL_EXPIRED = """
INSERT INTO reminders_message (
    key, kind, channel, recipient, reservation_id, "offset", details, due_at, next_at, useful_until, status, failures,
    claim, error, created_at)
SELECT gen_random_uuid(), 'hold_expired', channel, recipient, reservation_id, '', '{}', %(now)s, %(now)s,
       %(useful_until)s, 'pending', 0, 0, '', %(now)s
FROM reminders_message
WHERE kind = 'hold' AND status = 'sent' AND reservation_id = ANY(%(reservations)s)
"""


def tell_expired(*, reservations: Collection[int], now: datetime) -> bool:
    """Tell those who were sent a link to confirm that it is too late. Returns whether there are any."""
    with connection.cursor() as cursor:
        cursor.execute(TELL_EXPIRED, {"reservations": list(reservations), "now": now, "useful_until": now + DAY})
        return cursor.rowcount > 0


def listeners(messages: Collection[Message]) -> dict[int, list[WebhookEndpoint]]:
    """The webhooks that want to know what became of their providers' reminders, by provider."""
    providers = {message.reservation.provider_id for message in messages if message.kind == Kind.REMINDER}
    listening: dict[int, list[WebhookEndpoint]] = {}
    for endpoint in WebhookEndpoint.objects.active().filter(provider__in=providers) if providers else ():
        listening.setdefault(endpoint.provider_id, []).append(endpoint)
    return listening


OUTCOMES = {MessageStatus.SENT: "reminder.sent", MessageStatus.FAILED: "reminder.failed"}


def tell_outcome(
    *, message: Message, status: MessageStatus | None, endpoints: Iterable[WebhookEndpoint], now: datetime
) -> None:
    """Tell those of the provider's webhooks that want it that a reminder was sent, or that it failed for good."""
    name = OUTCOMES.get(status) if status else None
    if name is None or message.kind != Kind.REMINDER or message.channel == Channel.WEBHOOK:
        return
    owed = [
        Owed(
            Kind.EVENT,
            Channel.WEBHOOK,
            Recipient.PROVIDER,
            message.reservation_id,
            message.appointment_id,
            now,
            now + 3 * DAY,
            endpoint_id=endpoint.pk,
            details={"type": name, "data": reminder_data(message)},
        )
        for endpoint in endpoints
        if endpoint.wants(name)
    ]
    write(owed, now)
