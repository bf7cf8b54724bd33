"""Errors of verifying a phone."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError


class CodeNotValid(DomainError):
    code = "wrong_code"
    message = _("This code is wrong or has expired. Ask for a new one.")
    remedy = "Ask for the code of the newest message, or have another sent: `POST /api/v1/me/phone`."


class NoPhone(DomainError):
    code = "required"
    message = _("Enter a phone number with its country code, such as +49…")
    remedy = "Send the number in international form: `+4930123456`."


class CountryNotServed(DomainError):
    code = "country_not_served"
    message = _("We don't send text messages to this country.")
    remedy = "Choose email. Operators list countries in `SMS_COUNTRIES`."
