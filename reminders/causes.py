"""Why a client cannot be written to at an address: what tells of the address, and what everybody may read instead."""

import re
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Cause(StrEnum):
    """A reason that tells of an address, as the outbox keeps it.

    It is put into words when it is read, in the reader's language: how the words change hides or shows nothing.
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
"""What a gateway answers about a number: that it said STOP to the carrier (21610), or cannot be reached at all."""

UNREACHABLE = _(
    "We cannot write to the client there. The address may not be verified or served, or they want no messages."
)


def reason_in_words(reason: str) -> str:
    """Return a reason for not sending as whoever may see opt-outs reads it."""
    return CAUSE.sub(lambda found: str(WORDS[Cause(found[0])]), reason)


def reason_for_all(reason: str) -> str:
    """Return a reason for not sending as whoever may not see opt-outs reads it.

    An address that opted out gives the same words as any other that cannot be written to.
    """
    return str(UNREACHABLE) if CAUSE.search(reason) or ABOUT_NUMBERS.search(reason) else reason
