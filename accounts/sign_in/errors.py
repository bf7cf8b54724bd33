"""Refusals to register, to log in, and to change a password."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class SignUpClosed(DomainError):
    code = "sign_up_closed"
    kind = ErrorKind.FORBIDDEN
    message = _("You can't create an account here yourself. Contact us if you need one.")
    remedy = "Ask the people who run the site to create the account."


class EmailTaken(DomainError):
    code = "email_taken"
    kind = ErrorKind.CONFLICT
    message = _("There is already an account with this email. Sign in, or reset the password.")
    remedy = "Sign in with this email, or call `POST /api/v1/password/reset`."


class NoActiveAccount(DomainError):
    """A wrong email or password.

    It is the same for an unknown email, so that it does not reveal whether a login exists.
    """

    code = "no_active_account"
    message = _("No active account matches this email and password.")
    remedy = "Ask for email and password again. A deactivated account gets the same answer."


class SecondFactorRequired(DomainError):
    code = "second_factor_required"
    message = _(
        "This account uses two-factor authentication: send a code from your authenticator app, or a recovery code."
    )
    remedy = "Ask for the code, and send it as `code` with the same email and password."


class WrongCode(DomainError):
    code = "wrong_code"
    message = _("This code is wrong or no longer valid. Try a new one.")
    remedy = "Ask for the present code of the authenticator, or for an unused recovery code."


class TooManyGuesses(DomainError):
    """A try that comes too soon after wrong ones. It is the same for an unknown email, so as not to reveal logins."""

    code = "too_many_guesses"
    kind = ErrorKind.TOO_MANY
    message = _("Too many wrong passwords or codes. Wait a while and try again, or set a new password.")
    remedy = "Wait as many seconds as `Retry-After` says. Do not retry by itself: each try counts."


class TokenNotValid(DomainError):
    code = "token_not_valid"
    message = _("This token is invalid or has expired. Sign in again.")
    remedy = "Sign in again. A refresh token works once: keep the new one of each answer."


class SignInEnded(DomainError):
    """A sign-in that has ended, or that belongs to another login."""

    code = "sign_in_ended"
    kind = ErrorKind.NOT_FOUND
    message = _("You are already signed out there.")
    remedy = "Nothing: it has ended. Read the list of sign-ins again."


class WrongPassword(DomainError):
    code = "wrong_password"
    message = _("This is not your current password.")
    remedy = "Ask for the current password again."


class LinkNotValid(DomainError):
    code = "link_not_valid"
    message = _("This link is invalid or has expired. Request a new one.")
    remedy = "Request a new link. Links work once, and for a limited time."


class NoIssuer(DomainError):
    code = "no_issuer"
    kind = ErrorKind.FORBIDDEN
    message = _("This site doesn't offer sign-in with other services.")
    remedy = "Sign in with `POST /api/v1/login`. Operators set an issuer by `OIDC_ISSUER`."


class IssuerUnavailable(DomainError):
    """An OpenID Connect issuer that does not answer in time, or not as one."""

    code = "issuer_unavailable"
    kind = ErrorKind.UNAVAILABLE
    message = _("The service you sign in with isn't responding. Try again in a moment, or sign in with your password.")
    remedy = "Wait for a moment and try again, or sign in with `POST /api/v1/login`."
    retry_after = 10


class IdentityNotValid(DomainError):
    """An ID token that is forged, expired, used, or for another program."""

    code = "identity_not_valid"
    message = _("The sign-in data from the service is invalid or has expired. Sign in again.")
    remedy = "Get a new ID token of the issuer for this site and send it within ten minutes, once."


class IdentityUnverified(DomainError):
    """An identity without an email that its issuer has verified."""

    code = "identity_unverified"
    kind = ErrorKind.FORBIDDEN
    message = _("The service hasn't verified your email. Verify it there, or sign in with a password.")
    remedy = "Have the email verified at the issuer, then get a new ID token."


class IdentityTaken(DomainError):
    """A login that another identity of the same issuer belongs to: its mailbox may have a new owner."""

    code = "identity_taken"
    kind = ErrorKind.CONFLICT
    message = _(
        "Your email is linked here to another account with this service. Sign in with your password and remove that "
        "link."
    )
    remedy = "Have the person sign in with their password and remove the other account under Account."


class StaffByPassword(DomainError):
    code = "staff_by_password"
    kind = ErrorKind.FORBIDDEN
    message = _("Staff sign in with their password here.")
    remedy = "Sign in with `POST /api/v1/login`, with a two-factor code if needed."


class AccountInactive(DomainError):
    code = "account_inactive"
    kind = ErrorKind.FORBIDDEN
    message = _("This account is not active.")
    remedy = "Ask the staff of the site to activate it."


class LoginErased(DomainError):
    code = "login_erased"
    kind = ErrorKind.CONFLICT
    message = _("This person asked us to erase their data. Nobody can sign in as them again.")
    remedy = "Create another account, with the email that the person has now."
