"""Refusals to register, to log in, and to change a password."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class SignUpClosed(DomainError):
    code = "sign_up_closed"
    kind = ErrorKind.FORBIDDEN
    message = _("You can't create an account here yourself. Contact us if you need one.")


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


class NoIssuer(DomainError):
    code = "no_issuer"
    kind = ErrorKind.FORBIDDEN
    message = _("Nobody logs in to this site by another service.")


class IssuerUnavailable(DomainError):
    """An OpenID Connect issuer that does not answer in time, or not as one."""

    code = "issuer_unavailable"
    kind = ErrorKind.UNAVAILABLE
    message = _("The service you log in with does not answer. Try again in a moment, or log in with your password.")
    retry_after = 10


class IdentityNotValid(DomainError):
    """An ID token that is forged, expired, used, or for another program."""

    code = "identity_not_valid"
    message = _("What the service says about you is not valid, or no longer. Log in once more.")


class IdentityUnverified(DomainError):
    """An identity without an email that its issuer has verified."""

    code = "identity_unverified"
    kind = ErrorKind.FORBIDDEN
    message = _("The service has not verified your email. Verify it there, or log in with a password.")


class IdentityTaken(DomainError):
    """A login that another identity of the same issuer belongs to: its mailbox may have a new owner."""

    code = "identity_taken"
    kind = ErrorKind.CONFLICT
    message = _("Another account of the service belongs to your email here. Log in with your password and remove it.")


class StaffByPassword(DomainError):
    code = "staff_by_password"
    kind = ErrorKind.FORBIDDEN
    message = _("Staff log in with their password here.")


class AccountInactive(DomainError):
    code = "account_inactive"
    kind = ErrorKind.FORBIDDEN
    message = _("This account is not active.")


class LoginErased(DomainError):
    code = "login_erased"
    kind = ErrorKind.CONFLICT
    message = _("This person was erased at their own request. Nobody can log in as them again.")
