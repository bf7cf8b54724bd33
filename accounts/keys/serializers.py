"""The API's representation of API keys."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.keys.scopes import Scope
from accounts.models import ApiKey
from scheduler_project.common.api.fields import IdField, IntegerField, LineField
from scheduler_project.common.api.serializers import ModelSerializer


class KeySerializer(ModelSerializer[ApiKey]):
    fixed = ("provider", "scopes", "days")
    changed_by = {"expires_at": "POST /api/v1/keys/{id}/rotate", "revoked_at": "DELETE /api/v1/keys/{id}"}

    name = LineField(max_length=60, help_text=_("What the key is for, such as the app that uses it."))
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), min_length=1, max_length=len(Scope)
    )
    provider = IdField(
        source="provider_id",
        required=False,
        allow_null=True,
        help_text=_("Limits the key to this provider. It can't see other providers' data."),
    )
    days = IntegerField(
        min_value=1,
        max_value=3650,
        required=False,
        allow_null=True,
        write_only=True,
        help_text=_("How long the key is valid. Null: until it is revoked. Default: a year, or what the site sets."),
    )

    class Meta:
        model = ApiKey
        fields = [
            "id",
            "name",
            "prefix",
            "scopes",
            "provider",
            "days",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
            "replaced_by",
        ]
        read_only_fields = ["prefix", "created_at", "expires_at", "last_used_at", "revoked_at", "replaced_by"]
        validators: list[Any] = []


class KeyWithTextSerializer(KeySerializer):
    key = serializers.CharField(
        read_only=True, help_text=_("Send it as `Authorization: Bearer`. Store it safely: we show it only once.")
    )

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "key"]
