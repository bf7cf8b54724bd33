"""The reminders of an appointment that were never planned, with the reason (R17a)."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils.formats import date_format

from accounts.models import User
from booking.appointments.transitions import UPCOMING
from booking.models import Appointment
from reminders import skip_reasons
from reminders.channels.registry import CHANNELS, personal_channels
from reminders.enums import MessageStatus
from reminders.models import Reminder
from reminders.plan.decisions import Decision, decisions
from reminders.plan.facts import Facts, facts_of


class NotPlanned(NamedTuple):
    """Reminders on one channel that were not planned, for one reason. Without offsets, none are set at all."""

    channel: str
    offsets: list[str]
    reason: str
    is_notable: bool
    """True if staff would expect these reminders: the appointment is yet to begin, and the channel is in use.

    It is the same for an opt-out as for a channel that was not chosen, so it reveals no opt-out.
    """

    @property
    def label(self) -> str:
        return str(CHANNELS[self.channel].label) if self.channel else ""


def not_planned(appointment: Appointment, *, reader: User | AnonymousUser, now: datetime) -> list[NotPlanned]:
    """Return why each reminder of an appointment is missing that is neither waiting nor sent nor says so itself.

    An opt-out is named only to readers who may see opt-outs. Others read the same as of a channel not chosen (R17a).
    """
    [facts] = facts_of([appointment.pk])
    found: dict[tuple[str, str], list[str]] = {}
    sees_opt_outs = isinstance(reader, User) and reader.may("reminders.view_optout")
    known = _known(facts)
    made = list(decisions(facts))
    is_ahead = facts.status in UPCOMING and facts.starts_at > now
    for decision in made:
        if (decision.channel, decision.offset, decision.endpoint_id) in known or not _is_of_use(decision):
            continue
        reason = decision.reason or (skip_reasons.PAST if decision.due_at <= now else "")
        if reason:
            words = _reason_in_words(reason, decision, facts, sees_opt_outs=sees_opt_outs)
            found.setdefault((decision.channel, words), []).append(decision.offset)
    if not made:
        return [NotPlanned("", [], str(skip_reasons.PLANNING[skip_reasons.NO_OFFSETS]), is_ahead)]
    return [
        NotPlanned(channel, list(dict.fromkeys(offsets)), words, is_ahead and _is_in_use(channel, facts))
        for (channel, words), offsets in found.items()
    ]


def _known(facts: Facts) -> set[tuple[str, str, int | None]]:
    """Return the reminders that were planned. One that was withdrawn without a word counts as not planned."""
    rows = Reminder.objects.filter(appointment=facts.appointment_id, reservation=facts.reservation_id)
    rows = rows.exclude(Q(status=MessageStatus.CANCELLED, error="")).order_by()
    return set(rows.values_list("channel", "offset", "endpoint"))


def _is_of_use(decision: Decision) -> bool:
    """Return False for a channel that nobody uses: its absence surprises nobody."""
    unused = decision.reason == skip_reasons.NOT_CHOSEN
    return not unused or personal_channels()[decision.channel].is_offered()


def _is_in_use(channel: str, facts: Facts) -> bool:
    """Return True for a channel the client chose or has an address on, and for webhooks, which the provider set up."""
    return channel not in personal_channels() or channel in facts.chosen or bool(facts.address_on(channel))


def _reason_in_words(reason: str, decision: Decision, facts: Facts, *, sees_opt_outs: bool) -> str:
    if reason != skip_reasons.OPTED_OUT:
        return str(skip_reasons.PLANNING[reason])
    if not sees_opt_outs:  # the same words as for a client who did not choose the channel
        return str(skip_reasons.PLANNING[skip_reasons.NOT_CHOSEN])
    since = datetime.fromisoformat(facts.opted_out[decision.channel]).astimezone(ZoneInfo(facts.timezone))
    return str(skip_reasons.OPTED_OUT_SINCE) % {"day": date_format(since, "DATE_FORMAT")}
