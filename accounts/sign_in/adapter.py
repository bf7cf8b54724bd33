"""Hooks of django-allauth: mails, redirects, and the check of an email's owner."""

import time
from functools import partial
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.app_settings import REAUTHENTICATION_TIMEOUT
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import int_to_base36
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

from accounts.mails.notices import Notice, notify
from accounts.mails.operations import owe
from accounts.models import User
from accounts.sign_in.devices import Device, remember_browser
from accounts.sign_in.errors import NoActiveAccount, WrongPassword
from accounts.sign_in.guesses import check_password
from accounts.sign_in.mailboxes import confirm, is_proved
from accounts.sign_in.operations import with_password
from accounts.sign_in.registration import Role, signs_up
from scheduler_project.common.limits.sending import mailbox
from scheduler_project.common.limits.throttling import may, site_network
from scheduler_project.common.site.queries import site_settings
from scheduler_project.common.validators import public_email

GIVEN = ("password", "mfa", "socialaccount")
"""Kinds of log-ins after which nobody need show at once once more who they are."""


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "enter_current_password": gettext_lazy("Enter your current password."),
    }
    """Allauth's adapter, with our own translations of its messages: its German says "du", the rest says "Sie"."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return any(map(signs_up, Role))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send the mail in the language of the login it is about, or else in the language of the page."""
        user = context.get("user")
        with override((user and user.language) or get_language()):
            context = {"site_name": site_settings().title, "email": email, **context}
            mail = self.render_mail(template_prefix, email, context)
            owe(to=email, subject=str(mail.subject), text=str(mail.body), now=timezone.now())

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Send only the notice about new recovery codes: `accounts.sign_in.security_events` sends all others."""
        if template_prefix == "mfa/email/recovery_codes_generated":
            notify(user, Notice.RECOVERY_CODES_RENEWED, now=timezone.now())

    def format_email_subject(self, subject: str) -> str:
        return str(subject)

    def clean_email(self, email: str) -> str:
        """Return the normalized email of a sign-up or a change of email."""
        public_email(email)
        return str(super().clean_email(email))

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Send at most a few confirmation mails an hour per login, per network and per mailbox.

        Links sent earlier keep working. The mailbox is still unproven. Without the first two limits, one login could
        mail strangers until the site had used up its sending limit.
        """
        address = emailconfirmation.email_address
        subjects = {
            "mail_login": f"login:{address.user_id}",
            "mail_network": f"network:{site_network(request)}",
            "mail": f"confirm:{mailbox(address.email)}",
        }
        if all(may(scope, subject) for scope, subject in subjects.items()):
            super().send_confirmation_mail(request, emailconfirmation, signup)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: EmailConfirmationHMAC) -> str:
        return settings.SITE_URL + reverse("account_confirm_email", args=[emailconfirmation.key])

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm the email, unless another login has taken it since the link was sent.

        A login with a proven email changes to another one only at its own request: a person who opens a link that they
        did not request must not give their mailbox to another login.
        """
        others = User.objects.exclude(pk=email_address.user_id)
        if others.filter(email=email_address.email).exists():
            template = "account/messages/email_confirmation_failed.txt"
            self.add_message(request, messages.ERROR, template, {"email": email_address.email})
            return False
        by_owner = request.user.pk == email_address.user_id
        if not by_owner and is_proved(email_address.user):
            messages.error(request, _("Sign in to the account that requested this, then open the link again."))
            return False
        confirm_it = partial(super().confirm_email, request, email_address)
        confirmed, ended = confirm(address=email_address, by_owner=by_owner, confirm_it=confirm_it)
        if ended:
            text = _("For your security, we removed what was set up before you verified your email: %s.")
            messages.warning(request, text % ", ".join(map(str, ended)))
        return confirmed

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check the password with the API's failure counts instead of allauth's own."""
        try:
            return with_password(
                email=credentials.get("email", ""), password=credentials["password"], device=Device.of(request)
            )
        except NoActiveAccount:
            return None

    def reauthenticate(self, user: User, password: str) -> bool:
        try:
            check_password(user=user, password=password, device=Device.of(self.request))
        except WrongPassword:
            return False
        return True

    def is_reauthentication_required(self, app: str = "") -> bool:
        """Return False for a few minutes after a login, since the user has just given their password or a code."""
        records = get_authentication_records(self.request, self.request.user)
        given = [record["at"] for record in records if record.get("method") in GIVEN]
        return not given or time.time() - given[-1] >= REAUTHENTICATION_TIMEOUT

    def get_login_stages(self) -> list[str]:
        """Leave out the second factor after a log-in by an issuer that is trusted to have asked for one."""
        stages: list[str] = super().get_login_stages()
        if getattr(self.request, "skips_second_factor", False):
            stages = [stage for stage in stages if not stage.startswith("allauth.mfa.")]
        return stages

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """Redirect to the account page, or to a new password if the login's password was ended."""
        user = email_address.user
        if self.request.user.is_authenticated:
            return reverse("account")
        if not email_address.verified:
            return f"{reverse('account_login')}?{urlencode({'next': self.request.get_full_path()})}"
        user.refresh_from_db(fields=["password"])
        token = default_token_generator.make_token(user)
        return reverse("account_reset_password_from_key", args=[int_to_base36(user.pk), token])

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Switch the pages to the login's preferred language, if it has one."""
        response = super().post_login(request, user, **kwargs)
        remember_browser(response, user)
        if user.language:
            remember_language(response, user.language)
        return response


def remember_language(response: HttpResponse, language: str) -> None:
    """Use that language for this browser's pages from now on."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 60 * 60,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
