"""Composing the outgoing message from a row of the outbox: recipient, text and attachments."""

import re
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import dateformat, translation
from django.utils.functional import Promise

from accounts.actors import Source
from accounts.clients.fields import ContactField, fields_with
from booking.appointments.changes import default_title
from booking.appointments.transitions import CALLED_OFF, AppointmentStatus
from booking.calendars.icalendar import to_invitation, to_publication
from booking.links import appointment_link, hold_link
from booking.models import Appointment
from booking.reservations.codes import code_of
from reminders.channels.base import Attachment, OutgoingMessage, TemplateText
from reminders.channels.registry import CHANNELS, personal
from reminders.enums import MessageKind, Recipient
from reminders.models import Message, MessageTemplate
from reminders.preferences.links import opt_out_link
from reminders.templates.account_mails import account_mail
from reminders.templates.texts import LINKS, SECRETS, default_words, filled, filled_html, names_in
from reminders.webhooks.payloads import envelope, signing_secrets
from scheduler_project.common.currencies import amount
from scheduler_project.common.pages.formats import LONG_24_HOURS, SHORT_24_HOURS, on
from scheduler_project.common.site.clock import format_in
from scheduler_project.common.site.queries import site_settings
from scheduler_project.common.validators import isolated

ENDING = (MessageKind.CANCELLED, MessageKind.DECLINED)


OTHERS = translation.gettext_noop("Other times: {{ other_times }}")
"""A line added to any text about many appointments of a series."""


CODE = translation.gettext_noop("Your code, if you are asked for one: {{ confirm_code }}")
"""A line added to any text about a hold that a visitor made by the API, where the code confirms it."""


PREPARATION = translation.gettext_noop("Before your appointment: {{ preparation }}")
"""A line added to messages about an appointment to come if its service asks for something and the text does not."""


PREPARING = (MessageKind.BOOKED, MessageKind.APPROVED, MessageKind.MOVED, MessageKind.REMINDER)


INVITING = (
    MessageKind.BOOKED,
    MessageKind.PENDING,
    MessageKind.APPROVED,
    MessageKind.MOVED,
    MessageKind.CANCELLED,
    MessageKind.DECLINED,
)
"""Notices that carry the calendar entry."""


KEYS = re.compile(r"(https?://[^\s/]+/[a-z-]+/)[^\s<>\"]+")
"""Links that contain a secret."""


CustomTexts = Mapping[tuple[int | None, str, str, str, str], TemplateText]
"""Custom texts by provider (None: the site's), kind, channel, recipient and language."""


class Addressee(NamedTuple):
    """The recipient of a message."""

    name: str
    address: str
    zone: ZoneInfo
    language: str


def recipient_of(message: Message) -> Addressee:
    """Return the recipient with their current data. The address is empty if they have none on that channel."""
    if message.mail is not None:
        return Addressee("", message.mail["to"], ZoneInfo("UTC"), message.mail["language"])
    reservation = message.about
    if message.endpoint is not None:
        return Addressee(reservation.provider.name, message.endpoint.url, ZoneInfo("UTC"), settings.LANGUAGE_CODE)
    if message.recipient == Recipient.PROVIDER:
        user = reservation.provider.user
        address = personal(message.channel).address_of_login(user) if user and user.is_active else ""
        zone, language = (user.timezone, user.language) if user else ("UTC", "")
        return Addressee(reservation.provider.name, address, ZoneInfo(zone), language or settings.LANGUAGE_CODE)
    client = reservation.client
    preferences = getattr(client, "preferences", None)
    address = personal(message.channel).address_of(client)
    language = preferences.language if preferences else ""
    return Addressee(client.name, address, ZoneInfo(client.timezone), language or settings.LANGUAGE_CODE)


def templates_for(messages: Iterable[Message]) -> CustomTexts:
    """Return the custom texts these messages may need, with one query."""
    return templates_of({message.reservation.provider_id for message in messages if message.reservation})


def templates_of(provider_ids: Collection[int]) -> CustomTexts:
    """Return the custom texts of some providers, and those of the site."""
    templates = MessageTemplate.objects.filter(Q(provider=None) | Q(provider__in=provider_ids))
    return {
        (template.provider_id, template.kind, template.channel, template.recipient, template.language): TemplateText(
            template.subject, template.body
        )
        for template in templates.order_by()
    }


