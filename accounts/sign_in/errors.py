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
    message = _("There is already an account with this email. Sign in, or reset the password.")


class NoActiveAccount(DomainError):
    """A wrong email or password.

    It is the same for an unknown email, so that it does not reveal whether a login exists.
    """

    code = "no_active_account"
    message = _("No active account matches this email and password.")


class SecondFactorRequired(DomainError):
    code = "second_factor_required"
    message = _(
        "This account uses two-factor authentication: send a code from your authenticator app, or a recovery code."
    )


class WrongCode(DomainError):
    code = "wrong_code"
    message = _("This code is wrong or no longer valid. Try a new one.")


class TooManyGuesses(DomainError):
    """A try that comes too soon after wrong ones. It is the same for an unknown email, so as not to reveal logins."""

    code = "too_many_guesses"
    kind = ErrorKind.TOO_MANY
    message = _("Too many wrong passwords or codes. Wait a while and try again, or set a new password.")


class TokenNotValid(DomainError):
    code = "token_not_valid"
    message = _("This token is invalid or has expired. Sign in again.")


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
    message = _("This link is invalid or has expired. Request a new one.")


class NoIssuer(DomainError):
    code = "no_issuer"
    kind = ErrorKind.FORBIDDEN
    message = _("This site doesn't offer sign-in with other services.")


class IssuerUnavailable(DomainError):
    """An OpenID Connect issuer that does not answer in time, or not as one."""

    code = "issuer_unavailable"
    kind = ErrorKind.UNAVAILABLE
    message = _("The service you sign in with isn't responding. Try again in a moment, or sign in with your password.")
    retry_after = 10


class IdentityNotValid(DomainError):
    """An ID token that is forged, expired, used, or for another program."""

    code = "identity_not_valid"
    message = _("The sign-in data from the service is invalid or has expired. Sign in again.")


class IdentityUnverified(DomainError):
    """An identity without an email that its issuer has verified."""

    code = "identity_unverified"
    kind = ErrorKind.FORBIDDEN
    message = _("The service hasn't verified your email. Verify it there, or sign in with a password.")


class IdentityTaken(DomainError):
    """A login that another identity of the same issuer belongs to: its mailbox may have a new owner."""

    code = "identity_taken"
    kind = ErrorKind.CONFLICT
    message = _(
        "Your email is linked here to another account with this service. Sign in with your password and remove that "
        "link."
    )


class StaffByPassword(DomainError):
    code = "staff_by_password"
    kind = ErrorKind.FORBIDDEN
    message = _("Staff sign in with their password here.")


class AccountInactive(DomainError):
    code = "account_inactive"
    kind = ErrorKind.FORBIDDEN
    message = _("This account is not active.")


class LoginErased(DomainError):
    code = "login_erased"
    kind = ErrorKind.CONFLICT
    message = _("This person asked us to erase their data. Nobody can sign in as them again.")
