"""Errors of templates."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class BadWords(DomainError):
    code = "bad_words"
    message = _("These words cannot be used.")


class TemplateExists(DomainError):
    code = "template_exists"
    kind = ErrorKind.CONFLICT
    message = _("There already are words for this provider, kind, channel, recipient and language. Change those.")


class NotSent(DomainError):
    code = "not_sent"
    kind = ErrorKind.CONFLICT
    message = _("The message could not be sent.")
