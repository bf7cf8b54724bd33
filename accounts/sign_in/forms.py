"""Forms of the accounts pages."""

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.mfa.base import forms as mfa
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.mails.operations import owe_reset_link
from accounts.models import User
from accounts.sign_in.devices import Device
from accounts.sign_in.errors import EmailTaken, WrongCode
from accounts.sign_in.guesses import Guess, guess
from accounts.sign_in.operations import ask_new_email, set_by_link
from accounts.sign_in.registration import Role, register, signs_up
from scheduler_project.common.audit.security_log import SecurityEvent
from scheduler_project.common.pages.forms import LineField
from scheduler_project.common.validators import no_link


class Plain:
    """A form mixin without placeholders: labels stay visible when a field is filled.

    Email fields are as long as RFC 5321 allows.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # type: ignore[attr-defined]
            field.widget.attrs.pop("placeholder", None)
            if isinstance(field, forms.EmailField):
                field.validators.append(MaxLengthValidator(254))


class LoginForm(Plain, allauth.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autofocus"] = True


class ResetForm(Plain, allauth.ResetPasswordForm):
    """A form that requests the same mail with the same link as the API, without looking up the login."""

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        owe_reset_link(email=self.cleaned_data["email"], now=timezone.now())
        return str(self.cleaned_data["email"])


class NewPasswordForm(Plain, allauth.ResetPasswordKeyForm):
    """A form that sets the password as the API does: the mailed link proves the ownership of the mailbox."""

    def save(self) -> None:
        set_by_link(self.user, self.cleaned_data["password1"])
        context.request.has_new_password = self.user


class ChangePasswordForm(Plain, allauth.ChangePasswordForm):
    def clean_oldpassword(self) -> str:
        password = str(self.cleaned_data["oldpassword"])
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password

    def save(self) -> None:
        super().save()
        context.request.has_new_password = self.user


class ReauthenticateForm(Plain, allauth.ReauthenticateForm):
    pass


class Counted:
    """A form mixin for a second-factor code: failures are counted as in the API."""

    failure = SecurityEvent.LOGIN_FAILED

    def clean_code(self) -> str:
        user: User = self.user  # type: ignore[attr-defined]
        try:
            with guess(Guess.CODE, email=user.email, device=Device.of(context.request), failure=self.failure):
                return self.right_code()
        except WrongCode as error:
            raise error.__cause__ or error from None

    def right_code(self) -> str:
        """Return the code if allauth accepts it. Raises WrongCode, caused by allauth's own error."""
        try:
            return str(super().clean_code())  # type: ignore[misc]
        except ValidationError as error:
            raise WrongCode from error


class CodeForm(Counted, mfa.AuthenticateForm):
    pass


class CodeAgainForm(Counted, mfa.ReauthenticateForm):
    failure = SecurityEvent.REAUTHENTICATION_FAILED


class SignupForm(Plain, allauth.SignupForm):
    """A registration by the same operation as the API, with the visitor's timezone and language (if not the site's)."""

    field_order = ["role", "name", "email", "password1"]

    role = forms.ChoiceField(
        label=_("I'm a"),
        choices=[(Role.CLIENT.value, _("client")), (Role.PROVIDER.value, _("provider"))],
        widget=forms.RadioSelect,
    )
    name = LineField(
        label=_("Name"),
        max_length=150,
        validators=[no_link],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        field.choices = [(role, label) for role, label in field.choices if signs_up(Role(role))]
        role = context.request.GET.get("role")
        open_to = [value for value, _label in field.choices]
        self.initial.setdefault("role", role if role in open_to else next(iter(open_to), ""))

    def validate_unique_email(self, value: str) -> str:
        """Raise ValidationError only for emails that a login uses, not for those another login has yet to verify."""
        if User.objects.filter(email=value).exists():
            raise ValidationError(EmailTaken.message, code=EmailTaken.code)
        return value

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean()
        if "password1" in found:
            try:
                validate_password(found["password1"], User(email=found.get("email", ""), name=found.get("name", "")))
            except ValidationError as error:
                self.add_error("password1", error)
        return found

    def save(self, request: HttpRequest) -> User:
        language = get_language() or ""
        return register(
            name=self.cleaned_data["name"],
            email=self.cleaned_data["email"],
            password=self.cleaned_data["password1"],
            timezone=timezone.get_current_timezone_name(),
            role=Role(self.cleaned_data["role"]),
            language="" if language == settings.LANGUAGE_CODE else language,
            now=timezone.now(),
        )


class ChangeEmailForm(Plain, allauth.AddEmailForm):
    """A change of email: the new one replaces the old one once it is verified.

    Until then the old one stays, verified or not. A second factor is no obstacle: the user has just entered it, and it
    keeps protecting the login.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("New email")

    def clean_email(self) -> str:
        email = get_adapter().clean_email(str(self.cleaned_data["email"]))
        if email == self.user.email:
            raise ValidationError(_("This is your email already."), code="same_email")
        return email

    def save(self, request: HttpRequest) -> EmailAddress:
        address = ask_new_email(user_id=self.user.pk, email=self.cleaned_data["email"])
        send_verification_email_to_address(request, address)
        return address
