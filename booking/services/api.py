"""`/api/v1/services`: services that can be booked."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.serializers import BaseSerializer

from accounts.models import Provider
from booking.api.base import BookingViewSet
from booking.api.fields import OffsetsField
from booking.models import Service
from booking.services import operations as services
from booking.services.filters import ServiceFilter
from booking.services.models import SETTINGS
from scheduler_project.common.api.conditional import TaggedByContent
from scheduler_project.common.api.fields import IdField, PictureField, TranslationsField
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.serializers import ModelSerializer


class ProviderIdsField(serializers.ListField):
    """The ids of a service's providers, looked up in one query."""

    def get_attribute(self, instance: Service) -> list[int]:
        return sorted(provider.pk for provider in instance.providers.all())


class ServiceSerializer(ModelSerializer[Service]):
    providers = ProviderIdsField(
        source="provider_ids",
        child=IdField(),
        required=False,
        max_length=1000,
        help_text=_("Providers who offer it. Staff choose; a service a provider creates is offered by that provider."),
    )
    owner: Any = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)
    reminder_offsets = OffsetsField()
    photo = PictureField()
    translations = TranslationsField(Service)

    class Meta:
        model = Service
        fields = ["id", *SETTINGS, "translations", "photo", "owner", "providers"]


@extend_schema_view(
    create=extend_schema(
        summary="Add a service",
        examples=[
            OpenApiExample(
                "Half an hour with ten minutes to tidy up",
                {"name": "First visit", "duration_minutes": 30, "buffer_after_minutes": 10},
                request_only=True,
            )
        ],
    ),
    list=extend_schema(summary="List services"),
    retrieve=extend_schema(summary="Get a service"),
    partial_update=extend_schema(summary="Change a service", responses={200: ServiceSerializer}),
    destroy=extend_schema(summary="Delete a service without bookings", responses={204: None, **refusals(409)}),
)
class ServiceViewSet(
    TaggedByContent,
    mixins.CreateModelMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    BookingViewSet,
):
    """Services. Everyone can read them; providers change their own, staff the business's."""

    queryset = Service.objects.all()
    serializer_class = ServiceSerializer
    permission_classes = [IsAuthenticatedOrReadOnly]
    filterset_class = ServiceFilter
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def query_parameters(self) -> list[Any]:
        """Return none: the answers have no times."""
        return []

    def get_queryset(self) -> QuerySet[Service]:
        mine = Service.objects.visible_to(self.request.user)
        if self.request.method in ("PATCH", "DELETE"):
            mine = Service.objects.editable_by(self.request.user)
        visible = Prefetch("providers", Provider.objects.visible_to(self.request.user))
        return mine.prefetch_related(visible).order_by("name", "pk").distinct()

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        fields = dict(serializer.validated_data)
        providers = fields.pop("provider_ids", None)
        serializer.instance = services.add_service(fields=fields, providers=providers, actor=self.actor)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        fields = dict(serializer.validated_data)
        providers = fields.pop("provider_ids", None)
        serializer.instance = services.edit_service(
            service_id=self.get_object().pk, fields=fields, providers=providers, actor=self.actor, now=self.now
        )

    def perform_destroy(self, instance: Service) -> None:
        services.remove_service(service_id=instance.pk, actor=self.actor)
