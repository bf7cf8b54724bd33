"""Errors of verifying a phone."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError


class CodeNotValid(DomainError):
    code = "wrong_code"
    message = _("This code is not valid, or no longer. Ask for another.")


class NoPhone(DomainError):
    code = "required"
    message = _("Say which number, with its country: +49…")


class CountryNotServed(DomainError):
    code = "country_not_served"
    message = _("Text messages do not go to this country.")
