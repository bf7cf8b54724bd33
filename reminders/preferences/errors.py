"""Errors of preferences and opt-outs."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class OneEnd(DomainError):
    code = "quiet_hours_have_two_ends"
    message = _("Enter both a start and an end for quiet hours, or leave both empty.")
    remedy = "Send both `quiet_from` and `quiet_until`, or null for both."


class NeverQuiet(DomainError):
    code = "quiet_hours_without_length"
    message = _(
        "Quiet hours must end at a different time than they start. To get no reminders, choose no channels. To "
        "get them at any hour, leave both empty."
    )
    remedy = "Send two different times, or null for both."


class UnknownChoice(DomainError):
    code = "invalid_choice"
    message = _("This isn't one of the choices. Pick another.")
    remedy = "Send one of the values that the OpenAPI document lists for this field."


class ChannelNotOffered(DomainError):
    code = "not_offered"
    message = _("This site sends no text messages. Choose email.")
    remedy = "Leave out `sms`. Operators set a gateway by `SMS_GATEWAY`."


class NotVerified(DomainError):
    code = "not_verified"
    kind = ErrorKind.FORBIDDEN
    message = _("Verify your sign-in email first, with the link we sent you.")
    remedy = "Call `POST /api/v1/me/email/verify`, and have the link in the mail opened."


class NotYourAddress(DomainError):
    code = "not_your_address"
    kind = ErrorKind.FORBIDDEN
    message = _(
        "You can only change this for your sign-in email. For other addresses, use the link in a message or an SMS."
    )
    remedy = "Send the email you sign in with."


class StoppedBySms(DomainError):
    code = "stopped_by_sms"
    kind = ErrorKind.CONFLICT
    message = _("This number opted out with STOP. Reply START from it to get text messages again.")
    remedy = "Have the person send START to the number the messages come from."


class NotAClient(DomainError):
    code = "not_a_client"
    kind = ErrorKind.FORBIDDEN
    message = _("Only clients get reminders. Your account isn't a client account.")
    remedy = "Sign in as a client. Providers change preferences at `/api/v1/clients/{id}/preferences`."
