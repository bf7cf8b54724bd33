"""`/api/v1/feeds`: calendar feeds, to which programs subscribe."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.keys.scopes import Scope
from accounts.models import Client, Provider
from booking.api.base import BookingViewSet
from booking.api.fields import InstantField, get_or_404
from booking.calendars import operations as calendars
from booking.links import feed_link
from booking.models import CalendarFeed
from scheduler_project.common.api.fields import IdField, IdFilter
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.serializers import ModelSerializer, Serializer
from scheduler_project.common.errors import Missing


class OpenFeedSerializer(Serializer[Any]):
    provider = IdField(
        required=False,
        help_text=gettext_lazy("The provider whose calendar this is. Default, without a client: your own."),
    )
    client = IdField(required=False, help_text=gettext_lazy("Or the client whose calendar this is."))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) == 2:
            raise serializers.ValidationError({"client": _("Specify a provider or a client, not both.")})
        return attrs


class FeedSerializer(ModelSerializer[CalendarFeed]):
    provider = serializers.IntegerField(source="provider_id", allow_null=True)
    client = serializers.IntegerField(source="client_id", allow_null=True)
    url = serializers.SerializerMethodField(
        help_text=gettext_lazy("Anyone with this link can see the calendar. Keep it private.")
    )
    created_at = InstantField(help_text=gettext_lazy("When this link was created."))

    class Meta:
        model = CalendarFeed
        fields = ["id", "provider", "client", "url", "created_at"]

    def get_url(self, feed: CalendarFeed) -> str | None:
        """Return the feed's address; None in a repeated answer, and for an API key that may not open feeds.

        The address works without the key, and for longer.
        """
        key = self.context["request"].user.key
        return feed_link(feed) if key is None or Scope.MANAGE in key.scopes else None


class FeedFilter(django_filters.FilterSet):
    provider = IdFilter()
    client = IdFilter()

    class Meta:
        model = CalendarFeed
        fields: list[str] = []


@extend_schema_view(
    list=extend_schema(summary="List calendar feeds"),
    retrieve=extend_schema(summary="Get a calendar feed"),
)
class FeedViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Calendar feeds: links that a calendar app (Thunderbird, Google Calendar, Apple's Calendar) subscribes to.

    Providers and clients each have one for their own calendar; staff see and create all. A feed contains all upcoming
    appointments and those of the last 60 days: a provider's with the clients' names, a client's with the providers'.
    """

    queryset = CalendarFeed.objects.all()
    serializer_class = FeedSerializer
    filterset_class = FeedFilter
    secret_fields = frozenset({"url"})

    def get_queryset(self) -> QuerySet[CalendarFeed]:
        return CalendarFeed.objects.visible_to(self.request.user)

    @extend_schema(
        summary="Create a calendar feed",
        description="Repeating it returns the same link.",
        request=OpenFeedSerializer,
        responses={201: FeedSerializer, **refusals(403, 404)},
        examples=[OpenApiExample("Your own", {}, request_only=True), OpenApiExample("A provider's", {"provider": 1})],
    )
    def create(self, request: Request) -> Response:
        data = self.sent(OpenFeedSerializer)
        feed = calendars.open_feed(**self.whose(data), actor=self.actor, now=self.now)
        return self.answer(FeedSerializer, feed, 201)

    def whose(self, data: dict[str, Any]) -> dict[str, int]:
        """Return the id of the named provider or client, else of the user's own.

        Raises NotFound if the user may not see it.
        """
        if "provider" in data:
            return {"provider_id": get_or_404(self.providers(), pk=data["provider"], field="provider").pk}
        if "client" in data:
            return {"client_id": get_or_404(self.clients(), pk=data["client"], field="client").pk}
        user: Any = self.request.user
        if provider := user.provider_for(calendars.CHANGE):
            return {"provider_id": provider.pk}
        if client := user.client_or_none:
            return {"client_id": client.pk}
        raise Missing(_("Specify the provider or client whose calendar you want."), field="provider")

    def providers(self) -> QuerySet[Provider]:
        return Provider.objects.visible_to(self.request.user)

    def clients(self) -> QuerySet[Client]:
        return Client.objects.editable_by(self.request.user)

    @extend_schema(
        summary="Reset a calendar feed's link",
        description="The old link stops working.",
        request=None,
        responses={200: FeedSerializer},
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def renew(self, request: Request, pk: str) -> Response:
        feed = calendars.renew_feed(feed_id=self.get_object().pk, actor=self.actor, now=self.now)
        return self.answer(FeedSerializer, feed)

    @extend_schema(summary="Delete a calendar feed", description="Its link stops working.", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        calendars.close_feed(feed_id=self.get_object().pk, actor=self.actor)
        return Response(status=204)
