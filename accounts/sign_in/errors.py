"""Refusals to register, to log in, and to change a password."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class EmailTaken(DomainError):
    code = "email_taken"
    kind = ErrorKind.CONFLICT
    message = _("There is already an account with this email. Log in, or reset the password.")


class NoActiveAccount(DomainError):
    """A wrong email or password.

    It is the same for an unknown email, so that it does not reveal whether a login exists.
    """

    code = "no_active_account"
    message = _("No active account has this email and password.")


class SecondFactorRequired(DomainError):
    code = "second_factor_required"
    message = _("This account has a second factor: send a code of your authenticator app, or a recovery code.")


class WrongCode(DomainError):
    code = "wrong_code"
    message = _("This code is not valid, or no longer.")


class TooManyGuesses(DomainError):
    """A try that comes too soon after wrong ones. It is the same for an unknown email, so as not to reveal logins."""

    code = "too_many_guesses"
    kind = ErrorKind.TOO_MANY
    message = _("There were too many wrong passwords or codes. Wait a while and try again, or set a new password.")


class TokenNotValid(DomainError):
    code = "token_not_valid"
    message = _("This token is not valid, or no longer. Log in again.")


class SignInEnded(DomainError):
    """A sign-in that has ended, or that belongs to another login."""

    code = "sign_in_ended"
    kind = ErrorKind.NOT_FOUND
    message = _("You are already signed out there.")


class WrongPassword(DomainError):
    code = "wrong_password"
    message = _("This is not your current password.")


class LinkNotValid(DomainError):
    code = "link_not_valid"
    message = _("This link is not valid, or no longer. Ask for a new one.")