def words_of(message: Message, language: str, custom_texts: CustomTexts) -> TemplateText:
    """Return the provider's text, else the site's, else the default text."""
    which = (message.kind, message.channel, message.recipient, language)
    return words_from(custom_texts, message.about.provider_id, *which)


def words_from(
    custom_texts: CustomTexts, provider_id: int | None, kind: str, channel: str, recipient: str, language: str
) -> TemplateText:
    which = (str(kind), str(channel), str(recipient), language)
    own = custom_texts.get((provider_id, *which)) or custom_texts.get((None, *which))
    return own or default_words(kind, channel, recipient)


def text_or_default(
    words: TemplateText, facts: Mapping[str, str], kind: str, channel: str, recipient: str
) -> TemplateText:
    """Return the text; the default one if all its variables are empty and nothing of it is left."""
    return words if filled(words.body, facts) else default_words(kind, channel, recipient)


def compose(message: Message, *, custom_texts: CustomTexts, now: datetime) -> OutgoingMessage:
    """Return the complete message, in its recipient's language and timezone."""
    if message.kind == MessageKind.ACCOUNT:
        return account_mail(message)
    addressee = recipient_of(message)
    if message.endpoint is not None:
        return OutgoingMessage(
            message.key, addressee.address, body=envelope(message), secrets=signing_secrets(message.endpoint, now)
        )
    message = as_it_was(message)
    if may_be_a_strangers(message):
        message = without_own_words(message)
    with translation.override(addressee.language):
        link = opt_out_link(message.channel, addressee.address) if message.kind == MessageKind.REMINDER else ""
        facts = variables_of(message, addressee.zone)
        words = words_of(message, addressee.language, custom_texts)
        words = text_or_default(words, facts, message.kind, message.channel, message.recipient)
        if message.details.get("others"):
            words = words._replace(body=f"{words.body}\n\n{translation.gettext(OTHERS)}")
        if facts.get("confirm_code") and "confirm_code" not in names_in(str(words.body)):
            words = words._replace(body=f"{words.body}\n\n{translation.gettext(CODE)}")
        if is_to_prepare(message) and facts["preparation"] and "preparation" not in names_in(str(words.body)):
            words = words._replace(body=f"{words.body}\n\n{translation.gettext(PREPARATION)}")
        rendered = render(
            words,
            facts,
            channel=message.channel,
            opt_out=link,
            manage=manage_link(message),
        )
        if CHANNELS[message.channel].is_short:
            return OutgoingMessage(message.key, addressee.address, text=rendered.text)
        return OutgoingMessage(
            message.key,
            addressee.address,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            to_name=addressee.name,
            headers=unsubscribing(link),
            attachments=invitation(message, addressee),
        )


def is_to_prepare(message: Message) -> bool:
    """Return whether a message tells a client about an appointment to come, and has room for what to do before."""
    short = CHANNELS[message.channel].is_short
    return message.recipient == Recipient.CLIENT and message.kind in PREPARING and not short


def may_be_a_strangers(message: Message) -> bool:
    """Return whether a message goes to an unproved address of a client with a login, or of a guest who booked at once.

    It may be another person's.

    Only for messages loaded by `Message.objects.detailed()`; others lack the data about logins.
    """
    if message.recipient != Recipient.CLIENT or not personal(message.channel).writes_to_strangers:
        return False
    client = message.about.client
    return client.is_unproved or (client.user_id is not None and not getattr(message, "is_proved", False))


def as_it_was(message: Message) -> Message:
    """Return a message to the former client of an appointment with what it was for them: cancelled, without texts."""
    former, found = message.details.get("former"), message.appointment
    if not former or found is None:
        return message
    message = copy(message)
    message.appointment = copy(found)
    message.appointment.reservation = message.about
    message.appointment.title, message.appointment.sequence = former["title"], former["sequence"]
    message.appointment.description = message.appointment.cancellation_reason = ""
    message.appointment.status = AppointmentStatus.CANCELLED
    return message


def without_own_words(message: Message) -> Message:
    """Return a message for a stranger's mailbox, without any text that the client could have written except their name.

    Otherwise anybody could register with another person's email and have the site mail them any text.
    """
    found = message.appointment
    if found is None:
        return message
    message = copy(message)
    message.appointment = without_free_text(found)
    return message


