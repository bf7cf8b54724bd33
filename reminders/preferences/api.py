"""The API of reminder preferences and opt-outs."""

from collections.abc import Mapping
from datetime import time
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.fields import get_error_detail
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.api.fields import ClockField, EndClockField, InstantField, get_or_404
from reminders.channels.registry import personal, personal_choices
from reminders.channels.serializers import PersonalChannelField
from reminders.enums import OptOutSource
from reminders.models import OptOut, Preferences
from reminders.preferences import operations
from reminders.preferences.errors import NotAClient
from scheduler_project.common.api.fields import (
    ID,
    TextField,
    TextFilter,
    TimezoneField,
    YesNoFilter,
)
from scheduler_project.common.api.idempotency import IdempotentMixin
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.serializers import ModelSerializer, Serializer
from scheduler_project.common.api.views import StrictView


class AddressSerializer(Serializer[Any]):
    """An address for messages to a client, with its opt-out."""

    channel = PersonalChannelField()
    address = TextField()
    opted_out = serializers.BooleanField(
        allow_null=True,
        help_text=_(
            "Email: no reminders, only news about their own bookings. SMS: nothing at all. Null if hidden: from "
            "providers until they have written to the address, from clients until their email is verified."
        ),
    )
    since = InstantField(allow_null=True)
    source: Any = serializers.ChoiceField(
        choices=OptOutSource.choices, allow_null=True, help_text=_("Where the opt-out came from.")
    )


class PreferencesSerializer(ModelSerializer[Preferences]):
    changed_by = {"timezone": "PATCH /api/v1/clients/{id}", "addresses": "PATCH /api/v1/clients/{id}"}

    channels = serializers.ListField(
        child=PersonalChannelField(),
        allow_null=True,
        required=False,
        max_length=10,
        help_text=_("Null: the site's channels. Empty: no messages except requests to confirm a hold."),
    )
    quiet_from = ClockField(allow_null=True, required=False)
    quiet_until = EndClockField(allow_null=True, required=False)
    timezone = TimezoneField(read_only=True, help_text=_("The client's time zone. Quiet hours use it."))
    addresses = AddressSerializer(many=True, read_only=True)
    updated_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = Preferences
        fields = ["channels", "language", "quiet_from", "quiet_until", "timezone", "addresses", "updated_at"]
        extra_kwargs = {"language": {"help_text": _("Empty: the site's.")}}

    def to_representation(self, preferences: Preferences) -> dict[str, Any]:
        client = preferences.client
        return {
            "channels": preferences.channels,
            "language": preferences.language,
            "quiet_from": written_clock(preferences.quiet_from, ClockField()),
            "quiet_until": written_clock(preferences.quiet_until, EndClockField()),
            "timezone": client.timezone,
            "addresses": [
                written_address(row)
                for row in operations.addresses_of(client, Actor.of(self.context["request"].user, Source.API))
            ],
            "updated_at": preferences.updated_at,
        }


def written_clock(clock: time | None, field: ClockField) -> str | None:
    return None if clock is None else field.to_representation(clock)


def written_address(row: operations.ClientAddress) -> dict[str, Any]:
    return {
        "channel": row.channel,
        "address": row.address,
        "opted_out": row.opt_out is not None if row.is_told else None,
        "since": row.opt_out and row.opt_out.at,
        "source": row.opt_out and row.opt_out.source,
    }


EXAMPLES = [
    OpenApiExample(
        "In German, by email and SMS, with quiet hours",
        {"channels": ["email", "sms"], "language": "de", "quiet_from": "22:00", "quiet_until": "07:00"},
        request_only=True,
    ),
    OpenApiExample("At any hour", {"quiet_from": None, "quiet_until": None}, request_only=True),
]


