"""`/api/v1/keys`: the API keys of the caller."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.actors import Actor, Source
from accounts.keys import operations as keys
from accounts.keys.serializers import KeySerializer, KeyWithTextSerializer
from accounts.models import ApiKey
from scheduler_project.common.api.fields import ID
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.views import StrictView


@extend_schema_view(
    list=extend_schema(summary="List your API keys", description="Newest first, including revoked and expired keys."),
    retrieve=extend_schema(summary="Get an API key"),
)
class KeyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, StrictView, GenericViewSet[Any]):
    """API keys let programs act as you, within the scopes you choose. Only people can see and change them: requests
    made with a key are refused here. These addresses ignore Idempotency-Key, because keys are never stored."""

    queryset = ApiKey.objects.all()
    serializer_class = KeySerializer
    lookup_value_regex = ID

    def get_queryset(self) -> QuerySet[ApiKey]:
        if getattr(self, "swagger_fake_view", False):
            return ApiKey.objects.none()
        return ApiKey.objects.filter(user=self.request.user.pk)

    @property
    def actor(self) -> Actor:
        return Actor.of(self.request.user, Source.API)

    @extend_schema(
        summary="Create an API key",
        request=KeySerializer,
        responses={201: KeyWithTextSerializer, **refusals(403, 404, 409)},
        examples=[
            OpenApiExample("For a website", {"name": "Website", "scopes": ["read", "book"]}, request_only=True),
        ],
    )
    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        now, wanted = timezone.now(), dict(serializer.validated_data)
        expires_at = keys.end_of(wanted.pop("days", settings.API_KEY_DAYS), now=now)
        return self.shown_once(keys.create_key(**wanted, expires_at=expires_at, actor=self.actor, now=now))

    @extend_schema(
        summary="Rename an API key",
        request=KeySerializer(partial=True),
        responses=KeySerializer,
        examples=[OpenApiExample("Another name", {"name": "Cash desk"}, request_only=True)],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        key = self.get_object()
        serializer = self.get_serializer(key, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        name = serializer.validated_data.get("name", key.name)
        return Response(self.get_serializer(keys.rename_key(key_id=key.pk, name=name, actor=self.actor)).data)

    @extend_schema(
        summary="Replace an API key",
        description=(
            "Returns a new key with the same name and scopes. The old one works for another day, or as long as the "
            "site sets."
        ),
        request=None,
        responses={201: KeyWithTextSerializer, **refusals(409)},
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        return self.shown_once(keys.rotate_key(key_id=int(pk), actor=self.actor, now=timezone.now()))

    @extend_schema(
        summary="Revoke an API key",
        description="It stops working immediately and stays in the list.",
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        keys.revoke_key(key_id=self.get_object().pk, actor=self.actor, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def shown_once(self, made: keys.NewKey) -> Response:
        data = self.get_serializer(made.row).data
        return Response({**data, "key": made.text}, status.HTTP_201_CREATED)
