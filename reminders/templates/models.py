"""Custom message templates."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.models import Provider, User
from reminders.channels.registry import personal, personal_choices
from reminders.enums import OF_BOOKINGS, MessageKind, Recipient
from reminders.templates.errors import TemplateExists
from reminders.templates.texts import names_in, validate_sent, validate_subject, validate_words
from scheduler_project.common.languages import language_choices
from scheduler_project.common.validators import one_line

KINDS = [(kind.value, kind.label) for kind in MessageKind if kind not in (MessageKind.EVENT, MessageKind.ACCOUNT)]
"""Kinds of messages whose text is a template: webhooks carry data, and accounts writes its own mails."""


class MessageTemplateQuerySet(models.QuerySet["MessageTemplate"]):
    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Templates the user may see and change: all for staff, their own for a provider."""
        if not isinstance(user, User):
            return self.none()
        permission = "reminders.view_messagetemplate"
        return self if user.may(permission) else self.filter(user.as_provider("provider", permission))


class MessageTemplate(models.Model):
    """The text for one kind of message, channel, recipient and language, of a provider or (without one) of the site.

    Without a template the default text is used. Only the variables of `texts.VARIABLES` are replaced; no code is run.
    """

    provider = models.ForeignKey(
        Provider,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="message_templates",
        verbose_name=_("provider"),
        help_text=_("Leave empty for all providers without their own template."),
    )
    kind = models.CharField(_("kind"), max_length=12, choices=KINDS)
    channel = models.CharField(_("channel"), max_length=10, choices=personal_choices)
    recipient = models.CharField(_("recipient"), max_length=10, choices=OF_BOOKINGS, default=Recipient.CLIENT)
    language = models.CharField(_("language"), max_length=10, choices=language_choices)
    subject = models.CharField(
        _("subject"),
        max_length=200,
        blank=True,
        validators=[one_line, validate_words],
        help_text=_("Emails only. Text messages have no subject."),
    )
    body = models.TextField(_("text"), max_length=5000, validators=[validate_words])

    objects = MessageTemplateQuerySet.as_manager()

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        ordering = ["provider__name", "kind", "channel", "recipient", "language"]
        constraints = [
            models.UniqueConstraint(
                Coalesce("provider", 0),
                "kind",
                "channel",
                "recipient",
                "language",
                name="messagetemplate_once",
                violation_error_message=TemplateExists.message,
            ),
        ]

    def __str__(self) -> str:
        return " · ".join(
            str(part)
            for part in (
                self.get_kind_display(),
                self.get_channel_display(),
                self.get_recipient_display(),
                self.get_language_display(),
            )
        )

    def clean(self) -> None:
        """Check that the message exists, that only a long one has a subject, and that what confirms a reservation is in
        the text, not in the subject."""
        validate_sent(self.kind, self.channel, self.recipient)
        is_short = personal(self.channel).is_short
        if not is_short and not self.subject.strip():
            raise ValidationError({"subject": ValidationError(_("Enter a subject."), code="required")})
        if is_short and self.subject:
            raise ValidationError(
                {"subject": ValidationError(_("Text messages have no subject. Leave it empty."), code="no_subject")}
            )
        validate_subject(self.subject)
        if self.kind == MessageKind.HOLD and "confirm_link" not in names_in(self.body):
            raise ValidationError(
                {
                    "body": ValidationError(
                        _("Add {{ confirm_link }}. Without it, clients can't confirm their reservation."),
                        code="link_missing",
                    )
                }
            )
