"""Base classes of the accounts API."""

from typing import Any

from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from accounts.actors import Actor, Source
from accounts.keys.authentication import key_in
from accounts.keys.errors import NotForKeys
from accounts.models import User
from accounts.sign_in import serializers, sign_ins
from accounts.sign_in.sign_ins import Origin
from scheduler_project.common.api.fields import ID
from scheduler_project.common.api.idempotency import IdempotentMixin
from scheduler_project.common.api.views import StrictView


class View(StrictView, GenericAPIView[Any]):
    @property
    def user(self) -> User:
        """The logged-in user."""
        assert isinstance(self.request.user, User)
        return self.request.user

    def sent(self) -> dict[str, Any]:
        """Return the validated request body."""
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def signed_in(self, user: User, code: int = 200) -> Response:
        """Return the login and its first pair of tokens."""
        context = self.get_serializer_context()
        tokens = sign_ins.sign_in_program(user=user, origin=Origin.of(self.request), now=timezone.now())
        return Response(serializers.SignedInSerializer({"user": user, **tokens}, context=context).data, code)


class PublicView(View):
    """A base of views for visitors, which ignore an expired token in the request."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_scope: str | None = "login"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse API keys, which no operation here is for, although nobody need log in."""
        if key_in(request) is not None:
            raise NotForKeys
        super().initial(request, *args, **kwargs)

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class AboutOneEmailView(PublicView):
    """A base of views about one email, limited per network address and per email."""

    def throttle_subject(self, request: Request) -> str | None:
        email = request.data.get("email") if isinstance(request.data, dict) else None
        return User.objects.normalize_email(email) if isinstance(email, str) else None


class PeopleViewSet(IdempotentMixin, StrictView, ModelViewSet[Any]):
    lookup_value_regex = ID
    filter_backends = [DjangoFilterBackend]

    @property
    def actor(self) -> Actor:
        return Actor.of(self.request.user, Source.API)
