"""The representation of a client in the API, in and out."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.actors import Actor, Source
from accounts.api.fields import NameField
from accounts.clients.fields import GUEST_FIELDS, field_names, with_proofs
from accounts.clients.operations import manages
from accounts.models import Client
from accounts.providers.serializers import ProviderField
from scheduler_project.common.api.fields import (
    EmailField,
    PhoneField,
    TimezoneField,
)
from scheduler_project.common.api.serializers import ModelSerializer


class OwnClientSerializer(ModelSerializer[Client]):
    class Meta:
        model = Client
        fields = ["id"]


class GuestSerializer(ModelSerializer[Client]):
    """The details we ask guests for, as in the form on the pages."""

    name = NameField()
    email = EmailField()
    phone = PhoneField(max_length=40, required=False, allow_blank=True, help_text=_("Include the country code: +49…"))

    class Meta:
        model = Client
        fields = [each.name for each in GUEST_FIELDS]

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for each in GUEST_FIELDS:
            if each.guest:
                fields[each.name].required = each.guest.is_required
                fields[each.name].validators = [*fields[each.name].validators, *each.guest.validators]
        return fields


class ClientSerializer(ModelSerializer[Client]):
    changed_by = {
        "channels": "PATCH /api/v1/clients/{id}/preferences",
        "language": "PATCH /api/v1/clients/{id}/preferences",
    }

    name = NameField()
    email = EmailField(required=False, allow_blank=True)
    phone = PhoneField(max_length=40, required=False, allow_blank=True, help_text=_("Include the country code: +49…"))
    timezone = TimezoneField(required=False)
    owner = ProviderField(
        required=False,
        allow_null=True,
        help_text=_("The provider whose address book lists this client. Null for clients who signed up themselves."),
    )

    phone_is_verified = serializers.BooleanField(
        read_only=True,
        help_text=_("We only text numbers verified by a code, or entered by you or staff."),
    )

    class Meta:
        model = Client
        fields = ["id", *with_proofs(is_private=False), *with_proofs(is_private=True), "owner", "created_at"]
        read_only_fields = ["created_at"]

    def to_representation(self, client: Client) -> dict[str, Any]:
        row: dict[str, Any] = super().to_representation(client)
        if not manages(Actor.of(self.context["request"].user, Source.API), client, "accounts.view_client"):
            for name in field_names(is_private=True):
                del row[name]
        return row
