"""`/api/admin/…`: for staff."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import ForStaff
from booking.api import filters
from booking.api.answers import AppointmentSerializer
from booking.api.base import BookingViewSet
from booking.models import Appointment
from booking.operations import reservations
from scheduler_project.common.api_serializers import Serializer
from scheduler_project.common.api_views import StrictView
from scheduler_project.common.idempotency import IdempotentMixin


class ExpiredSerializer(Serializer[Any]):
    expired = serializers.IntegerField(help_text=_("How many holds were past their end and not yet marked so."))


class ExpireReservationsView(IdempotentMixin, StrictView, APIView):
    """Expire overdue holds at once, as the sweeper does every few seconds. Staff only."""

    permission_classes = [IsAdminUser, ForStaff]
    permissions = {"POST": "booking.change_reservation"}

    @extend_schema(summary="Expire the holds that are past their end", request=None, responses=ExpiredSerializer)
    def post(self, request: Request) -> Response:
        return Response({"expired": reservations.expire_due(now=timezone.now())})


@extend_schema_view(list=extend_schema(summary="Everybody's appointments"))
class AdminAppointmentViewSet(mixins.ListModelMixin, BookingViewSet):
    """Every appointment there is. Staff only."""

    queryset = Appointment.objects.detailed().order_by("-reservation__starts_at", "-pk")
    serializer_class = AppointmentSerializer
    filterset_class = filters.AppointmentFilter
    permission_classes = [IsAdminUser, ForStaff]
    permissions = {"GET": "booking.view_appointment"}
