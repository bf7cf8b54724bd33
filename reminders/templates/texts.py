"""Texts of messages: their variables, the defaults, and the replacement of variables.

Default and custom texts go through the same `filled`. Only `{{ name }}` is replaced; no code is run. A line whose
variables are all empty is left out, so that “Reason: {{ reason }}” does not stay without a reason."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.html import escape, format_html, urlize
from django.utils.translation import gettext_lazy as _

from reminders.enums import Channel, Kind, Recipient
from scheduler_project.common.validators import without_directions

VARIABLE = re.compile(r"\{\{[ \t]*(\w+)[ \t]*\}\}")


GAPS = re.compile(r"\n{3,}")


VARIABLES = {
    "client_name": _("the client's name"),
    "client_email": _("the client's email address, in messages to the provider"),
    "client_phone": _("the client's phone number, in messages to the provider"),
    "provider_name": _("the provider's name"),
    "title": _("what the appointment is called"),
    "service_name": _("the service's name"),
    "start": _("day and time of the start, with the timezone, in the recipient's own"),
    "end": _("day and time of the end, with the timezone, in the recipient's own"),
    "old_start": _("when it was before it was moved"),
    "reason": _("why it was cancelled or declined"),
    "confirm_link": _("where the client confirms a reservation"),
    "held_until": _("until when the time is held"),
    "site_name": _("what this site is called"),
}


LINKS = {"confirm_link": _("Confirm")}
"""Variables that are links; in HTML each becomes a button with this label."""


BUTTON = (
    '<a href="{}" style="display:inline-block;padding:12px 28px;border-radius:8px;background:#1d4ed8;color:#ffffff;'
    'font-weight:600;text-decoration:none">{}</a>'
)


class Words(NamedTuple):
    """Subject and body of a message. A text message has no subject."""

    subject: str | Promise
    body: str | Promise


DEFAULTS: dict[tuple[Channel, Recipient], dict[Kind, Words]] = {
    (Channel.EMAIL, Recipient.CLIENT): {
        Kind.REMINDER: Words(
            _("Reminder: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} is coming up:\n\n{{ title }}\n"
                "{{ start }}\n\nIf you cannot make it, please let us know in good time."
            ),
        ),
        Kind.HOLD: Words(
            _("Please confirm: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nwe are holding this time with {{ provider_name }} for you:\n\n"
                "{{ title }}\n{{ start }}\n\nPlease confirm it before {{ held_until }}:\n\n{{ confirm_link }}\n\n"
                "Otherwise it becomes free for others. If it was not you who asked for it, just ignore this message."
            ),
        ),
        Kind.HOLD_EXPIRED: Words(
            _("No longer held: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nthis time with {{ provider_name }} was not confirmed, so it is free for "
                "others again:\n\n{{ title }}\n{{ start }}\n\nIf you still want to come, please book once more."
            ),
        ),
        Kind.BOOKED: Words(
            _("Booked: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} is booked:\n\n{{ title }}\n"
                "{{ start }}\n\nThe attached file puts it into your calendar."
            ),
        ),
        Kind.PENDING: Words(
            _("Awaiting approval: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nthank you for your request. {{ provider_name }} has yet to approve it:\n\n"
                "{{ title }}\n{{ start }}\n\nThe time is kept for you. We will tell you as soon as it is decided."
            ),
        ),
        Kind.APPROVED: Words(
            _("Approved: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} has been approved:\n\n"
                "{{ title }}\n{{ start }}\n\nThe attached file puts it into your calendar."
            ),
        ),
        Kind.DECLINED: Words(
            _("Declined: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nunfortunately your appointment with {{ provider_name }} cannot take "
                "place:\n\n{{ title }}\n{{ start }}\n\nReason: {{ reason }}\n\nYou are welcome to book another time."
            ),
        ),
        Kind.MOVED: Words(
            _("Moved: {{ title }}, now {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} has been moved:\n\n{{ title }}\n"
                "{{ start }}\n\nBefore, it was: {{ old_start }}\n\nThe attached file updates your calendar."
            ),
        ),
        Kind.CANCELLED: Words(
            _("Cancelled: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} has been cancelled:\n\n"
                "{{ title }}\n{{ start }}\n\nReason: {{ reason }}\n\nThe attached file takes it out of your calendar."
            ),
        ),
    },
    (Channel.EMAIL, Recipient.PROVIDER): {
        Kind.BOOKED: Words(
            _("Booked: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nyou have a new appointment with {{ client_name }}:\n\n{{ title }}\n"
                "{{ start }}\n\nEmail: {{ client_email }}\nPhone: {{ client_phone }}"
            ),
        ),
        Kind.PENDING: Words(
            _("Please approve: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\n{{ client_name }} asks for an appointment. Please approve or decline "
                "it:\n\n{{ title }}\n{{ start }}\n\nEmail: {{ client_email }}\nPhone: {{ client_phone }}"
            ),
        ),
        Kind.APPROVED: Words(
            _("Approved: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nthe appointment with {{ client_name }} has been approved:\n\n"
                "{{ title }}\n{{ start }}\n\nEmail: {{ client_email }}\nPhone: {{ client_phone }}"
            ),
        ),
        Kind.DECLINED: Words(
            _("Declined: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nthe appointment with {{ client_name }} has been declined, and its time "
                "is free again:\n\n{{ title }}\n{{ start }}\n\nReason: {{ reason }}"
            ),
        ),
        Kind.MOVED: Words(
            _("Moved: {{ title }} with {{ client_name }}, now {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nthe appointment with {{ client_name }} has been moved:\n\n{{ title }}\n"
                "{{ start }}\n\nBefore, it was: {{ old_start }}"
            ),
        ),
        Kind.CANCELLED: Words(
            _("Cancelled: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nthe appointment with {{ client_name }} has been cancelled, and its time "
                "is free again:\n\n{{ title }}\n{{ start }}\n\nReason: {{ reason }}"
            ),
        ),
    },
    # Text messages keep to the GSM alphabet: one “ or – and only 70 characters fit instead of 160.
    (Channel.SMS, Recipient.CLIENT): {
        Kind.REMINDER: Words("", _("Reminder: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.BOOKED: Words("", _("Booked: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.PENDING: Words("", _("Awaiting approval: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.APPROVED: Words("", _("Approved: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.DECLINED: Words("", _("Declined: {{ title }} with {{ provider_name }}, {{ start }}\n{{ reason }}")),
        Kind.MOVED: Words("", _("Moved: {{ title }} with {{ provider_name }}, now {{ start }}")),
        Kind.CANCELLED: Words("", _("Cancelled: {{ title }} with {{ provider_name }}, {{ start }}\n{{ reason }}")),
    },
}


def default_words(kind: str, channel: str, recipient: str) -> Words:
    """Return the default text, in the language active when it is read. Every message that is sent has one."""
    return DEFAULTS[Channel(channel), Recipient(recipient)][Kind(kind)]


def names_in(text: str) -> list[str]:
    """Return the variables of a text, in their order."""
    return VARIABLE.findall(text)


def validate_sent(kind: str, channel: str, recipient: str) -> None:
    """Reject texts for a message that is never sent. Raises ValidationError (`never_sent`) on the kind."""
    kinds = next((kinds for which, kinds in DEFAULTS.items() if which == (channel, recipient)), {})
    if kind not in kinds:
        raise ValidationError(
            {
                "kind": ValidationError(
                    _("No such message is ever sent. To the %(recipient)s by %(channel)s there are: %(kinds)s."),
                    code="never_sent",
                    params={
                        "recipient": dict(Recipient.choices).get(recipient, recipient),
                        "channel": dict(Channel.choices).get(channel, channel),
                        "kinds": ", ".join(str(each.label) for each in kinds) or _("none"),
                    },
                )
            }
        )


def validate_words(text: str) -> None:
    """Reject texts that would not be sent as intended: unknown variables, code, stray braces.

    Raises ValidationError (`unknown_variable`, `braces`).
    """
    known = ", ".join(VARIABLES)
    for name in names_in(text):
        if name not in VARIABLES:
            raise ValidationError(
                _("There is no variable “%(name)s”. There are: %(known)s."),
                code="unknown_variable",
                params={"name": name[:64], "known": known},
            )
    if any(brace in VARIABLE.sub("", text) for brace in "{}"):
        raise ValidationError(
            _("Braces are for variables only, written {{ title }}. There are: %(known)s."),
            code="braces",
            params={"known": known},
        )


def filled(text: str | Promise, facts: Mapping[str, str]) -> str:
    """Return `text` with its variables replaced. A line whose variables are all empty is left out."""
    lines = []
    for parts in _lines_of(str(text)):
        if len(parts) == 1:
            lines.append(parts[0])
            continue
        said = [facts.get(part, "") if number % 2 else part for number, part in enumerate(parts)]
        if any(said[1::2]):
            lines.append("".join(said))
    return GAPS.sub("\n\n", "\n".join(lines)).strip()


def filled_html(text: str | Promise, facts: Mapping[str, str]) -> str:
    """Return the same as HTML: paragraphs, URLs in the text as links, URLs in variables as buttons.

    Other values of variables never become links, because anybody may call themself `www.example.org`.
    """
    words = str(text)
    marked = {name: _marked(name, facts.get(name, "")) for name in names_in(words)}
    paragraphs = filled(_with_links(words), marked).split("\n\n")
    return "\n".join('<p dir="auto">' + paragraph.replace("\n", "<br>") + "</p>" for paragraph in paragraphs)


@lru_cache(maxsize=512)
def _lines_of(text: str) -> list[list[str]]:
    """Return the lines of a text, each alternating between text and a variable's name."""
    return [VARIABLE.split(line) for line in text.splitlines()]


@lru_cache(maxsize=512)
def _with_links(text: str) -> str:
    parts = VARIABLE.split(text)
    return "".join(
        f"{{{{ {part} }}}}" if number % 2 else urlize(part, autoescape=True) if "://" in part else escape(part)
        for number, part in enumerate(parts)
    )


def _marked(name: str, value: str) -> str:
    if not value:
        return ""
    if name in LINKS:
        return format_html(BUTTON, value, LINKS[name])
    return f"<bdi>{escape(without_directions(value))}</bdi>"
