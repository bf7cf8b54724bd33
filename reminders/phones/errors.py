"""Errors of verifying a phone."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError


class CodeNotValid(DomainError):
    code = "wrong_code"
    message = _("This code is wrong or has expired. Ask for a new one.")


class NoPhone(DomainError):
    code = "required"
    message = _("Enter a phone number with its country code, such as +49…")


class CountryNotServed(DomainError):
    code = "country_not_served"
    message = _("We don't send text messages to this country.")
