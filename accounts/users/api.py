"""`/api/v1/me`: the caller's own login."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor, Source
from accounts.api.base import View
from accounts.clients.operations import edit_user
from accounts.users.serializers import UserSerializer
from scheduler_project.common.api.idempotency import IdempotentMixin


class MeView(IdempotentMixin, View):
    serializer_class = UserSerializer

    @extend_schema(operation_id="me_retrieve", summary="Who you are")
    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(self.user).data)

    @extend_schema(
        operation_id="me_partial_update",
        summary="Change your name, timezone or language",
        examples=[OpenApiExample("A new timezone", {"timezone": "America/New_York"}, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        serializer = self.get_serializer(self.user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        user = edit_user(user_id=self.user.pk, changes=serializer.validated_data, actor=Actor.of(self.user, Source.API))
        return Response(self.get_serializer(user).data)
