"""Base classes of booking's API views."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers, status, viewsets
from rest_framework.permissions import SAFE_METHODS, AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.actors import Actor, Source
from accounts.models import Client, Provider
from booking.api.authentication import Guest, UsersAndGuests
from booking.api.fields import get_or_404, zone_or_none
from scheduler_project.common.api.fields import ID, TimezoneField
from scheduler_project.common.api.idempotency import IdempotentMixin
from scheduler_project.common.api.schema import ZONE
from scheduler_project.common.api.serializers import QuerySerializer
from scheduler_project.common.api.views import StrictView
from scheduler_project.common.errors import Missing
from scheduler_project.common.operations import preview

Done = TypeVar("Done")


class AnswerQuerySerializer(QuerySerializer):
    """Query parameters about the answer, which every request may carry."""

    timezone = TimezoneField(
        required=False, help_text=gettext_lazy("Return times with the offset of this IANA time zone.")
    )
    preview = serializers.BooleanField(
        default=False, help_text=gettext_lazy("Dry run: return what would happen, and change nothing.")
    )


class BookingViewSet(IdempotentMixin, StrictView, viewsets.GenericViewSet[Any]):
    """A base of booking's API views: one reading of the clock, the actor, and the timezone of the answers."""

    timeless_actions: frozenset[str] = frozenset({"destroy"})
    """Actions whose answers have no times, so that `timezone` would do nothing."""

    guest_actions: frozenset[str] = frozenset()
    """Actions that guests may take by the token of their hold or appointment."""

    open_actions: frozenset[str] = frozenset()
    """Actions that need neither login nor token."""

    limited_actions: frozenset[str] = frozenset()
    """Actions that count by `THROTTLE_HOLD` if a guest takes them, as on the pages."""

    lookup_value_regex = ID
    now: datetime

    def query_parameters(self) -> list[Any]:
        return [] if self.action in self.timeless_actions else [ZONE]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.now = timezone.now()
        super().initial(request, *args, **kwargs)
        if request.query_params and request.method not in SAFE_METHODS:
            _ = self.wanted  # Refuse a malformed query before anything is written.

    def get_permissions(self) -> Any:
        if self.action in self.open_actions:
            return [AllowAny()]
        if self.action in self.guest_actions:
            return [UsersAndGuests()]
        return super().get_permissions()

    @property
    def throttle_scope(self) -> str | None:
        limited = self.action in self.limited_actions and not self.request.user.is_authenticated
        return "hold" if limited else None

    @property
    def guest(self) -> Guest | None:
        """The guest by the token of the request, if it has one."""
        return self.request.auth if isinstance(self.request.auth, Guest) else None

    @property
    def is_anonymous(self) -> bool:
        """True for guests, with a token or not yet."""
        return not self.request.user.is_authenticated

    @property
    def actor(self) -> Actor:
        return Actor.of(self.request.user, Source.API)

    def actor_on(self, row: Any) -> Actor:
        """Return the actor of a request about a row that was looked up: a guest acts as its client."""
        return self.actor if self.guest is None else Actor(None, Source.API, guest=row.client)

    @cached_property
    def wanted(self) -> dict[str, Any]:
        """The query parameters about the answer: `timezone` and `preview`."""
        query = AnswerQuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return query.validated_data

    @property
    def is_preview(self) -> bool:
        return self.wanted["preview"]

    @property
    def created(self) -> int:
        """Return the status of an answer with a new row; in a preview there is none."""
        return status.HTTP_200_OK if self.is_preview else status.HTTP_201_CREATED

    def perform(self, call: Callable[[], Done]) -> Done:
        """Run the operation; with `?preview`, only return what it would do."""
        return preview(call) if self.is_preview else call()

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if getattr(self, "swagger_fake_view", False):
            return context
        return context | {
            "now": self.now,
            "zone": zone_or_none(self.wanted.get("timezone")),
            "preview": self.is_preview,
        }

    def sent(self, serializer_class: type[BaseSerializer[Any]], **kwargs: Any) -> Any:
        """Return the validated body of the request."""
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context(), **kwargs)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def answer(self, serializer_class: type[BaseSerializer[Any]], row: Any, code: int = 200) -> Response:
        return Response(serializer_class(row, context=self.get_serializer_context()).data, code)

    def provider_asked_for(self, provider_id: int | None) -> int:
        """Return the id of the named provider, else of the user's own.

        Raises NotFound if the user may not change it; Missing.
        """
        mine = Provider.objects.editable_by(self.request.user)
        if provider_id is None:
            user = self.request.user
            own = user.provider_for("accounts.view_provider") if user.is_authenticated else None
            if own is None:
                raise Missing(_("Specify a provider."), field="provider")
            return own.pk
        return get_or_404(mine, pk=provider_id, field="provider").pk

    def client_asked_for(self, client_id: int | None) -> int:
        """Return the id of the named client, else of the user's own.

        Raises NotFound if the user may not see it; Missing.
        """
        if client_id is None:
            own = self.actor.client_id
            if own is None:
                raise Missing(_("Specify a client."), field="client")
            return own
        mine = Q(pk__in=Client.objects.visible_to(self.request.user))
        if self.request.user.is_authenticated:
            mine |= self.request.user.as_provider("reservations__provider", "accounts.view_client")
        return get_or_404(Client.objects.filter(mine), pk=client_id, field="client").pk
