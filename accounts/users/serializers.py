"""The representation of a login in the API."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.fields import NameField
from accounts.clients.fields import field_names
from accounts.clients.serializers import OwnClientSerializer
from accounts.models import User
from accounts.providers.serializers import OwnProviderSerializer
from scheduler_project.common.api.fields import TimezoneField
from scheduler_project.common.api.serializers import ModelSerializer


class UserSerializer(ModelSerializer[User]):
    changed_by = {
        "password": "POST /api/v1/password/change",
        **dict.fromkeys(field_names(is_own=True, is_shared_with_login=False), "PATCH /api/v1/clients/{id}"),
    }

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
