"""Operations on message templates: save, preview, and mail oneself a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.actors import Actor
from reminders.channels.base import DeliveryError, OutgoingMessage, TemplateText, shortened
from reminders.channels.email.channel import EmailChannel, connect
from reminders.models import MessageTemplate
from reminders.preferences.errors import NotVerified
from reminders.templates.composer import RenderedText, render, sample_facts, templates_of, text_or_default, words_from
from reminders.templates.errors import BadWords, NotSent
from reminders.templates.models import MessageTemplateQuerySet
from reminders.templates.texts import validate_sent
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.limits.sending import Sending, take
from scheduler_project.common.operations import operation


@operation
def save_template(*, fields: dict[str, Any], actor: Actor, template_id: int | None = None) -> MessageTemplate:
    """Add a template, or change the given fields of an existing one.

    Providers edit their own, with or without naming themselves; staff edit any, or, without a provider, the site's.
    Raises BadWords, TemplateExists, NotAllowed, NotFound.
    """
    verb = "add" if template_id is None else "change"
    template = MessageTemplate() if template_id is None else _locked(template_id, actor, verb)
    for name, value in fields.items():
        setattr(template, name, value)
    _set_provider(template, actor, verb)
    check(template)
    template.save()
    return template


@operation
def remove_template(*, template_id: int, actor: Actor) -> None:
    """Delete a template; the site's or the default text applies again. Raises NotFound."""
    _locked(template_id, actor, "delete").delete()


def check(template: MessageTemplate) -> None:
    """Raise BadWords for a text that could not be sent as intended."""
    with _refusing():
        template.full_clean(validate_unique=False, validate_constraints=False)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        field, found = next(iter(error.message_dict.items()))
        raise BadWords(found[0], field=field) from None


class Preview(NamedTuple):
    """A text, and the message it gives with sample values."""

    words: TemplateText
    letter: RenderedText


def in_use(template: MessageTemplate) -> TemplateText:
    """Return the text in use in place of this template, in its language: the provider's, the site's or the default."""
    custom_texts = templates_of([template.provider_id] if template.provider_id else [])
    which = (template.kind, template.channel, template.recipient, template.language)
    with translation.override(template.language):
        subject, body = words_from(custom_texts, template.provider_id, *which)
        return TemplateText(str(subject), str(body))


def preview_template(*, template: MessageTemplate, actor: Actor, now: datetime) -> Preview:
    """Return the message a template gives, in the actor's timezone. The template need not be saved.

    A template without a body shows the text in use. Raises BadWords, NotAllowed.
    """
    _set_provider(template, actor, "add")
    with _refusing():
        validate_sent(template.kind, template.channel, template.recipient)
    if not template.body:
        subject, body = in_use(template)
        template.subject, template.body = str(subject), str(body)
    check(template)
    words, zone = TemplateText(template.subject, template.body), ZoneInfo(actor.user.timezone if actor.user else "UTC")
    with translation.override(template.language):
        facts = sample_facts(template, zone, now)
        template_text = text_or_default(words, facts, template.kind, template.channel, template.recipient)
        return Preview(words, render(template_text, facts, channel=template.channel))


def send_test(*, template: MessageTemplate, actor: Actor, now: datetime) -> str:
    """Mail a template's message with sample values to the actor's own address, and return the address.

    A text message is mailed too. Call it outside of a transaction, because the mail server may be slow. Raises NotSent;
    NotVerified, except for staff: a login may have been created with another person's email.
    """
    if actor.user is None:
        raise NotAllowed
    verified = EmailAddress.objects.filter(user=actor.user, email=actor.user.email, verified=True)
    if not actor.user.is_staff and not verified.exists():
        raise NotVerified
    letter = preview_template(template=template, actor=actor, now=now).letter
    outgoing = OutgoingMessage(
        key=uuid4(),
        address=actor.user.email,
        to_name=actor.user.name,
        subject=_("Test: %(subject)s") % {"subject": letter.subject or template},
        text=letter.text,
        html=letter.html,
    )
    sending = Sending(
        EmailChannel.name, "", actor.user.email, trusted=actor.may("reminders.change_messagetemplate"), asked_for=True
    )
    if wait := take([sending], now=now)[0]:
        raise NotSent(wait.reason)
    try:
        with connect() as mail:
            mail.send(outgoing)
    except DeliveryError as error:
        raise NotSent(_("The test could not be sent: %(error)s") % {"error": shortened(error)}) from error
    return actor.user.email


def _locked(template_id: int, actor: Actor, verb: str) -> MessageTemplate:
    rows: MessageTemplateQuerySet = MessageTemplate.objects.all()
    mine = rows if actor.may(f"reminders.{verb}_messagetemplate") else rows.visible_to(actor.user)
    template = mine.select_for_update(of=("self",)).filter(pk=template_id).first()
    if template is None:
        raise NotFound
    _set_provider(template, actor, verb)
    return template


def _set_provider(template: MessageTemplate, actor: Actor, verb: str) -> None:
    """Set the provider to the actor's own if none is given. Raises NotAllowed for another provider's."""
    permission = f"reminders.{verb}_messagetemplate"
    if actor.may(permission):
        return
    if template.provider is None:
        template.provider = actor.user.provider_for(permission) if actor.user else None
    if template.provider is None or not actor.runs(template.provider.pk, permission):
        raise NotAllowed(field="provider")
