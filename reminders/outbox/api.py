"""The reminders API: each view reads the clock and the request, calls one operation, and serializes the result."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.permissions import ForStaff
from booking.api.base import BookingViewSet
from booking.api.fields import get_or_404
from booking.models import Appointment
from reminders.models import Message
from reminders.outbox import filters, serializers
from reminders.outbox import operations as outbox
from reminders.plan.queries import not_planned
from scheduler_project.common.api.changes import ChangesPagination
from scheduler_project.common.api.content import Pagination
from scheduler_project.common.api.schema import PREVIEW, refusals
from scheduler_project.common.errors import NotAllowed


@extend_schema_view(
    list=extend_schema(
        summary="List reminders",
        description="Past and scheduled messages. Failed ones are kept with their error until someone retries them.",
    ),
    retrieve=extend_schema(
        summary="Get a reminder",
        responses={200: serializers.ReminderSerializer, **refusals(400)},
    ),
)
class ReminderViewSet(filters.WarnsOfPending, mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """The outbox: reminders, and with `?kind=any` all messages."""

    queryset = Message.objects.all()
    serializer_class = serializers.ReminderSerializer
    filterset_class = filters.MessageFilter
    pagination_class = ChangesPagination
    changes_filters = frozenset({"kind"})
    paged_actions = frozenset({"list", "attempts"})

    def get_queryset(self) -> QuerySet[Message]:
        visible = Message.objects.visible_to(self.request.user).select_related("reservation")
        return visible.with_outages(now=self.now).with_causes(self.request.user).order_by("-due_at", "-pk")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    @extend_schema(
        summary="Resend a failed reminder",
        description="Uses the same key, so anyone who did get it sees it only once. For the provider and staff.",
        parameters=[PREVIEW],
        request=None,
        responses={200: serializers.ReminderSerializer, **refusals(403, 409, 410)},
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        failed = self.get_object()
        message = self.perform(lambda: outbox.retry(message_id=failed.pk, actor=self.actor, now=self.now))
        return self.answer(serializers.ReminderSerializer, message)

    @extend_schema(summary="List delivery attempts", responses=serializers.AttemptSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=Pagination)
    def attempts(self, request: Request, pk: str) -> Response:
        message = self.get_object()
        page = self.paginate_queryset(message.attempts.all())
        context = {**self.get_serializer_context(), "message": message}
        rows = serializers.AttemptSerializer(page, many=True, context=context).data
        return self.get_paginated_response(rows)


@extend_schema_view(list=extend_schema(summary="List everyone's reminders"))
class AdminReminderViewSet(filters.WarnsOfPending, mixins.ListModelMixin, BookingViewSet):
    """All messages. Staff only."""

    serializer_class = serializers.ReminderSerializer
    filterset_class = filters.MessageFilter
    pagination_class = ChangesPagination
    changes_filters = frozenset({"kind"})
    filtered_actions = frozenset({"list", "replay"})
    timeless_actions = frozenset({"replay"})
    permission_classes = [IsAdminUser, ForStaff]
    permissions = {"GET": "reminders.view_message", "POST": "reminders.change_message"}

    def get_queryset(self) -> QuerySet[Message]:
        return Message.objects.select_related("reservation").with_causes(self.request.user).order_by("-due_at", "-pk")

    @extend_schema(
        summary="Resend failed reminders",
        description=(
            "Resends the failed messages in this list, with the same filters. Messages that would arrive too late "
            "to be useful stay failed."
        ),
        parameters=[PREVIEW],
        request=None,
        responses={200: serializers.ReplaySerializer, **refusals(400)},
        filters=True,
    )
    @action(detail=False, methods=["post"])
    def replay(self, request: Request) -> Response:
        chosen = self.filter_queryset(self.get_queryset())
        done = self.perform(lambda: outbox.retry_all(messages=chosen, actor=self.actor, now=self.now))
        return Response(done._asdict())


class AppointmentRemindersViewSet(filters.WarnsOfPending, BookingViewSet):
    """An appointment's reminders, and why others are missing."""

    timeless_actions = frozenset({"not_planned"})
    queryset = Message.objects.all()
    serializer_class = serializers.ReminderSerializer
    filterset_class = filters.MessageFilter
    pagination_class = ChangesPagination
    changes_filters = frozenset({"kind"})

    @extend_schema(summary="List an appointment's reminders", responses=serializers.ReminderSerializer(many=True))
    def list(self, request: Request, pk: str) -> Response:
        appointment = get_or_404(Appointment.objects.visible_to(request.user), pk=int(pk))
        mine = Message.objects.visible_to(request.user).select_related("reservation").with_outages(now=self.now)
        mine = mine.with_causes(request.user).filter(appointment=appointment)
        page = self.paginate_queryset(self.filter_queryset(mine.order_by("due_at", "pk")))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="List reminders that are not scheduled",
        description="For the provider and staff. Shows opt-outs only to those who may see them.",
        responses={200: serializers.NotPlannedSerializer(many=True), **refusals(403)},
        filters=False,
    )
    def not_planned(self, request: Request, pk: str) -> Response:
        appointment = get_or_404(Appointment.objects.visible_to(request.user), pk=int(pk))
        if not self.actor.runs(appointment.provider.pk, "reminders.view_message"):
            raise NotAllowed
        rows = not_planned(appointment, reader=request.user, now=self.now)
        return Response(serializers.NotPlannedSerializer(rows, many=True).data)