class PreferencesView(IdempotentMixin, StrictView, GenericAPIView[Any]):
    """Reminder preferences of one client."""

    serializer_class = PreferencesSerializer
    queryset = Client.objects.all()

    def client(self) -> Client:
        """Return the client whose preferences are requested. Raises NotFound."""
        return get_or_404(Client.objects.editable_by(self.request.user), pk=int(self.kwargs["pk"]))

    @extend_schema(
        operation_id="client_preferences_retrieve",
        summary="Get a client's reminder preferences",
        description="For the client, the client's own provider, and staff.",
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        return self.answer(operations.preferences_of(self.client()))

    @extend_schema(
        operation_id="client_preferences_partial_update",
        summary="Change a client's reminder preferences",
        description="Updates reminders not sent yet. Reminders due in quiet hours are sent earlier.",
        examples=EXAMPLES,
    )
    def patch(self, request: Request, **kwargs: Any) -> Response:
        if not isinstance(request.data, Mapping):  # null or a list as the body, never valid
            self.get_serializer(data=request.data).is_valid(raise_exception=True)
        client = self.client()
        data = self.get_serializer(operations.preferences_of(client), data=request.data, partial=True)
        data.is_valid(raise_exception=True)
        preferences = operations.set_preferences(
            client_id=client.pk,
            changes=data.validated_data,
            actor=Actor.of(request.user, Source.API),
            now=timezone.now(),
        )
        return self.answer(preferences)

    def answer(self, preferences: Preferences) -> Response:
        return Response(self.get_serializer(preferences).data)


class OwnPreferencesView(PreferencesView):
    def client(self) -> Client:
        own: Client | None = getattr(self.request.user, "client_or_none", None)
        if own is None:
            raise NotAClient
        return own

    @extend_schema(
        operation_id="me_preferences_retrieve",
        summary="Get your reminder preferences",
        responses={200: PreferencesSerializer, **refusals(403)},
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        return super().get(request, **kwargs)

    @extend_schema(
        operation_id="me_preferences_partial_update",
        summary="Change your reminder preferences",
        description="Updates reminders not sent yet. Reminders due in quiet hours are sent earlier.",
        responses={200: PreferencesSerializer, **refusals(403)},
        examples=EXAMPLES,
    )
    def patch(self, request: Request, **kwargs: Any) -> Response:
        return super().patch(request, **kwargs)


class OptOutSerializer(ModelSerializer[OptOut]):
    channel = PersonalChannelField()
    address = TextField(max_length=254, help_text=_("An email, or a phone number with its country code, such as +49…"))
    since = serializers.DateTimeField(source="at", read_only=True)
    ended_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text=_("When the opt-out ended."))

    class Meta:
        model = OptOut
        fields = ["id", "channel", "address", "since", "source", "ended_at"]
        read_only_fields = ["source"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            return {**attrs, "address": personal(attrs["channel"]).checked(attrs["address"])}
        except ValidationError as error:
            raise serializers.ValidationError({"address": get_error_detail(error)}) from error


class OptOutFilter(django_filters.FilterSet):
    channel = django_filters.ChoiceFilter(choices=personal_choices)
    standing = YesNoFilter(field_name="ended_at", lookup_expr="isnull", label=_("Whether the opt-out is still active."))
    search = TextFilter(field_name="address", lookup_expr="icontains", max_length=100, label=_("Part of the address."))

    class Meta:
        model = OptOut
        fields: list[str] = []


@extend_schema_view(
    list=extend_schema(summary="List opt-outs"),
    retrieve=extend_schema(summary="Get an opt-out"),
)
class OptOutViewSet(IdempotentMixin, StrictView, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Any]):
    """Addresses that opted out. Staff see and change all, other users only their sign-in email.

    Opting out by link, email program or SMS needs no sign-in; an SMS opt-out ends only by SMS.
    """

    queryset = OptOut.objects.all()
    serializer_class = OptOutSerializer
    filterset_class = OptOutFilter
    lookup_value_regex = ID

    def get_queryset(self) -> QuerySet[OptOut]:
        return OptOut.objects.visible_to(self.request.user)

    @extend_schema(
        summary="Opt out an address",
        description=(
            "Repeating it changes nothing. An email opt-out stops reminders; an SMS opt-out stops all text messages."
        ),
        responses={201: OptOutSerializer, **refusals(403)},
        examples=[
            OpenApiExample("No more emails", {"channel": "email", "address": "ada@example.org"}, request_only=True)
        ],
    )
    def create(self, request: Request) -> Response:
        data = self.get_serializer(data=request.data)
        data.is_valid(raise_exception=True)
        actor = Actor.of(request.user, Source.API)
        row = operations.opt_out_as(**data.validated_data, actor=actor, now=timezone.now())
        return Response(self.get_serializer(row).data, 201)

    @extend_schema(
        summary="End an opt-out",
        description="It stays in the list, with the time it ended.",
        responses={204: None, **refusals(409)},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        actor = Actor.of(request.user, Source.API)
        operations.withdraw_opt_out(opt_out_id=self.get_object().pk, actor=actor, now=timezone.now())
        return Response(status=204)
