"""Errors of preferences and opt-outs."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class OneEnd(DomainError):
    code = "quiet_hours_have_two_ends"
    message = _("Say both when it begins to be quiet and when it ends; or neither.")


class NeverQuiet(DomainError):
    code = "quiet_hours_without_length"
    message = _(
        "The quiet hours cannot be the whole day, nor none of it: they must end at another time than they begin. "
        "For no reminders at all choose no channels; for reminders at any hour leave both empty."
    )


class UnknownChoice(DomainError):
    code = "invalid_choice"
    message = _("There is no such choice.")


class ChannelNotOffered(DomainError):
    code = "not_offered"
    message = _("This site sends no text messages. Choose email.")


class NotVerified(DomainError):
    code = "not_verified"
    kind = ErrorKind.FORBIDDEN
    message = _("Verify the email you log in with first, by the link we mailed there.")


class NotYourAddress(DomainError):
    code = "not_your_address"
    kind = ErrorKind.FORBIDDEN
    message = _("You can decide this for the email you log in with. Others decide by a link in a message, or by SMS.")


class StoppedBySms(DomainError):
    code = "stopped_by_sms"
    kind = ErrorKind.CONFLICT
    message = _("This number said STOP. It takes that back by answering START.")


class NotAClient(DomainError):
    code = "not_a_client"
    kind = ErrorKind.FORBIDDEN
    message = _("Only clients are reminded, and you are none.")
