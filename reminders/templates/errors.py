"""Errors of templates."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class BadWords(DomainError):
    code = "bad_words"
    message = _("This template can't be used.")


class TemplateExists(DomainError):
    code = "template_exists"
    kind = ErrorKind.CONFLICT
    message = _(
        "A template already exists for this provider, kind, channel, recipient and language. Edit that one instead."
    )


class NotSent(DomainError):
    code = "not_sent"
    kind = ErrorKind.CONFLICT
    message = _("The message could not be sent.")