def without_free_text(appointment: Appointment) -> Appointment:
    """Return the appointment with its service's name as title, and without description and reason to cancel."""
    appointment = copy(appointment)
    appointment.title, appointment.description = default_title(appointment.service), ""
    if appointment.cancellation_reason:
        ended = appointment.events.filter(event__in=CALLED_OFF).order_by("-pk").first()
        if ended is None or ended.user_id in (None, appointment.client.user_id):
            appointment.cancellation_reason = ""
    return appointment


def text_if_sent_now(message: Message, *, now: datetime) -> str:
    """Return the text of a message as it would be sent now, for staff and providers.

    Secrets in its links are left out. Mails about an account are not shown, because their text may hold a code.
    """
    if message.endpoint_id is not None or message.kind == MessageKind.ACCOUNT:
        return ""
    outgoing = compose(message, custom_texts=templates_for([message]), now=now)
    text = KEYS.sub("\\1…/", outgoing.text)
    if message.kind == MessageKind.HOLD:
        text = text.replace(code_of(message.about), "…")
    return f"{outgoing.subject}\n\n{text}" if outgoing.subject else text


class RenderedText(NamedTuple):
    """The text to read. A text message has no subject and no HTML."""

    subject: str
    text: str
    html: str


def manage_link(message: Message) -> str:
    """Return the link to view, reschedule or cancel the message's appointment; "" if it is not upcoming."""
    several = message.details.get("others")
    if message.appointment is None or message.recipient != Recipient.CLIENT or message.kind in ENDING or several:
        return ""
    return appointment_link(message.appointment, message.about.client_id)


def render(
    words: TemplateText, facts: Mapping[str, str], *, channel: str, opt_out: str = "", manage: str = ""
) -> RenderedText:
    """Return the text with its variables filled in, in the active language.

    `opt_out` is the link to end reminders, `manage` the link to reschedule or cancel. The subject is one line.
    """
    plain = {name: value if name in LINKS else isolated(value) for name, value in facts.items()}
    text = filled(words.body, plain)
    if CHANNELS[channel].is_short:
        return RenderedText("", text, "")
    public = {name: value for name, value in plain.items() if name not in SECRETS}
    context = {
        "subject": " ".join(filled(words.subject, public).split()) or facts["title"],
        "text": text,
        "html": filled_html(words.body, facts),
        "opt_out_link": opt_out,
        "manage_link": manage,
        "site_name": facts["site_name"],
        "language": translation.get_language(),
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
    }
    text, html = (render_to_string(f"reminders/message.{form}", context) for form in ("txt", "html"))
    return RenderedText(context["subject"], "" + text, "" + html)  # no longer marked as safe: pages may show them


def unsubscribing(link: str) -> dict[str, str]:
    """Return the headers of a mail program's unsubscribe button (RFC 2369, RFC 8058)."""
    if not link:
        return {}
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def invitation(message: Message, addressee: Addressee) -> tuple[Attachment, ...]:
    """Return the calendar entry; for a notice about many appointments, the current entries of all."""
    if message.appointment is None or message.kind not in INVITING:
        return ()
    for_provider = message.recipient == Recipient.PROVIDER
    if message.details.get("others"):
        among: Iterable[Appointment] = (
            Appointment.objects.detailed()
            .filter(pk__in=message.details["appointments"], reservation__client=message.about.client_id)
            .order_by("reservation__starts_at")
        )
        if may_be_a_strangers(message):
            among = map(without_free_text, among)
        method, content = to_publication(among, for_provider=for_provider)
    else:
        method, content = to_invitation(
            message.appointment, attendee=addressee.address, name=addressee.name, for_provider=for_provider
        )
    return (Attachment("appointment.ics", f"text/calendar; method={method}", content),)


def contacts_for(recipient: str) -> list[tuple[str, ContactField]]:
    """Return the variables about the client: all of them for the provider; clients read only their own name."""
    readable = fields_with() if recipient == Recipient.PROVIDER else fields_with(is_title=True)
    return [(f"client_{field.name}", field) for field in readable if field.variable]


