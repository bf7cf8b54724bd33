"""The reasons why an address cannot be used.

Each has an exact text, and a neutral one for readers who may not know about opt-outs.
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


UNREACHABLE = _(
    "We cannot write to the client there. The address may not be verified or served, or they want no messages."
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
