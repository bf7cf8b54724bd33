"""Errors of templates."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class BadWords(DomainError):
    code = "bad_words"
    message = _("This template can't be used.")
    remedy = "Correct the text as the message says. `POST /api/v1/message-templates/preview` shows it."


class TemplateExists(DomainError):
    code = "template_exists"
    kind = ErrorKind.CONFLICT
    message = _(
        "A template already exists for this provider, kind, channel, recipient and language. Edit that one instead."
    )
    remedy = "Find it with `GET /api/v1/message-templates` and change it with `PATCH`."


class NotSent(DomainError):
    code = "not_sent"
    kind = ErrorKind.CONFLICT
    message = _("The message could not be sent.")
    remedy = "Read the message: it says what the mail server answered. Try again later."
