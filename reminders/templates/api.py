"""`/api/v1/message-templates`: message templates of providers and of the site."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api.permissions import AddingNeedsASchedule
from accounts.providers.serializers import ProviderField
from booking.api.base import BookingViewSet
from reminders.channels.registry import personal_choices
from reminders.enums import OF_BOOKINGS
from reminders.models import MessageTemplate
from reminders.templates import operations as templates
from reminders.templates.models import KINDS
from reminders.templates.texts import validate_words
from scheduler_project.common.api.fields import IdFilter, OrderingFilter, TextField
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.serializers import ModelSerializer, Serializer
from scheduler_project.common.languages import language_choices


class MessageTemplateSerializer(ModelSerializer[MessageTemplate]):
    """A text with variables such as `{{ start }}`. The error for an unknown variable lists the known ones."""

    provider = ProviderField(
        required=False,
        allow_null=True,
        help_text=_(
            "The provider who owns the template; defaults to yourself. Null for the site's templates, which staff "
            "manage."
        ),
    )

    class Meta:
        model = MessageTemplate
        fields = ["id", "provider", "kind", "channel", "recipient", "language", "subject", "body"]


class PreviewSerializer(MessageTemplateSerializer):
    body = TextField(
        max_length=5000,
        required=False,
        allow_blank=True,
        validators=[validate_words],
        help_text=_("Defaults to the current template."),
    )

    class Meta(MessageTemplateSerializer.Meta):
        fields = MessageTemplateSerializer.Meta.fields[1:]


class WordsSerializer(Serializer[Any]):
    subject = serializers.CharField()
    body = serializers.CharField()


class LetterSerializer(Serializer[Any]):
    subject = serializers.CharField()
    text = serializers.CharField()
    html = serializers.CharField()


class ShownWordsSerializer(Serializer[Any]):
    words = WordsSerializer(help_text=_("The template previewed: the one you sent, or the current one."))
    letter = LetterSerializer(help_text=_("The preview, with sample values."))


class MessageTemplateFilter(django_filters.FilterSet):
    provider = IdFilter()
    kind = django_filters.ChoiceFilter(choices=KINDS)
    channel = django_filters.ChoiceFilter(choices=personal_choices)
    recipient = django_filters.ChoiceFilter(choices=OF_BOOKINGS)
    language = django_filters.ChoiceFilter(choices=language_choices)
    ordering = OrderingFilter(fields=["kind", "channel", "recipient", "language", "id"])

    class Meta:
        model = MessageTemplate
        fields: list[str] = []


EXAMPLE = {
    "kind": "booked",
    "channel": "email",
    "language": "en",
    "subject": "See you on {{ start }}",
    "body": "Hello {{ client_name }},\n\nwe look forward to seeing you: {{ start }}.\n\n{{ provider_name }}",
}


@extend_schema_view(
    list=extend_schema(summary="Message templates"),
    create=extend_schema(
        summary="Create a message template",
        responses={201: MessageTemplateSerializer, **refusals(409)},
        examples=[OpenApiExample("What a client gets when an appointment is booked", EXAMPLE, request_only=True)],
    ),
    retrieve=extend_schema(summary="Get a message template"),
    partial_update=extend_schema(
        summary="Change a message template", responses={200: MessageTemplateSerializer, **refusals(409)}
    ),
    destroy=extend_schema(summary="Reset a message template"),
)
class MessageTemplateViewSet(
    mixins.CreateModelMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    BookingViewSet,
):
    """Message templates, one per kind, channel, recipient and language. Providers manage their own, staff manage
    all."""

    queryset = MessageTemplate.objects.all()
    serializer_class = MessageTemplateSerializer
    permission_classes = [IsAuthenticated, AddingNeedsASchedule]
    filterset_class = MessageTemplateFilter
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def query_parameters(self) -> list[Any]:
        """Return no `timezone` parameter: the responses contain no times."""
        return []

    def get_queryset(self) -> QuerySet[MessageTemplate]:
        return MessageTemplate.objects.visible_to(self.request.user).order_by("kind", "channel", "recipient", "pk")

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = templates.save_template(fields=serializer.validated_data, actor=self.actor)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = templates.save_template(
            template_id=self.get_object().pk, fields=serializer.validated_data, actor=self.actor
        )

    def perform_destroy(self, instance: MessageTemplate) -> None:
        templates.remove_template(template_id=instance.pk, actor=self.actor)

    @extend_schema(
        summary="Preview a message template",
        request=PreviewSerializer,
        responses=ShownWordsSerializer,
        examples=[OpenApiExample("Before using it", EXAMPLE, request_only=True)],
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="preview", pagination_class=None)
    def show(self, request: Request) -> Response:
        """Render a message with sample values, in its language and the caller's time zone. Nothing is sent or stored.

        Without a body, the text now in use is rendered.
        """
        template = MessageTemplate(**self.sent(PreviewSerializer))
        shown = templates.preview_template(template=template, actor=self.actor, now=self.now)
        return self.answer(ShownWordsSerializer, shown)
