"""The representation of a login in the API."""

from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.fields import NameField
from accounts.clients.fields import field_names
from accounts.clients.serializers import OwnClientSerializer
from accounts.models import User
from accounts.providers.serializers import OwnProviderSerializer
from accounts.users.roles import ROLES, roles_of
from scheduler_project.common.api.fields import TimezoneField
from scheduler_project.common.api.serializers import ModelSerializer, Serializer


@extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=list(ROLES))))
class RolesField(serializers.Field):
    """The roles of a login, to read."""

    def __init__(self, **kwargs: Any) -> None:
        own: dict[str, Any] = {"source": "*", "read_only": True}
        super().__init__(**own | kwargs)

    def to_representation(self, user: User) -> list[str]:
        return roles_of(user)


class UserSerializer(ModelSerializer[User]):
    changed_by = {
        "password": "POST /api/v1/password/change",
        **dict.fromkeys(field_names(is_own=True, is_shared_with_login=False), "PATCH /api/v1/clients/{id}"),
    }

    name = NameField()
    timezone = TimezoneField()
    roles = RolesField()
    provider = OwnProviderSerializer(source="provider_or_none", read_only=True, allow_null=True)
    client = OwnClientSerializer(source="client_or_none", read_only=True, allow_null=True)

    class Meta:
        model = User
        fields = ["id", "email", "name", "timezone", "language", "is_staff", "roles", "provider", "client"]
        read_only_fields = ["email", "is_staff"]


class AdminUserSerializer(ModelSerializer[User]):
    changed_by = {"password": "POST /api/v1/password/reset"}

    language = serializers.CharField(read_only=True, help_text=_("Empty: the site's."))
    roles = RolesField()
    groups = serializers.SlugRelatedField(
        slug_field="name",
        many=True,
        queryset=Group.objects.all(),
        help_text=_("By name. Only superusers can assign them."),
    )
    provider = serializers.IntegerField(source="provider_or_none.pk", read_only=True, allow_null=True, default=None)
    client = serializers.IntegerField(source="client_or_none.pk", read_only=True, allow_null=True, default=None)

    class Meta:
        model = User
        fields = [
            "id",
            "email",
            "name",
            "timezone",
            "language",
            "roles",
            "is_active",
            "is_staff",
            "is_superuser",
            "groups",
            "provider",
            "client",
            "date_joined",
            "last_login",
        ]
        read_only_fields = ["email", "name", "timezone", "date_joined", "last_login"]


class EndedSerializer(Serializer[Any]):
    ended = serializers.IntegerField(help_text=_("Number of sign-ins ended."))
