"""Serializers of the accounts API."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import get_error_detail

from accounts.actors import Actor, Face
from accounts.models import Client, Provider, SignIn, Unpublished, User
from accounts.operations.logins import owner_of_link
from accounts.operations.people import Role, keeps
from scheduler_project.common.api_fields import (
    EmailField,
    LineField,
    LoginField,
    PhoneField,
    RelatedField,
    SlugField,
    TextField,
    TimezoneField,
)
from scheduler_project.common.api_serializers import ModelSerializer, Serializer
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.text import validate_origin

# --- Fields -----------------------------------------------------------------------------------------------------------


class NameField(LineField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=150, **kwargs)


class PasswordField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=256, trim_whitespace=False, write_only=True, style={"input_type": "password"}, **kwargs
        )


class ProviderField(RelatedField):
    """The id of a provider visible to the caller."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Provider.objects.all(), **kwargs)

    def get_queryset(self) -> QuerySet[Provider]:
        return Provider.objects.visible_to(self.context["request"].user)


def validate_new_password(password: str, user: User, field: str) -> None:
    """Raise for a password that Django's validators reject for this user, with one code per reason."""
    try:
        validate_password(password, user)
    except DjangoValidationError as error:
        raise serializers.ValidationError({field: get_error_detail(error)}) from error


# --- Logins -----------------------------------------------------------------------------------------------------------


class MissingField(serializers.ListField):
    """A reason, as a code, why a provider is not yet published."""

    def __init__(self, **kwargs: Any) -> None:
        own = {
            "child": serializers.ChoiceField(choices=Unpublished.choices),
            "read_only": True,
            "help_text": _("What keeps you from being found, booked and writing to others; empty once published."),
        }
        super().__init__(**kwargs | own)


class OwnProviderSerializer(ModelSerializer[Provider]):
    is_published = serializers.BooleanField(read_only=True)
    missing = MissingField()

    class Meta:
        model = Provider
        fields = ["id", "name", "slug", "is_active", "is_approved", "is_published", "missing", "decline_reason"]


class OwnClientSerializer(ModelSerializer[Client]):
    class Meta:
        model = Client
        fields = ["id"]


class UserSerializer(ModelSerializer[User]):
    changed_by = {"password": "POST /api/password/change", "phone": "PATCH /api/clients/{id}"}

    name = NameField()
    timezone = TimezoneField()
    roles = serializers.SerializerMethodField()
    provider = OwnProviderSerializer(source="provider_or_none", read_only=True, allow_null=True)
    client = OwnClientSerializer(source="client_or_none", read_only=True, allow_null=True)

    class Meta:
        model = User
        fields = ["id", "email", "name", "timezone", "language", "is_staff", "roles", "provider", "client"]
        read_only_fields = ["email", "is_staff"]

    @extend_schema_field(
        serializers.ListField(child=serializers.ChoiceField(choices=["client", "provider", "staff", "superuser"]))
    )
    def get_roles(self, user: User) -> list[str]:
        has = {
            "client": user.client_or_none,
            "provider": user.provider_or_none,
            "staff": user.is_staff,
            "superuser": user.is_superuser,
        }
        return [role for role, it in has.items() if it]


class TokensSerializer(Serializer[Any]):
    access = serializers.CharField(help_text=_("Send it as `Authorization: Bearer …`. It ends soon."))
    refresh = serializers.CharField(help_text=_("Swap it for a new pair at `/api/token/refresh`."))


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
        help_text=_("Of an account with a second factor: what its authenticator app shows, or a recovery code."),
    )


class RefreshSerializer(Serializer[Any]):
    refresh = TextField(max_length=4096, write_only=True)


class LogoutSerializer(Serializer[Any]):
    refresh = TextField(
        max_length=4096,
        required=False,
        write_only=True,
        help_text=_("Another refresh token of yours to end. Not needed for that of the access token you send."),
    )


class SignInSerializer(ModelSerializer[SignIn]):
    description = serializers.CharField(read_only=True, help_text=_("The browser or program, in words."))
    is_current = serializers.SerializerMethodField(help_text=_("Whether it is the one you ask with."))

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


# --- Providers and clients --------------------------------------------------------------------------------------------


class ProviderSerializer(ModelSerializer[Provider]):
    changed_by = {"timezone": "PATCH /api/providers/{id}/schedule"}

    name = NameField()
    slug = SlugField(max_length=80, required=False, help_text=_("The end of the public address."))
    specialization = LineField(max_length=100, required=False, allow_blank=True)
    embed_origins = serializers.ListField(
        child=TextField(max_length=200, validators=[validate_origin]),
        max_length=20,
        required=False,
        help_text=_("The websites that may show this provider's booking pages in a frame: `https://www.example.org`."),
    )

    is_published = serializers.BooleanField(read_only=True)
    missing = MissingField()

    class Meta:
        model = Provider
        fields = [
            "id",
            "name",
            "slug",
            "specialization",
            "bio",
            "embed_origins",
            "is_active",
            "is_approved",
            "is_published",
            "missing",
            "created_at",
        ]
        read_only_fields = ["created_at"]


class DeclineSerializer(Serializer[Any]):
    reason = TextField(max_length=500, required=False, allow_blank=True, help_text=_("The provider reads it."))


class NewProviderSerializer(ProviderSerializer):
    timezone = TimezoneField(default="UTC", write_only=True, help_text=_("What clock the new calendar follows."))
    user = RelatedField(
        queryset=User.objects.filter(provider=None),
        required=False,
        write_only=True,
        help_text=_("The login of the provider, if there is one."),
    )

    def validate_user(self, user: User) -> User:
        """Return the login. Only superusers may choose one, because a login acts as its provider. Raises NotAllowed."""
        if not self.context["request"].user.is_superuser:
            raise NotAllowed(field="user")
        return user

    class Meta(ProviderSerializer.Meta):
        fields = [*ProviderSerializer.Meta.fields, "timezone", "user"]
        read_only_fields = ["is_active", "created_at"]


class ClientSerializer(ModelSerializer[Client]):
    changed_by = {
        "channels": "PATCH /api/clients/{id}/preferences",
        "language": "PATCH /api/clients/{id}/preferences",
    }

    name = NameField()
    email = EmailField(required=False, allow_blank=True)
    phone = PhoneField(max_length=40, required=False, allow_blank=True, help_text=_("With the country: +49…"))
    timezone = TimezoneField(required=False)
    owner = ProviderField(
        required=False,
        allow_null=True,
        help_text=_("The provider whose address book it is; null for those who registered themselves."),
    )

    phone_is_verified = serializers.BooleanField(
        read_only=True,
        help_text=_("Text messages go only to a number that answered a code, or that you or staff wrote."),
    )

    class Meta:
        model = Client
        fields = ["id", "name", "email", "phone", "phone_is_verified", "timezone", "notes", "owner", "created_at"]
        read_only_fields = ["created_at"]

    def to_representation(self, client: Client) -> dict[str, Any]:
        row: dict[str, Any] = super().to_representation(client)
        if not keeps(Actor.of(self.context["request"].user, Face.API), client, "accounts.view_client"):
            del row["notes"]
        return row
