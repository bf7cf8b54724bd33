"""The reasons why a message is not sent, or not even planned.

Those about an address have an exact text, and a neutral one for readers who may not know about opt-outs.
"""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reminders.channels.registry import personal_channels

CAUSE = re.compile(r"cause:\w+")
"""A reason that reveals something about an address, as stored in the outbox: a channel's (`causes`), or this one.

It is translated when it is read, so a change of wording neither hides nor reveals anything.
"""

OPTED_OUT = "cause:opted_out"


NOT_VETTED, NO_ADDRESS, NOT_CHOSEN, NOT_REMINDED = "not_vetted", "no_address", "not_chosen", "not_reminded"


MERGED, PAST, NO_OFFSETS = "merged", "past", "no_offsets"


PLANNING: dict[str, Promise] = {
    NOT_VETTED: _("The provider is not approved, or their email is not verified."),
    NO_ADDRESS: _("No address to send it to."),
    NOT_CHOSEN: _("The client doesn't get reminders on this channel."),
    NOT_REMINDED: _("Appointments with this status don't get reminders."),
    MERGED: _("Another reminder is due at the same time."),
    PAST: _("It was already due before we could schedule it."),
    NO_OFFSETS: _("No reminders are set for this appointment."),
}
"""Reasons why a reminder is not planned, beside an opt-out."""


OPTED_OUT_SINCE = _("The client opted out on %(day)s.")


UNREACHABLE = _(
    "We can't contact the client there. The address may be unverified or unsupported, or the client may not want "
    "messages."
)


def reason_in_words(reason: str) -> str:
    """Return the reason in words, for readers who may see opt-outs."""
    return CAUSE.sub(lambda found: str(_words().get(found[0], UNREACHABLE)), reason)


def _words() -> dict[str, Promise]:
    words: dict[str, Promise] = {OPTED_OUT: _("The client opted out.")}
    for channel in personal_channels().values():
        words |= channel.causes
    return words


def reason_for_all(reason: str) -> str:
    """Return the reason in words, for readers who may not see opt-outs.

    An address that opted out gets the same reason as any other address that cannot be used.
    """
    tells = CAUSE.search(reason) or any(
        channel.telling_answers.search(reason) for channel in personal_channels().values() if channel.telling_answers
    )
    return str(UNREACHABLE) if tells else reason
