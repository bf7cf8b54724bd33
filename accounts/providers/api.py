"""`/api/v1/providers`."""

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api import permissions
from accounts.api.base import PeopleViewSet
from accounts.models import Provider
from accounts.providers.filters import ProviderFilter
from accounts.providers.operations import (
    add_provider,
    approve_provider,
    decline_provider,
    edit_provider,
    remove_provider,
)
from accounts.providers.serializers import DeclineSerializer, NewProviderSerializer, ProviderSerializer
from scheduler_project.common.api.conditional import TaggedByContent
from scheduler_project.common.api.schema import refusals


@extend_schema_view(
    list=extend_schema(summary="List providers"),
    retrieve=extend_schema(summary="Get a provider"),
    create=extend_schema(
        summary="Add a provider (staff)",
        responses={201: ProviderSerializer, **refusals(403, 409)},
        examples=[
            OpenApiExample(
                "A tutor in Madrid",
                {"name": "Ramón y Cajal", "specialization": "Biology", "timezone": "Europe/Madrid"},
                request_only=True,
            )
        ],
    ),
    update=extend_schema(summary="Change a provider", responses={200: ProviderSerializer, **refusals(403, 409)}),
    partial_update=extend_schema(
        summary="Change a provider",
        description="Providers can change their own name, slug, specialisation and bio; staff everything.",
        responses={200: ProviderSerializer, **refusals(403, 409)},
        examples=[OpenApiExample("A new bio", {"bio": "Twenty years of teaching."}, request_only=True)],
    ),
    destroy=extend_schema(
        summary="Delete a provider without bookings (staff)", responses={204: None, **refusals(403, 409)}
    ),
)
class ProviderViewSet(TaggedByContent, PeopleViewSet):
    """Providers. Everyone can see published ones."""

    queryset = Provider.objects.all()
    permission_classes = [IsAuthenticatedOrReadOnly, permissions.ForStaff]
    permissions = {"POST": "accounts.add_provider", "DELETE": "accounts.delete_provider"}
    filterset_class = ProviderFilter

    def get_queryset(self) -> QuerySet[Provider]:
        return Provider.objects.visible_to(self.request.user)

    def get_serializer_class(self) -> type[BaseSerializer[Provider]]:
        return NewProviderSerializer if self.action == "create" else ProviderSerializer

    def perform_create(self, serializer: BaseSerializer[Provider]) -> None:
        serializer.instance = add_provider(**serializer.validated_data, now=timezone.now())

    def perform_update(self, serializer: BaseSerializer[Provider]) -> None:
        assert serializer.instance
        serializer.instance = edit_provider(
            provider_id=serializer.instance.pk,
            changes=serializer.validated_data,
            actor=self.actor,
            now=timezone.now(),
        )

    @extend_schema(
        summary="Approve a provider (staff)",
        description="Publishes the provider once their email is verified. We email them.",
        request=None,
        responses={200: ProviderSerializer, **refusals(403)},
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        provider = approve_provider(provider_id=self.get_object().pk, actor=self.actor, now=timezone.now())
        return Response(ProviderSerializer(provider, context=self.get_serializer_context()).data)

    @extend_schema(
        summary="Decline a provider or withdraw approval (staff)",
        description="Clients can't find them, and we send nothing more on their behalf. We email them.",
        request=DeclineSerializer,
        responses={200: ProviderSerializer, **refusals(403)},
    )
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        serializer = DeclineSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        provider = decline_provider(
            provider_id=self.get_object().pk, actor=self.actor, now=timezone.now(), **serializer.validated_data
        )
        return Response(ProviderSerializer(provider, context=self.get_serializer_context()).data)

    def perform_destroy(self, instance: Provider) -> None:
        remove_provider(provider_id=instance.pk, actor=self.actor)
