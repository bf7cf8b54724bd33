"""The representation of a provider in the API, in and out."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.fields import MissingField, NameField
from accounts.models import Provider, User
from scheduler_project.common.api.fields import (
    LineField,
    PictureField,
    RelatedField,
    SlugField,
    TextField,
    TimezoneField,
    TranslationsField,
)
from scheduler_project.common.api.serializers import ModelSerializer, Serializer
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.validators import validate_origin


class ProviderField(RelatedField):
    """The id of a provider visible to the caller."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Provider.objects.all(), **kwargs)

    def get_queryset(self) -> QuerySet[Provider]:
        return Provider.objects.visible_to(self.context["request"].user)


class OwnProviderSerializer(ModelSerializer[Provider]):
    is_published = serializers.BooleanField(read_only=True)
    missing = MissingField()

    class Meta:
        model = Provider
        fields = ["id", "name", "slug", "is_active", "is_approved", "is_published", "missing", "decline_reason"]


class ProviderSerializer(ModelSerializer[Provider]):
    changed_by = {"timezone": "PATCH /api/v1/providers/{id}/schedule"}

    name = NameField()
    slug = SlugField(max_length=80, required=False, help_text=_("The last part of the booking link."))
    specialization = LineField(max_length=100, required=False, allow_blank=True)
    embed_origins = serializers.ListField(
        child=TextField(max_length=200, validators=[validate_origin]),
        max_length=20,
        required=False,
        help_text=_("Websites that may embed this provider's booking pages, such as `https://www.example.org`."),
    )

    title = LineField(max_length=60, required=False, allow_blank=True)
    photo = PictureField()
    translations = TranslationsField(Provider)
    is_published = serializers.BooleanField(read_only=True)
    missing = MissingField()

    class Meta:
        model = Provider
        fields = [
            "id",
            "name",
            "slug",
            "title",
            "specialization",
            "bio",
            "translations",
            "languages",
            "photo",
            "accepts_new_clients",
            "embed_origins",
            "is_active",
            "is_approved",
            "is_published",
            "missing",
            "created_at",
        ]
        read_only_fields = ["created_at"]


class DeclineSerializer(Serializer[Any]):
    reason = TextField(max_length=500, required=False, allow_blank=True, help_text=_("Shown to the provider."))


class NewProviderSerializer(ProviderSerializer):
    timezone = TimezoneField(default="UTC", write_only=True, help_text=_("The time zone of the new calendar."))
    user = RelatedField(
        queryset=User.objects.filter(provider=None),
        required=False,
        write_only=True,
        help_text=_("The provider's account, if they have one."),
    )

    def validate_user(self, user: User) -> User:
        """Return the login. Only superusers may choose one, because a login acts as its provider. Raises NotAllowed."""
        if not self.context["request"].user.is_superuser:
            raise NotAllowed(field="user")
        return user

    class Meta(ProviderSerializer.Meta):
        fields = [*ProviderSerializer.Meta.fields, "timezone", "user"]
        read_only_fields = ["is_active", "created_at"]
