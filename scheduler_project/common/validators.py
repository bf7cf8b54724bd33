"""Validation of text: composed, visible, on one line; and of the emails and names people may use."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, RegexValidator
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates (UAX #9): an unclosed one changes the direction of all following text."""


BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Invisible characters among letters and symbols: Hangul's fillers, Braille's empty cell."""


FSI, PDI = "\u2068", "\u2069"


MOST_MARKS = 30
"""Maximum number of marks on one letter: more than any language has."""


JOINER = "\u034f"
"""The combining grapheme joiner, which is invisible: marks are not sorted across it."""


def composed(text: str) -> str:
    """Return the text in NFC (UAX #15), as the W3C recommends, so that equal-looking texts are equal.

    All text is stored so. Sorting the marks on one letter takes time quadratic in their number: a request of accents
    alone would stop the process for hours. So more than `MOST_MARKS` are separated by a joiner (UAX #15, Stream-Safe
    Text).
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
    """Return whether there is a visible letter, number, punctuation mark or symbol."""
    return any(unicodedata.category(one)[0] in "LNPS" and one not in BLANK for one in text)


def one_line(text: str) -> None:
    """Raise ValidationError for an invalid name or title: headers, calendar files and lists put it in other text."""
    if CONTROLS.search(text):
        raise ValidationError(_("Control characters and line breaks are not allowed."), code="control_characters")
    if DIRECTIONS.search(text):
        raise ValidationError(
            _("Characters that change the direction of text are not allowed."), code="control_characters"
        )
    if not shows_something(text):
        raise ValidationError(_("Enter some visible text."), code="invisible")


TURNING = frozenset(("R", "AL", "AN"))
"""The right-to-left classes of UAX #9."""


def isolated(text: str) -> str:
    """Return text for the middle of a plain line, isolated if it contains right-to-left characters.

    Other text is unchanged, so that an SMS keeps its alphabet and a subject stays ASCII.
    """
    text = without_directions(text)
    return f"{FSI}{text}{PDI}" if is_bidirectional(text) else text


def is_bidirectional(text: str) -> bool:
    """Return whether any character is right-to-left, and so could change the order of its neighbours."""
    return not text.isascii() and any(unicodedata.bidirectional(one) in TURNING for one in text)


def without_directions(text: str) -> str:
    """Return text without what `one_line` rejects.

    Old names may contain it, and a stray PDI would close our isolate.
    """
    return text if text.isascii() else DIRECTIONS.sub("", text)


LINK = re.compile(
    r"://|\bwww\d{0,3}\.|\b(?:https?|ftp|mailto|javascript):"
    r"|[\w-]{3}\.[a-z]{2,24}/\S"
    r"|[\w-]\.(?:com|net|org|info|biz|io|co|me|ru|cn|top|xyz|site|online|shop|store|app|dev|link|click|live|club)\b"
)
"""Patterns mail programs turn into links: a scheme, `www.`, a domain with a path, a domain with a common ending."""


def has_link(text: str) -> bool:
    """Return whether a mail program would turn part of the text into a link."""
    return bool(LINK.search(unicodedata.normalize("NFKC", _stream_safe(text)).casefold().replace("。", ".")))


def no_link(text: str) -> None:
    """Raise ValidationError for a name that is or becomes a link in a mail. For names that people give themselves."""
    if has_link(text):
        raise ValidationError(_("A name can't be a web address. Please remove it."), code="link_in_name")


LOCAL = frozenset("localhost localdomain local internal intranet lan home corp private invalid".split())
"""Domain endings reserved or used for local machines and networks (RFC 6761, RFC 6762, ICANN)."""


def is_local(host: str) -> bool:
    """Return whether a host is obviously not public, without a DNS look-up: without a dot, or with a local ending."""
    *parents, last = host.rstrip(".").lower().split(".")
    return not parents or last in LOCAL or [*parents[-1:], last] == ["home", "arpa"]


@deconstructible
class PublicEmail(EmailValidator):
    """A validator of public emails: the domain has a dot, and is neither a number nor local.

    The local part must be ASCII: few mail servers accept anything else (RFC 6531).
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
    _("Enter a website address without a path, such as https://www.example.org."),
    code="bad_origin",
)
"""The validator of values of `frame-ancestors`: one whole origin, no wildcards."""
