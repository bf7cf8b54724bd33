"""Why a client cannot be written to at an address: what tells of the address, and what everybody may read instead."""

import re
from functools import cache

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

OPTED_OUT = _("The client opted out.")
NOT_VERIFIED = _("The phone number is not verified.")
NOT_SERVED = _("Text messages do not go to this country.")
CAUSES: tuple[Promise, ...] = (OPTED_OUT, NOT_VERIFIED, NOT_SERVED)

ABOUT_NUMBERS = re.compile(r"^(Twilio|undelivered|failed) (21211|21214|21217|21265|21408|21610|21612|21614|21635)\b")
"""What a gateway answers about a number: that it said STOP to the carrier (21610), or cannot be reached at all."""

UNREACHABLE = _(
    "We cannot write to the client there. The address may not be verified or served, or they want no messages."
)


def reason_for_all(reason: str) -> str:
    """Return a reason for not sending as whoever may not see opt-outs reads it.

    An address that opted out gives the same words as any other that cannot be written to.
    """
    tells = bool(ABOUT_NUMBERS.match(reason)) or any(cause in reason for cause in _in_all_languages())
    return str(UNREACHABLE) if tells else reason


@cache
def _in_all_languages() -> frozenset[str]:
    """The causes as they may stand in the outbox: they are written in the language of whoever found them."""
    found = set()
    for code, _name in settings.LANGUAGES:
        with override(code):
            found |= {str(cause) for cause in CAUSES}
    return frozenset(found)
