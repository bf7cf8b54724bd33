"""`/api/v1/time-off` and `/api/v1/closures`: absences of a provider, and of the whole business."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.permissions import ForStaff
from booking.api.fields import InstantField, validate_year
from booking.availability import operations as availability
from booking.availability.api.changes import ChangeSerializer, ChangingViewSet, change_of
from booking.availability.api.filters import ClosureFilter, TimeOffFilter
from booking.models import Closure, TimeOff
from scheduler_project.common.api.fields import IdField, TimezoneField
from scheduler_project.common.api.schema import PREVIEW, refusals
from scheduler_project.common.api.serializers import ModelSerializer


class AbsenceSerializer(ModelSerializer[Any]):
    start_time = InstantField(source="starts_at", required=False, allow_null=True)
    end_time = InstantField(source="ends_at", required=False, allow_null=True)
    timezone = TimezoneField(required=False, write_only=True, help_text=_("Time zone of times sent without an offset."))

    class Meta:
        fields = ["id", "start_time", "end_time", "start_date", "end_date", "reason", "timezone"]
        extra_kwargs = {"start_date": {"validators": [validate_year]}, "end_date": {"validators": [validate_year]}}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.pop("timezone", None)
        return attrs


class TimeOffSerializer(AbsenceSerializer):
    fixed = ("provider",)
    provider = IdField(source="schedule.provider_id", required=False, help_text=_("Default: yourself."))

    class Meta(AbsenceSerializer.Meta):
        model = TimeOff
        fields = ["provider", *AbsenceSerializer.Meta.fields]


class ClosureSerializer(AbsenceSerializer):
    class Meta(AbsenceSerializer.Meta):
        model = Closure


TimeOffChangeSerializer = change_of(TimeOffSerializer, creates=True)
ClosureChangeSerializer = change_of(ClosureSerializer, creates=True)


@extend_schema_view(
    list=extend_schema(summary="List time off"),
    retrieve=extend_schema(summary="Get time off"),
)
class TimeOffViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ChangingViewSet):
    """Times when a provider is away."""

    queryset = TimeOff.objects.all()
    serializer_class = TimeOffSerializer
    filterset_class = TimeOffFilter

    def get_queryset(self) -> QuerySet[TimeOff]:
        return TimeOff.objects.visible_to(self.request.user).select_related("schedule")

    @extend_schema(
        summary="Add time off",
        parameters=[PREVIEW],
        responses={200: TimeOffChangeSerializer, 201: TimeOffChangeSerializer},
        examples=[
            OpenApiExample(
                "A week", {"start_date": "2027-08-02", "end_date": "2027-08-08", "reason": "Holiday"}, request_only=True
            )
        ],
    )
    def create(self, request: Request) -> Response:
        data = self.sent(TimeOffSerializer)
        provider_id = self.provider_asked_for(data.pop("schedule", {}).get("provider_id"))
        change = self.perform(
            lambda: availability.take_time_off(provider_id=provider_id, fields=data, actor=self.actor, now=self.now)
        )
        return self.made(change, status.HTTP_201_CREATED)

    @extend_schema(summary="Change time off", parameters=[PREVIEW], responses={200: TimeOffChangeSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        time_off = self.get_object()
        data = self.sent(TimeOffSerializer, instance=time_off, partial=True)
        data.pop("schedule", None)
        change = self.perform(
            lambda: availability.change_time_off(time_off=time_off, fields=data, actor=self.actor, now=self.now)
        )
        return self.made(change)

    def made(self, change: availability.AvailabilityChange, code: int = 200) -> Response:
        row = TimeOffSerializer(change.made, context=self.get_serializer_context()).data
        return self.changed(change, row, code)

    @extend_schema(
        summary="Delete time off",
        parameters=[PREVIEW],
        responses={200: ChangeSerializer, **refusals(400)},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        return self.changed(
            self.perform(lambda: availability.end_time_off(time_off=self.get_object(), actor=self.actor, now=self.now))
        )


@extend_schema_view(
    list=extend_schema(summary="List closures"),
    retrieve=extend_schema(summary="Get a closure"),
)
class ClosureViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ChangingViewSet):
    """Times when the whole business is closed. Staff only."""

    queryset = Closure.objects.order_by("start_date", "starts_at", "pk")
    serializer_class = ClosureSerializer
    filterset_class = ClosureFilter
    permission_classes = [IsAdminUser, ForStaff]
    permissions = {
        "GET": "booking.view_closure",
        "POST": "booking.add_closure",
        "DELETE": "booking.delete_closure",
    }

    @extend_schema(
        summary="Add a closure",
        parameters=[PREVIEW],
        responses={200: ClosureChangeSerializer, 201: ClosureChangeSerializer},
        examples=[
            OpenApiExample(
                "Christmas",
                {"start_date": "2027-12-24", "end_date": "2027-12-26", "reason": "Christmas"},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        data = self.sent(ClosureSerializer)
        close = availability.preview_closing if self.is_preview else availability.close_business
        change = close(fields=data, actor=self.actor, now=self.now)
        row = ClosureSerializer(change.made, context=self.get_serializer_context()).data
        return self.changed(change, row, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Delete closure",
        parameters=[PREVIEW],
        responses={200: ChangeSerializer, **refusals(400)},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        reopen = availability.preview_reopening if self.is_preview else availability.reopen_business
        return self.changed(reopen(closure=self.get_object(), actor=self.actor, now=self.now))
