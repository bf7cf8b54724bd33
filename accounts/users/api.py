"""`/api/v1/me`: the caller's own login. `/api/v1/admin/users`: logins, for staff."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.actors import Actor, Source
from accounts.api.base import View
from accounts.api.permissions import ForStaff
from accounts.clients.operations import edit_user
from accounts.models import User
from accounts.sign_in.rights import change_rights, end_sign_ins_of
from accounts.users.filters import UserFilter
from accounts.users.serializers import AdminUserSerializer, EndedSerializer, UserSerializer
from scheduler_project.common.api.fields import ID
from scheduler_project.common.api.idempotency import IdempotentMixin
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.views import StrictView


class MeView(IdempotentMixin, View):
    serializer_class = UserSerializer

    @extend_schema(operation_id="me_retrieve", summary="Get your account")
    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(self.user).data)

    @extend_schema(
        operation_id="me_partial_update",
        summary="Change your name, time zone or language",
        examples=[OpenApiExample("A new time zone", {"timezone": "America/New_York"}, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        serializer = self.get_serializer(self.user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        user = edit_user(user_id=self.user.pk, changes=serializer.validated_data, actor=Actor.of(self.user, Source.API))
        return Response(self.get_serializer(user).data)


@extend_schema_view(
    list=extend_schema(summary="List user accounts"),
    retrieve=extend_schema(summary="Get a user account"),
)
class AdminUserViewSet(
    IdempotentMixin, StrictView, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Any]
):
    """User accounts. Staff only."""

    queryset = User.objects.prefetch_related("groups").order_by("email")
    serializer_class = AdminUserSerializer
    filterset_class = UserFilter
    lookup_value_regex = ID
    permission_classes = [IsAdminUser, ForStaff]
    permissions = {
        "GET": "accounts.view_user",
        "PATCH": "accounts.change_user",
        "POST": "accounts.change_user",
    }

    @property
    def actor(self) -> Actor:
        return Actor.of(self.request.user, Source.API)

    @extend_schema(
        summary="Activate or deactivate an account, or change its permissions",
        description=(
            "Only superusers can change `is_staff`, `is_superuser` and `groups`, and staff accounts. You can't "
            "deactivate yourself or change your own permissions. Deactivating an account signs it out immediately."
        ),
        responses={200: AdminUserSerializer, **refusals(403)},
        examples=[OpenApiExample("No longer", {"is_active": False}, request_only=True)],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        user = self.get_object()
        serializer = self.get_serializer(user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        sent = dict(serializer.validated_data)
        groups = sent.pop("groups", None)
        changed = change_rights(user_id=user.pk, flags=sent, groups=groups, actor=self.actor)
        return Response(self.get_serializer(changed).data)

    @extend_schema(
        summary="Sign a user out everywhere",
        description=(
            "Ends all the user's sessions and tokens immediately. API keys keep working: deactivate the account to "
            "end them."
        ),
        request=None,
        responses={200: EndedSerializer, **refusals(403)},
    )
    @action(detail=True, methods=["post"], url_path="end-sign-ins", filterset_class=None, pagination_class=None)
    def end_sign_ins(self, request: Request, pk: str) -> Response:
        ended = end_sign_ins_of(user_id=self.get_object().pk, actor=self.actor, now=timezone.now())
        return Response({"ended": ended})
