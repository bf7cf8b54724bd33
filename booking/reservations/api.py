"""`/api/v1/reservations`: holds and what became of them."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import ForStaff
from booking.api.base import BookingViewSet
from booking.api.fields import InstantField, OverrideField
from booking.appointments import operations as appointments
from booking.appointments.serializers import AppointmentSerializer
from booking.models import Reservation
from booking.reservations import operations as reservations
from booking.reservations.filters import ReservationFilter
from booking.reservations.serializers import ReservationSerializer
from scheduler_project.common.api.fields import IdField, TimezoneField
from scheduler_project.common.api.idempotency import IdempotentMixin
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.serializers import Serializer
from scheduler_project.common.api.views import StrictView
from scheduler_project.common.limits.throttling import site_network


class ReserveSlotSerializer(Serializer[Any]):
    client = IdField(required=False, help_text=_("For whom. Yourself, if left out."))
    service = IdField(required=False, help_text=_("Without one, the slot alone is held."))


class ReserveSerializer(ReserveSlotSerializer):
    provider = IdField()
    start_time = InstantField()
    end_time = InstantField(required=False, help_text=_("Instead of a service; for the provider and staff."))
    timezone = TimezoneField(required=False, help_text=_("For times sent without an offset."))
    override = OverrideField()


class ConfirmSerializer(Serializer[Any]):
    confirmed = serializers.BooleanField(help_text=_("True makes the appointment; false gives the time back."))


@extend_schema_view(
    list=extend_schema(summary="Reservations you may see"),
    retrieve=extend_schema(
        summary="One reservation",
        responses={200: ReservationSerializer, **refusals(400)},
    ),
)
class ReservationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Reservations: holds, and what became of them."""

    queryset = Reservation.objects.all()
    serializer_class = ReservationSerializer
    filterset_class = ReservationFilter

    def get_queryset(self) -> QuerySet[Reservation]:
        return (
            Reservation.objects.visible_to(self.request.user)
            .select_related("appointment")
            .order_by("-starts_at", "-pk")
        )

    @extend_schema(
        summary="Hold a time",
        request=ReserveSerializer,
        responses={201: ReservationSerializer, **refusals(403, 404, 409)},
        examples=[
            OpenApiExample(
                "Half past one in Berlin",
                {"provider": 1, "service": 1, "start_time": "2027-03-04T13:30:00+01:00"},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        data = self.sent(ReserveSerializer)
        reservation = reservations.reserve(
            provider_id=data["provider"],
            client_id=self.client_asked_for(data.get("client")),
            service_id=data.get("service"),
            starts_at=data["start_time"],
            ends_at=data.get("end_time"),
            overrides=data.get("override", ()),
            actor=self.actor,
            now=self.now,
            network=site_network(request),
        )
        return self.answer(ReservationSerializer, reservation, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Confirm a hold, or give it back",
        request=ConfirmSerializer,
        responses={200: AppointmentSerializer, **refusals(409, 410)},
        examples=[OpenApiExample("Confirm", {"confirmed": True}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        data = self.sent(ConfirmSerializer)
        if not data["confirmed"]:
            released = reservations.release(reservation_id=self.get_object().pk, actor=self.actor, now=self.now)
            return self.answer(ReservationSerializer, released)
        appointment = appointments.confirm(reservation_id=int(pk), actor=self.actor, now=self.now)
        return self.answer(AppointmentSerializer, appointment)

    @extend_schema(summary="Release a hold", responses={204: None, **refusals(409)})
    def destroy(self, request: Request, pk: str) -> Response:
        reservations.release(reservation_id=self.get_object().pk, actor=self.actor, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExpiredSerializer(Serializer[Any]):
    expired = serializers.IntegerField(help_text=_("How many holds were past their end and not yet marked so."))


class ExpireReservationsView(IdempotentMixin, StrictView, APIView):
    """Expire overdue holds at once, as the sweeper does every few seconds. Staff only."""

    permission_classes = [IsAdminUser, ForStaff]
    permissions = {"POST": "booking.change_reservation"}

    @extend_schema(summary="Expire the holds that are past their end", request=None, responses=ExpiredSerializer)
    def post(self, request: Request) -> Response:
        return Response({"expired": reservations.expire_due(now=timezone.now())})
