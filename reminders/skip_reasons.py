"""Reasons why an address cannot be used: the exact one, and a neutral one for readers who may not know about
opt-outs."""

import re
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Cause(StrEnum):
    """A reason that reveals something about an address, as stored in the outbox.

    It is translated when it is read, so a change of wording neither hides nor reveals anything.
    """

    OPTED_OUT = "cause:opted_out"
    NOT_VERIFIED = "cause:not_verified"
    NOT_SERVED = "cause:not_served"


WORDS: dict[Cause, Promise] = {
    Cause.OPTED_OUT: _("The client opted out."),
    Cause.NOT_VERIFIED: _("The phone number is not verified."),
    Cause.NOT_SERVED: _("Text messages do not go to this country."),
}


CAUSE = re.compile("|".join(Cause))


ABOUT_NUMBERS = re.compile(r"\b(Twilio|undelivered|failed) (21211|21214|21217|21265|21408|21610|21612|21614|21635)\b")
"""A gateway's answers about a number: it sent STOP to the carrier (21610), or cannot be reached at all."""


UNREACHABLE = _(
    "We cannot write to the client there. The address may not be verified or served, or they want no messages."
)


def reason_in_words(reason: str) -> str:
    """Return a reason for not sending, for readers who may see opt-outs."""
    return CAUSE.sub(lambda found: str(WORDS[Cause(found[0])]), reason)


def reason_for_all(reason: str) -> str:
    """Return a reason for not sending, for readers who may not see opt-outs.

    An address that opted out gets the same reason as any other address that cannot be used.
    """
    return str(UNREACHABLE) if CAUSE.search(reason) or ABOUT_NUMBERS.search(reason) else reason