def variables_of(message: Message, zone: ZoneInfo) -> dict[str, str]:
    """Return the values of the variables, each one line, in the active language. Times are short in text messages."""
    reservation, appointment = message.about, message.appointment
    service = reservation.service
    title = appointment.called if appointment else service.name if service else translation.gettext("Appointment")
    old = message.details.get("from")
    form = SHORT_24_HOURS if CHANNELS[message.channel].is_short else LONG_24_HOURS
    facts = {
        **{name: str(getattr(reservation.client, field.name)) for name, field in contacts_for(message.recipient)},
        "provider_name": reservation.provider.name,
        "title": title,
        "service_name": service.local.name if service else title,
        "price": service.price_text if service else "",
        "preparation": service.local.preparation if service else "",
        "start": time_in_words(reservation.starts_at, zone, form),
        "end": time_in_words(reservation.ends_at, zone, form),
        "old_start": time_in_words(datetime.fromisoformat(old), zone, form) if old else "",
        "other_times": times_of(message, zone, form),
        "reason": appointment.cancellation_reason if appointment else "",
        "held_until": time_in_words(reservation.expires_at, zone, form) if reservation.expires_at else "",
        "site_name": site_settings().title,
    }
    if message.recipient == Recipient.CLIENT and message.kind == MessageKind.HOLD:
        facts["confirm_link"] = hold_link(reservation)
        by_program = reservation.is_by_visitor and reservation.face == Source.API
        facts["confirm_code"] = code_of(reservation) if by_program else ""
    return {name: " ".join(value.split()) for name, value in facts.items()}


def times_of(message: Message, zone: ZoneInfo, form: str | Promise) -> str:
    """Return the further times of a notice about many appointments; of too many, the first ones and a count."""
    times = [time_in_words(datetime.fromisoformat(other), zone, form) for other in message.details.get("others", ())]
    listed = CHANNELS[message.channel].most_times
    more = len(times) - listed
    if more > 0:
        rest = translation.ngettext("and %(count)d more until %(last)s", "and %(count)d more until %(last)s", more)
        times = [*times[:listed], rest % {"count": more, "last": times[-1]}]
    return "; ".join(times)


def sample_facts(template: MessageTemplate, zone: ZoneInfo, now: datetime) -> dict[str, str]:
    """Return sample values of a template's variables, in the active language."""
    morning = now.astimezone(zone).replace(hour=9, minute=0, second=0, microsecond=0)
    start = morning + timedelta(days=3)
    form = SHORT_24_HOURS if CHANNELS[template.channel].is_short else LONG_24_HOURS
    facts = {
        **{name: str(field.sample) for name, field in contacts_for(template.recipient)},
        "provider_name": template.provider.name if template.provider else translation.gettext("Dr. Kim Example"),
        "title": translation.gettext("First visit"),
        "service_name": translation.gettext("First visit"),
        "price": amount(Decimal(45), "EUR"),
        "preparation": translation.gettext("Please bring your latest results."),
        "start": time_in_words(start, zone, form),
        "end": time_in_words(start + timedelta(minutes=30), zone, form),
        "old_start": time_in_words(start - timedelta(days=1), zone, form) if template.kind == MessageKind.MOVED else "",
        "reason": translation.gettext("We're closed that day.") if template.kind in ENDING else "",
        "held_until": time_in_words(now + timedelta(minutes=30), zone, form),
        "site_name": site_settings().title,
    }
    if template.recipient == Recipient.CLIENT and template.kind == MessageKind.HOLD:
        facts |= {"confirm_link": f"{settings.SITE_URL}/r/{'example' * 8}/", "confirm_code": "123456"}
    return {name: " ".join(value.split()) for name, value in facts.items()}


def time_in_words(instant: datetime, zone: ZoneInfo, form: str | Promise = LONG_24_HOURS) -> str:
    """Return a time in the active language and by the zone's clock: `Tuesday, 3 March 2026, 09:00 (Europe/London)`."""
    return _language_of_time(instant, zone, format_in(zone.key, form), translation.get_language())


@lru_cache(maxsize=4096)
def _language_of_time(instant: datetime, zone: ZoneInfo, form: str, language: str | None) -> str:
    """Return the time in words. `language` is an argument only as part of the cache key."""
    local = instant.astimezone(zone)
    return f"{dateformat.format(local, on(local, form))} ({zone.key})"
