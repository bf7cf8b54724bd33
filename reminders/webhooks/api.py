"""The API of webhooks: the endpoints of a provider's programs, and their deliveries."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.permissions import AddingNeedsASchedule
from booking.api.base import BookingViewSet
from booking.api.fields import InstantField, get_or_404
from reminders.channels.webhook.channel import WebhookChannel, webhook_id
from reminders.enums import PUBLIC_STATUS, PUBLIC_STATUSES, MessageKind, MessageStatus
from reminders.models import Message, WebhookEndpoint
from reminders.outbox.filters import StatusFilter, WarnsOfPending
from reminders.outbox.serializers import AttemptSerializer
from reminders.webhooks import operations as webhooks
from reminders.webhooks.events import EVENTS, REMINDER_DUE
from reminders.webhooks.payloads import event_of
from scheduler_project.common.api.fields import IdField, IdFilter, LineField, OrderingFilter, URLField, YesNoFilter
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.serializers import ModelSerializer


class WebhookSerializer(ModelSerializer[WebhookEndpoint]):
    fixed = ("provider",)
    changed_by = {
        "secret": "POST /api/v1/webhooks/{id}/rotate",
        "disabled_at": "POST /api/v1/webhooks/{id}/enable",
        "disabled_reason": "POST /api/v1/webhooks/{id}/enable",
    }

    provider = IdField(source="provider_id", required=False, help_text=_("Default: yourself."))
    url = URLField(max_length=500, help_text=_("The https address we send events to."))
    description = LineField(max_length=200, required=False, allow_blank=True)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENTS)),
        required=False,
        max_length=len(EVENTS),
        help_text=_("Events to send. Empty: all events."),
    )
    failing_since = InstantField(read_only=True, allow_null=True)
    disabled_at = InstantField(read_only=True, allow_null=True, help_text=_("No events have been sent since then."))
    created_at = InstantField(read_only=True)

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id",
            "provider",
            "url",
            "description",
            "events",
            "failing_since",
            "disabled_at",
            "disabled_reason",
            "created_at",
        ]
        read_only_fields = ["disabled_reason"]
        validators: list[Any] = []


class WebhookWithSecretSerializer(WebhookSerializer):
    secret = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text=_(
            "The secret that signs every request. Store it now: we show it only once. Null in a repeated answer."
        ),
    )

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class DeliverySerializer(ModelSerializer[Message]):
    webhook_id = serializers.SerializerMethodField(help_text=_("The `webhook-id`, the same on every attempt."))
    event = serializers.SerializerMethodField(help_text=_("Such as `appointment.booked`."))
    status = serializers.ChoiceField(choices=PUBLIC_STATUSES)
    due_at = InstantField()
    next_try_at = serializers.SerializerMethodField(help_text=_("Time of the next attempt, while pending."))
    created_at = InstantField()
    sent_at = InstantField(allow_null=True)
    attempts = AttemptSerializer(many=True)

    class Meta:
        model = Message
        fields = [
            "id",
            "webhook_id",
            "event",
            "appointment",
            "status",
            "error",
            "failures",
            "created_at",
            "due_at",
            "next_try_at",
            "sent_at",
            "attempts",
        ]

    def to_representation(self, instance: Message) -> dict[str, Any]:
        return {**super().to_representation(instance), "status": PUBLIC_STATUS[MessageStatus(instance.status)]}

    def get_webhook_id(self, message: Message) -> str:
        return webhook_id(message.key)

    def get_event(self, message: Message) -> str:
        return event_of(message)

    def get_next_try_at(self, message: Message) -> datetime | None:
        zone = self.context["zone"] or UTC
        return message.next_at.astimezone(zone) if message.status == MessageStatus.PENDING else None


class WebhookFilter(django_filters.FilterSet):
    provider = IdFilter()
    disabled = YesNoFilter(field_name="disabled_at", lookup_expr="isnull", exclude=True)
    ordering = OrderingFilter(fields=["url", "created_at", "id"])

    class Meta:
        model = WebhookEndpoint
        fields: list[str] = []


class DeliveryFilter(django_filters.FilterSet):
    status = StatusFilter()
    event = django_filters.ChoiceFilter(choices=[(event, event) for event in EVENTS], method="of_event")
    ordering = OrderingFilter(fields=["created_at", "due_at", "id"])

    class Meta:
        model = Message
        fields: list[str] = []

    def of_event(self, queryset: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        events = Q(kind=MessageKind.EVENT, details__type=value)
        return queryset.filter(events | Q(kind=MessageKind.REMINDER) if value == REMINDER_DUE else events)


@extend_schema_view(
    list=extend_schema(summary="List webhook endpoints"), retrieve=extend_schema(summary=("Get a webhook endpoint"))
)
class WebhookViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Webhook endpoints for a provider's own programs, as described by standardwebhooks.com.

    Each event is posted as `{"type", "timestamp", "data"}` with the headers `webhook-id`, `webhook-timestamp` and
    `webhook-signature`. A delivery without a 2xx response is retried; 410 disables the endpoint. Redirects are not
    followed.
    """

    queryset = WebhookEndpoint.objects.all()
    serializer_class = WebhookSerializer
    filterset_class = WebhookFilter
    permission_classes = [IsAuthenticated]

    def get_permissions(self) -> list[Any]:
        """Allow only users with a schedule to add a webhook; other requests are limited by what the user may see."""
        adding = [AddingNeedsASchedule()] if self.action == "create" else []
        return [*super().get_permissions(), *adding]

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return WebhookEndpoint.objects.visible_to(self.request.user).order_by("pk")

    def about(self) -> dict[str, Any]:
        """Return the arguments common to all operations on one webhook."""
        return {"endpoint_id": self.get_object().pk, "actor": self.actor, "now": self.now}

    @extend_schema(
        summary="Add a webhook endpoint",
        responses={201: WebhookWithSecretSerializer, **refusals(403, 404, 409)},
        examples=[
            OpenApiExample(
                "New and cancelled appointments",
                {
                    "url": "https://practice.example.org/hooks/appointments",
                    "events": ["appointment.booked", "appointment.moved", "appointment.cancelled"],
                },
                request_only=True,
            ),
            OpenApiExample(
                "All events, by staff for a provider",
                {"provider": 1, "url": "https://practice.example.org/hooks/all", "description": "The practice's own"},
                request_only=True,
            ),
        ],
    )
    def create(self, request: Request) -> Response:
        data = self.sent(WebhookSerializer)
        provider_id = self.provider_asked_for(data.pop("provider_id", None))
        made = webhooks.add_endpoint(provider_id=provider_id, fields=data, actor=self.actor, now=self.now)
        return self.answer(WebhookWithSecretSerializer, made, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change a webhook endpoint",
        description="You can't change its provider.",
        request=WebhookSerializer(partial=True),
        responses={200: WebhookSerializer, **refusals(409)},
        examples=[OpenApiExample("All events", {"events": []}, request_only=True)],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        data = self.sent(WebhookSerializer, instance=self.get_object(), partial=True)
        data.pop("provider_id", None)
        return self.answer(WebhookSerializer, webhooks.change_endpoint(fields=data, **self.about()))

    @extend_schema(summary="Delete a webhook endpoint and its deliveries", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        webhooks.remove_endpoint(**self.about())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Create a new secret",
        description="We keep signing with the old secret too for another 24 hours.",
        request=None,
        responses=WebhookWithSecretSerializer,
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        return self.answer(WebhookWithSecretSerializer, webhooks.rotate_secret(**self.about()))

    @extend_schema(
        summary="Enable a webhook endpoint",
        description="Use it after the endpoint was disabled by hand, by a 410 response, or after days of failures.",
        request=None,
        responses=WebhookSerializer,
    )
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        return self.answer(WebhookSerializer, webhooks.enable_endpoint(**self.about()))

    @extend_schema(summary="Disable a webhook endpoint", request=None, responses=WebhookSerializer)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        return self.answer(WebhookSerializer, webhooks.disable_endpoint(**self.about()))


WHICH = OpenApiParameter("id", int, OpenApiParameter.PATH, description="The endpoint's id.")


DELIVERY = OpenApiParameter("message", int, OpenApiParameter.PATH, description="The delivery's id.")


@extend_schema_view(
    list=extend_schema(summary="List deliveries, newest first, with every attempt", parameters=[WHICH]),
)
class DeliveryViewSet(WarnsOfPending, mixins.ListModelMixin, BookingViewSet):
    """An endpoint's deliveries."""

    queryset = Message.objects.all()
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    permission_classes = [IsAuthenticated]
    lookup_url_kwarg = "message"

    def get_queryset(self) -> QuerySet[Message]:
        events = Message.objects.filter(channel=WebhookChannel.name).prefetch_related("attempts")
        if getattr(self, "swagger_fake_view", False):
            return events
        endpoint = get_or_404(WebhookEndpoint.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        return events.filter(endpoint=endpoint).order_by("-created_at", "-pk")

    @extend_schema(
        summary="Resend a delivery",
        description="Uses the same `webhook-id`, whether or not it arrived.",
        parameters=[WHICH, DELIVERY],
        request=None,
        responses={202: DeliverySerializer, **refusals(409, 410)},
    )
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str, message: str) -> Response:
        webhooks.replay(message_id=self.get_object().pk, actor=self.actor, now=self.now)
        return self.answer(DeliverySerializer, self.get_object(), status.HTTP_202_ACCEPTED)
