"""Serializers of the API of logging in, tokens and passwords."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import get_error_detail

from accounts.api.fields import NameField
from accounts.models import SignIn, User
from accounts.sign_in.issuer import LONGEST_TOKEN
from accounts.sign_in.operations import owner_of_link
from accounts.sign_in.registration import Role
from accounts.users.serializers import UserSerializer
from scheduler_project.common.api.fields import (
    EmailField,
    LoginField,
    TextField,
    TimezoneField,
)
from scheduler_project.common.api.serializers import ModelSerializer, Serializer


class PasswordField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=256, trim_whitespace=False, write_only=True, style={"input_type": "password"}, **kwargs
        )


def validate_new_password(password: str, user: User, field: str) -> None:
    """Raise ValidationError for a password that Django's validators reject for this user, with one code per reason."""
    try:
        validate_password(password, user)
    except DjangoValidationError as error:
        raise serializers.ValidationError({field: get_error_detail(error)}) from error


class TokensSerializer(Serializer[Any]):
    access = serializers.CharField(help_text=_("Send it as `Authorization: Bearer …`. Short-lived."))
    refresh = serializers.CharField(help_text=_("Swap it for a new pair at `/api/v1/token/refresh`."))


class SignedInSerializer(TokensSerializer):
    user = UserSerializer()


class RegisterSerializer(Serializer[Any]):
    name = NameField()
    email = EmailField()
    password = PasswordField()
    timezone = TimezoneField(default="UTC", help_text=_("An IANA name such as Europe/Berlin."))
    role = serializers.ChoiceField(choices=Role.choices, default=Role.CLIENT)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        validate_new_password(attrs["password"], User(email=attrs["email"], name=attrs["name"]), "password")
        return attrs


class EmailSerializer(Serializer[Any]):
    email = LoginField()


class LoginSerializer(EmailSerializer):
    password = PasswordField()
    code = TextField(
        max_length=64,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text=_(
            "For accounts with two-factor authentication: a code from the authenticator app, or a recovery code."
        ),
    )


class IdentitySerializer(Serializer[Any]):
    id_token = TextField(
        max_length=LONGEST_TOKEN,
        write_only=True,
        help_text=_("An ID token that the issuer created for this site in the last ten minutes. It works once."),
    )
    nonce = TextField(
        max_length=256,
        required=False,
        write_only=True,
        help_text=_("The nonce from your request to the issuer, if you sent one."),
    )
    code = TextField(max_length=64, required=False, allow_blank=True, write_only=True, help_text=_("As for `login`."))
    timezone = TimezoneField(
        default="UTC", write_only=True, help_text=_("For a new account: an IANA name such as Europe/Berlin.")
    )


class RefreshSerializer(Serializer[Any]):
    refresh = TextField(max_length=4096, write_only=True)


class LogoutSerializer(Serializer[Any]):
    refresh = TextField(
        max_length=4096,
        required=False,
        write_only=True,
        help_text=_(
            "Another of your refresh tokens to revoke. Not needed for the one behind the access token you send."
        ),
    )


class SignInSerializer(ModelSerializer[SignIn]):
    description = serializers.CharField(read_only=True, help_text=_("A readable name of the browser or app."))
    is_current = serializers.SerializerMethodField(help_text=_("Whether this request uses this sign-in."))

    class Meta:
        model = SignIn
        fields = ["id", "kind", "description", "address", "created_at", "last_used_at", "is_current"]
        read_only_fields = fields

    def get_is_current(self, sign_in: SignIn) -> bool:
        acting = self.context["request"].user.sign_in
        return acting is not None and acting.pk == sign_in.pk


class PasswordChangeSerializer(Serializer[Any]):
    current_password = PasswordField()
    new_password = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        validate_new_password(attrs["new_password"], self.context["request"].user, "new_password")
        return attrs


class PasswordResetSerializer(Serializer[Any]):
    uid = TextField(max_length=64)
    token = TextField(max_length=128)
    new_password = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user = owner_of_link(uid=attrs["uid"], token=attrs["token"])
        validate_new_password(attrs["new_password"], user, "new_password")
        return attrs


class DetailSerializer(Serializer[Any]):
    detail = serializers.CharField()
