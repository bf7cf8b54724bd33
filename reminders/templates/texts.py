"""Texts of messages: their variables, the defaults, and the replacement of variables.

Default and custom texts both go through `filled`. Only `{{ name }}` is replaced; no code is run. A line whose variables
are all empty is left out, so that “Reason: {{ reason }}” does not stay without a reason.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.html import escape, format_html, urlize
from django.utils.translation import gettext_lazy as _

from accounts.clients.fields import CONTACT_FIELDS
from reminders.channels.base import TemplateText
from reminders.channels.registry import channel_choices, personal, personal_channels
from reminders.enums import MessageKind, Recipient
from scheduler_project.common.validators import without_directions

VARIABLE = re.compile(r"\{\{[ \t]*(\w+)[ \t]*\}\}")


GAPS = re.compile(r"\n{3,}")


VARIABLES = {
    **{f"client_{field.name}": field.variable for field in CONTACT_FIELDS if field.variable},
    "provider_name": _("the provider's name"),
    "title": _("the appointment's title"),
    "service_name": _("the service's name"),
    "price": _("the service's price"),
    "preparation": _("what the client should bring or do beforehand"),
    "start": _("start day and time, with the recipient's time zone"),
    "end": _("end day and time, with the recipient's time zone"),
    "old_start": _("the previous day and time, if rescheduled"),
    "reason": _("why it was cancelled or declined"),
    "confirm_link": _("the link to confirm the reservation"),
    "confirm_code": _("the code to confirm a reservation made through the API; otherwise empty"),
    "held_until": _("when the hold expires"),
    "site_name": _("this site's name"),
}


LINKS = {"confirm_link": _("Confirm")}
"""Variables that are links. In HTML each becomes a button with this label."""


SECRETS = (*LINKS, "confirm_code")
"""Variables that confirm a reservation for whoever reads them. Subjects are shown on locked screens and in logs."""


BUTTON = (
    '<a href="{}" style="display:inline-block;padding:12px 28px;border-radius:8px;background:#1d4ed8;color:#ffffff;'
    'font-weight:600;text-decoration:none">{}</a>'
)


def default_texts() -> dict[tuple[str, Recipient], Mapping[MessageKind, TemplateText]]:
    """Return the default texts of all messages, by channel and recipient."""
    return {
        (name, recipient): kinds
        for name, channel in personal_channels().items()
        for recipient, kinds in channel.texts.items()
    }


def default_words(kind: str, channel: str, recipient: str) -> TemplateText:
    """Return the default text, in the language active when it is read. Every message that is sent has one."""
    return personal(channel).texts[Recipient(recipient)][MessageKind(kind)]


def names_in(text: str) -> list[str]:
    """Return the variables of a text, in their order."""
    return VARIABLE.findall(text)


def validate_sent(kind: str, channel: str, recipient: str) -> None:
    """Raise ValidationError (`never_sent`, on the kind) for texts of a message that is never sent."""
    kinds = next((kinds for which, kinds in default_texts().items() if which == (channel, recipient)), {})
    if kind not in kinds:
        raise ValidationError(
            {
                "kind": ValidationError(
                    _("We never send this message. Messages to the %(recipient)s by %(channel)s: %(kinds)s."),
                    code="never_sent",
                    params={
                        "recipient": dict(Recipient.choices).get(recipient, recipient),
                        "channel": dict(channel_choices()).get(channel, channel),
                        "kinds": ", ".join(str(each.label) for each in kinds) or _("none"),
                    },
                )
            }
        )


def validate_words(text: str) -> None:
    """Raise ValidationError for texts that would not be sent as intended: unknown variables, code, stray braces.

    The codes are `unknown_variable` and `braces`.
    """
    known = ", ".join(VARIABLES)
    for name in names_in(text):
        if name not in VARIABLES:
            raise ValidationError(
                _("Unknown variable “%(name)s”. Use one of: %(known)s."),
                code="unknown_variable",
                params={"name": name[:64], "known": known},
            )
    if any(brace in VARIABLE.sub("", text) for brace in "{}"):
        raise ValidationError(
            _("Use braces only for variables, such as {{ title }}. Available: %(known)s."),
            code="braces",
            params={"known": known},
        )


def validate_subject(text: str) -> None:
    """Raise ValidationError (`secret_in_subject`, on the subject) for a variable that belongs in the text only."""
    for name in names_in(text):
        if name in SECRETS:
            says = _(
                "“%(name)s” confirms a reservation, and subjects show on locked screens. Use it in the text instead."
            )
            error = ValidationError(says, code="secret_in_subject", params={"name": name})
            raise ValidationError({"subject": error})


def filled(text: str | Promise, facts: Mapping[str, str]) -> str:
    """Return `text` with its variables replaced. A line whose variables are all empty is left out."""
    lines = []
    for parts in _lines_of(str(text)):
        if len(parts) == 1:
            lines.append(parts[0])
            continue
        filled_parts = [facts.get(part, "") if number % 2 else part for number, part in enumerate(parts)]
        if any(filled_parts[1::2]):
            lines.append("".join(filled_parts))
    return GAPS.sub("\n\n", "\n".join(lines)).strip()


def filled_html(text: str | Promise, facts: Mapping[str, str]) -> str:
    """Return `text` as HTML with its variables replaced: paragraphs, URLs as links, URLs in variables as buttons.

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
