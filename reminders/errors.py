"""Errors of reminders."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, Kind


class NotRetryable(DomainError):
    code = "not_retryable"
    kind = Kind.CONFLICT
    message = _("Only a message that failed can be sent again.")


class TooLate(DomainError):
    code = "too_late"
    kind = Kind.GONE
    message = _("This message would help nobody any more.")


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


class NotOffered(DomainError):
    code = "not_offered"
    message = _("This site sends no text messages. Choose email.")


class NotVerified(DomainError):
    code = "not_verified"
    kind = Kind.FORBIDDEN
    message = _("Verify the email you log in with first, by the link we mailed there.")


class NotYourAddress(DomainError):
    code = "not_your_address"
    kind = Kind.FORBIDDEN
    message = _("You can decide this for the email you log in with. Others decide by a link in a message, or by SMS.")


class StoppedBySms(DomainError):
    code = "stopped_by_sms"
    kind = Kind.CONFLICT
    message = _("This number said STOP. It takes that back by answering START.")


class NotAClient(DomainError):
    code = "not_a_client"
    kind = Kind.FORBIDDEN
    message = _("Only clients are reminded, and you are none.")


class BadWords(DomainError):
    code = "bad_words"
    message = _("These words cannot be used.")


class TemplateExists(DomainError):
    code = "template_exists"
    kind = Kind.CONFLICT
    message = _("There already are words for this provider, kind, channel, recipient and language. Change those.")


class CodeNotValid(DomainError):
    code = "wrong_code"
    message = _("This code is not valid, or no longer. Ask for another.")


class NoPhone(DomainError):
    code = "required"
    message = _("Say which number, with its country: +49…")


class CountryNotServed(DomainError):
    code = "country_not_served"
    message = _("Text messages do not go to this country.")


class NotSent(DomainError):
    code = "not_sent"
    kind = Kind.CONFLICT
    message = _("The message could not be sent.")


class BadSignature(DomainError):
    code = "bad_signature"
    kind = Kind.FORBIDDEN
    message = _("This is not signed by the SMS gateway.")


class BadAddress(DomainError):
    code = "bad_address"
    message = _(
        "A webhook's address is https://host/path, without a login in it, at one of the usual ports and not in a "
        "private network."
    )


class UnknownEvent(DomainError):
    code = "unknown_event"
    message = _("There is no such event. The events there are are listed.")


class EndpointExists(DomainError):
    code = "endpoint_exists"
    kind = Kind.CONFLICT
    message = _("This provider already has a webhook with this address.")


class TooManyEndpoints(DomainError):
    code = "too_many_endpoints"
    kind = Kind.CONFLICT
    message = _("This provider has as many webhooks as one may have. Delete one first.")


class EndpointDisabled(DomainError):
    code = "endpoint_disabled"
    kind = Kind.CONFLICT
    message = _("This webhook is disabled. Enable it first.")
