"""What text may be: composed, visible, on one line; and which emails and names people may give."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, RegexValidator
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates (UAX #9): one that is not ended turns around whatever stands after it."""
BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by their category that show nothing: Hangul's fillers, Braille's empty cell."""
FSI, PDI = "\u2068", "\u2069"


MOST_MARKS = 30
"""How many marks one letter may carry: more than any language has."""
JOINER = "\u034f"
"""The combining grapheme joiner, which shows nothing: marks are not sorted across it."""


def composed(text: str) -> str:
    """One spelling for what looks the same: NFC (UAX #15), as the W3C has text on the web. All text is kept so.

    Marks on one letter are sorted, in a time that grows with the square of their number: a request of accents alone
    would stop the process for hours. So more than `MOST_MARKS` are parted by a joiner (UAX #15, Stream-Safe Text).
    """
    return text if text.isascii() else unicodedata.normalize("NFC", _stream_safe(text))


def _stream_safe(text: str) -> str:
    if len(text) <= MOST_MARKS:
        return text
    parts, begin, marks = [], 0, 0
    for place, one in enumerate(text):
        marks = marks + 1 if unicodedata.combining(one) else 0
        if marks > MOST_MARKS:
            parts += [text[begin:place], JOINER]
            begin, marks = place, 1
    return "".join([*parts, text[begin:]])


def shows_something(text: str) -> bool:
    """Whether there is a letter, number, punctuation mark or symbol to be seen."""
    return any(unicodedata.category(one)[0] in "LNPS" and one not in BLANK for one in text)


def one_line(text: str) -> None:
    """Refuse what is no name or title: they stand in headers, calendar files and lists, between other text."""
    if CONTROLS.search(text):
        raise ValidationError(_("Control characters and line breaks are not allowed."), code="control_characters")
    if DIRECTIONS.search(text):
        raise ValidationError(
            _("Characters that change the direction of text are not allowed."), code="control_characters"
        )
    if not shows_something(text):
        raise ValidationError(_("Write something that can be seen."), code="invisible")


TURNING = frozenset(("R", "AL", "AN"))
"""What runs from right to left, by its class in UAX #9."""


def isolated(text: str) -> str:
    """Text for the middle of a plain line: what runs from right to left is kept from turning its neighbours around.

    All other text stays as it is, so that an SMS keeps to its alphabet and a subject to ASCII.
    """
    text = without_directions(text)
    return f"{FSI}{text}{PDI}" if turns(text) else text


def turns(text: str) -> bool:
    """Whether anything in it runs from right to left, and so could have its neighbours do so."""
    return not text.isascii() and any(unicodedata.bidirectional(one) in TURNING for one in text)


def without_directions(text: str) -> str:
    """Text without what `one_line` refuses: names of before may have it, and a stray PDI would end our isolate."""
    return text if text.isascii() else DIRECTIONS.sub("", text)


# --- Links ------------------------------------------------------------------------------------------------------------

LINK = re.compile(
    r"://|\bwww\d{0,3}\.|\b(?:https?|ftp|mailto|javascript):"
    r"|[\w-]{3}\.[a-z]{2,24}/\S"
    r"|[\w-]\.(?:com|net|org|info|biz|io|co|me|ru|cn|top|xyz|site|online|shop|store|app|dev|link|click|live|club)\b"
)
"""What mail programs make a link of: a scheme, `www.`, a domain with a path, a domain of the ends most used."""


def has_link(text: str) -> bool:
    """Whether a mail program would make a link of some of it."""
    return bool(LINK.search(unicodedata.normalize("NFKC", _stream_safe(text)).casefold().replace("。", ".")))


def no_link(text: str) -> None:
    """Refuse a name that is a link, or becomes one in somebody's mail. For names that people give themselves."""
    if has_link(text):
        raise ValidationError(_("A name cannot be a web address. Leave it out, please."), code="link_in_name")


# --- Emails -----------------------------------------------------------------------------------------------------------

LOCAL = frozenset("localhost localdomain local internal intranet lan home corp private invalid".split())
"""The ends of names that mean one's own machine or network (RFC 6761, RFC 6762, ICANN), or are used as if they did."""


def is_local(host: str) -> bool:
    """Whether a name is plainly not public, without looking it up: one without a dot, or of one's own network."""
    *parents, last = host.rstrip(".").lower().split(".")
    return not parents or last in LOCAL or [*parents[-1:], last] == ["home", "arpa"]


@deconstructible
class PublicEmail(EmailValidator):
    """An email that others can write to: its domain has a dot, and is no number or name of one's own network.

    What stands before the @ is in ASCII: few mail servers take anything else (RFC 6531).
    """

    def __init__(self) -> None:
        super().__init__(allowlist=[])

    def __call__(self, value: str | None) -> None:
        super().__call__(value)
        if value and not value.rpartition("@")[0].isascii():
            raise ValidationError(self.message, code=self.code, params={"value": value})

    def validate_domain_part(self, domain_part: str) -> bool:
        last = domain_part.rpartition(".")[2]
        return bool(self.domain_regex.match(domain_part)) and not last.isdigit() and not is_local(domain_part)


public_email = PublicEmail()

validate_origin = RegexValidator(
    r"\Ahttps?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?\Z",
    _("Write the address of a website without a path, such as https://www.example.org."),
    code="bad_origin",
)
"""For what goes into `frame-ancestors`: a whole origin, nothing that matches several."""
