"""The last look at a message before it is sent: it may no longer be true, useful or wanted (R16)."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.mails.emails import mail_text_of
from booking.appointments.transitions import CALLED_OFF, ENDS, REMINDED, UPCOMING, AppointmentStatus
from booking.reservations.enums import ReservationStatus
from reminders.channels.base import PersonalChannel
from reminders.channels.registry import CHANNELS, personal_channels
from reminders.dispatch.reach import refusal
from reminders.enums import NOTICES, MessageKind, MessageStatus
from reminders.models import Message, OptOut
from reminders.skip_reasons import NO_ADDRESS, OPTED_OUT, PLANNING
from reminders.templates.composer import recipient_of


def silenced(messages: Collection[Message]) -> set[tuple[str, str]]:
    """Return the addresses of the messages' clients that opted out, as pairs of channel and address."""
    clients = [message.reservation.client for message in messages if message.reservation]
    theirs = Q()
    for name, channel in personal_channels().items():
        theirs |= Q(channel=name, address__in={channel.address_of(client) for client in clients})
    return set(OptOut.objects.standing().filter(theirs).values_list("channel", "address"))


def skip_reason(message: Message, now: datetime, optouts: set[tuple[str, str]]) -> tuple[MessageStatus, str] | None:
    """Return the new status and the reason if a leased message must not be sent, else None."""
    address = recipient_of(message).address
    if message.status != MessageStatus.PENDING:
        return MessageStatus(message.status), message.error
    if message.useful_until <= now:
        return MessageStatus.EXPIRED, f"{_('It was too late to be useful.')} {message.error}".strip()
    if not address or not is_still_true(message):
        return MessageStatus.CANCELLED, _("No longer applies.") if address else str(PLANNING[NO_ADDRESS])
    if message.endpoint is not None and message.endpoint.disabled_at is not None:
        return MessageStatus.FAILED, _("The webhook is disabled.")  # It can be replayed once it is enabled.
    reason = refusal(message)
    channel = CHANNELS[message.channel]
    stops_all = isinstance(channel, PersonalChannel) and channel.opt_out_stops_notices
    unwanted = message.kind == MessageKind.REMINDER or stops_all
    if unwanted and (str(message.channel), address) in optouts:
        reason = reason or OPTED_OUT
    return (MessageStatus.CANCELLED, reason) if reason else None


def is_still_true(message: Message) -> bool:
    """Return whether the content of a message is still true."""
    if message.mail is not None:
        return mail_text_of(message.mail) is not None
    appointment = message.appointment
    if message.details.get("others"):
        return True  # A notice about many: a change of one of them sends its own notice.
    if message.details.get("former"):
        return appointment is not None and appointment.reservation.client_id != message.about.client_id
    if message.kind == MessageKind.HOLD:
        return message.about.status == ReservationStatus.HELD
    if message.kind not in STANDING or appointment is None:
        return True
    return (
        appointment.reservation_id == message.reservation_id
        and appointment.status in STANDING[MessageKind(message.kind)]
    )


SETTLED = tuple(status for status in UPCOMING if status != AppointmentStatus.PENDING)
"""Upcoming, and no approval is missing."""

STANDING: dict[MessageKind, tuple[AppointmentStatus, ...]] = {
    MessageKind.REMINDER: REMINDED,
    MessageKind.BOOKED: SETTLED,
    MessageKind.PENDING: (AppointmentStatus.PENDING,),
    **{kind: (ENDS[event],) if event in CALLED_OFF else SETTLED for event, kind in NOTICES.items() if event in ENDS},
    MessageKind.MOVED: UPCOMING,
}
"""Statuses of an appointment in which a message about it is still true."""
